import { describe, expect, it } from 'vitest';
import type { Observation } from '../../drivers/contract/observation.ts';
import { house } from './house.ts';

describe('a zone of one of several panels at a receiver', () => {
  const zones = [
    { device: 'panel', account: '12AB', zone: 1 },
    { device: 'panel', account: '5678', zone: 1 },
    { device: 'panel', account: '12AB', zone: 2, type: 'delayed' },
  ];
  const panel = ({ arming }: Awaited<ReturnType<typeof house>>) => {
    const say = (account: string, state: Observation['state'], number = 1) =>
      arming.pass({
        device: 'panel',
        kind: 'intrusion',
        state,
        zone: { number, id: `${account}-${number}` },
        details: { account, partition: 1 },
      });
    return {
      trip: (account: string, zone?: number) => say(account, 'raised', zone),
      restore: (account: string, zone?: number) => say(account, 'restored', zone),
    };
  };

  it('is that of its account: what another says of its own zone alarms while this area is disarmed', async () => {
    const own = await house({ zones: [{ device: 'panel', account: '12AB', zone: 1 }] });
    const { trip, restore } = panel(own);
    expect(await trip('12ab')).toMatchObject({ sequence: null });
    expect(await trip('5678')).toMatchObject({ repeated: false });
    await restore('5678');
    expect(own.events).toEqual(['alarm.raised 5678-1', 'alarm.restored 5678-1']);
    // It closed no zone but its own.
    expect(await own.command('arm')).toEqual({ done: false, reason: 'zones are open: panel/12AB/1' });
  });

  it('is bypassed alone; where the number is that of several, the command names the account', async () => {
    const own = await house({ zones });
    const { trip } = panel(own);
    expect(await own.command('bypass', { device: 'panel', zone: 1 })).toEqual({
      done: false,
      reason: 'zone panel/1: of which account? There are: panel/12AB/1, panel/5678/1',
    });
    expect(await own.command('bypass', { device: 'panel', account: '99', zone: 1 })).toEqual({
      done: false,
      reason: 'block has no zone panel/99/1',
    });
    expect(await own.command('bypass', { device: 'panel', account: '12ab', zone: 1 })).toEqual({
      done: true,
    });
    expect(await own.command('bypass', { device: 'panel', zone: 2 })).toEqual({ done: true });
    await own.command('arm');
    for (const [account, zone] of [['12AB', 1] as const, ['12AB', 2] as const, ['5678', 1] as const])
      await trip(account, zone);
    expect(own.events).toEqual([
      'arming.bypassed panel/12AB/1',
      'arming.bypassed panel/12AB/2',
      'arming.armed block',
      'alarm.raised 5678-1',
    ]);
  });

  it('that was open is bypassed by force until the area is disarmed', async () => {
    const own = await house({ zones });
    await panel(own).trip('5678');
    await own.command('arm', { force: true });
    await own.command('disarm');
    expect(own.events).toEqual([
      'arming.bypassed panel/5678/1',
      'arming.armed block',
      'arming.disarmed block',
      'arming.unbypassed panel/5678/1',
    ]);
  });

  it('is still of that account after its entry delay and a restart: its restore ends its alarm', async () => {
    const before = await house({ zones, entryDelay: '5s' });
    await before.command('arm');
    await panel(before).trip('12AB', 2);
    await before.close();
    const after = await house({ zones, entryDelay: '5s' }, before.directory, before.clock.now() + 10_000);
    await after.time.advance(0);
    await expect.poll(() => after.events).toContain('arming.entry-ended block');
    await panel(after).restore('5678', 2);
    await panel(after).restore('12AB', 2);
    expect(after.events).toContain('alarm.raised 12AB-2');
    expect(after.events.at(-1)).toBe('alarm.restored 12AB-2');
  });
});
