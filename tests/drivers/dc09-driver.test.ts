import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { type Dc09Frame, dc09Decoder, decryptDc09, encodeDc09, frameBody } from '../../drivers/dc09/codec.ts';
import { dc09 } from '../../drivers/dc09/driver.ts';
import { fastClock, manualClock } from '../clocks.ts';
import { fakeHost, freePort, stream, temporaryDirectory } from '../helpers.ts';
import { frames } from './decoding.ts';

const zones = [
  { zone: 1, id: 'north-wall', kind: 'perimeter' },
  { zone: 9, id: 'gatehouse-button', kind: 'panic', name: '门卫室一键报警' },
];

async function receiver(
  accounts: object[],
  store?: (observation: Observation) => Promise<Receipt>,
  time?: Clock,
) {
  const port = await freePort();
  const options = dc09.options.parse({ listen: { host: '127.0.0.1', port }, accounts });
  const fake = fakeHost(store, time);
  const session = await dc09.open([{ id: 'panel', driver: 'dc09', options }], fake.host);
  onTestFinished(() => session.close());
  return { ...fake, port, session };
}

/** A panel's raw connection. */
async function dial(port: number) {
  const socket = connect({ host: '127.0.0.1', port });
  const answers = stream<Dc09Frame>();
  const decoder = dc09Decoder();
  socket.on('data', (chunk) => {
    for (const frame of frames(decoder.push(chunk))) answers.push(frame);
  });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  onTestFinished(() => void socket.destroy());
  return { socket, answers, send: (bytes: string | Uint8Array) => socket.write(bytes as string) };
}

const event = (data: string, sequence = 1, account = '1234') =>
  encodeDc09({ id: 'SIA-DCS', sequence, receiver: '1', prefix: '0', account, data, timestamp: Date.now() });

