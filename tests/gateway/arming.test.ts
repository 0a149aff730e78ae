import { describe, expect, it } from 'vitest';
import { house } from './house.ts';

describe('a disarmed area', () => {
  it('takes no alarm of its instant and delayed zones, and every one of the others', async () => {
    const { events, trip, restore } = await house();
    for (const zone of [1, 2]) {
      expect(await trip(zone)).toEqual({ sequence: null, id: null, repeated: true });
      await restore(zone);
    }
    await trip(3);
    await trip(4, 'panic');
    // Whatever the type of its zone: these are never disarmed.
    await trip(2, 'panic');
    await trip(1, 'tamper');
    await trip(1, 'fire');
    expect(events).toEqual([
      'alarm.raised z3',
      'alarm.raised z4',
      'alarm.raised z2',
      'alarm.raised z1',
      'alarm.raised z1',
    ]);
  });

  it('is armed by a command, once; its zones alarm, and the end of an alarm is told', async () => {
    const { events, trip, restore, command, arming } = await house();
    expect(await command('arm', { by: '王' })).toMatchObject({ done: true, result: { state: 'armed' } });
    expect(await command('arm')).toMatchObject({ done: true });
    await trip(2);
    await restore(2);
    expect(await command('disarm', { by: '王' })).toMatchObject({ done: true });
    await trip(2);
    expect(events).toEqual([
      'arming.armed block',
      'alarm.raised z2',
      'alarm.restored z2',
      'arming.disarmed block',
    ]);
    expect(arming.state('block')).toBe('disarmed');
  });

  it('is not armed while a zone is open, unless it is forced; that zone is bypassed until it is disarmed', async () => {
    const { events, trip, restore, command } = await house();
    await trip(2);
    expect(await command('arm')).toEqual({ done: false, reason: 'zones are open: io/2' });
    expect(await command('arm', { force: true })).toMatchObject({
      done: true,
      result: { bypassed: ['io/2'] },
    });
    await restore(2);
    await trip(2);
    await command('disarm');
    await restore(2);
    await command('arm');
    await trip(2);
    expect(events).toEqual([
      'arming.bypassed io/2',
      'arming.armed block',
      'arming.disarmed block',
      'arming.unbypassed io/2',
      'arming.armed block',
      'alarm.raised z2',
    ]);
  });

  it('tells what makes no sense, and never bypasses what always alarms', async () => {
    const { command, events } = await house();
    for (const [action, wanted] of [
      ['arm', { force: 'yes' }],
      ['arm', { exitDelay: -1 }],
      ['disarm', { code: '1234' }],
      ['bypass', { device: 'io' }],
      ['bypass', { device: 'io', zone: 9 }],
      ['bypass', { device: 'io', zone: 3 }],
      ['bypass', { device: 'io', zone: 4 }],
      ['explode', {}],
    ] as const)
      expect(await command(action, wanted)).toMatchObject({ done: false, reason: expect.any(String) });
    expect(events).toEqual([]);
  });
});

describe('what is told later than it happened', () => {
  it('is an alarm where its zone has been armed since before', async () => {
    const { events, arming, command, time } = await house();
    const late = (ago: number) =>
      arming.pass({
        ...{ device: 'io', kind: 'intrusion', state: 'raised', past: true },
        zone: { number: 2, id: 'z2' },
        at: { time: time.wall() - ago, trusted: true },
      });
    await command('arm');
    await time.advance(60_000);
    expect(await late(70_000)).toMatchObject({ id: null });
    expect(await late(30_000)).toMatchObject({ id: expect.any(String) });
    await command('bypass', { device: 'io', zone: 2 });
    await command('unbypass', { device: 'io', zone: 2 });
    await time.advance(1000);
    expect(await late(30_000)).toMatchObject({ id: null });
    expect(await late(500)).toMatchObject({ id: expect.any(String) });
    expect(events.filter((one) => one.startsWith('alarm'))).toEqual(['alarm.raised z2', 'alarm.raised z2']);
  });
});

