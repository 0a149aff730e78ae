/** Brokers that let nothing be subscribed to for a while, as nodes of clusters do while another is away: events go on. */
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../drivers/contract/clock.ts';
import { fastClock, manualClock } from '../clocks.ts';
import { scriptedBroker } from '../scripted-broker.ts';
import { campus } from './campus.ts';

const button = { zone: { number: 9 } };
const ACK = 'campus/v1/45/ack';

/** A campus at a broker that answers SUBSCRIBEs so; `asked` has them, in their order. */
async function at(
  script: (filter: string, qos: number, clientId: string) => 'close' | 'refuse' | undefined,
  time: Clock = fastClock(8),
) {
  const asked: string[] = [];
  const broker = await scriptedBroker({
    onSubscribe(filter, qos, clientId) {
      asked.push(`${clientId} ${filter.replace('campus/v1/45/', '')} ${qos}`);
      return script(filter, qos, clientId);
    },
  });
  const options = { receipts: true, receiptTimeout: '1h', reconnectSpread: '5m', keepalive: '5m' };
  const one = await campus(broker.port, options, undefined, { time });
  return { ...one, broker, asked };
}
const held = ({ uplink }: Awaited<ReturnType<typeof at>>) => uplink.state().held;

describe('a broker that closes the connection', () => {
  it('at each SUBSCRIBE with QoS 1 is asked with QoS 0, at once, and no address of an event is held', async () => {
    const one = await at((_filter, qos) => (qos === 1 ? 'close' : undefined));
    const { id } = await one.record('panic', button);
    expect((await one.broker.events.next()).body.id).toBe(id);
    await one.broker.subscribed(ACK);
    expect(one.asked.slice(0, 3)).toEqual([
      '45-police identity 1',
      '45-police identity 0',
      '45-police ack 0',
    ]);
    expect([one.broker.connects(), held(one)]).toEqual([2, []]);
  });

  it('at each SUBSCRIBE of our client id is asked under another one', async () => {
    const one = await at((_filter, _qos, clientId) => (clientId === '45-police' ? 'close' : undefined));
    await one.record('panic', button);
    await one.broker.events.next();
    await one.broker.subscribed(ACK);
    expect(one.asked.at(2)).toBe('45-police-2 identity 1');
    expect([one.broker.connects(), held(one)]).toEqual([3, []]);
  });

  it('at each SUBSCRIBE gets the events all the same, says which topics are left out, and is asked again', async () => {
    let closes = true;
    const time = manualClock();
    const one = await at(() => (closes ? 'close' : undefined), time);
    const { id } = await one.record('panic', button);
    expect((await one.broker.events.next()).body.id).toBe(id);
    // Three ways for the first topic; the others need not be tried in each.
    const topics = () => held(one).map(({ topic }) => topic.replace('campus/v1/45/', ''));
    await expect.poll(topics).toEqual(['identity', 'ack', 'command/+']);
    await expect.poll(() => one.broker.connects()).toBe(6);
    closes = false;
    await time.advance(60_000);
    await expect.poll(topics).toEqual(['identity']);
    expect(one.broker.connects()).toBe(6);
    await time.until(one.close(0));
  });
});

it('a topic that is refused is asked for again, and shown until then; its receipts count', async () => {
  let refused = 0;
  const one = await at((filter) => (filter === ACK && ++refused <= 3 ? 'refuse' : undefined));
  await one.record('panic', button);
  const { body } = await one.broker.events.next();
  await expect.poll(() => held(one)).toMatchObject([{ topic: ACK, reason: /refuses/ }]);
  await one.broker.subscribed(ACK);
  one.broker.send(ACK, { journal: one.journal.id, urgent: body.sequence });
  await expect.poll(() => one.journal.position('police', 'urgent').sequence).toBe(Number(body.sequence));
  expect([one.broker.connects(), refused, held(one)]).toEqual([1, 4, []]);
});
