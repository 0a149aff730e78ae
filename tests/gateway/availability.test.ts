import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { createAvailabilityBook, type LinkWord, newAvailability } from '../../gateway/availability/book.ts';
import { createAvailability } from '../../gateway/availability/index.ts';
import { freePort } from '../helpers.ts';
import { campus } from './campus.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Noon of 30 November in Shanghai. */
const NOW = Date.UTC(2026, 10, 30, 4);

function book(timezone = 'Asia/Shanghai') {
  const own = createAvailabilityBook(newAvailability(timezone));
  const say = (type: string, agoMs: number, more: Partial<LinkWord> = {}) =>
    own.note({ type, seenAt: NOW - agoMs, device: 'gate', ...more });
  return {
    ...own,
    say,
    online: (agoMs: number, more?: Partial<LinkWord>) => say('device.online', agoMs, more),
    offline: (agoMs: number, more?: Partial<LinkWord>) => say('device.offline', agoMs, more),
    now: () => own.of('gate', NOW),
    day: (day: string) => own.of('gate', NOW).days.find((one) => one.day === day),
  };
}
const hours = (one: { onlineMs: number; offlineMs: number; unknownMs: number } | undefined) =>
  one && [one.onlineMs / HOUR, one.offlineMs / HOUR, one.unknownMs / HOUR];

describe('how available a device was', () => {
  it('knows nothing of a device that was never heard of', () => {
    const { share, days, outages } = book().now();
    expect(share).toBeNull();
    expect(outages).toEqual([]);
    expect(days).toHaveLength(30);
    expect(days.at(-1)).toMatchObject({ day: '2026-11-30', unknownMs: 12 * HOUR, onlineMs: 0, offlineMs: 0 });
    expect(days[0]?.day).toBe('2026-11-01');
  });

  it("divides an outage at the midnight of the campus's zone, and counts it where it began", () => {
    const { online, offline, day, now } = book();
    online(3 * DAY);
    offline(14 * HOUR, { reason: 'address 1: does not answer' });
    online(10 * HOUR);
    expect(hours(day('2026-11-29'))).toEqual([22, 2, 0]);
    expect(hours(day('2026-11-30'))).toEqual([10, 2, 0]);
    expect([day('2026-11-29')?.outages, day('2026-11-30')?.outages]).toEqual([1, 0]);
    expect(now().outages).toEqual([
      {
        from: '2026-11-29T14:00:00.000Z',
        to: '2026-11-29T18:00:00.000Z',
        reason: 'address 1: does not answer',
      },
    ]);
    expect(now().share).toBeCloseTo(68 / 72);
  });

  it('shows an outage that lasts, up to now', () => {
    const { online, offline, now, day } = book();
    online(DAY);
    offline(HOUR);
    expect(now().outages[0]?.to).toBeNull();
    expect(hours(day('2026-11-30'))).toEqual([11, 1, 0]);
  });

  it('is offline while any part of it is, once', () => {
    const { online, offline, now, day } = book();
    online(20 * HOUR, { part: 'A' });
    online(20 * HOUR, { part: 'B' });
    offline(10 * HOUR, { part: 'A' });
    offline(9 * HOUR, { part: 'B' });
    online(8 * HOUR, { part: 'A' });
    online(6 * HOUR, { part: 'B' });
    expect(hours(day('2026-11-30'))).toEqual([8, 4, 0]);
    expect(now().outages).toHaveLength(1);
  });

  it('knows nothing of the time in which the gateway did not run: from its last event to its start', () => {
    const { online, say, day } = book();
    online(11 * HOUR);
    say('gateway.started', 2 * HOUR, { device: 'gateway', before: NOW - 8 * HOUR });
    expect(hours(day('2026-11-30'))).toEqual([5, 0, 7]);
  });

  it('is exact over a change of the clocks', () => {
    const { online, of } = book('Europe/Berlin');
    online(80 * DAY);
    const [first] = of('gate', Date.UTC(2026, 10, 23, 12)).days;
    expect([first?.day, (first?.onlineMs ?? 0) / HOUR]).toEqual(['2026-10-25', 25]);
  });

  it('stays small, whatever a link does', () => {
    const { online, offline, content, now } = book();
    for (let i = 50_000; i > 0; i--) {
      offline(i * 60_000, { part: `${i}` });
      online(i * 60_000 - 30_000, { part: `${i}` });
    }
    const line = content.lines.get('gate');
    expect(line?.days.size).toBeLessThanOrEqual(31);
    expect(line?.parts.size).toBeLessThanOrEqual(1000);
    expect(now().outages.length).toBeLessThanOrEqual(50);
  });
});

describe('the availability of devices of a journal', () => {
  it('is read from before, and follows what happens', async () => {
    const { recorder, directory } = await campus(await freePort());
    const link = (state: Observation['state'], text?: string) =>
      recorder.record({ device: 'd', kind: 'link', state, ...(text !== undefined && { text }) });
    await link('restored');
    await link('raised', 'cable cut');
    const availability = createAvailability(
      { dataDir: directory, timezone: 'Asia/Shanghai' },
      { recorder, time: systemClock },
    );
    onTestFinished(() => availability.close());
    const before = await availability.of('d');
    expect(before.outages).toMatchObject([{ to: null, reason: 'cable cut' }]);
    await link('restored');
    await link('raised', 'again');
    const after = await availability.of('d');
    expect(after.outages.map(({ reason, to }) => [reason, to === null])).toEqual([
      ['again', true],
      ['cable cut', false],
    ]);
    expect(after.days.at(-1)?.outages).toBe(2);
    expect((await availability.of('nobody')).share).toBeNull();
  });

  it('says so where the journal cannot be read, and tries again when it is asked again', async () => {
    const { recorder } = await campus(await freePort());
    const availability = createAvailability(
      { dataDir: '/nowhere', timezone: 'Asia/Shanghai' },
      { recorder, time: systemClock },
    );
    onTestFinished(() => availability.close());
    await expect(availability.of('d')).rejects.toThrow();
    await expect(availability.of('d')).rejects.toThrow();
  });
});
