/** The backlog of a platform is what it wants and has not: no more, no less, and at the price of what is new. */
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { EventType } from '../../config/catalogue/events.ts';
import { type Lane, lanes } from '../../drivers/contract/lane.ts';
import type { Held, Journal } from '../../gateway/journal/index.ts';
import { createBacklog } from '../../gateway/uplink/backlog.ts';
import { openHere } from '../backing.ts';
import { runs } from '../fuzz.ts';
import { temporaryDirectory } from '../helpers.ts';

const types: Readonly<Record<'urgent' | 'normal', readonly [EventType, EventType]>> = {
  urgent: ['alarm.raised', 'alarm.restored'],
  normal: ['device.fault', 'device.online'],
};
const addressOf = ({ type, device }: { type: string; device: string }) =>
  `${type.slice(0, type.indexOf('.'))}/${device}`;
let made = 0;

async function campus(wanted: readonly string[] = ['alarm.raised', 'device.fault']) {
  const journal = await openHere(temporaryDirectory());
  onTestFinished(() => journal.close());
  const asked: [Lane, number, number][] = [];
  const counted: Pick<Journal, 'kinds' | 'last' | 'position' | 'held'> = {
    ...journal,
    async kinds(lane, after, upTo) {
      asked.push([lane, after, upTo]);
      return await journal.kinds(lane, after, upTo);
    },
  };
  const unsaved = new Map<string, { type: EventType }>();
  const takenUnsaved = new Set<string>();
  const wants = (type: string) => wanted.includes(type);
  const of = { uplink: 'police', journal: counted, recorder: { unsaved }, wants, takenUnsaved };
  const backlog = createBacklog(of);
  const append = (lane: Lane, type: string, device = 'd', seenAt = 1000) =>
    journal.append({ id: `b-${made++}`, lane, type, device, seenAt, body: '{}' });
  const hold = (address: string, lane: Lane, first: number, last = first) => {
    const held: Held = {
      ...{ uplink: 'police', topic: address, lane: lanes.indexOf(lane), first, last },
      ...{ reason: 'no', since: 1 },
    };
    journal.hold(held);
  };
  const deliver = (lane: Lane, sequence: number) =>
    journal.advance('police', lane, { sequence, sent: sequence });
  const look = async () => {
    await backlog.look();
    return backlog.now();
  };
  return { journal, backlog, asked, unsaved, takenUnsaved, append, hold, deliver, look };
}

