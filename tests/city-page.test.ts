/** The pure parts of the city's page: where campuses are, what is one mark, what comes first, and its words. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contactRoles } from '../drivers/contract/campus.ts';
import { actReasons, campusStates } from '../gateway/platform/views.ts';
import { boxOf, clustersOf, hullOf, lookAt, moved, zoomed } from '../gateway/platform/web/clusters.ts';
import { gcj02Of, metresPerUnit, pointOf, wgs84Of } from '../gateway/platform/web/geo.ts';
import {
  alarmOrder,
  campusOrders,
  districtsOf,
  fitsAlarm,
  inShares,
  latenessOf,
  levelOf,
  levelOfDistrict,
  levels,
  shownOf,
} from '../gateway/platform/web/order.ts';
import * as words from '../gateway/platform/web/words/city.ts';
import { alarmOf, campusOf } from './a-city.ts';
import { runs } from './fuzz.ts';

describe('coordinates', () => {
  // Those of googollee/eviltransform's own tests, which every implementation is held against.
  const published = [
    { of: 'Shanghai', wgs: [31.1774276, 121.5272106], gcj: [31.17530398364597, 121.531541859215] },
    { of: 'Shenzhen', wgs: [22.543847, 113.912316], gcj: [22.540796131694766, 113.9171764808363] },
    { of: 'Beijing', wgs: [39.911954, 116.377817], gcj: [39.91334545536069, 116.38404722455657] },
  ] as const;

  it.each(published)('are shifted by GCJ-02 as published: $of', ({ wgs, gcj }) => {
    const [latitude, longitude] = wgs;
    const found = gcj02Of({ latitude, longitude });
    expect(found.latitude).toBeCloseTo(gcj[0], 9);
    expect(found.longitude).toBeCloseTo(gcj[1], 9);
    const back = wgs84Of({ latitude: gcj[0], longitude: gcj[1], datum: 'GCJ-02' });
    expect(back.latitude).toBeCloseTo(latitude, 8);
    expect(back.longitude).toBeCloseTo(longitude, 8);
  });

  it('are as they are outside of China, and where they are WGS 84', () => {
    for (const place of [
      { latitude: 52.52, longitude: 13.405 },
      { latitude: -33.86, longitude: 151.2 },
    ]) {
      expect(gcj02Of(place)).toEqual(place);
      expect(wgs84Of({ ...place, datum: 'GCJ-02' })).toEqual(place);
    }
    expect(wgs84Of({ latitude: 25.2, longitude: 110.2, datum: 'WGS 84' })).toEqual({
      latitude: 25.2,
      longitude: 110.2,
    });
  });

  it('come back from GCJ-02 to less than a millimetre, all over the country', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 18, max: 53, noNaN: true }),
        fc.double({ min: 74, max: 135, noNaN: true }),
        (latitude, longitude) => {
          const back = wgs84Of({ ...gcj02Of({ latitude, longitude }), datum: 'GCJ-02' });
          expect(Math.abs(back.latitude - latitude)).toBeLessThan(1e-8);
          expect(Math.abs(back.longitude - longitude)).toBeLessThan(1e-8);
        },
      ),
      { numRuns: runs(500) },
    );
  });

  it('are in the plane as Web Mercator has them (EPSG:3857)', () => {
    // The EPSG's own example of method 1024: 24°22'54.433"N 100°20'00.000"W is E -11169055.58, N 2800000.00.
    const { x, y } = pointOf({ latitude: 24 + 22 / 60 + 54.433 / 3600, longitude: -(100 + 20 / 60) });
    const round = 2 * Math.PI * 6_378_137;
    expect((x - 0.5) * round).toBeCloseTo(-11_169_055.58, 1);
    expect((0.5 - y) * round).toBeCloseTo(2_800_000, 1);
    expect(metresPerUnit(0.5)).toBeCloseTo(40_075_016.686, 2);
    expect(metresPerUnit(pointOf({ latitude: 60, longitude: 0 }).y) / 40_075_016.686).toBeCloseTo(0.5, 9);
  });
});

const point = fc.record({
  x: fc.double({ min: 0, max: 1, noNaN: true }),
  y: fc.double({ min: 0, max: 1, noNaN: true }),
});
const look = fc.record({
  x: fc.double({ min: 0, max: 1, noNaN: true }),
  y: fc.double({ min: 0, max: 1, noNaN: true }),
  scale: fc.double({ min: 5000, max: 1e8, noNaN: true }),
});

describe('the map', () => {
  it('puts each campus into one mark, which lies among its campuses', () => {
    fc.assert(
      fc.property(
        fc.array(point, { maxLength: 60 }),
        fc.double({ min: 1e-4, max: 1, noNaN: true }),
        (points, side) => {
          const marks = points.map((one, i) => ({ ...one, id: String(i) }));
          const clusters = clustersOf(marks, side);
          expect(clusters.flatMap(({ members }) => members.map(({ id }) => id)).sort()).toEqual(
            marks.map(({ id }) => id).sort(),
          );
          expect(new Set(clusters.map(({ key }) => key)).size).toBe(clusters.length);
          for (const { x, members } of clusters) {
            expect(
              Math.max(...members.map((one) => one.x)) - Math.min(...members.map((one) => one.x)),
            ).toBeLessThanOrEqual(side);
            expect(x).toBeGreaterThanOrEqual(Math.min(...members.map((one) => one.x)) - 1e-9);
          }
        },
      ),
      { numRuns: runs(200) },
    );
  });

  it('draws around a district what has all of it inside', () => {
    fc.assert(
      fc.property(fc.array(point, { minLength: 3, maxLength: 40 }), (points) => {
        const hull = hullOf(points);
        for (const { x, y } of points)
          for (const [i, a] of hull.entries()) {
            const b = hull[(i + 1) % hull.length] ?? a;
            expect((b.x - a.x) * (y - a.y) - (b.y - a.y) * (x - a.x)).toBeGreaterThan(-1e-9);
          }
      }),
      { numRuns: runs(200) },
    );
    expect(hullOf([])).toEqual([]);
  });

  it('shows all that is to be shown, in any room', () => {
    const size = fc.record({
      width: fc.integer({ min: 100, max: 3000 }),
      height: fc.integer({ min: 100, max: 2000 }),
    });
    fc.assert(
      fc.property(fc.array(point, { minLength: 1, maxLength: 30 }), size, (points, room) => {
        const box = boxOf(points);
        if (box === undefined) throw new Error('there is a box of some points');
        const { x, y, scale } = lookAt(box, room, 10);
        for (const one of points) {
          expect(Math.abs((one.x - x) * scale)).toBeLessThanOrEqual(room.width / 2 + 2000 * 0.5);
          if (scale > 2000) {
            expect(Math.abs((one.x - x) * scale)).toBeLessThanOrEqual(room.width / 2);
            expect(Math.abs((one.y - y) * scale)).toBeLessThanOrEqual(room.height / 2);
          }
        }
      }),
      { numRuns: runs(200) },
    );
    expect(boxOf([])).toBeUndefined();
  });

  it('keeps in its place what is pointed at, and moves as far as the hand', () => {
    fc.assert(
      fc.property(
        look,
        fc.double({ min: 0.5, max: 2, noNaN: true }),
        fc.integer({ min: -500, max: 500 }),
        (one, by, px) => {
          const at = { x: px, y: -px };
          const next = zoomed(one, by, at);
          expect(next.x + at.x / next.scale).toBeCloseTo(one.x + at.x / one.scale, 9);
          expect((one.x - moved(one, px, 0).x) * one.scale).toBeCloseTo(px, 3);
        },
      ),
      { numRuns: runs(200) },
    );
  });
});

describe('the order', () => {
  it('has untaken alarms on top, tests last, and the newest first', () => {
    const at = (minute: number) => `2026-01-05T08:0${minute}:00.000Z`;
    const act = { by: 'wang', at: at(9) };
    const all = [
      alarmOf('test', '1', { receivedAt: at(9), test: 'walk-test' }),
      alarmOf('taken', '1', { receivedAt: at(8), acknowledged: act }),
      alarmOf('old', '1', { receivedAt: at(1) }),
      alarmOf('new', '1', { receivedAt: at(2) }),
      alarmOf('closed', '1', { receivedAt: at(7), closed: { ...act, reason: 'real' } }),
    ];
    expect(all.toSorted(alarmOrder).map(({ id }) => id)).toEqual(['new', 'old', 'taken', 'closed', 'test']);
  });

  it('leaves each campus its place above what one of them tells without end', () => {
    const flood = Array.from({ length: 30 }, (_, i) => alarmOf(`flood ${i}`, '1'));
    const shown = inShares([...flood, alarmOf('other', '2')]).map(({ id }) => id);
    expect(shown.slice(9, 12)).toEqual(['flood 9', 'other', 'flood 10']);
    expect(shown).toHaveLength(31);
  });

  it('finds alarms by district, by the name or number of a campus, and by place', () => {
    const one = alarmOf('a', '77', { area: { id: 'walls', name: '围墙' } });
    const fits = (more: object) => fitsAlarm(one, { district: '', campus: '', place: '', ...more });
    expect([
      fits({}),
      fits({ district: '450305' }),
      fits({ campus: '第77小' }),
      fits({ campus: '77' }),
    ]).toEqual([true, true, true, true]);
    expect([fits({ place: '门卫' }), fits({ place: 'WALLS' }), fits({ place: '一键' })]).toEqual([
      true,
      true,
      true,
    ]);
    expect([fits({ district: '450302' }), fits({ campus: '78' }), fits({ place: 'hall' })]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('knows a district by the first six digits of its codes', () => {
    const all = ['450305', '450305001', '450305001002', '450302', '45030', 'Qixing'].map((district, i) =>
      campusOf(String(i), { district }),
    );
    expect(districtsOf(all)).toEqual(['45030', '450302', '450305', 'Qixing']);
    const shown = shownOf(all, { text: '', district: '450305', state: '' }, 'id');
    expect(shown.map(({ id }) => id)).toEqual(['0', '1', '2']);
    const alarm = alarmOf('a', '1', { campus: { id: '1', district: '450305001' } });
    const fits = (district: string) => fitsAlarm(alarm, { district, campus: '', place: '' });
    expect([fits('450305'), fits('450305001'), fits('450302')]).toEqual([true, true, false]);
  });

  it('has the worst campus first, and finds one by words', () => {
    const all = [
      campusOf('1', { state: 'online' }),
      campusOf('2', { state: 'silent' }),
      campusOf('3', { state: 'online', standing: 1, untaken: 1 }),
      campusOf('4', { state: 'degraded', address: '中山路 4 号' }),
      campusOf('5', { state: 'withdrawn' }),
    ];
    const any = { text: '', district: '', state: '' };
    expect(shownOf(all, any, 'worst').map(({ id }) => id)).toEqual(['3', '2', '4', '1', '5']);
    expect(shownOf(all, { ...any, text: '中山 4' }, 'name').map(({ id }) => id)).toEqual(['4']);
    expect(shownOf(all, { ...any, state: 'alarm' }, 'name').map(({ id }) => id)).toEqual(['3']);
    expect(shownOf(all, { ...any, state: 'silent' }, 'name').map(({ id }) => id)).toEqual(['2']);
    for (const order of campusOrders) expect(shownOf(all, any, order)).toHaveLength(5);
    expect(all.map(levelOf)).toEqual(['good', 'bad', 'alarm', 'warn', 'quiet']);
    expect(levelOfDistrict(all)).toBe('alarm');
    const calm = Array.from({ length: 50 }, (_, i) =>
      campusOf(String(i), { state: i === 0 ? 'silent' : 'online' }),
    );
    expect(levelOfDistrict(calm)).toBe('good');
    expect(levelOfDistrict(calm.slice(0, 3))).toBe('bad');
  });

  it('tells how late an alarm came, where the clocks let it be known', () => {
    const time = '2026-01-05T08:00:00.000Z';
    expect(latenessOf({ time, storedAt: '2026-01-05T08:00:00.180Z' })).toBe(180);
    expect(latenessOf({ time, storedAt: '2026-01-05T07:59:59.000Z' })).toBeUndefined();
  });
});

describe('the words of the city', () => {
  const groups = Object.entries(words).filter(([, one]) => typeof one === 'object');

  it('are Chinese where they should be, and fill in the same', () => {
    for (const [group, all] of groups)
      for (const [word, [en, zh]] of Object.entries(all as Record<string, readonly [string, string]>)) {
        const where = `${group} ${word}`;
        const filled = (text: string) => new Set([...text.matchAll(/\{\w+\}/g)].map(([one]) => one));
        expect(filled(en), where).toEqual(filled(zh));
        expect(/\p{Script=Han}/u.test(en), where).toBe(false);
        expect(/\p{Script=Han}/u.test(zh) || filled(en).size > 0, where).toBe(true);
      }
  });

  it('name each reason that the database gives', () => {
    const folder = join(import.meta.dirname, '../gateway/platform/database');
    const [above = ''] = readFileSync(join(folder, 'state.ts'), 'utf8').split('import ');
    const told = [...above.matchAll(/`([a-z-]+)`/g)].map(([, one = '']) => one);
    expect(told.length).toBeGreaterThan(8);
    expect(Object.keys(words.campusReason).sort()).toEqual([...new Set(told)].sort());
  });

  it('name each state, each reason, each role and each level', () => {
    expect(Object.keys(words.campusState).sort()).toEqual([...campusStates].sort());
    expect(Object.keys(words.actReason).sort()).toEqual([...actReasons].sort());
    expect(Object.keys(words.contactRole).sort()).toEqual([...contactRoles].sort());
    expect(Object.keys(words.level).sort()).toEqual([...levels].sort());
    expect(Object.keys(words.campusOrder).sort()).toEqual([...campusOrders].sort());
  });
});