describe('a panel on TCP', () => {
  it('is acknowledged only after the event is on disk', async () => {
    const disk = Promise.withResolvers<Receipt>();
    const { port, reports } = await receiver([{ account: '1234', zones }], () => disk.promise);
    const panel = await dial(port);
    panel.send(event('#1234|Nri1/PA9', 42));
    expect(await reports.next()).toMatchObject({
      device: 'panel',
      kind: 'panic',
      state: 'raised',
      zone: { number: 9, id: 'gatehouse-button', name: '门卫室一键报警' },
      codes: { sia: 'PA' },
      at: { trusted: true },
    });
    // A link test on another connection is answered meanwhile: the receiver is alive and holds this ACK back.
    const other = await dial(port);
    other.send(encodeDc09({ id: 'NULL', sequence: 43, prefix: '0', account: '1234', data: '' }));
    expect(await other.answers.next()).toMatchObject({ id: 'ACK', sequence: 43 });
    expect(panel.answers.rest()).toEqual([]);
    disk.resolve({ sequence: 1, id: 'x', repeated: false });
    expect(await panel.answers.next()).toMatchObject({
      id: 'ACK',
      sequence: 42,
      receiver: '1',
      prefix: '0',
      account: '1234',
    });
  });

  it('gets no answer when the event could not be written', async () => {
    const { port } = await receiver([{ account: '1234', zones }], () =>
      Promise.reject(new Error('disk full')),
    );
    const panel = await dial(port);
    panel.send(event('#1234|Nri1/PA9', 1));
    panel.send(encodeDc09({ id: 'NULL', sequence: 2, prefix: '0', account: '1234', data: '' }));
    expect(await panel.answers.next()).toMatchObject({ sequence: 2 });
    expect(panel.answers.rest()).toEqual([]);
  });

  it('marks what is sent twice with the same key, and what is new with another', async () => {
    const { port, reports } = await receiver([{ account: '1234', zones }]);
    const panel = await dial(port);
    const frame = event('#1234|Nri1/PA9', 7);
    for (const bytes of [frame, frame, event('#1234|Nri1/PA9', 8)]) panel.send(bytes);
    const keys = [await reports.next(), await reports.next(), await reports.next()].map(
      ({ repeat }) => repeat?.key,
    );
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  it('answers DUH to what it does not understand', async () => {
    const { port } = await receiver([{ account: '1234' }]);
    const panel = await dial(port);
    panel.send(frameBody('"SIA-XXX"0001L0#1234[#1234|NPA9]'));
    panel.send(frameBody('"SIA-DCS"0002L0#1234[nonsense]'));
    expect(await panel.answers.next()).toMatchObject({ id: 'DUH', sequence: 1 });
    expect(await panel.answers.next()).toMatchObject({ id: 'DUH', sequence: 2 });
  });

  it('does not tell an unknown account that its alarm was taken', async () => {
    const { port, discards } = await receiver([{ account: '1234' }]);
    const panel = await dial(port);
    panel.send(event('#9999|NPA9', 1, '9999'));
    panel.send(event('#1234|NPA9', 2));
    expect(await panel.answers.next()).toMatchObject({ sequence: 2 });
    expect(await discards.next()).toMatchObject({ reason: 'unknown account' });
  });
});

describe('what a panel on TCP sends', () => {
  it('leaves the captured frame with the wrong CRC unanswered, and the next good frame works', async () => {
    const { port, discards } = await receiver([{ account: '12345A' }, { account: '1234' }]);
    const panel = await dial(port);
    panel.send('\n87CD0037"ADM-CID"9876R579BDFL789ABC#12345A[#12345A|1110 00 129]_14:12:04,09-25-2011\r');
    panel.send(event('#1234|Nri1/BA1', 5));
    expect(await panel.answers.next()).toMatchObject({ id: 'ACK', sequence: 5 });
    expect(await discards.next()).toMatchObject({ reason: 'wrong crc' });
  });

  it('takes a captured frame whose length is wrong, and one whose length is decimal', async () => {
    const { port, reports, discards } = await receiver([{ account: 'AAA' }, { account: '4F39' }]);
    const panel = await dial(port);
    panel.send('\n97F90078"SIA-DCS"6002L0#AAA[|Nri2/JC12]_12:58:23,09-15-2021\r');
    panel.send('\n57150047"ADM-CID"0247R4F39L4F39#4F39[#4F39|3401 01 057]\r');
    expect(await panel.answers.next()).toMatchObject({ id: 'ACK', sequence: 6002 });
    expect(await panel.answers.next()).toMatchObject({ id: 'ACK', sequence: 247 });
    expect(await discards.next()).toMatchObject({ reason: 'wrong length, frame taken', bytes: 0 });
    // JC: the wrong user codes are over.
    expect(await reports.next()).toMatchObject({
      kind: 'tamper',
      state: 'restored',
      codes: { sia: 'JC' },
    });
    expect(await reports.next()).toMatchObject({ kind: 'arming', state: 'raised', details: { user: '057' } });
  });

  it('takes one frame in ten packets, two in one, and one after garbage', async () => {
    const { port } = await receiver([{ account: '1234' }]);
    const panel = await dial(port);
    panel.socket.setNoDelay(true);
    for (const byte of event('#1234|NPA1', 1)) {
      await new Promise<void>((resolve) => panel.socket.write(Uint8Array.of(byte), () => resolve()));
    }
    expect(await panel.answers.next()).toMatchObject({ id: 'ACK', sequence: 1 });
    panel.send(
      Buffer.concat([
        Buffer.from('\x00\xffgarbage', 'latin1'),
        event('#1234|NPA2', 2),
        event('#1234|NPA3', 3),
      ]),
    );
    expect([await panel.answers.next(), await panel.answers.next()]).toMatchObject([
      { sequence: 2 },
      { sequence: 3 },
    ]);
  });

  it('lives through a flood without an end on one connection while another works', async () => {
    const { port, discards } = await receiver([{ account: '1234' }]);
    const flood = await dial(port);
    const before = process.memoryUsage().rss;
    const chunk = Buffer.alloc(1 << 20, 0x41);
    flood.send('\n');
    for (let i = 0; i < 256; i++)
      await new Promise<void>((resolve) => flood.socket.write(chunk, () => resolve()));
    const panel = await dial(port);
    panel.send(event('#1234|NPA1', 9));
    expect(await panel.answers.next()).toMatchObject({ id: 'ACK', sequence: 9 });
    expect(discards.rest().some(({ reason }) => reason === 'too long')).toBe(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
  });
});

describe('the time of a panel', () => {
  it('never loses a plain alarm to a wrong clock, and says that the clock is wrong', async () => {
    const { port, reports } = await receiver([{ account: '1234', zones }]);
    const panel = await dial(port);
    const timestamp = Date.UTC(2011, 0, 1);
    panel.send(
      encodeDc09({ id: 'SIA-DCS', sequence: 1, prefix: '0', account: '1234', data: '|NPA9', timestamp }),
    );
    expect(await panel.answers.next()).toMatchObject({ id: 'ACK' });
    expect((await reports.next()).at).toEqual({ time: timestamp, trusted: false });
  });

  it('believes the time of an alarm sent late by a panel whose clock was right', async () => {
    const { port, reports } = await receiver([{ account: '1234', zones }]);
    const panel = await dial(port);
    panel.send(
      encodeDc09({ id: 'NULL', sequence: 1, prefix: '0', account: '1234', data: '', timestamp: Date.now() }),
    );
    const timestamp = Math.floor(Date.now() / 1000) * 1000 - 2 * 3_600_000;
    panel.send(
      encodeDc09({ id: 'SIA-DCS', sequence: 2, prefix: '0', account: '1234', data: '|NPA9', timestamp }),
    );
    expect((await reports.next()).at).toEqual({ time: timestamp, trusted: true });
  });
});

describe('the deadline of a frame', () => {
  it('runs from its own first byte: a frame in two packets is not torn by the time of the one before', async () => {
    const time = manualClock(Date.now());
    const { port } = await receiver([{ account: '1234' }], undefined, time);
    const panel = await dial(port);
    panel.send(event('#1234|NPA1', 1));
    expect(await panel.answers.next()).toMatchObject({ sequence: 1 });
    await time.advance(9900);
    const frame = event('#1234|NPA2', 2);
    // Whole frame 2, then half of 3: the ACK of 2 says that both were read.
    const next = event('#1234|NPA3', 3);
    panel.send(Buffer.concat([frame, next.subarray(0, 20)]));
    expect(await panel.answers.next()).toMatchObject({ sequence: 2 });
    await time.advance(9900);
    panel.send(next.subarray(20));
    expect(await panel.answers.next()).toMatchObject({ sequence: 3 });
  });

  it('does not run while nothing is begun: a frame begun late is not torn', async () => {
    const time = manualClock(Date.now());
    const { port } = await receiver([{ account: '1234' }], undefined, time);
    const panel = await dial(port);
    panel.send(event('#1234|NPA1', 1));
    expect(await panel.answers.next()).toMatchObject({ sequence: 1 });
    await time.advance(9900);
    const next = event('#1234|NPA2', 2);
    panel.socket.setNoDelay(true);
    panel.send(next.subarray(0, 20));
    // A second connection's answer says that the half was read.
    const other = await dial(port);
    other.send(event('#1234|NPA9', 9));
    expect(await other.answers.next()).toMatchObject({ sequence: 9 });
    await time.advance(200);
    panel.send(next.subarray(20));
    expect(await panel.answers.next()).toMatchObject({ sequence: 2 });
  });
});

describe('a panel with a key', () => {
  it.each([16, 24, 32])('is served under AES with %i bytes, and its answer is encrypted', async (length) => {
    const key = Buffer.alloc(length, 7);
    const keyFile = join(temporaryDirectory(), 'panel.key');
    writeFileSync(keyFile, key.toString('hex'));
    const { port, reports } = await receiver([{ account: '1234', keyFile, zones }]);
    const panel = await dial(port);
    panel.send(
      encodeDc09(
        { id: 'SIA-DCS', sequence: 3, prefix: '0', account: '1234', data: '|NPA9', timestamp: Date.now() },
        key,
      ),
    );
    expect(await reports.next()).toMatchObject({ kind: 'panic' });
    const answer = await panel.answers.next();
    expect(answer).toMatchObject({ id: 'ACK', sequence: 3, cipherText: expect.any(String) });
    expect(decryptDc09(answer, key)?.timestamp).toBeGreaterThan(Date.now() - 5000);
  });

  it('gets NAK with the time for a frame outside +20/-40 s, and reports nothing', async () => {
    const key = Buffer.alloc(16, 7);
    const keyFile = join(temporaryDirectory(), 'panel.key');
    writeFileSync(keyFile, key);
    const { port, reports } = await receiver([{ account: '1234', keyFile }]);
    const panel = await dial(port);
    const send = (sequence: number, offset: number) =>
      panel.send(
        encodeDc09(
          {
            id: 'SIA-DCS',
            sequence,
            prefix: '0',
            account: '1234',
            data: '|NPA9',
            timestamp: Date.now() + offset,
          },
          key,
        ),
      );
    for (const [sequence, offset] of [
      [1, 25_000],
      [2, -45_000],
    ] as const)
      send(sequence, offset);
    for (let i = 0; i < 2; i++) {
      const nak = await panel.answers.next();
      expect(nak).toMatchObject({ id: 'NAK', sequence: 0 });
      expect(Math.abs((nak.timestamp ?? 0) - Date.now())).toBeLessThan(5000);
    }
    send(3, 15_000);
    send(4, -35_000);
    expect([await panel.answers.next(), await panel.answers.next()]).toMatchObject([
      { id: 'ACK' },
      { id: 'ACK' },
    ]);
    expect(reports.rest()).toHaveLength(2);
  });

  it('does not take plain frames, nor frames under another key', async () => {
    const keyFile = join(temporaryDirectory(), 'panel.key');
    writeFileSync(keyFile, Buffer.alloc(16, 7));
    const { port, reports, discards } = await receiver([{ account: '1234', keyFile }]);
    const panel = await dial(port);
    panel.send(event('#1234|NPA9', 1));
    panel.send(
      encodeDc09(
        { id: 'SIA-DCS', sequence: 2, prefix: '0', account: '1234', data: '|NPA9', timestamp: Date.now() },
        Buffer.alloc(16, 8),
      ),
    );
    expect([await panel.answers.next(), await panel.answers.next()]).toMatchObject([
      { id: 'DUH' },
      { id: 'DUH' },
    ]);
    expect(reports.rest()).toEqual([]);
    const detail = 'account 1234 from 127.0.0.1';
    expect(discards.rest()).toMatchObject([
      { reason: 'plain frame where a key is set', detail },
      { reason: 'the key does not open the frame', detail },
    ]);
  });

  it('is refused by check when the key has a wrong length', () => {
    const keyFile = join(temporaryDirectory(), 'panel.key');
    writeFileSync(keyFile, 'short');
    const options = dc09.options.parse({
      listen: { port: 1 },
      accounts: [{ account: '1234', keyFile }, { account: '1234' }],
    });
    const problems = dc09.problems?.({ id: 'p', driver: 'dc09', options });
    expect(problems?.map(({ path }) => path.join('.'))).toEqual(['accounts.0.keyFile', 'accounts.1.account']);
  });
});

describe('supervision', () => {
  it('says offline when a panel is silent for longer than its interval, and online when it speaks', async () => {
    const { port, links } = await receiver(
      [{ account: '1234', supervision: '60s' }],
      undefined,
      fastClock(200),
    );
    expect(await links.next()).toMatchObject({ device: 'panel', state: 'offline', part: '1234' });
    const panel = await dial(port);
    panel.send(encodeDc09({ id: 'NULL', sequence: 1, prefix: '0', account: '1234', data: '' }));
    expect(await links.next()).toMatchObject({ state: 'online', part: '1234' });
    expect(await links.next()).toMatchObject({ state: 'offline', part: '1234' });
  });

  it('begins anew where the gateway stood still', async () => {
    const time = manualClock();
    const { links } = await receiver([{ account: '1234', supervision: '60s' }], undefined, time);
    await time.advance(59_000);
    await time.pause(300_000);
    await time.advance(60_000);
    expect(links.rest()).toEqual([]);
    await time.advance(250);
    expect(links.rest()).toMatchObject([{ state: 'offline', part: '1234' }]);
  });
});

describe('UDP', () => {
  it('answers the sender of each datagram', async () => {
    const { port, reports } = await receiver([{ account: '1234', zones }]);
    const udp = createSocket('udp4');
    onTestFinished(() => void udp.close());
    const answered = new Promise<Buffer>((resolve) => udp.once('message', resolve));
    udp.send(event('#1234|Nri1/BA1', 11), port, '127.0.0.1');
    expect(await reports.next()).toMatchObject({ kind: 'perimeter', zone: { id: 'north-wall' } });
    expect(frames(dc09Decoder().push(await answered))).toMatchObject([{ id: 'ACK', sequence: 11 }]);
  });
});

describe('a port that is taken', () => {
  it('is said to be, with what to do', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const options = dc09.options.parse({
      listen: { host: '127.0.0.1', port },
      accounts: [{ account: '1234' }],
    });
    await expect(dc09.open([{ id: 'p', driver: 'dc09', options }], fakeHost().host)).rejects.toMatchObject({
      code: 'E_PORT_TAKEN',
      message: expect.stringContaining('listen.port'),
    });
  });
});
