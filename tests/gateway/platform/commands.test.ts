/** Commands that wait for their answers: one campus that never answers takes no place of another. */
import { expect, it } from 'vitest';
import { createCommands } from '../../../gateway/platform/consumer/commands.ts';
import { manualClock } from '../../clocks.ts';

it('lets a campus that never answers have so many open, and asks others nonetheless', async () => {
  const sent: { topic: string; id: string }[] = [];
  const time = manualClock(0);
  const commands = createCommands({
    publish: async (topic, payload) => {
      sent.push({ topic, id: (JSON.parse(payload) as { id: string }).id });
    },
    time,
  });
  const ask = (campus: string) => commands.command(`campus/v1/${campus}`, 'gateway', 'replay', {});
  const mute = Array.from({ length: 6000 }, () => ask('mute').catch(({ message }: Error) => message));
  const answered = ask('other');
  await time.advance(0);
  const { id } = sent.find(({ topic }) => topic === 'campus/v1/other/command/gateway') as { id: string };
  commands.onReply({ id, done: true });
  expect(await answered).toEqual({ id, done: true });
  await time.advance(61_000);
  const reasons = await Promise.all(mute);
  expect(reasons.filter((one) => one === 'too many commands wait')).toHaveLength(5800);
  // Their places are free again.
  const again = ask('mute');
  commands.close();
  await expect(again).rejects.toThrow('the platform ends');
});