describe('the backlog', () => {
  it('is what the platform wants, and since when it waits; what it does not want is none of it', async () => {
    const { append, look, deliver } = await campus();
    await append('urgent', 'alarm.restored');
    const { sequence: first } = await append('urgent', 'alarm.raised', 'd', 5000);
    const { sequence: second } = await append('urgent', 'alarm.raised', 'd', 7000);
    for (let i = 0; i < 40; i++) await append('normal', 'device.online');
    expect(await look()).toEqual({ events: 2, since: 5000 });
    deliver('urgent', first);
    expect(await look()).toEqual({ events: 1, since: 7000 });
    deliver('urgent', second);
    expect(await look()).toEqual({ events: 0, since: undefined });
  });

  it('has what is held because it was refused, of its own address', async () => {
    const { append, look, deliver, hold, backlog } = await campus();
    const { sequence: first } = await append('normal', 'device.fault', 'a', 3000);
    await append('normal', 'device.fault', 'b');
    const { sequence: last } = await append('normal', 'device.fault', 'a');
    deliver('normal', last);
    hold('device/a', 'normal', first, last);
    // Nobody can tell yet which of them are held: not too few.
    expect((await look()).events).toBe(3);
    backlog.meet(addressOf);
    expect(await look()).toEqual({ events: 2, since: 3000 });
    hold('device/a', 'normal', last, last);
    expect((await look()).events).toBe(1);
  });

  it('has one event that is refused alone, and alarms that only memory has', async () => {
    const { append, look, deliver, hold, unsaved, takenUnsaved, backlog } = await campus();
    const { sequence } = await append('normal', 'device.fault');
    deliver('normal', sequence);
    hold(`device/d\nnormal\n${sequence}`, 'normal', sequence);
    unsaved.set('x', { type: 'alarm.raised' });
    unsaved.set('y', { type: 'alarm.restored' });
    expect((await look()).events).toBe(2);
    // Each in the lane in which it will go.
    expect(backlog.byLane()).toEqual({
      urgent: { events: 1, since: undefined },
      normal: { events: 1, since: 1 },
      bulk: { events: 0, since: undefined },
    });
    takenUnsaved.add('x');
    expect((await look()).events).toBe(1);
  });

  it('looks at what is new only, a little at a time', async () => {
    const { append, look, asked, deliver } = await campus();
    let last = 0;
    await Promise.all(
      Array.from({ length: 12_000 }, async (_, i) => {
        const { sequence } = await append('normal', i % 2 === 0 ? 'device.fault' : 'device.online');
        last = Math.max(last, sequence);
      }),
    );
    expect((await look()).events).toBe(6000);
    for (const [, after, upTo] of asked) expect(upTo - after).toBeLessThanOrEqual(5000);
    asked.length = 0;
    const { sequence } = await append('normal', 'device.fault');
    expect((await look()).events).toBe(6001);
    expect(asked).toEqual([['normal', last, sequence]]);
    asked.length = 0;
    await look();
    expect(asked).toEqual([]);
    deliver('normal', last - 1000);
    expect((await look()).events).toBe(501);
    expect(asked).toEqual([['normal', last - 1000, expect.any(Number)]]);
    asked.length = 0;
    deliver('normal', sequence);
    expect((await look()).events).toBe(0);
    expect(asked).toEqual([]);
  });

  it('counts too much rather than too little while the disk tells nothing', async () => {
    const { append, look, journal, backlog } = await campus();
    for (let i = 0; i < 3; i++) await append('normal', 'device.online');
    expect(backlog.now()).toEqual({ events: 3, since: undefined });
    await journal.close();
    expect(await look()).toEqual({ events: 3, since: undefined });
  });
});

describe('the backlog, whatever happened in which order,', () => {
  it('is what one finds who reads all of it', async () => {
    const lane = fc.constantFrom('urgent' as const, 'normal' as const);
    const step = fc.oneof(
      fc.record({ is: fc.constant('append' as const), lane, which: fc.nat(1), device: fc.nat(2) }),
      fc.record({ is: fc.constant('deliver' as const), lane, share: fc.nat(100) }),
      fc.record({ is: fc.constant('remove' as const), lane, limit: fc.nat(5) }),
      fc.record({ is: fc.constant('look' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { journal, append, deliver, backlog, look } = await campus();
        for (const one of steps) {
          if (one.is === 'append')
            await append(one.lane, types[one.lane][one.which] as string, `${one.device}`);
          if (one.is === 'look') await look();
          if (one.is === 'deliver') {
            const { sequence: from } = journal.position('police', one.lane);
            const to = from + Math.floor(((journal.last(one.lane) - from) * one.share) / 100);
            if (to > from) deliver(one.lane, to);
          }
          if (one.is === 'remove' && one.limit > 0) {
            await journal.remove({ lane: one.lane, after: 0, limit: one.limit, uplinks: [] });
            backlog.recount();
          }
        }
        let expected = 0;
        for (const name of lanes) {
          const { sequence: cursor } = journal.position('police', name);
          const all = await journal.readBack(name, Number.MAX_SAFE_INTEGER, 1000);
          const waits = all.filter(({ sequence }) => sequence > cursor);
          expected += waits.filter(({ type }) => ['alarm.raised', 'device.fault'].includes(type)).length;
        }
        expect((await look()).events).toBe(expected);
        await journal.close();
      }),
      { numRuns: runs(25) },
    );
  });
});
