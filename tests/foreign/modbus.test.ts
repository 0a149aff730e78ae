/** Modbus with programs of others: pymodbus as the device of our driver, mbpoll (libmodbus) as master of our fence. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { modbus } from '../../drivers/modbus/driver.ts';
import { profileSchema } from '../../drivers/modbus/profile.ts';
import { startFences } from '../../simulators/fence.ts';
import { fakeHost, freePort } from '../helpers.ts';
import { need, ptyPair, until } from '../system/tools.ts';
import { conversation, needPython, outcome } from './peers.ts';

const profile = profileSchema.parse({
  title: { en: 'test', zh: '测试' },
  verified: false,
  points: [
    { function: 3, address: 0, bit: 2, zone: 1, kind: 'fence', cause: 'touched' },
    { function: 3, address: 2, zone: 1, name: 'kilovolts', scale: 0.1 },
  ],
});
const outputs = [{ id: 'siren', kind: 'siren', coil: 7, limit: '30s' }];
const device = (connection: object, points: typeof profile = profile) => ({
  id: 'fence',
  driver: 'modbus',
  options: modbus.options.parse({ connection, unit: 1, profile: 'x', poll: '50ms', outputs }),
  profile: points,
});

const listens = (port: number) =>
  until('it listens', () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    return promise.finally(() => socket.destroy());
  });

/** pymodbus as a device on a wire of this kind, and how the driver reaches it. */
async function pymodbus(kind: 'tcp' | 'rtu-over-tcp' | 'serial') {
  const script = join(import.meta.dirname, 'pymodbus-device.py');
  if (kind === 'serial') {
    const { a, b } = await ptyPair();
    return {
      tell: conversation('/usr/bin/python3', [script, kind, a]),
      connection: { serial: b, baudRate: 9600 },
    };
  }
  const port = await freePort();
  const tell = conversation('/usr/bin/python3', [script, kind, String(port)]);
  await listens(port);
  const at = `127.0.0.1:${port}`;
  return { tell, connection: kind === 'tcp' ? { tcp: at } : { serialServer: at } };
}

