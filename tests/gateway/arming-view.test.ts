/** Areas as a console looks at them: from the same house that the tests of arming move. */
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.ts';
import { createPlan } from '../../gateway/arming/plan.ts';
import { house } from './house.ts';

describe('an area that is looked at', () => {
  const look = async (...args: Parameters<typeof house>) => {
    const one = await house(...args);
    const view = () => one.arming.areas()[0]!;
    const zone = (number: number) => view().zones.find(({ zone: own }) => own === number)!;
    return { ...one, view, zone };
  };

  it('names the zones that keep it from being armed, as arming itself has it', async () => {
    const { view, zone, trip, restore, command } = await look({ exitDelay: '1m' });
    expect(view()).toMatchObject({ id: 'block', state: 'disarmed', exitDelayMs: 60_000, entryDelayMs: 500 });
    await trip(1);
    await trip(2);
    await trip(3);
    // The way out may stand open while people leave; what always alarms keeps nothing from being armed.
    expect([1, 2, 3, 4].map((n) => [zone(n).open, zone(n).blocks, zone(n).armable])).toEqual([
      [true, false, true],
      [true, true, true],
      [true, false, false],
      [false, false, false],
    ]);
    expect(await command('arm', { by: '王' })).toMatchObject({ done: false });
    await command('bypass', { device: 'io', zone: 2, by: '王' });
    expect(zone(2)).toMatchObject({ open: true, blocks: false, bypassed: { by: '王', forced: false } });
    expect(await command('arm', { by: '王' })).toMatchObject({ done: true });
    await restore(2);
    expect(zone(2).open).toBe(false);
  });

  it('says who armed it, since when, and how much of the exit delay is left', async () => {
    const { view, command, time, events, trip, restore, zone } = await look({ exitDelay: '1m' });
    expect(view()).not.toHaveProperty('since');
    const at = new Date(time.wall()).toISOString();
    await trip(2);
    await command('arm', { by: '王', force: true });
    expect(view()).toMatchObject({ state: 'exit-delay', leftMs: 60_000, since: at, by: '王' });
    expect(zone(2).bypassed).toEqual({ by: '王', forced: true });
    await time.advance(45_000);
    expect(view().leftMs).toBe(15_000);
    await time.advance(15_001);
    expect(view()).toMatchObject({ state: 'armed', since: at });
    expect(view()).not.toHaveProperty('leftMs');
    await restore(2);
    await command('disarm', { by: '李' });
    expect(view()).toMatchObject({ state: 'disarmed', by: '李' });
    expect(view().zones.some(({ bypassed }) => bypassed !== undefined)).toBe(false);
    expect(events).toContain('arming.disarmed block');
  });

  it('counts down to the alarm of who came in, over a restart too, and says through where', async () => {
    const one = await look({ entryDelay: '30s' });
    await one.command('arm');
    await one.trip(1);
    await one.time.advance(10_000);
    expect(one.view()).toMatchObject({
      state: 'entry-delay',
      leftMs: 20_000,
      entry: { device: 'io', zone: 1 },
    });
    await one.close();
    const two = await look({ entryDelay: '30s' }, one.directory, one.time.wall() + 5000);
    expect(two.view()).toMatchObject({ state: 'entry-delay', leftMs: 15_000 });
    await two.time.advance(15_000);
    await two.settled();
    expect(two.events).toContain('alarm.raised z1');
    expect(two.view()).not.toHaveProperty('entry');
  });

  it('says why its schedule could not arm it, until it could, and what that does next', async () => {
    const { view, trip, step, restore, events } = await look(
      {
        whenOpen: 'refuse',
        schedule: [
          { at: '22:00', do: 'arm' },
          { at: '06:30', do: 'disarm' },
        ],
      },
      undefined,
      Date.parse('2026-11-24T12:00:00+08:00'),
    );
    expect(view().next).toEqual({ at: Date.parse('2026-11-24T22:00:00+08:00'), do: 'arm' });
    await trip(2);
    step(10.5 * 3_600_000);
    await expect.poll(() => events).toContain('device.fault block');
    expect(view()).toMatchObject({
      state: 'disarmed',
      notArmed: { since: '2026-11-24T14:30:00.000Z', reason: 'zones are open: io/2' },
      next: { at: Date.parse('2026-11-25T06:30:00+08:00'), do: 'disarm' },
    });
    await restore(2);
    step(60_000);
    await expect.poll(() => events).toContain('device.restored block');
    expect(view()).toMatchObject({ state: 'armed', by: 'schedule' });
    expect(view()).not.toHaveProperty('notArmed');
  });
});

