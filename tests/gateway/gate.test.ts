import { describe, expect, it } from 'vitest';
import type { Observation } from '../../drivers/contract/observation.ts';
import { stream } from '../helpers.ts';
import { cards, gate } from './gate.ts';

const ready = async () => {
  const one = await gate();
  await one.command('credentials', { version: 1, put: cards });
  return one;
};

describe('a gate', () => {
  it('opens and shows green, or shows red', async () => {
    const { show, opened } = await ready();
    await show('r0', '1');
    expect([await opened.next(), await opened.next()]).toEqual(['io unlock gate', 'r0 indicate true']);
    await show('r0', '99');
    expect(await opened.next()).toBe('r0 indicate false');
    // At another reader of the same door.
    await show('face', '1');
    expect([await opened.next(), await opened.next()]).toEqual(['io unlock gate', 'face indicate true']);
    await show('r1', '1');
    expect(opened.rest()).toEqual([]);
  });

  it('takes the word of a terminal that decided itself', async () => {
    const { show, opened } = await ready();
    const decided = { access: { door: 'face', decision: 'granted' as const, holder: 'p-7' } };
    expect(await show('face', '77', decided)).toMatchObject({ type: 'granted', holder: 'p-7' });
    expect(opened.rest()).toEqual([]);
  });

  it('lets two persons in where two are needed, and never one twice', async () => {
    const { show, time } = await ready();
    const waits = { type: 'denied', reason: 'second-person' };
    expect(await show('r2', '1')).toMatchObject(waits);
    expect(await show('r2', '1')).toMatchObject(waits);
    expect(await show('r2', '2')).toMatchObject({ type: 'granted', holder: 't-2' });
    expect(await show('r2', '1')).toMatchObject(waits);
    await time.advance(21_000);
    expect(await show('r2', '2')).toMatchObject(waits);
  });

  it('tells what it decided of who stands there now, where the disk does not take it', async () => {
    const { access, journal, time } = await ready();
    const unkept = stream<Observation>();
    access.onUnkept(unkept.push);
    await journal.close();
    const card = { format: 'wiegand26', facility: 1, number: '4' };
    const shown = { device: 'r3', kind: 'credential', state: 'raised', credential: card } as const;
    for (const past of [true, false]) await time.until(access.pass({ ...shown, past }).catch(() => {}));
    expect(await unkept.next()).toMatchObject({
      access: { door: 'pickup', decision: 'granted', holder: 'g-1', children: ['c-1', 'c-2'] },
    });
    expect(unkept.rest()).toEqual([]);
  });

  it('knows when it is forced or held, and who asked to go out', async () => {
    const { show, contact, events, opened, access, ask, time } = await ready();
    const next = async () => (await events.find((one) => one.type.includes('.access.'))).type.slice(17);
    await contact(true);
    expect([await next(), await next()].sort()).toEqual(['forced', 'opened']);
    expect(access.doors()[0]).toEqual({ id: 'in', state: 'forced' });
    await contact(false);
    expect([await next(), await next()].sort()).toEqual(['closed', 'restored']);
    await show('r0', '1');
    await contact(true);
    expect(await next()).toBe('opened');
    await time.advance(100);
    expect(await next()).toBe('held');
    await contact(false);
    expect([await next(), await next()].sort()).toEqual(['closed', 'restored']);
    opened.rest();
    await contact(true, 2);
    expect(await opened.next()).toBe('io unlock gate');
    expect(await next()).toBe('exit-requested');
    // Told to open by somebody else.
    await ask('io', 'unlock', { output: 'gate' });
    await contact(true);
    expect(await next()).toBe('opened');
    expect(access.doors()[0]).toEqual({ id: 'in', state: 'open' });
  });

  it('knows who is inside, over a restart too', async () => {
    const one = await ready();
    await one.show('r0', '1');
    await one.show('r0', '2');
    await one.show('r1', '2');
    expect(one.access.inside().map(({ holder }) => holder)).toEqual(['t-1']);
    await one.close();
    const two = await gate(one.directory);
    expect(two.access.inside().map(({ holder }) => holder)).toEqual(['t-1']);
  });
});

describe('a gate in a lockdown', () => {
  it('is locked down for all but some, over a restart too, until that ends', async () => {
    const one = await ready();
    await one.ask('io', 'hold', { output: 'gate' });
    expect(await one.opened.next()).toBe('io hold gate');
    expect([[...one.access.keptOpen()], one.access.lockdownSince()]).toEqual([['in'], undefined]);
    expect(await one.command('lockdown')).toEqual({ done: true });
    expect(await one.opened.next()).toBe('io lock gate');
    expect(await one.show('r0', '1')).toMatchObject({ type: 'lockdown-started' });
    const since = one.access.lockdownSince();
    expect([[...one.access.keptOpen()], since]).toEqual([[], new Date(one.time.wall()).toISOString()]);
    await one.close();
    const two = await gate(one.directory);
    expect(two.access.lockdownSince()).toBe(since);
    expect(await two.show('r0', '1')).toMatchObject({ type: 'denied', reason: 'lockdown' });
    expect(await two.show('r0', '3')).toMatchObject({ type: 'granted' });
    await two.command('end-lockdown');
    await two.events.find(({ type }) => type.endsWith('lockdown-ended'));
    expect(two.access.lockdownSince()).toBeUndefined();
    expect(await two.show('r0', '1')).toMatchObject({ type: 'granted' });
  });

  it('tells which doors a lockdown did not lock, and locks them when their device is back', async () => {
    const { ask, command, access, opened, answerWith } = await ready();
    const link = (state: 'raised' | 'restored') => access.pass({ device: 'io', kind: 'link', state });
    await ask('io', 'hold', { output: 'gate' });
    await link('raised');
    answerWith({ done: false, reason: 'modbus-tcp 10.0.0.8:502 is not open' });
    expect(await command('lockdown')).toEqual({ done: true, result: { notLocked: ['in'] } });
    expect(await ask('io', 'lock', { output: 'gate' })).toMatchObject({ done: false });
    // As far as anybody knows it is open.
    expect(access.doors()[0]).toEqual({ id: 'in', state: 'unlocked' });
    answerWith({ done: true });
    opened.rest();
    await link('restored');
    expect(await opened.next()).toBe('io lock gate');
    expect(access.doors()[0]).toEqual({ id: 'in', state: 'closed' });
    await link('restored');
    expect(opened.rest()).toEqual([]);
  });
});