describe.each(['tcp', 'rtu-over-tcp', 'serial'] as const)('pymodbus as a device, %s', (kind) => {
  it('is read, and its coil is switched', async (context) => {
    needPython(context, 'pymodbus');
    if (kind === 'serial') need(context, 'socat');
    const { tell, connection } = await pymodbus(kind);
    await tell('holding 2 65');
    const { host, links, reports } = fakeHost();
    const session = await modbus.open([device(connection)], host);
    onTestFinished(() => session.close());
    expect(await links.next()).toMatchObject({ state: 'online' });
    await tell('holding 0 4');
    expect(await reports.find(({ state, initial }) => state === 'raised' && initial !== true)).toMatchObject({
      cause: 'touched',
      details: { kilovolts: 6.5 },
    });
    await tell('holding 0 0');
    expect(await reports.find(({ state }) => state === 'restored')).toMatchObject({ cause: 'touched' });
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
  const { host, links } = fakeHost();
  const beyond = profileSchema.parse({
    ...profile,
    points: [{ function: 3, address: 5000, bit: 0, zone: 1, kind: 'fence' }],
  });
  const session = await modbus.open([device(connection, beyond)], host);
  onTestFinished(() => session.close());
  // Exception 2, illegal data address.
  expect(await links.next()).toMatchObject({ state: 'offline', reason: expect.stringMatching(/address/i) });
});

it('pymodbus lays floats into registers as our profiles read them', async (context) => {
  needPython(context, 'pymodbus');
  const { tell, connection } = await pymodbus('tcp');
  await tell('float 10 -12.5 big');
  await tell('float 20 1234.5 little');
  await tell('holding 0 4');
  const { host, reports } = fakeHost();
  const number = { function: 3, type: 'float32', zone: 1 };
  const floats = profileSchema.parse({
    ...profile,
    points: [
      { function: 3, address: 0, bit: 2, zone: 1, kind: 'fence' },
      { ...number, address: 10, name: 'celsius' },
      { ...number, address: 20, name: 'newtons', order: 'CDAB' },
    ],
  });
  const session = await modbus.open([device(connection, floats)], host);
  onTestFinished(() => session.close());
  expect(await reports.find(({ kind }) => kind === 'fence')).toMatchObject({
    details: { celsius: -12.5, newtons: 1234.5 },
  });
});

describe.each(['tcp', 'serial'] as const)('libmodbus as a device, %s', (kind) => {
  it('is read, and its coil is switched', async (context) => {
    need(context, 'mbpoll', ...(kind === 'serial' ? ['socat'] : []));
    const port = await freePort();
    const { a, b } = kind === 'serial' ? await ptyPair() : { a: '', b: '' };
    const where = kind === 'serial' ? a : String(port);
    const tell = conversation('/usr/bin/python3', [
      join(import.meta.dirname, 'libmodbus-device.py'),
      kind,
      where,
    ]);
    expect(await tell('holding 2 65')).toBe('set');
    const { host, links, reports } = fakeHost();
    const connection = kind === 'serial' ? { serial: b, baudRate: 9600 } : { tcp: `127.0.0.1:${port}` };
    const session = await modbus.open([device(connection)], host);
    onTestFinished(() => session.close());
    expect(await links.next()).toMatchObject({ state: 'online' });
    await tell('holding 0 4');
    expect(await reports.find(({ state, initial }) => state === 'raised' && initial !== true)).toMatchObject({
      cause: 'touched',
      details: { kilovolts: 6.5 },
    });
    const order = (action: string) =>
      session.execute?.({ id: action, device: 'fence', action, arguments: { output: 'siren' } });
    expect(await order('activate')).toMatchObject({ done: true });
    expect(await tell('coil 7')).toBe('1');
    expect(await order('deactivate')).toMatchObject({ done: true });
    expect(await tell('coil 7')).toBe('0');
  });
});

/** What mbpoll prints of values: `[0]: 	11`. */
const values = (text: string) =>
  [...text.matchAll(/^\[\d+\]:\s+(-?\d+)/gm)].map(([, value]) => Number(value));

describe.each(['tcp', 'serial'] as const)('mbpoll as a master of our simulated fence, %s', (kind) => {
  it('reads and writes it, and is refused what is not there', async (context) => {
    need(context, 'mbpoll', ...(kind === 'serial' ? ['socat'] : []));
    const port = await freePort();
    const { a, b } = kind === 'serial' ? await ptyPair() : { a: '', b: '' };
    const end = kind === 'serial' ? { serial: a, baudRate: 9600 } : { listen: { host: '127.0.0.1', port } };
    const [fence] = await startFences({
      end,
      framing: kind === 'serial' ? 'rtu' : 'tcp',
      units: [{ id: 'f', unit: 7, model: 'pulse-fence-2zone' }],
    });
    onTestFinished(() => fence?.close());
    const where =
      kind === 'serial' ? ['-m', 'rtu', '-b', '9600', '-P', 'none'] : ['-m', 'tcp', '-p', String(port)];
    const target = kind === 'serial' ? b : '127.0.0.1';
    const poll = (...args: string[]) =>
      outcome('mbpoll', [...where, '-a', '7', '-0', '-1', '-o', '2', ...args]);
    await fence?.do('break 1');
    // As config/profiles/pulse-fence-2zone.yaml says it: zone 1 armed, high voltage, broken; zone 2 armed, high voltage.
    const read = await poll('-t', '4', '-r', '0', '-c', '4', target);
    expect(values(read.text), read.text).toEqual([0b1011, 0b11, 65, 65]);
    expect(await poll('-t', '4', '-r', '10', target, '7', '8')).toMatchObject({ good: true });
    expect(values((await poll('-t', '4', '-r', '10', '-c', '2', target)).text)).toEqual([7, 8]);
    expect(await poll('-t', '0', '-r', '3', target, '1')).toMatchObject({ good: true });
    expect(values((await poll('-t', '0', '-r', '2', '-c', '3', target)).text)).toEqual([0, 1, 0]);
    expect((await poll('-t', '4', '-r', '9000', '-c', '1', target)).text).toMatch(/Illegal data address/);
    // Another unit is not there: nothing answers on a line; behind Modbus TCP a gateway may say so.
    expect(await poll('-a', '9', '-t', '4', '-r', '0', '-c', '1', target)).toMatchObject({ good: false });
  });
});
