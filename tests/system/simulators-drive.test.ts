/** Simulators of a config that are started, driven and stopped one by one, as the console's page does it. */
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { readConfig } from '../../gateway/check.ts';
import { driveSimulators } from '../../gateway/cli/simulate/drive.ts';
import { remoteSimulators } from '../../gateway/cli/simulate/remote.ts';
import type { SimulatorAction } from '../../gateway/console/contract/simulators.ts';
import { freePort, silentLog, temporaryDirectory } from '../helpers.ts';

async function school() {
  const directory = temporaryDirectory();
  const [bus, other] = [await freePort(), await freePort()];
  const file = join(directory, 'campus.yaml');
  const osdp = (id: string, address: number) => ({
    id,
    driver: 'osdp',
    connection: { serialServer: `127.0.0.1:${bus}` },
    address,
  });
  const config = {
    campus: { id: '4503000001', name: '一中' },
    devices: [
      osdp('in', 0),
      osdp('out', 1),
      {
        id: 'reader',
        name: '读卡器',
        driver: 'wiegand',
        connection: { serialServer: `127.0.0.1:${other}` },
        format: 'ascii',
      },
      { id: 'local', driver: 'wiegand', connection: { serial: '/dev/ttyS0' }, format: 'ascii' },
    ],
  };
  writeFileSync(file, JSON.stringify(config));
  const folder = join(directory, 'scenarios');
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'two.yaml'),
    'title: Two 两次\nsteps:\n  - { device: reader, do: card 1 }\n  - { after: 10m, device: reader, do: card 2 }\n',
  );
  writeFileSync(join(folder, 'other.yaml'), 'title: Other\nsteps: [{ device: fence, do: cut }]\n');
  writeFileSync(join(folder, 'wrong.yaml'), 'steps: 1\n');
  const read = readConfig(file);
  if ('errors' in read) throw new Error(JSON.stringify(read.errors));
  const driven = driveSimulators({
    devices: read.config.devices,
    others: [],
    readKey: () => {
      throw new Error('no keys here');
    },
    time: systemClock,
    folder,
  });
  onTestFinished(() => driven[Symbol.asyncDispose]());
  const states = async () =>
    Object.fromEntries((await driven.view()).devices.map(({ id, state }) => [id, state]));
  return { driven, states, other, devices: read.config.devices };
}

/** What a gateway reads at a reader. */
async function listen(port: number): Promise<{ text: () => string }> {
  let text = '';
  const line = connect(port, '127.0.0.1');
  onTestFinished(() => void line.destroy());
  line.on('error', () => {});
  line.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  await new Promise<void>((resolve) => line.once('connect', () => resolve()));
  return { text: () => text };
}

