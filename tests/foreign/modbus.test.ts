/**
 * Modbus with programs of others: pymodbus, libmodbus and modbus-serial as the device of our driver; mbpoll (libmodbus)
 * and modbus-serial as master of our fence.
 */
import { connect } from 'node:net';
import { join } from 'node:path';
import modbusSerial, { ServerSerial, ServerTCP } from 'modbus-serial';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { profileSchema } from '../../drivers/modbus/profile.ts';
import { startFences } from '../../simulators/fence.ts';
import { device, open, profile } from '../drivers/modbus-peer.ts';
import { freePort } from '../helpers.ts';
import { need, ptyPair, until } from '../system/tools.ts';
import { conversation, needPython, outcome } from './peers.ts';

const outputs = [{ id: 'siren', kind: 'siren', coil: 7, limit: '30s' }];
const fence = (connection: object, points = profile) => ({
  ...device(connection, 1, 'fence', { poll: '50ms', timeout: '300ms', outputs }),
  profile: points,
});

const listens = (port: number) =>
  until('it listens', () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    return promise.finally(() => socket.destroy());
  });

type Wire = 'tcp' | 'rtu-over-tcp' | 'serial';
/** How a device is told what it holds, asked what its coil is, and reached. */
interface Peer {
  readonly tell: (line: string) => Promise<string>;
  readonly connection: object;
}

/** A device of Python's on a wire of this kind. */
async function python(script: string, kind: Wire): Promise<Peer> {
  const path = join(import.meta.dirname, script);
  if (kind === 'serial') {
    const { a, b } = await ptyPair();
    const tell = conversation('/usr/bin/python3', [path, kind, a]);
    return { tell, connection: { serial: b, baudRate: 9600 } };
  }
  const port = await freePort();
  const tell = conversation('/usr/bin/python3', [path, kind, String(port)]);
  const at = `127.0.0.1:${port}`;
  return { tell, connection: kind === 'tcp' ? { tcp: at } : { serialServer: at } };
}

async function pymodbus(kind: Wire): Promise<Peer> {
  const peer = await python('pymodbus-device.py', kind);
  const at = Object.values(peer.connection)[0] as string;
  if (kind !== 'serial') await listens(Number(at.split(':')[1]));
  return peer;
}

/** modbus-serial as a device; it speaks RTU over a serial line, or Modbus TCP. */
async function slave(kind: Wire): Promise<Peer> {
  const registers: number[] = [];
  const coils: boolean[] = [];
  const vector = {
    getHoldingRegister: (address: number) => registers[address] ?? 0,
    setCoil: (address: number, on: boolean) => {
      coils[address] = on;
    },
  };
  const tell = async (line: string) => {
    const [what, address, value] = line.split(' ');
    if (what === 'coil') return String(Number(coils[Number(address)] ?? false));
    registers[Number(address)] = Number(value);
    return 'set';
  };
  const { a, b } = kind === 'serial' ? await ptyPair() : { a: '', b: '' };
  const port = await freePort();
  const server =
    kind === 'serial'
      ? new ServerSerial(vector, { path: a, baudRate: 9600, unitID: 1 } as never)
      : new ServerTCP(vector, { host: '127.0.0.1', port, unitID: 1 });
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  if (kind !== 'serial') await listens(port);
  return {
    tell,
    connection: kind === 'serial' ? { serial: b, baudRate: 9600 } : { tcp: `127.0.0.1:${port}` },
  };
}

const libmodbus = (kind: Wire) => python('libmodbus-device.py', kind);

const withPython = (context: TestContext) => needPython(context, 'pymodbus');
/** It brings the library. */
const withMbpoll = (context: TestContext) => need(context, 'mbpoll');
type Device = readonly [string, Wire, (kind: Wire) => Promise<Peer>, (context: TestContext) => void];
const devices: readonly Device[] = [
  ['pymodbus', 'tcp', pymodbus, withPython],
  ['pymodbus', 'rtu-over-tcp', pymodbus, withPython],
  ['pymodbus', 'serial', pymodbus, withPython],
  ['libmodbus', 'tcp', libmodbus, withMbpoll],
  ['libmodbus', 'serial', libmodbus, withMbpoll],
  ['modbus-serial', 'tcp', slave, () => {}],
  ['modbus-serial', 'serial', slave, () => {}],
];

describe.each(devices)('%s as a device, %s', (_name, kind, peer, needs) => {
  it('is read, and its coil is switched', async (context) => {
    needs(context);
    if (kind === 'serial') need(context, 'socat');
    const { tell, connection } = await peer(kind);
    expect(await tell('holding 2 65')).toBe('set');
    const { session, links, reports } = await open([fence(connection)]);
    expect(await links.next()).toMatchObject({ state: 'online' });
    await tell('holding 0 4');
    expect(await reports.find(({ state, initial }) => state === 'raised' && initial !== true)).toMatchObject({
      cause: 'touched',
      details: { kilovolts: 6.5 },
    });
    await tell('holding 0 0');
    expect(
      await reports.find(({ state, cause }) => state === 'restored' && cause === 'touched'),
    ).toBeDefined();
    const order = (action: string) =>
      session.execute?.({ id: action, device: 'fence', action, arguments: { output: 'siren' } });
    expect(await order('activate')).toMatchObject({ done: true });
    expect(await tell('coil 7')).toBe('1');
    expect(await order('deactivate')).toMatchObject({ done: true });
    expect(await tell('coil 7')).toBe('0');
  });
});

