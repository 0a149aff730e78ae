import { setTimeout as delay } from 'node:timers/promises';
import { ServerTCP } from 'modbus-serial';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Observation } from '../../drivers/contract/observation.ts';
import { encodeRtu, rtuRequestDecoder } from '../../drivers/modbus/codec.ts';
import { modbus } from '../../drivers/modbus/driver.ts';
import { follow, imageKey, type Profile, profileSchema, readsOf } from '../../drivers/modbus/profile.ts';
import { startFences } from '../../simulators/fence.ts';
import { fakeHost, freePort, stream, take, tcpServer } from '../helpers.ts';
import { frames } from './decoding.ts';

const profile: Profile = profileSchema.parse({
  title: { en: 'test', zh: '测试' },
  verified: false,
  points: [
    { function: 3, address: 0, bit: 2, zone: 1, kind: 'fence', cause: 'touched' },
    { function: 3, address: 0, bit: 6, kind: 'tamper' },
    { function: 3, address: 2, zone: 1, name: 'kilovolts', scale: 0.1 },
  ],
});

const device = (connection: object, unit = 1, id = `fence-${unit}`, more: object = {}) => ({
  id,
  driver: 'modbus',
  options: modbus.options.parse({
    connection,
    unit,
    profile: 'x',
    poll: '20ms',
    timeout: '60ms',
    zones: [{ zone: 1, id: 'east-1' }],
    ...more,
  }),
  profile,
});

async function open(devices: ReturnType<typeof device>[]) {
  const fake = fakeHost();
  const session = await modbus.open(devices, fake.host);
  onTestFinished(() => session.close());
  return { ...fake, session };
}

/** A fence whose TCP side is modbus-serial's server: a peer that shares no code with ours. */
async function peer() {
  const port = await freePort();
  const registers = [0, 0, 65, 0];
  const inputs: boolean[] = [];
  const coils = stream<[address: number, on: boolean]>();
  const server = new ServerTCP(
    {
      getHoldingRegister: (address: number) => registers[address] ?? 0,
      setCoil: (address: number, on: boolean) => coils.push([address, on]),
      getDiscreteInput: (address: number) => inputs[address] === true,
    },
    { host: '127.0.0.1', port, unitID: 1 },
  );
  await new Promise<void>((resolve) => server.on('initialized', () => resolve()));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { registers, inputs, coils, connection: { tcp: `127.0.0.1:${port}` } };
}

const nextReal = async (reports: { next(): Promise<Observation> }) => {
  for (;;) {
    const observation = await reports.next();
    if (observation.initial !== true) return observation;
  }
};