describe('a plan of days', () => {
  const { calendar, areas } = configSchema.parse({
    campus: { id: '4503000001', name: '一中' },
    calendar: {
      holidays: [{ from: '2026-10-01', to: '2026-10-07', name: '国庆' }],
      makeUpDays: ['2026-10-10'],
    },
    areas: [
      {
        id: 'block',
        zones: [{ device: 'd', zone: 1 }],
        schedule: [
          { at: '22:00', do: 'arm', on: 'school' },
          { at: '06:30', do: 'disarm', on: 'school' },
        ],
      },
      {
        id: 'shed',
        zones: [{ device: 'd', zone: 2 }],
        schedule: [{ at: '07:00', do: 'disarm', on: ['sat'] }],
      },
    ],
  });

  it('knows holidays by name, days that make up for them, and what each area does, in order', () => {
    // 2026-10-07, 00:30 in Beijing: the day before in UTC.
    const now = Date.parse('2026-10-06T16:30:00Z');
    const plan = createPlan({ areas, calendar, timezone: 'Asia/Shanghai' }, () => now);
    const days = [0, 1, 2, 3, 4].map(plan.day);
    const inWords = days.map(({ date, school, holiday, makeUp, transitions }) => [
      date,
      school,
      holiday,
      makeUp,
      transitions.map(({ area, do: what, at }) => `${area} ${what} ${new Date(at).toISOString()}`),
    ]);
    expect(inWords).toEqual([
      ['2026-10-07', false, '国庆', undefined, []],
      [
        '2026-10-08',
        true,
        undefined,
        undefined,
        ['block disarm 2026-10-07T22:30:00.000Z', 'block arm 2026-10-08T14:00:00.000Z'],
      ],
      [
        '2026-10-09',
        true,
        undefined,
        undefined,
        ['block disarm 2026-10-08T22:30:00.000Z', 'block arm 2026-10-09T14:00:00.000Z'],
      ],
      [
        '2026-10-10',
        true,
        undefined,
        true,
        [
          'block disarm 2026-10-09T22:30:00.000Z',
          'shed disarm 2026-10-09T23:00:00.000Z',
          'block arm 2026-10-10T14:00:00.000Z',
        ],
      ],
      ['2026-10-11', false, undefined, undefined, []],
    ]);
  });

  it('goes with the clock, set forward or back', () => {
    let now = Date.parse('2026-10-12T21:59:00+08:00');
    const plan = createPlan({ areas, calendar, timezone: 'Asia/Shanghai' }, () => now);
    const [block] = areas;
    const next = () => {
      const found = plan.next(block!);
      return found && `${found.do} ${new Date(found.at).toISOString()}`;
    };
    expect([next(), next(), plan.day(0).date]).toEqual([
      'arm 2026-10-12T14:00:00.000Z',
      'arm 2026-10-12T14:00:00.000Z',
      '2026-10-12',
    ]);
    now += 60_000;
    expect(next()).toBe('disarm 2026-10-12T22:30:00.000Z');
    now -= 30_000;
    expect(next()).toBe('arm 2026-10-12T14:00:00.000Z');
    now -= 24 * 3_600_000;
    expect([next(), plan.day(0).date, plan.day(1).date]).toEqual([
      'disarm 2026-10-11T22:30:00.000Z',
      '2026-10-11',
      '2026-10-12',
    ]);
  });
});
