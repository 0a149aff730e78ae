import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { take, tcpServer } from '../helpers.ts';
import { device, open, peer } from './modbus-peer.ts';

describe('the lamp of a panic button', () => {
  const acknowledge = { id: 'c', device: 'fence-1', action: 'confirm', arguments: {} };
  const withLamp = (connection: object, time: string) =>
    device(connection, 1, 'fence-1', {
      outputs: [{ id: 'lamp', kind: 'lamp', coil: 5 }],
      acknowledgeOutput: { output: 'lamp', for: time },
    });

  it('lights the lamp of a panic alarm that was acknowledged, for its time, once for two words', async () => {
    const { coils, connection } = await peer();
    const { session } = await open([withLamp(connection, '150ms')]);
    expect(await coils.next()).toEqual([5, false]);
    expect(await session.execute?.(acknowledge)).toEqual({ done: true });
    expect(await coils.next()).toEqual([5, true]);
    expect(await session.execute?.(acknowledge)).toEqual({ done: true });
    expect(await take(coils, 2)).toEqual([
      [5, true],
      [5, false],
    ]);
  });

  it('switches the lamp off before it lets the line go', async () => {
    const { coils, connection } = await peer();
    const { session } = await open([withLamp(connection, '3m')]);
    expect(await coils.next()).toEqual([5, false]);
    await session.execute?.(acknowledge);
    await session.close();
    expect(await take(coils, 2)).toEqual([
      [5, true],
      [5, false],
    ]);
  });

  it('says why a command cannot be done', async () => {
    const { connection } = await peer();
    const { session } = await open([device(connection)]);
    expect(await session.execute?.(acknowledge)).toMatchObject({
      done: false,
      reason: expect.stringContaining('acknowledgeOutput'),
    });
    expect(await session.execute?.({ ...acknowledge, action: 'explode' })).toMatchObject({ done: false });
  });
});

const outputs = [
  { id: 'siren', kind: 'siren', coil: 1, limit: '100ms' },
  { id: 'gate', kind: 'door', coil: 2, moment: '80ms' },
  { id: 'bollard', kind: 'bollard', raise: 3, lower: 4, travel: '300ms', interlock: { input: 7 } },
];
const told = (action: string, output: string, more: object = {}) => ({
  id: 'c',
  device: 'fence-1',
  action,
  arguments: { output, ...more },
});
/** The outputs of a device, after what it switched off in the beginning. */
async function withOutputs(limit = '100ms') {
  const { coils, inputs, connection } = await peer();
  // An answer that comes late on a busy machine is none of what is told here.
  const own = outputs.map((one) => (one.kind === 'siren' ? { ...one, limit } : one));
  const options = device(connection, 1, 'fence-1', { outputs: own, timeout: '2s' });
  const { session } = await open([options]);
  expect((await take(coils, 4)).map(([, on]) => on)).toEqual([false, false, false, false]);
  return {
    coils,
    inputs,
    session,
    options,
    execute: (command: object) => session.execute?.(command as never),
  };
}

describe('outputs', () => {
  it('sounds a siren no longer than its limit, and as long as it was asked', async () => {
    const { coils, execute } = await withOutputs();
    const started = performance.now();
    expect(await execute(told('activate', 'siren', { for: 3600 }))).toEqual({ done: true });
    expect(await take(coils, 2)).toEqual([
      [1, true],
      [1, false],
    ]);
    expect(performance.now() - started).toBeLessThan(3000);
    await execute(told('activate', 'siren'));
    await execute(told('deactivate', 'siren'));
    expect(await take(coils, 2)).toEqual([
      [1, true],
      [1, false],
    ]);
  });

  it('unlocks a door for a moment, holds it until it is locked', async () => {
    const { coils, execute } = await withOutputs();
    await execute(told('unlock', 'gate'));
    expect(await take(coils, 2)).toEqual([
      [2, true],
      [2, false],
    ]);
    await execute(told('hold', 'gate'));
    await delay(160);
    await execute(told('lock', 'gate'));
    expect(await take(coils, 2)).toEqual([
      [2, true],
      [2, false],
    ]);
  });

  it('moves a bollard only while nothing stands there, and stops its rise when something comes', async () => {
    const { coils, inputs, execute } = await withOutputs();
    inputs[7] = true;
    const refused = { done: false, reason: expect.stringContaining('interlock') };
    expect(await execute(told('raise', 'bollard'))).toMatchObject(refused);
    expect(await execute(told('lower', 'bollard'))).toMatchObject(refused);
    expect(coils.rest()).toEqual([]);
    inputs[7] = false;
    expect(await execute(told('raise', 'bollard'))).toEqual({ done: true });
    // The other way is off before, its own after.
    expect(await take(coils, 3)).toEqual([
      [4, false],
      [3, true],
      [3, false],
    ]);
    const rising = execute(told('raise', 'bollard'));
    expect(await take(coils, 2)).toEqual([
      [4, false],
      [3, true],
    ]);
    expect(await execute(told('lower', 'bollard'))).toEqual({ done: false, reason: 'it is moving' });
    inputs[7] = true;
    expect(await coils.next()).toEqual([3, false]);
    expect(await rising).toMatchObject({ done: false, reason: expect.stringContaining('stopped') });
  });

  it('refuses what an output is not for, and what makes no sense', async () => {
    const { coils, execute } = await withOutputs();
    for (const command of [
      told('unlock', 'siren'),
      told('activate', 'gate'),
      told('raise', 'gate'),
      told('unlock', 'nothing'),
      told('activate', 'siren', { for: -1 }),
      told('activate', 'siren', { coil: 9 }),
      { id: 'c', device: 'fence-1', action: 'unlock', arguments: {} },
    ])
      expect(await execute(command)).toMatchObject({ done: false });
    expect(coils.rest()).toEqual([]);
  });

  it('says that nobody knows where a device does not answer', async () => {
    const { port } = await tcpServer();
    const { session } = await open([device({ tcp: `127.0.0.1:${port}` }, 1, 'fence-1', { outputs })]);
    expect(await session.execute?.(told('unlock', 'gate') as never)).toMatchObject({
      done: false,
      unknown: true,
    });
  });
});

describe('outputs on a new line', () => {
  it('sounds on when the line is back, but opens no door and makes no movement twice', async () => {
    const { coils, execute, session, options } = await withOutputs('3m');
    const lasting = { ...options, options: { ...options.options, outputs: options.options.outputs } };
    await execute(told('activate', 'siren'));
    await execute(told('hold', 'gate'));
    await session.close();
    expect(await take(coils, 3)).toEqual([
      [1, true],
      [2, true],
      [1, false],
    ]);
    await take(coils, 3);
    const again = await open([lasting]);
    // It may have been told to lock while the line was gone: the held door is locked, like the bollard at rest.
    expect(await take(coils, 4)).toEqual([
      [1, true],
      [2, false],
      [3, false],
      [4, false],
    ]);
    await again.session.execute?.(told('deactivate', 'siren') as never);
    expect(await coils.next()).toEqual([1, false]);
    await again.session.execute?.(told('unlock', 'gate') as never);
    expect(await coils.next()).toEqual([2, true]);
    await again.session.close();
    await take(coils, 4);
    await open([lasting]);
    expect((await take(coils, 4)).filter(([, on]) => on)).toEqual([]);
  });
});
