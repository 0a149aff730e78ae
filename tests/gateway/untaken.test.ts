import { expect, it, onTestFinished } from 'vitest';
import { untakenAlarms } from '../../gateway/uplink/untaken.ts';
import { openHere } from '../backing.ts';
import { temporaryDirectory } from '../helpers.ts';

it('alarms that nobody has taken or closed are found, the newest first', async () => {
  const journal = await openHere(temporaryDirectory());
  onTestFinished(() => journal.close().catch(() => {}));
  const append = async (id: string, type: string, data: object) => {
    const body = JSON.stringify({ id, type: `cn.campus.${type}`, time: '2026-11-28T15:30:00Z', data });
    await journal.append({ lane: 'urgent', id, type, seenAt: 0, device: 'panel', body });
  };
  for (const id of ['a', 'b', 'c', 'd']) await append(id, 'alarm.raised', { kind: 'panic' });
  await append('e', 'alarm.acknowledged', { acknowledged: { event: 'b', by: '王' } });
  await append('f', 'alarm.closed', { closed: { event: 'd' } });
  await append('g', 'alarm.restored', { kind: 'panic' });
  expect((await untakenAlarms(journal)).map(({ sequence, body }) => [sequence, JSON.parse(body).id])).toEqual(
    [
      [3, 'c'],
      [1, 'a'],
    ],
  );
});