describe('simulators that are driven', () => {
  it('begin stopped, start and stop a wire at a time, and say why one cannot be', async () => {
    const { driven, states } = await school();
    expect(await states()).toEqual({ in: 'stopped', out: 'stopped', reader: 'stopped', local: 'stopped' });
    expect(await driven.perform({ do: 'start', devices: ['in', 'local'] })).toMatchObject({
      done: false,
      reason: expect.stringContaining('local is on a port of this machine'),
    });
    // Both readers of a bus are on one wire.
    expect(await states()).toEqual({ in: 'running', out: 'running', reader: 'stopped', local: 'failed' });
    const { devices } = await driven.view();
    expect(devices[0]?.simulators[0]?.actions.map(({ usage }) => usage)).toContain('card NUMBER [FACILITY]');
    expect(devices[1]?.simulators.map(({ id }) => id)).toEqual(['out']);
    await driven.perform({ do: 'stop', devices: ['out', 'local'] });
    expect(await states()).toEqual({ in: 'stopped', out: 'stopped', reader: 'stopped', local: 'stopped' });
  });

  it('start once where somebody presses twice, and again after a port was taken', async () => {
    const { driven, states, other } = await school();
    const start: SimulatorAction = { do: 'start', devices: ['reader'] };
    const inTheWay = createServer().listen(other, '127.0.0.1');
    await once(inTheWay, 'listening');
    expect(await driven.perform(start)).toMatchObject({
      done: false,
      reason: `port ${other} on 127.0.0.1 is taken by another program`,
    });
    expect((await driven.view()).devices[2]).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('taken'),
    });
    inTheWay.close();
    await once(inTheWay, 'close');
    const both = await Promise.all([driven.perform(start), driven.perform(start)]);
    expect(both).toEqual([{ done: true }, { done: true }]);
    expect((await driven.view()).told.map(({ of, did, text }) => [of, did ?? text])).toEqual([
      ['reader', 'started'],
      ['reader', expect.stringContaining('taken')],
    ]);
    expect(await states()).toMatchObject({ reader: 'running' });
  });

  it('do what is typed, over the real wire, and tell what they cannot', async () => {
    const { driven, other } = await school();
    const act = (line: string) => driven.perform({ do: 'act', simulator: 'reader', line });
    expect(await act('card 7')).toEqual({ done: false, reason: 'reader is not simulated now' });
    await driven.perform({ do: 'start', devices: ['reader'] });
    const { text } = await listen(other);
    await expect
      .poll(async () => {
        await act('card 12345');
        return text();
      })
      .toContain('12345');
    expect(await act('fly')).toMatchObject({ done: false, reason: expect.stringContaining('cannot "fly"') });
    expect(await act('card')).toMatchObject({ done: false });
    expect((await driven.view()).told[0]).toMatchObject({ of: 'reader', text: 'card 12345' });
  });

  it('play one scenario at a time, where all that it needs runs', async () => {
    const { driven } = await school();
    const scenarios = async () =>
      Object.fromEntries((await driven.view()).scenarios.map(({ id, ...rest }) => [id, rest]));
    expect(await scenarios()).toEqual({
      other: { title: 'Other', missing: ['fence'], playing: false },
      two: { title: 'Two 两次', missing: [], playing: false },
    });
    const play = { do: 'play', scenario: 'two' } as const;
    expect(await driven.perform(play)).toEqual({ done: false, reason: 'not simulated now: reader' });
    await driven.perform({ do: 'start', devices: ['reader'] });
    expect(await driven.perform(play)).toEqual({ done: true });
    expect((await scenarios())['two']).toMatchObject({ playing: true });
    await driven.perform({ do: 'stop-playing' });
    await expect.poll(async () => (await scenarios())['two']).toMatchObject({ playing: false });
    expect(await driven.perform({ do: 'play', scenario: '../two' })).toMatchObject({ done: false });
  });

  it('live a day by themselves until that is stopped', async () => {
    const { driven, other } = await school();
    await driven.perform({ do: 'start', devices: ['reader'] });
    const { text } = await listen(other);
    await driven.perform({ do: 'live', rate: 100 });
    expect((await driven.view()).rate).toBe(100);
    await expect.poll(() => text().length, { timeout: 5000 }).toBeGreaterThan(10);
    await driven.perform({ do: 'live', rate: null });
    expect((await driven.view()).rate).toBeNull();
  });
});

describe('simulators in a process of their own', () => {
  it('are driven over it, and begin anew after it was killed', { timeout: 30_000 }, async () => {
    const { devices, other } = await school();
    let warned = 0;
    const log = { ...silentLog, warn: () => void warned++ };
    const remote = remoteSimulators({ devices, others: [] }, { time: systemClock, log });
    onTestFinished(() => remote[Symbol.asyncDispose]());
    const start: SimulatorAction = { do: 'start', devices: ['reader'] };
    expect(await remote.perform(start)).toEqual({ done: true });
    await listen(other);
    const children = () =>
      readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1').trim().split(' ').filter(Boolean);
    const [child] = children().filter((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('simulate/child.ts'),
    );
    process.kill(Number(child), 'SIGKILL');
    await expect.poll(() => warned).toBe(1);
    const { devices: after } = await remote.view();
    expect(after.map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped', 'stopped']);
    expect(await remote.perform(start)).toEqual({ done: true });
  });
});
