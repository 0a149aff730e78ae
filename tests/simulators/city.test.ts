import { version } from 'uuid';
import { describe, expect, it, onTestFinished } from 'vitest';
import { reportOf } from '../../gateway/cli/simulate/city.ts';
import { createCampus } from '../../simulators/city/campus.ts';
import { idOf, type Made, messageOf } from '../../simulators/city/events.ts';
import { schoolOf } from '../../simulators/city/places.ts';
import { seeded } from '../../simulators/city.ts';
import { fastClock } from '../clocks.ts';
import { freePort } from '../free-port.ts';
import { scriptedBroker } from '../scripted-broker.ts';
import { wrongIn } from './event-schemas.ts';

const journal = '0dd2c1f4-8a53-4a3e-9d0e-5b1f7f6c2a10';
const at = Date.parse('2026-11-29T02:00:00.123Z');

describe('an event of a simulated city', () => {
  it.each([
    ['urgent', 'alarm.raised', 'event/alarm/perimeter-panel'],
    ['normal', 'video.motion', 'event/video/yard'],
  ] as const)('of the lane %s is one of the contract', (lane, type, topic) => {
    const event: Made = { lane, sequence: 12, previous: 9, at };
    const message = messageOf('4503000001', journal, event);
    expect(message.topic).toBe(topic);
    expect(wrongIn(type, JSON.parse(message.payload))).toBeNull();
  });

  it('has the same id whenever it is sent, in the form of a UUID of its time, and no other has it', () => {
    const event: Made = { lane: 'normal', sequence: 1, previous: 0, at };
    const id = idOf(journal, event);
    expect(idOf(journal, { ...event })).toBe(id);
    expect(version(id)).toBe(7);
    // RFC 9562, 5.7: the first 48 bits are the time.
    expect(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toBe(at);
    expect(idOf(journal, { ...event, sequence: 2 })).not.toBe(id);
  });

  it('is made by chance that a seed makes again', () => {
    const [one, same, other] = [seeded(7), seeded(7), seeded(8)];
    const first = [one(), one(), one()];
    expect([same(), same(), same()]).toEqual(first);
    expect(other()).not.toBe(first[0]);
    expect(first.every((x) => x >= 0 && x < 1)).toBe(true);
  });
});

describe('a simulated campus', () => {
  const school = schoolOf('4503000001', 0, () => 0);
  const live = (urls: readonly string[]) => {
    const campus = createCampus({
      ...{ urls, id: '4503000001', receipts: false, mqtt: {}, time: fastClock(20), random: () => 0, school },
      onDelivered() {},
    });
    onTestFinished(() => campus.close());
    return campus;
  };

  it('goes on to the next address where one is dead, and asks with QoS 0, for which no cluster keeps anything', async () => {
    const asked: number[] = [];
    const broker = await scriptedBroker({
      onSubscribe(_filter, qos) {
        asked.push(qos);
        return qos === 1 ? 'close' : undefined;
      },
    });
    const campus = live([`mqtt://127.0.0.1:${await freePort()}`, `mqtt://127.0.0.1:${broker.port}`]);
    campus.make('normal');
    await broker.subscribed('campus/v1/4503000001/ack');
    await broker.events.next();
    expect(asked).toEqual([0, 0]);
  });

  it('asks again where a SUBSCRIBE is refused', async () => {
    let times = 0;
    const broker = await scriptedBroker({ onSubscribe: () => (times++ === 0 ? 'refuse' : undefined) });
    live([`mqtt://127.0.0.1:${broker.port}`]);
    await broker.subscribed('campus/v1/4503000001/ack');
    expect(broker.connects()).toBe(1);
  });
});

it('says what to look at where nothing of a city was delivered', () => {
  const none = { count: 0, p50: 0, p99: 0, most: 0 };
  const report = {
    ...{ made: 15, undelivered: 15, lost: undefined, twice: undefined, backAfterMs: undefined },
    ...{ delivery: none, alarms: none, lateness: none, isSettled: false },
    desk: { raised: 0, taken: 0, closed: 0 },
  };
  const said = (delivered: number) => reportOf({ ...report, delivered }, true).join('\n');
  expect(said(0)).toContain('may this user of the broker write and read all of campus/v1?');
  expect(said(1)).not.toContain('user');
});
