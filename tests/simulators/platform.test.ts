import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { parseEvent } from '../../simulators/platform.ts';
import { openPlatformStore, type Received } from '../../simulators/platform-store.ts';
import { temporaryDirectory } from '../helpers.ts';

const event = (sequence: number, previous: number, more: Partial<Received> = {}): Received => ({
  prefix: 'campus/v1/45',
  id: `id-${sequence}`,
  type: 'cn.campus.device.fault',
  time: '2026-11-24T08:00:00.000Z',
  journal: 'j',
  lane: 'normal',
  sequence,
  previous,
  body: '{}',
  ...more,
});
function store() {
  const opened = openPlatformStore(join(temporaryDirectory(), 'platform.sqlite'));
  onTestFinished(() => void opened.close());
  return opened;
}

describe('the store of a platform', () => {
  it('keeps each event once, and gives a receipt up to where nothing is missing', () => {
    const platform = store();
    expect(platform.take([event(1, 0), event(3, 1)]).receipts).toMatchObject([{ upTo: 3 }]);
    // 7 names 5, which did not come.
    expect(platform.take([event(7, 5)]).receipts).toEqual([]);
    expect(platform.take([event(3, 1)]).fresh).toEqual([]);
    // It fills the gap: all after it is complete too.
    expect(platform.take([event(5, 3)]).receipts).toMatchObject([{ upTo: 7 }]);
    expect(platform.counts()).toMatchObject({ events: 4, duplicates: 1, open: 0, closed: 1 });
  });

  it('gives the receipt again where something comes again: the first may be lost', () => {
    const platform = store();
    platform.take([event(1, 0), event(2, 1)]);
    expect(platform.take([event(1, 0)]).receipts).toMatchObject([{ upTo: 2 }]);
    // Of a lane of which nothing is complete there is none.
    platform.take([event(9, 7, { lane: 'bulk' })]);
    expect(platform.take([event(9, 7, { lane: 'bulk' })]).receipts).toEqual([]);
  });

  it('gives the same receipt in whatever order events come', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 8 }), (order) => {
        const platform = openPlatformStore(':memory:');
        const chain = order.map((i) => event(10 * (i + 1), 10 * i));
        const receipts = chain.flatMap((one) => platform.take([one]).receipts);
        platform.close();
        expect(receipts.at(-1)?.upTo).toBe(80);
        expect(receipts.map(({ upTo }) => upTo)).toEqual(
          [...receipts.map(({ upTo }) => upTo)].sort((a, b) => a - b),
        );
      }),
    );
  });

  it('tells campuses, lanes and journals apart', () => {
    const platform = store();
    platform.take([event(1, 0), event(2, 0, { lane: 'urgent' }), event(1, 0, { id: 'x', journal: 'k' })]);
    expect(platform.positions()).toHaveLength(3);
  });

  it('keeps an event of each campus that uses an id, whoever was first', () => {
    const platform = store();
    const other = { prefix: 'campus/v1/46' };
    expect(platform.take([event(7, 0, { ...other, id: 'id-1' })]).fresh).toHaveLength(1);
    expect(platform.take([event(1, 0)])).toMatchObject({ fresh: [{ prefix: 'campus/v1/45' }] });
    // A new numbering of one of them leaves the other's as it is.
    platform.take([event(9, 0, { ...other, id: 'id-1', journal: 'k' })]);
    expect(platform.take([event(2, 1)]).receipts).toMatchObject([{ upTo: 2 }]);
    expect(platform.find(({ prefix, id }) => id === 'id-1' && prefix === 'campus/v1/45')).toMatchObject({
      ...{ sequence: 1, journal: 'j' },
    });
    expect(platform.counts().events).toBe(3);
  });

  it('goes on with a file of before, which knew events by their ids alone', () => {
    const file = join(temporaryDirectory(), 'platform.sqlite');
    const before = new Database(file);
    before.exec(`CREATE TABLE event (
        id TEXT PRIMARY KEY, prefix TEXT NOT NULL, journal TEXT NOT NULL, lane TEXT NOT NULL,
        sequence INTEGER NOT NULL, previous INTEGER NOT NULL,
        type TEXT NOT NULL, time TEXT NOT NULL, received_at INTEGER NOT NULL, body TEXT NOT NULL
      ) STRICT;
      CREATE INDEX event_chain ON event (prefix, journal, lane, previous);
      INSERT INTO event VALUES ('id-1', 'campus/v1/45', 'j', 'normal', 1, 0, 't', 'now', 5, '{}');`);
    before.close();
    for (const fresh of [1, 0]) {
      const platform = openPlatformStore(file);
      const other = event(1, 0, { prefix: 'campus/v1/46' });
      expect(platform.take([event(1, 0), other]).fresh).toHaveLength(fresh);
      expect(platform.counts().events).toBe(2);
      platform.close();
    }
  });

  it('follows a new numbering: what it has already takes its place there, and is no event twice', () => {
    const platform = store();
    platform.take([event(1, 0), event(2, 1), event(3, 2)]);
    // The gateway had no receipt for 2 and 3: they come again at the beginning of another chain.
    const again = platform.take([
      event(2, 0, { journal: 'k' }),
      event(3, 2, { journal: 'k' }),
      event(4, 3, { journal: 'k' }),
    ]);
    expect(again.fresh.map(({ id }) => id)).toEqual(['id-4']);
    expect(again.receipts).toMatchObject([{ journal: 'k', upTo: 4 }]);
    expect(platform.counts()).toMatchObject({ events: 4, duplicates: 2, open: 0 });
  });

  it('takes an alarm from a failing disk, and its number later', () => {
    const platform = store();
    expect(platform.take([event(0, 0, { id: 'alarm' })]).fresh).toHaveLength(1);
    const { fresh, receipts } = platform.take([event(1, 0, { id: 'alarm' })]);
    expect(fresh).toEqual([]);
    expect(receipts).toMatchObject([{ upTo: 1 }]);
  });

  it('asks for a gap that stays, and in the end goes on without it', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const platform = store();
    platform.take([event(1, 0), event(9, 5)]);
    expect(platform.gaps().ask).toEqual([]);
    for (let i = 0; i < 6; i++) {
      vi.advanceTimersByTime(11_000);
      expect(platform.gaps().ask).toMatchObject([{ after: 1, upTo: 5 }]);
    }
    vi.advanceTimersByTime(11_000);
    expect(platform.gaps().receipts).toMatchObject([{ upTo: 9 }]);
    expect(platform.counts()).toMatchObject({ lost: 1 });
  });
});

describe('what is no event', () => {
  it('is told from one, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.uint8Array()), (input) => {
        const payload = typeof input === 'string' ? Buffer.from(input) : Buffer.from(input);
        expect(parseEvent('campus/v1/45/event/alarm/d', payload)).toBeUndefined();
      }),
    );
  });
});
