import { describe, expect, it, onTestFinished } from 'vitest';
import type { Observation } from '../../drivers/contract/observation.ts';
import { encodeRtu, rtuRequestDecoder } from '../../drivers/modbus/codec.ts';
import { modbus } from '../../drivers/modbus/driver.ts';
import { profileSchema } from '../../drivers/modbus/profile.ts';
import { startFences } from '../../simulators/fence.ts';
import { fastClock } from '../clocks.ts';
import { fakeHost, freePort, stream, take, tcpServer } from '../helpers.ts';
import { frames } from './decoding.ts';
import { device, open, peer, profile } from './modbus-peer.ts';

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
    // What would end is read once more before it is told.
    expect(both).toMatchObject([
      { kind: 'tamper', state: 'raised' },
      { kind: 'fence', state: 'restored' },
    ]);
  });

  it('says offline with the reason when the device refuses an address', async () => {
    const port = await freePort();
    const [fence] = await startFences({
      end: { listen: { host: '127.0.0.1', port } },
      framing: 'tcp',
      units: [{ id: 'f', unit: 1, model: 'io-8zone' }],
    });
    onTestFinished(() => fence?.close());
    const far = device({ tcp: `127.0.0.1:${port}` }, 1, 'fence-1', { timeout: '2s' });
    const points = [{ function: 3, address: 9000, bit: 0 }];
    const wrong = { ...far, profile: profileSchema.parse({ ...profile, points }) };
    const { links } = await open([wrong], fastClock(10));
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
    const { links } = await open(
      [1, 2, 3].map((unit) => device(connection, unit)),
      fastClock(3),
    );
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

  it('ends the session when the serial server hangs up and takes no more', async () => {
    const { port, sockets, close } = await tcpServer();
    const fake = fakeHost();
    const session = await modbus.open([device({ serialServer: `127.0.0.1:${port}` })], fake.host);
    onTestFinished(() => session.close());
    await sockets.next();
    const lost = expect(session.ended).rejects.toMatchObject({ code: 'E_LINE_LOST' });
    await close();
    await lost;
    await expect(
      modbus.open([device({ serialServer: `127.0.0.1:${port}` })], fake.host),
    ).rejects.toMatchObject({
      code: 'E_LINE_REFUSED',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

describe('the simulated fence', () => {
  it('answers late and is busy, as it is told', async () => {
    const port = await freePort();
    const [fence] = await startFences({
      end: { listen: { host: '127.0.0.1', port } },
      framing: 'rtu',
      units: [{ id: 'f', unit: 1, model: 'io-8zone' }],
    });
    onTestFinished(() => fence?.close());
    const one = device({ serialServer: `127.0.0.1:${port}` }, 1, 'fence-1', { zones: [], timeout: '500ms' });
    const { links, discards } = await open([one], fastClock(5));
    expect(await links.next()).toMatchObject({ state: 'online' });
    await fence?.do('late 150ms');
    expect(await discards.find(({ reason }) => reason === 'an answer after its time')).toBeDefined();
    expect(await links.next()).toMatchObject({
      state: 'offline',
      reason: expect.stringContaining('`timeout`'),
    });
    await fence?.do('late 0ms');
    expect(await links.next()).toMatchObject({ state: 'online' });
    await fence?.do('busy 5s');
    expect(await links.next()).toMatchObject({
      state: 'offline',
      reason: expect.stringContaining('exception 6'),
    });
  });
});
