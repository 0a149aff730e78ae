/** The city's database, as far as it needs none: what came as it can be kept, chains in memory, words, states. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Received } from '../../../gateway/platform/contract.ts';
import { additionsOf, entriesOf } from '../../../gateway/platform/database/batch.ts';
import { walk } from '../../../gateway/platform/database/chains.ts';
import { keyOf, placeOf, rowOf, textOf, timeOf } from '../../../gateway/platform/database/fields.ts';
import { payloadsOf, toldOf } from '../../../gateway/platform/database/notify.ts';
import { monthsAfter } from '../../../gateway/platform/database/partitions.ts';
import { type CampusFacts, isRepeating, stateOf } from '../../../gateway/platform/database/state.ts';
import { wordsOf } from '../../../gateway/platform/database/words.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes)),
  fc.constantFrom('\0', '\ud800', 'x\udc00', '\ud83d\ude00'),
);

test('keeps text that PostgreSQL can keep as it is, and makes the rest so', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const kept = textOf(text);
      expect(kept.isWellFormed() && !kept.includes('\0')).toBe(true);
      if (text.isWellFormed() && !text.includes('\0')) expect(kept).toBe(text);
    }),
  );
  expect(textOf('a\0\ud800b\ud83d\ude00')).toBe('a\\u0000\\ud800b\ud83d\ude00');
});

test('keys are bounded, and tell apart what is apart', () => {
  fc.assert(
    fc.property(anyText, anyText, fc.integer({ min: 0, max: 300 }), (one, other, more) => {
      const [first, second] = [one + 'x'.repeat(more), other + 'x'.repeat(more)];
      expect(Buffer.byteLength(keyOf(first))).toBeLessThan(850);
      expect(keyOf(first) === keyOf(second)).toBe(first === second);
    }),
  );
});

test('the same id has the same place always, whatever it is', () => {
  // RFC 9562, appendix A.6: 2022-02-22T19:22:22Z.
  const id = '017F22E2-79B0-7CC3-98C4-DC0C0C07398F';
  expect(placeOf(id)).toEqual({ id: id.toLowerCase(), month: 202202 });
  expect(placeOf('919108f7-52d1-4320-9bac-f847db4148a8').month).toBe(0);
  fc.assert(
    fc.property(anyText, (text) => {
      const place = placeOf(text);
      expect(place.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
      expect(placeOf(text)).toEqual(place);
    }),
  );
  expect(placeOf('one').id).not.toBe(placeOf('two').id);
});

test('knows times of calendars only', () => {
  expect(timeOf('2026-11-29T08:00:00.123Z')).toBe(Date.UTC(2026, 10, 29, 8, 0, 0, 123));
  for (const none of [undefined, '', 'yesterday', '+123456-01-01T00:00:00Z', '-000001-01-01T00:00:00Z'])
    expect(timeOf(none)).toBeNull();
});

test('counts months over years', () => {
  expect([-24, -11, 0, 1, 2, 14].map((count) => monthsAfter(202611, count))).toEqual([
    202411, 202512, 202611, 202612, 202701, 202801,
  ]);
});

test('follows a chain as far as it goes, in whatever order its places are', () => {
  const chain = fc
    .uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 50 })
    .map((numbers) => numbers.toSorted((one, other) => one - other))
    .map((numbers) => numbers.map((sequence, at) => ({ sequence, previous: numbers[at - 1] ?? 0 })));
  fc.assert(
    fc.property(chain, fc.infiniteStream(fc.boolean()), fc.nat(), (places, kept, seed) => {
      const there = places.filter(() => kept.next().value);
      const hole = places.findIndex((place) => !there.includes(place));
      const complete = hole < 0 ? places.length : hole;
      const upTo = places[complete - 1]?.sequence ?? 0;
      const turned = there.map((_, at) => there[(at + seed) % there.length] as (typeof there)[number]);
      const walked = walk(0, [...turned, ...there]);
      expect(walked.upTo).toBe(upTo);
      expect(walked.beyond.toSorted((one, other) => one.previous - other.previous)).toEqual(
        there.filter(({ previous }) => previous > upTo),
      );
    }),
  );
  // What cannot be: a number that is none of a chain, or goes back.
  expect(
    walk(5, [
      { sequence: 5, previous: 9 },
      { sequence: 9, previous: 4 },
    ]),
  ).toEqual({ upTo: 5, beyond: [] });
});

test('packs what changed into few words that PostgreSQL takes, or says to read anew', () => {
  const uuid = (index: number) => `00000000-0000-7000-8000-${index.toString(16).padStart(12, '0')}`;
  for (const count of [0, 1, 120, 900, 5000]) {
    const ids = Array.from({ length: count }, (_, index) => uuid(index));
    const alarms = ids.map((id) => ({ id, campus: '4503000001' }));
    const payloads = payloadsOf([...alarms, ...alarms], ['4503000001']);
    for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(8000);
    const told = payloads.flatMap(toldOf);
    if (count === 5000) expect(told).toEqual([{ what: 'missed' }]);
    else
      expect(told).toEqual([
        ...alarms.map((alarm) => ({ what: 'alarm', ...alarm })),
        { what: 'campus', id: '4503000001' },
      ]);
  }
  expect(toldOf('what another version says')).toEqual([{ what: 'missed' }]);
  // Of which campus is not said.
  expect(toldOf(`alarm\n${uuid(1)}`)).toEqual([{ what: 'missed' }]);
});

test('reads what events say of alarms, whatever is in them', () => {
  const types = [
    'alarm.raised',
    'alarm.restored',
    'alarm.acknowledged',
    'alarm.closed',
    'alarm.new',
    'device.fault',
  ];
  const data = fc.record(
    {
      kind: fc.anything(),
      device: fc.anything(),
      zone: fc.anything(),
      details: fc.anything(),
      acknowledged: fc.anything(),
      test: fc.anything(),
    },
    { requiredKeys: [] },
  );
  const body = fc.oneof(
    anyText,
    fc.json(),
    data.map((one) => JSON.stringify({ data: one }) ?? ''),
  );
  fc.assert(
    fc.property(fc.constantFrom(...types), body, (type, text) => {
      const event: Received = {
        prefix: 'campus/v1/1',
        id: placeOf(text).id,
        type: `cn.campus.${type}`,
        time: '',
        journal: 'one',
        lane: 'urgent',
        sequence: 1,
        previous: 0,
        body: text,
        receivedAt: 0,
      };
      const words = wordsOf(entriesOf([rowOf(event)], () => ({ chain: 1, campus: 1 })));
      // An alarm is one, whatever it says.
      expect(words.raised).toHaveLength(type === 'alarm.raised' ? 1 : 0);
      for (const { shown, place } of words.raised) {
        expect(JSON.parse(shown)).toMatchObject({
          kind: expect.any(String),
          device: { id: expect.any(String) },
        });
        expect(place.includes('\0')).toBe(false);
      }
    }),
  );
});

test('says how a campus is', () => {
  const now = 1_000_000_000;
  const facts: CampusFacts = {
    presenceState: 'online',
    presenceAt: now - 10,
    stateSince: now - 1000,
    isStopped: false,
    isRepeating: false,
    lastEventAt: now - 5,
    livedAt: now - 5,
    listenedSince: null,
    listenedUntil: null,
    withdrawnAt: null,
    gapSince: null,
    lostAt: null,
    synchronised: true,
    troubles: {},
  };
  const of = (more: Partial<CampusFacts>) => {
    const { state, reasons, since } = stateOf({ ...facts, ...more }, now);
    return [state, ...reasons, since === null ? 'never' : since - now].join(' ');
  };
  expect(of({})).toBe('online -1000');
  expect(of({ withdrawnAt: now - 7 })).toBe('withdrawn -7');
  expect(of({ presenceState: null, presenceAt: null, lastEventAt: null })).toBe('unknown never');
  expect(of({ presenceState: 'offline' })).toBe('silent offline -1000');
  // What waited in a queue of the broker came since, and happened before.
  expect(of({ presenceState: 'offline', presenceAt: now - 90_000, livedAt: now - 95_000 })).toBe(
    'silent offline -1000',
  );
  // As much as its clock may be ahead of ours.
  expect(of({ presenceState: 'offline', presenceAt: now - 90_000, livedAt: now - 35_000 })).toBe(
    'silent offline -1000',
  );
  expect(of({ presenceState: 'offline', presenceAt: now - 90_000, livedAt: now - 25_000 })).toBe(
    'online -1000',
  );
  expect(of({ presenceState: 'offline', lastEventAt: null, isStopped: true })).toBe('silent stopped -1000');
  expect(of({ gapSince: now - 29_000 })).toBe('online -1000');
  expect(of({ gapSince: now - 31_000, synchronised: false, troubles: { storage: now - 9 } })).toBe(
    'degraded gap clock storage -31000',
  );
  expect(of({ lostAt: now - 3 })).toBe('degraded lost -3');
  const old = now - 27 * 3_600_000;
  expect(of({ presenceAt: old, lastEventAt: now, livedAt: old - 5 })).toBe(`silent quiet ${old - now}`);
  // A clock that is wrong tells nothing but that something came.
  expect(of({ presenceAt: old, livedAt: old - 5, synchronised: false })).toBe('degraded clock -5');
  expect(of({ presenceAt: old, livedAt: null })).toBe('online -1000');
  // One that says each ten minutes that it is there, and does not.
  const late = now - 26 * 60_000;
  const dead = { isRepeating: true, presenceAt: late, livedAt: late - 5, lastEventAt: now };
  expect(of(dead)).toBe(`silent quiet ${late - now}`);
  expect(of({ ...dead, isRepeating: false })).toBe('online -1000');
  expect(of({ ...dead, livedAt: now - 60_000 })).toBe('online -1000');
  // Nobody listened, or nobody does now.
  expect(of({ ...dead, listenedSince: now - 60_000, listenedUntil: now })).toBe('online -1000');
  expect(of({ ...dead, listenedSince: 0, listenedUntil: now - 120_000 })).toBe('online -1000');
  expect(['1.7.0', undefined, 'x', '1.8.0', '1.10', '2.0.0'].map(isRepeating)).toEqual([
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
});

test('takes from events when a campus was there, and no more than they can say', () => {
  const receivedAt = Date.UTC(2026, 10, 29, 8);
  const lived = (time: string, more = '') => {
    const body = JSON.stringify({ time }) + more;
    const event: Received = {
      ...{
        prefix: 'campus/v1/1',
        id: 'x',
        type: 't',
        journal: 'j',
        lane: 'normal',
        sequence: 1,
        previous: 0,
      },
      ...{ time, body, receivedAt },
    };
    const keyOf = () => ({ chain: 1, campus: 1 });
    const [fresh] = additionsOf([rowOf(event)], keyOf, () => true);
    const [again] = additionsOf([rowOf(event)], keyOf, () => false);
    expect(again?.livedAt).toBeNull();
    return fresh?.livedAt === null ? null : (fresh?.livedAt ?? 0) - receivedAt;
  };
  expect(lived('2026-11-29T07:00:00Z')).toBe(-3_600_000);
  // A clock that is a little ahead, and one that is wrong.
  expect(lived('2026-11-29T08:05:00Z')).toBe(0);
  expect(lived('2026-11-29T09:00:00Z')).toBeNull();
  expect(lived('yesterday')).toBeNull();
  expect(lived('2026-11-29T07:00:00Z', '{"synchronised":false}')).toBeNull();
});
