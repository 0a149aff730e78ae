import { Temporal } from 'temporal-polyfill';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.ts';
import { transitionsAround } from '../../gateway/arming/schedule.ts';
import { isSchoolDay } from '../../gateway/calendar.ts';

/** A school year as a config has it, in the pattern of those in China; the days are made up. */
const { calendar, areas } = configSchema.parse({
  campus: { id: '4503000001', name: '一中' },
  calendar: {
    holidays: [
      { from: '2026-01-01', to: '2026-01-03', name: '元旦' },
      { from: '2026-01-24', to: '2026-03-01', name: '寒假' },
      { from: '2026-04-04', to: '2026-04-06', name: '清明' },
      { from: '2026-05-01', to: '2026-05-05', name: '劳动节' },
      { from: '2026-06-19', to: '2026-06-21', name: '端午' },
      { from: '2026-07-11', to: '2026-08-31', name: '暑假' },
      { from: '2026-09-25', to: '2026-09-27', name: '中秋' },
      { from: '2026-10-01', to: '2026-10-07', name: '国庆' },
    ],
    makeUpDays: ['2026-01-04', '2026-05-09', '2026-09-20', '2026-10-10'],
  },
  areas: [
    {
      id: 'block',
      zones: [{ device: 'd', zone: 1 }],
      schedule: [
        { at: '06:30', do: 'disarm', on: 'school' },
        { at: '22:00', do: 'arm', on: 'school' },
      ],
    },
    {
      id: 'gate',
      zones: [{ device: 'd', zone: 2 }],
      schedule: [
        { at: '02:30', do: 'arm' },
        { at: '12:00', do: 'disarm', on: ['sat'] },
      ],
    },
  ],
});
const [block, gate] = areas.map(({ schedule }) => schedule) as [
  (typeof areas)[number]['schedule'],
  (typeof areas)[number]['schedule'],
];
const around = (schedule: typeof block, timezone: string, now: string) => {
  const { last, next } = transitionsAround(schedule, calendar, timezone, Date.parse(now));
  const text = (one: typeof last) => one && `${one.do} ${new Date(one.at).toISOString().slice(0, 16)}Z`;
  return [text(last), text(next)];
};

describe('the school calendar', () => {
  it('knows school days, holidays and make-up days', () => {
    const school = (day: string) => isSchoolDay(Temporal.PlainDate.from(day), calendar);
    expect(['2026-01-05', '2026-03-02', '2026-05-09', '2026-10-10', '2026-09-20'].map(school)).toEqual(
      Array(5).fill(true),
    );
    expect(['2026-01-02', '2026-02-17', '2026-05-04', '2026-10-07', '2026-11-28'].map(school)).toEqual(
      Array(5).fill(false),
    );
  });

  it('has, over the year 2026, as many school days as a hand counts', () => {
    let days = 0;
    let date = Temporal.PlainDate.from('2026-01-01');
    for (; date.year === 2026; date = date.add({ days: 1 })) if (isSchoolDay(date, calendar)) days++;
    // Weekdays by month, without those in holidays, with make-up days:
    // Jan 15+1, Feb 0, Mar 22, Apr 21, May 18+1, Jun 21, Jul 8, Aug 0, Sep 21+1, Oct 17+1, Nov 21, Dec 23.
    expect(days).toBe(16 + 0 + 22 + 21 + 19 + 21 + 8 + 0 + 22 + 18 + 21 + 23);
  });
});

describe('a schedule', () => {
  it('arms and disarms on school days, at Beijing time', () => {
    // Tuesday 2026-11-24, noon in Beijing.
    expect(around(block, 'Asia/Shanghai', '2026-11-24T04:00:00Z')).toEqual([
      'disarm 2026-11-23T22:30Z',
      'arm 2026-11-24T14:00Z',
    ]);
    // To the second.
    expect(around(block, 'Asia/Shanghai', '2026-11-24T13:59:59Z')[0]).toBe('disarm 2026-11-23T22:30Z');
    expect(around(block, 'Asia/Shanghai', '2026-11-24T14:00:00Z')[0]).toBe('arm 2026-11-24T14:00Z');
  });

  it('stays armed over the summer, from the last school day to the first', () => {
    expect(around(block, 'Asia/Shanghai', '2026-08-01T00:00:00Z')).toEqual([
      'arm 2026-07-10T14:00Z',
      'disarm 2026-08-31T22:30Z',
    ]);
  });

  it('knows a make-up Sunday', () => {
    expect(around(block, 'Asia/Shanghai', '2026-01-04T00:00:00Z')).toEqual([
      'disarm 2026-01-03T22:30Z',
      'arm 2026-01-04T14:00Z',
    ]);
  });

  it('takes a time that summer time leaves out an hour later, and one that comes twice once', () => {
    // Europe/Berlin, 2026-03-29: 02:00 becomes 03:00. 2026-10-25: 03:00 becomes 02:00.
    expect(around(gate, 'Europe/Berlin', '2026-03-28T23:00:00Z')[1]).toBe('arm 2026-03-29T01:30Z');
    expect(around(gate, 'Europe/Berlin', '2026-03-29T02:00:00Z')[1]).toBe('arm 2026-03-30T00:30Z');
    expect(around(gate, 'Europe/Berlin', '2026-10-24T23:00:00Z')[1]).toBe('arm 2026-10-25T00:30Z');
    // The second 02:30 of that night is no second transition.
    expect(around(gate, 'Europe/Berlin', '2026-10-25T00:30:00Z')).toEqual([
      'arm 2026-10-25T00:30Z',
      'arm 2026-10-26T01:30Z',
    ]);
  });

  it('knows the leap day', () => {
    // 2028-02-29 is a Tuesday; then Saturday is 2028-03-04.
    expect(around(gate, 'Asia/Shanghai', '2028-02-28T18:29:00Z')[1]).toBe('arm 2028-02-28T18:30Z');
    expect(around(gate, 'Asia/Shanghai', '2028-02-29T12:00:00Z')).toEqual([
      'arm 2028-02-28T18:30Z',
      'arm 2028-02-29T18:30Z',
    ]);
  });

  it('makes, followed through a whole year, each transition once, in turn', () => {
    let now = Date.parse('2025-12-31T16:00:00Z');
    const end = Date.parse('2026-12-31T16:00:00Z');
    const seen: string[] = [];
    for (;;) {
      const { next } = transitionsAround(block, calendar, 'Asia/Shanghai', now);
      if (next === undefined || next.at >= end) break;
      expect(next.at).toBeGreaterThan(now);
      // What is next now is the last a moment later.
      expect(transitionsAround(block, calendar, 'Asia/Shanghai', next.at).last).toEqual(next);
      seen.push(next.do);
      now = next.at;
    }
    expect(seen).toEqual(seen.map((_, i) => (i % 2 === 0 ? 'disarm' : 'arm')));
    expect(seen.length).toBe(191 * 2);
  });

  it('without a transition in a year says so', () => {
    expect(transitionsAround([], calendar, 'Asia/Shanghai', 0)).toEqual({ last: undefined, next: undefined });
    const never = { ...calendar, schoolDays: [], makeUpDays: [] };
    expect(transitionsAround(block, never, 'Asia/Shanghai', 0)).toEqual({ last: undefined, next: undefined });
  });
});