describe('Modbus TCP against modbus-serial', () => {
  it('reports what rises and what falls, with the value beside it', async () => {
    const { registers, connection } = await peer();
    const { reports, links } = await open([device(connection)]);
    expect(await links.next()).toMatchObject({ device: 'fence-1', state: 'online' });
    expect(await reports.next()).toMatchObject({ initial: true, state: 'restored' });
    registers[0] = 0b100;
    expect(await nextReal(reports)).toMatchObject({
      device: 'fence-1',
      kind: 'fence',
      cause: 'touched',
      state: 'raised',
      zone: { number: 1, id: 'east-1' },
      details: { kilovolts: 6.5 },
    });
    registers[0] = 0b1000000;
    const both = [await nextReal(reports), await nextReal(reports)];
    expect(both).toMatchObject([
      { kind: 'fence', state: 'restored' },
      { kind: 'tamper', state: 'raised' },
    ]);
  });

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
  async function withOutputs() {
    const { coils, inputs, connection } = await peer();
    const options = device(connection, 1, 'fence-1', { outputs });
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

  it('sounds on when the line is back, but makes no movement twice', async () => {
    const { coils, execute, session, options } = await withOutputs();
    const lasting = { ...options, options: { ...options.options, outputs: options.options.outputs } };
    await execute(told('hold', 'gate'));
    await session.close();
    expect(await take(coils, 2)).toEqual([
      [2, true],
      [1, false],
    ]);
    await take(coils, 3);
    const again = await open([lasting]);
    // The held door is held again; the siren and the bollard are at rest.
    expect((await take(coils, 4)).filter(([, on]) => on)).toEqual([[2, true]]);
    await again.session.execute?.(told('unlock', 'gate') as never);
    expect(await coils.next()).toEqual([2, true]);
    await again.session.close();
    await take(coils, 4);
    await open([lasting]);
    expect((await take(coils, 4)).filter(([, on]) => on)).toEqual([]);
  });

  it('says that nobody knows where a device does not answer', async () => {
    const { port } = await tcpServer();
    const { session } = await open([device({ tcp: `127.0.0.1:${port}` }, 1, 'fence-1', { outputs })]);
    expect(await session.execute?.(told('unlock', 'gate') as never)).toMatchObject({
      done: false,
      unknown: true,
    });
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

  it('says offline with the reason when the device refuses an address', async () => {
    const port = await freePort();
    const [fence] = await startFences({
      end: { listen: { host: '127.0.0.1', port } },
      framing: 'tcp',
      units: [{ id: 'f', unit: 1, model: 'io-8zone' }],
    });
    onTestFinished(() => fence?.close());
    const far = { ...device({ tcp: `127.0.0.1:${port}` }) };
    const { links } = await open([
      {
        ...far,
        profile: profileSchema.parse({ ...profile, points: [{ function: 3, address: 9000, bit: 0 }] }),
      },
    ]);
    expect(await links.next()).toMatchObject({
      state: 'offline',
      reason: expect.stringContaining('illegal data address'),
    });
  });
});

/** A serial server with units of its own on the line; the test decides what each answers. */
async function serialServer(answer: (unit: number) => Uint8Array | undefined) {
  const { port, sockets } = await tcpServer();
  const polls = stream<number>();
  const serve = async () => {
    for (;;) {
      const socket = await sockets.next();
      const decoder = rtuRequestDecoder();
      socket.on('data', (chunk) => {
        for (const { unit } of frames(decoder.push(chunk))) {
          polls.push(unit);
          const bytes = answer(unit);
          if (bytes !== undefined) socket.write(bytes);
        }
      });
    }
  };
  void serve();
  return { connection: { serialServer: `127.0.0.1:${port}` }, polls };
}

const good = (unit: number, word = 0) =>
  encodeRtu({ unit, pdu: Buffer.from([3, 6, word >> 8, word & 255, 0, 0, 0, 65]) });

describe('Modbus RTU on a shared line', () => {
  it('names the wire the same for all units of a serial server, so that they share a session', () => {
    const a = device({ serialServer: '10.0.0.9:4001' }, 1);
    const b = device({ serialServer: '10.0.0.9:4001' }, 2);
    expect(modbus.line(a)).toBe(modbus.line(b));
    expect(modbus.line(a)).not.toBe(modbus.line(device({ tcp: '10.0.0.9:4001' })));
  });

  it('gives each unit its turn', async () => {
    const { connection, polls } = await serialServer((unit) => good(unit));
    const { links } = await open([1, 2, 3, 4].map((unit) => device(connection, unit)));
    for (let i = 0; i < 4; i++) await links.next();
    const polled = await take(polls, 200);
    const counts = [1, 2, 3, 4].map((unit) => polled.filter((one) => one === unit).length);
    expect(Math.min(...counts) / Math.max(...counts)).toBeGreaterThan(0.8);
  });

  it('lets a dead unit back off alone: the others keep their pace and the line stays', async () => {
    const { connection, polls } = await serialServer((unit) => (unit === 2 ? undefined : good(unit)));
    const { links } = await open([1, 2, 3].map((unit) => device(connection, unit)));
    const dead = await links.find(({ state }) => state === 'offline');
    expect(dead).toMatchObject({ device: 'fence-2', reason: expect.stringContaining('does not answer') });
    polls.rest();
    const after = await take(polls, 100);
    expect(after.filter((unit) => unit === 2).length).toBeLessThan(10);
    expect(links.rest()).toEqual([]);
  });

  it('finds the answer behind garbage, counts the garbage, and outlives a wrong CRC', async () => {
    let turn = 0;
    const { connection } = await serialServer((unit) => {
      turn++;
      if (turn % 3 === 1) return Buffer.concat([Buffer.from([1, 3, 0x40, 9, 9]), good(unit, 0b100)]);
      const bytes = good(unit, 0b100);
      if (turn % 3 === 2) bytes[4] = 0xff;
      return bytes;
    });
    const { reports, discards, links } = await open([device(connection)]);
    expect(await links.next()).toMatchObject({ state: 'online' });
    expect(await reports.next()).toMatchObject({ initial: true, kind: 'fence', state: 'raised' });
    const reasons = new Set<string>();
    while (reasons.size < 2) reasons.add((await discards.next()).reason);
    expect([...reasons].sort()).toEqual(['noise', 'wrong crc']);
  });

  it('ends the session when the serial server hangs up', async () => {
    const { port, sockets, close } = await tcpServer();
    const fake = fakeHost();
    const session = await modbus.open([device({ serialServer: `127.0.0.1:${port}` })], fake.host);
    onTestFinished(() => session.close());
    (await sockets.next()).destroy();
    await expect(session.ended).rejects.toMatchObject({ code: 'E_LINE_LOST' });
    await close();
    await expect(
      modbus.open([device({ serialServer: `127.0.0.1:${port}` })], fake.host),
    ).rejects.toMatchObject({
      code: 'E_LINE_REFUSED',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

describe('a profile', () => {
  const image = (values: Record<string, number>) => new Map(Object.entries(values));
  const tension = profileSchema.parse({
    title: { en: 't', zh: 't' },
    verified: false,
    points: [
      { function: 4, address: 0, bit: 0, kind: 'arming', name: 'armed' },
      {
        function: 4,
        address: 1,
        zone: 1,
        kind: 'fence',
        name: 'newtons',
        above: 300,
        below: 40,
        hysteresis: 10,
        when: 'armed',
      },
      { function: 1, address: 7, inverted: true, zone: 2 },
    ],
  });

  it('covers its points with as few reads as neighbours allow', () => {
    expect(readsOf(tension)).toEqual([
      { function: 1, address: 7, count: 1 },
      { function: 4, address: 0, count: 2 },
    ]);
  });

  it('raises over and under its limits with hysteresis, only while armed, and reads inverted contacts', () => {
    const step = follow(tension, 'd', [{ zone: 2, kind: 'panic' }]);
    const at = (armed: number, newtons: number, contact = 1) =>
      step(image({ [imageKey(4, 0)]: armed, [imageKey(4, 1)]: newtons, [imageKey(1, 7)]: contact }))
        .filter(({ initial }) => !initial)
        .map(({ kind, state }) => `${kind} ${state}`);
    expect(at(0, 500)).toEqual([]);
    expect(at(1, 150)).toEqual(['arming raised']);
    expect(at(1, 301)).toEqual(['fence raised']);
    expect(at(1, 295)).toEqual([]);
    expect(at(1, 289)).toEqual(['fence restored']);
    expect(at(1, 39)).toEqual(['fence raised']);
    expect(at(1, 45)).toEqual([]);
    expect(at(1, 51)).toEqual(['fence restored']);
    expect(at(1, 150, 0)).toEqual(['panic raised']);
    expect(at(0, 500, 0)).toEqual(['arming restored']);
  });
});