describe('delays', () => {
  it('an entry that is not followed by a code is an alarm, with the time of the entry', async () => {
    const { events, times, trip, command, clock, time } = await house();
    await command('arm');
    const entered = clock.now();
    await trip(1);
    await time.advance(499);
    expect(events).not.toContain('alarm.raised z1');
    await time.advance(1);
    await expect.poll(() => events).toContain('arming.entry-ended block');
    expect(events).toEqual([
      'arming.armed block',
      'arming.entry-started block',
      'alarm.raised z1',
      'arming.entry-ended block',
    ]);
    expect(Date.parse(times[2] ?? '')).toBe(entered);
  });

  it('an entry that is followed by a code is none', async () => {
    const { events, trip, restore, command, time, settled } = await house({ entryDelay: '1s' });
    await command('arm');
    await trip(1);
    await restore(1);
    await command('disarm');
    await time.advance(1200);
    await settled();
    expect(events).toEqual([
      'arming.armed block',
      'arming.entry-started block',
      'arming.disarmed block',
      'arming.entry-ended block',
    ]);
  });

  it('an instant zone does not wait for the entry of another', async () => {
    const { events, trip, command } = await house({ entryDelay: '10s' });
    await command('arm');
    await trip(1);
    await trip(2);
    expect(events).toEqual(['arming.armed block', 'arming.entry-started block', 'alarm.raised z2']);
  });

  it('an entry is an alarm although the power was cut in the middle of it', async () => {
    const before = await house({ entryDelay: '5s' });
    await before.command('arm');
    await before.trip(1);
    const entered = before.clock.now();
    await before.close();
    expect(before.events).not.toContain('alarm.raised z1');
    const after = await house({ entryDelay: '5s' }, before.directory, entered + 10_000);
    await after.time.advance(0);
    await expect.poll(() => after.events).toContain('arming.entry-ended block');
    expect(after.events[0]).toBe('alarm.raised z1');
    expect(Date.parse(after.times[0] ?? '')).toBe(entered);
  });

  it('who leaves has the exit delay; a door that is left open alarms after it', async () => {
    const { events, trip, command, arming, time } = await house({ exitDelay: '1s', entryDelay: '0s' });
    await command('arm');
    expect(arming.state('block')).toBe('exit-delay');
    await trip(2);
    expect(events).toEqual(['arming.armed block']);
    await time.advance(1001);
    await expect.poll(() => events).toEqual(['arming.armed block', 'alarm.raised z2']);
    expect(arming.state('block')).toBe('armed');
  });
});

describe('what an area is', () => {
  it('survives a restart: armed, and bypassed', async () => {
    const before = await house();
    await before.command('bypass', { device: 'io', zone: 2, by: '王' });
    await before.command('arm');
    await before.close();
    const after = await house({}, before.directory);
    expect(after.arming.state('block')).toBe('armed');
    await after.trip(2);
    expect(after.events).toEqual([]);
    await after.command('unbypass', { device: 'io', zone: 2 });
    await after.restore(2);
    await after.trip(2);
    expect(after.events).toEqual(['arming.unbypassed io/2', 'alarm.raised z2']);
  });
});

describe('the schedule', () => {
  const schedule = [
    { at: '22:00', do: 'arm' },
    { at: '06:30', do: 'disarm', on: 'school' },
  ];
  const beijing = (text: string) => Date.parse(`${text}:00+08:00`);
  const HOUR = 3_600_000;

  it('arms and disarms as the clock goes, over steps of it, and what was missed while the gateway was off', async () => {
    const before = await house({ schedule }, undefined, beijing('2026-11-24T12:00'));
    expect(before.arming.state('block')).toBe('disarmed');
    before.step(10.5 * HOUR);
    await expect.poll(() => before.arming.state('block')).toBe('armed');
    // A person disarms, and the schedule says nothing new: it stays so.
    await before.command('disarm', { by: '王' });
    before.step(HOUR);
    await before.settled();
    expect(before.arming.state('block')).toBe('disarmed');
    await before.close();
    // Off over the next evening.
    const after = await house({ schedule }, before.directory, beijing('2026-11-25T23:00'));
    expect(after.arming.state('block')).toBe('armed');
    expect(after.events).toEqual(['arming.armed block']);
    // Saturday morning: no school, it stays armed. Monday it does not.
    after.step(2.5 * 24 * HOUR);
    await after.settled();
    expect(after.arming.state('block')).toBe('armed');
    after.step(2 * 24 * HOUR);
    await expect.poll(() => after.arming.state('block')).toBe('disarmed');
  });

  it('outlives a clock that was years ahead', async () => {
    const { arming, step } = await house({ schedule }, undefined, beijing('2038-01-01T23:00'));
    expect(arming.state('block')).toBe('armed');
    step(beijing('2026-11-24T12:00') - beijing('2038-01-01T23:00'));
    await expect.poll(() => arming.state('block')).toBe('disarmed');
  });

  it('bypasses an open zone, or does not arm and reports it, as the config says', async () => {
    const bypassing = await house({ schedule }, undefined, beijing('2026-11-24T12:00'));
    await bypassing.trip(2);
    bypassing.step(10.5 * HOUR);
    await expect.poll(() => bypassing.events).toEqual(['arming.bypassed io/2', 'arming.armed block']);
    const refusing = await house({ schedule, whenOpen: 'refuse' }, undefined, beijing('2026-11-24T12:00'));
    await refusing.trip(2);
    refusing.step(10.5 * HOUR);
    await expect.poll(() => refusing.events).toEqual(['device.fault block']);
    await refusing.restore(2);
    refusing.step(60_000);
    await expect
      .poll(() => refusing.events.slice(1))
      .toEqual(['arming.armed block', 'device.restored block']);
  });
});
