/** Two platforms of one campus, and the word that goes back to who pressed. */
import { join } from 'node:path';
import ModbusRtu from 'modbus-serial';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openReader } from '../../gateway/journal/reader.ts';
import { startFences } from '../../simulators/fence.ts';
import { startPlatform } from '../../simulators/platform.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { relay } from './faults/relay.ts';
import { panelAccounts, rig } from './faults/rig.ts';
import { mosquitto, need, until } from './tools.ts';

describe('two platforms', { timeout: 120_000 }, () => {
  it('cost each other nothing: one down from the start, one slow, each with its own filter and prefix', async (context) => {
    need(context, 'mosquitto');
    const police = await mosquitto();
    const education = await mosquitto();
    const slow = await relay(education.port);
    onTestFinished(slow.close);
    slow.set({ delay: 200, rate: 100_000 });
    const url = (port: number) => `mqtt://127.0.0.1:${port}`;
    const campus = await rig({
      url: url(police.port),
      config: {
        uplinks: [
          { id: 'nobody', url: url(await freePort()), reconnectSpread: '1s' },
          { id: 'education', url: url(slow.port), topicPrefix: 'edu/4503000001', events: ['device.*'] },
          { id: 'police', url: url(police.port), reconnectSpread: '1s' },
        ],
      },
    });
    const seen: string[] = [];
    const other = await startPlatform({
      url: url(education.port),
      file: join(temporaryDirectory(), 'education.sqlite'),
      filter: 'edu/+/event/#',
      receipts: false,
      taken: ({ type }) => void seen.push(type),
    });
    onTestFinished(() => other.close());
    campus.start();
    await until('the police have 1000', () => campus.events.length > 1000);
    expect(await campus.settle('one platform down, one slow')).toMatchObject({ lost: [], twice: 0 });
    const reader = openReader(join(campus.directory, 'data'));
    onTestFinished(() => void reader.close());
    const wanted = reader.summary().find(({ class: name }) => name === 'device')?.events ?? 0;
    await until('education has its own', () => seen.length === wanted, 60_000);
    expect(seen.every((type) => type.startsWith('cn.campus.device.'))).toBe(true);
    expect(other.store.counts()).toMatchObject({ open: 0, lost: 0 });
    expect(await campus.daemon().stop()).toBe(0);
    // What nobody took waits; a week of it is a matter of disk, not of memory.
    expect(reader.cursors().filter(({ uplink }) => uplink === 'nobody')).toEqual([]);
  });
});

describe('a panic button with a lamp', { timeout: 60_000 }, () => {
  it('lights when the police have the alarm, and its life says when who had it', async (context) => {
    need(context, 'mosquitto');
    const broker = await mosquitto();
    const [modbus, panel] = await Promise.all([freePort(), freePort()]);
    const [button] = await startFences({
      end: { listen: { host: '127.0.0.1', port: modbus } },
      framing: 'tcp',
      units: [{ id: 'office', unit: 1, model: 'io-8zone' }],
    });
    onTestFinished(() => button?.close());
    // An independent master looks at the lamp.
    const master = new ModbusRtu.default();
    await master.connectTCP('127.0.0.1', { port: modbus });
    onTestFinished(() => new Promise<void>((resolve) => master.close(() => resolve())));
    master.setID(1);
    const lamp = async () => (await master.readCoils(3, 1)).data[0] === true;
    const campus = await rig({
      url: `mqtt://127.0.0.1:${broker.port}`,
      port: panel,
      uplink: { receipts: true, commands: ['replay', 'acknowledge'] },
      platform: { receipts: true },
      config: {
        devices: [
          { id: 'panel', driver: 'dc09', listen: { port: panel }, accounts: panelAccounts },
          {
            id: 'office',
            driver: 'modbus',
            connection: { tcp: `127.0.0.1:${modbus}` },
            profile: 'io-8zone',
            poll: '50ms',
            zones: [{ zone: 8, id: 'office-button', kind: 'panic' }],
            outputs: [{ id: 'lamp', kind: 'lamp', coil: 3 }],
            acknowledgeOutput: { output: 'lamp', for: '700ms' },
          },
        ],
      },
    });
    await until('the module answers', () =>
      campus.events.some(
        ({ type, data }) =>
          type.endsWith('device.online') && (data['device'] as { id: string }).id === 'office',
      ),
    );
    expect(await lamp()).toBe(false);
    await button?.do('trip 8');
    await until('the lamp is lit', lamp);
    await until('the lamp is out again', async () => !(await lamp()));
    const alarm = campus.platform.store.find((event) => event.type.endsWith('alarm.raised'));
    const { id = '', sequence = 0, prefix = '' } = alarm ?? {};
    const args = { event: id, sequence: String(sequence), by: '值班员' };
    expect(await campus.platform.command(prefix, 'acknowledge', args)).toMatchObject({ done: true });
    await until('the lamp is lit again', lamp);
    await until('the platform has the word', () =>
      campus.events.some(({ type }) => type.endsWith('alarm.acknowledged')),
    );
    expect(await campus.daemon().stop()).toBe(0);
    const reader = openReader(join(campus.directory, 'data'));
    const stages = reader.reached(0, sequence).map(({ uplink, stage }) => `${uplink} ${stage}`);
    reader.close();
    expect(stages.sort()).toEqual(['police broker', 'police platform']);
  });
});
