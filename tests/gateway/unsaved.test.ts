import { rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ServerTCP } from 'modbus-serial';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../gateway/check.ts';
import { startGateway } from '../../gateway/main.ts';
import { startPanel } from '../../simulators/panel.ts';
import { fastClock } from '../clocks.ts';
import { eventually, freePort, silentLog, stream, take, tcpServer, temporaryDirectory } from '../helpers.ts';
import { scriptedBroker } from '../scripted-broker.ts';
import { campus } from './campus.ts';

/** A campus whose disk cannot be had, until `mend`. */
async function diskless(port: number, more: object = {}) {
  const directory = temporaryDirectory();
  const obstacle = join(directory, 'mount');
  writeFileSync(obstacle, '');
  const made = await campus(port, more, join(obstacle, 'data'), { time: fastClock(10) });
  return { ...made, mend: () => rmSync(obstacle) };
}

/** What a panel sends to a port, one after another, and a port that leads there. */
async function tapped(port: number) {
  const tap = await tcpServer();
  const sent = stream<Buffer>();
  tap.server.on('connection', (panel) => {
    const gateway = connect(port, '127.0.0.1').on('error', () => panel.destroy());
    panel.on('data', sent.push).on('close', () => gateway.destroy());
    panel.pipe(gateway).pipe(panel);
  });
  return { port: tap.port, sent };
}

/** A siren behind a module, and a rule that switches it on. */
async function sirenOf(port: number) {
  const coils: boolean[] = [];
  const setCoil = (_address: number, on: boolean) => void coils.push(on);
  const module = new ServerTCP(
    { getDiscreteInput: () => false, setCoil },
    { host: '127.0.0.1', port, unitID: 1 },
  );
  await new Promise<void>((resolve) => module.on('initialized', () => resolve()));
  onTestFinished(() => new Promise<void>((resolve) => module.close(() => resolve())));
  const device = {
    id: 'io',
    driver: 'modbus',
    connection: { tcp: `127.0.0.1:${port}` },
    profile: 'io-8zone',
    outputs: [{ id: 'siren', kind: 'siren', coil: 0 }],
  };
  const action = { target: 'io', action: 'activate', arguments: { output: 'siren' } };
  return { coils, device, rule: { id: 'panic', when: { kinds: ['panic'] }, do: [action] } };
}

describe('an alarm that the disk does not take', () => {
  it('goes out from memory, unacknowledged; with the disk back it has a number and the same id', async () => {
    const broker = await scriptedBroker({});
    const { record, recorder, mend } = await diskless(broker.port);
    const zone = { number: 9, id: 'gate' };
    const repeat = { key: 'panel/1', within: 60_000 };
    await expect(record('panic', { zone, repeat })).rejects.toThrow();
    const first = await broker.events.next();
    expect(first.body).toMatchObject({
      sequence: '0',
      previous: '0',
      subject: 'gate',
      data: { kind: 'panic' },
    });
    // The panel that heard nothing says so again: no second alarm.
    await expect(record('panic', { zone, repeat })).rejects.toThrow();
    expect([...recorder.unsaved.keys()]).toEqual([first.body.id]);
    mend();
    const again = await broker.events.next();
    expect(again.body).toMatchObject({
      id: first.body.id,
      time: first.body['time'],
      sequence: '1',
      previous: '0',
    });
    expect(recorder.unsaved.size).toBe(0);
    // And once more, now acknowledged.
    expect(await record('panic', { zone, repeat })).toMatchObject({ id: first.body.id, repeated: true });
    await record('fault');
    expect((await broker.events.next()).body['type']).toBe('cn.campus.device.fault');
  });

  it('sounds its siren all the same, once', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'mount'), '');
    const [panelPort, port] = await Promise.all([freePort(), freePort()]);
    const { coils, device, rule } = await sirenOf(port);
    const file = join(directory, 'campus.yaml');
    const config = {
      campus: { id: '45001', name: '一中' },
      dataDir: './mount/data',
      devices: [
        { id: 'panel', driver: 'dc09', listen: { port: panelPort }, accounts: [{ account: '1234' }] },
        device,
      ],
      rules: [rule],
    };
    writeFileSync(file, JSON.stringify(config));
    const loaded = readConfig(file);
    if ('errors' in loaded) throw new Error(JSON.stringify(loaded.errors));
    const gateway = await startGateway({ config: loaded.config, log: silentLog });
    onTestFinished(() => gateway.close(0));
    await eventually(() => expect(coils).toEqual([false]));
    const tap = await tapped(panelPort);
    const panel = startPanel({ host: '127.0.0.1', port: tap.port, account: '1234', retry: 50 });
    onTestFinished(() => panel.close());
    void panel.report('#1234|Nri1/PA9').catch(() => {});
    await eventually(() => expect(coils).toEqual([false, true]));
    // The panel hears nothing and says so again; that is the same alarm.
    await take(tap.sent, 4);
    expect(coils).toHaveLength(2);
  });

  it('is one event, however often a level is read meanwhile', async () => {
    const broker = await scriptedBroker({});
    const { record, mend } = await diskless(broker.port);
    const read = () => record('fence', { cause: 'touched', zone: { number: 1 }, initial: true });
    for (let i = 0; i < 5; i++) await expect(read()).rejects.toThrow();
    const { body } = await broker.events.next();
    mend();
    expect((await broker.events.next()).body.id).toBe(body.id);
    await eventually(async () => expect(await read()).toMatchObject({ repeated: true }));
    expect(broker.events.rest()).toEqual([]);
  });

  it('waits in memory for a broker that is away too', async () => {
    const port = (await scriptedBroker({})).port;
    const { record, recorder } = await diskless(port + 1 > 65_535 ? port - 1 : port + 1);
    await expect(record('panic')).rejects.toThrow();
    expect(recorder.unsaved.size).toBe(1);
  });

  it('is none of what is no alarm: that is refused, and its device tries again', async () => {
    const broker = await scriptedBroker({});
    const { record, recorder } = await diskless(broker.port);
    await expect(record('fault')).rejects.toThrow();
    expect(recorder.unsaved.size).toBe(0);
  });
});