it('pymodbus that has no such register is offline, and its words are told', async (context) => {
  needPython(context, 'pymodbus');
  const { connection } = await pymodbus('tcp');
  const beyond = profileSchema.parse({
    ...profile,
    points: [{ function: 3, address: 5000, bit: 0, zone: 1, kind: 'fence' }],
  });
  const { links } = await open([fence(connection, beyond)]);
  // Exception 2, illegal data address.
  expect(await links.next()).toMatchObject({ state: 'offline', reason: expect.stringMatching(/address/i) });
});

it('pymodbus lays floats into registers as our profiles read them', async (context) => {
  needPython(context, 'pymodbus');
  const { tell, connection } = await pymodbus('tcp');
  await tell('float 10 -12.5 big');
  await tell('float 20 1234.5 little');
  await tell('holding 0 4');
  const number = { function: 3, type: 'float32', zone: 1 };
  const floats = profileSchema.parse({
    ...profile,
    points: [
      { function: 3, address: 0, bit: 2, zone: 1, kind: 'fence' },
      { ...number, address: 10, name: 'celsius' },
      { ...number, address: 20, name: 'newtons', order: 'CDAB' },
    ],
  });
  const { reports } = await open([fence(connection, floats)]);
  expect(await reports.find(({ kind }) => kind === 'fence')).toMatchObject({
    details: { celsius: -12.5, newtons: 1234.5 },
  });
});

/** Our simulated fence on a wire of this kind, as unit 7. */
async function simulated(kind: 'tcp' | 'serial') {
  const port = await freePort();
  const { a, b } = kind === 'serial' ? await ptyPair() : { a: '', b: '' };
  const end = kind === 'serial' ? { serial: a, baudRate: 9600 } : { listen: { host: '127.0.0.1', port } };
  const [fenceHost] = await startFences({
    end,
    framing: kind === 'serial' ? 'rtu' : 'tcp',
    units: [{ id: 'f', unit: 7, model: 'pulse-fence-2zone' }],
  });
  onTestFinished(() => fenceHost?.close());
  await fenceHost?.do('break 1');
  return { port, path: b };
}
/** As config/profiles/pulse-fence-2zone.yaml says it: zone 1 armed, high voltage, broken; zone 2 armed, high voltage. */
const broken = [0b1011, 0b11, 65, 65];

/** What mbpoll prints of values: `[0]: 	11`. */
const values = (text: string) =>
  [...text.matchAll(/^\[\d+\]:\s+(-?\d+)/gm)].map(([, value]) => Number(value));

describe.each(['tcp', 'serial'] as const)('mbpoll as a master of our simulated fence, %s', (kind) => {
  it('reads and writes it, and is refused what is not there', async (context) => {
    need(context, 'mbpoll', ...(kind === 'serial' ? ['socat'] : []));
    const { port, path } = await simulated(kind);
    const where =
      kind === 'serial' ? ['-m', 'rtu', '-b', '9600', '-P', 'none'] : ['-m', 'tcp', '-p', String(port)];
    const target = kind === 'serial' ? path : '127.0.0.1';
    const poll = (...args: string[]) =>
      outcome('mbpoll', [...where, '-a', '7', '-0', '-1', '-o', '2', ...args]);
    const read = await poll('-t', '4', '-r', '0', '-c', '4', target);
    expect(values(read.text), read.text).toEqual(broken);
    expect(await poll('-t', '4', '-r', '10', target, '7', '8')).toMatchObject({ good: true });
    expect(values((await poll('-t', '4', '-r', '10', '-c', '2', target)).text)).toEqual([7, 8]);
    expect(await poll('-t', '0', '-r', '3', target, '1')).toMatchObject({ good: true });
    expect(values((await poll('-t', '0', '-r', '2', '-c', '3', target)).text)).toEqual([0, 1, 0]);
    expect((await poll('-t', '4', '-r', '9000', '-c', '1', target)).text).toMatch(/Illegal data address/);
    // Another unit is not there: nothing answers on a line; behind Modbus TCP a gateway may say so.
    expect(await poll('-a', '9', '-t', '4', '-r', '0', '-c', '1', target)).toMatchObject({ good: false });
  });
});

describe.each(['tcp', 'serial'] as const)('modbus-serial as a master of our simulated fence, %s', (kind) => {
  it('reads and writes it, and is refused what is not there', async (context) => {
    if (kind === 'serial') need(context, 'socat');
    const { port, path } = await simulated(kind);
    const master = new modbusSerial.default();
    if (kind === 'serial') await master.connectRTUBuffered(path, { baudRate: 9600 });
    else await master.connectTCP('127.0.0.1', { port });
    onTestFinished(() => new Promise<void>((resolve) => master.close(() => resolve())));
    master.setID(7);
    expect((await master.readHoldingRegisters(0, 4)).data).toEqual(broken);
    await master.writeRegisters(10, [7, 8]);
    expect((await master.readHoldingRegisters(10, 2)).data).toEqual([7, 8]);
    await expect(master.readHoldingRegisters(9000, 1)).rejects.toThrow(/exception 2/i);
  });
});
