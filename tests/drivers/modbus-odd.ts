/**
 * Modbus devices that do not behave, over RTU as behind a serial server and over TCP. They share no code with ours: the
 * CRC is modbus-serial's, the rest are the bytes of the standard (application protocol V1.1b3, 6 and 7).
 */
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../drivers/contract/clock.ts';
import { profileSchema } from '../../drivers/modbus/profile.ts';
import { manualClock } from '../clocks.ts';
import { tcpServer } from '../helpers.ts';
import { device } from './modbus-peer.ts';

/** It has no types. */
const crc16 = createRequire(import.meta.url)('modbus-serial/utils/crc16.js') as (bytes: Buffer) => number;

export interface Question {
  readonly unit: number;
  readonly fn: number;
  readonly address: number;
  /** Of a read; of a write its value. */
  readonly count: number;
  /** Which it is, from 1. */
  readonly n: number;
  readonly pdu: Buffer;
  readonly transaction: number;
}

export const registers = (fn: number, values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(2 + values.length * 2);
  bytes.set([fn, values.length * 2]);
  for (const [i, value] of values.entries()) bytes.writeUInt16BE(value, 2 + i * 2);
  return bytes;
};
/** Coils or inputs, the first in the lowest bit. */
export const bits = (fn: number, on: readonly boolean[]): Buffer => {
  const bytes = Buffer.alloc(2 + Math.ceil(on.length / 8));
  bytes.set([fn, bytes.length - 2]);
  for (const [i, one] of on.entries())
    if (one) bytes[2 + (i >> 3)] = (bytes[2 + (i >> 3)] ?? 0) | (1 << (i & 7));
  return bytes;
};
export const exception = (fn: number, code: number): Buffer => Buffer.from([fn | 0x80, code]);

export const rtuFrame = (unit: number, pdu: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from([unit]), pdu]);
  const crc = crc16(body);
  return Buffer.concat([body, Buffer.from([crc & 0xff, crc >> 8])]);
};
export const tcpFrame = (transaction: number, unit: number, pdu: Buffer): Buffer => {
  const header = Buffer.alloc(7);
  header.writeUInt16BE(transaction, 0);
  header.writeUInt16BE(pdu.length + 1, 4);
  header[6] = unit;
  return Buffer.concat([header, pdu]);
};

/** A write of several says how many bytes follow (V1.1b3, 6.11 and 6.12). */
const rtuLength = (frame: Buffer) => ((frame[1] ?? 0) < 15 ? 8 : 9 + (frame[6] ?? 0));

/** What a device says to a question. `write` puts bytes on the wire, after a while where it is said. */
export type Answer = (
  question: Question,
  write: (bytes: Buffer, afterMs?: number) => void,
  socket: Socket,
) => void;

/** Serves every connection; `framing` as behind a serial server or as Modbus TCP. */
export async function oddDevice(framing: 'rtu' | 'tcp', time: Clock, answer: Answer) {
  const { port, server, sockets } = await tcpServer();
  const asked: Question[] = [];
  let connections = 0;
  const serve = (socket: Socket) => {
    connections++;
    socket.setNoDelay(true);
    let held = Buffer.alloc(0);
    const write = (bytes: Buffer, afterMs = 0) => {
      if (afterMs === 0) socket.write(bytes);
      else time.after(afterMs, () => socket.write(bytes));
    };
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      for (;;) {
        const length = framing === 'rtu' ? rtuLength(held) : 6 + (held.length < 6 ? 6 : held.readUInt16BE(4));
        if (held.length < length) return;
        const frame = held.subarray(0, length);
        held = held.subarray(length);
        const pdu = Buffer.from(framing === 'rtu' ? frame.subarray(1, -2) : frame.subarray(7));
        const question = {
          unit: (framing === 'rtu' ? frame[0] : frame[6]) ?? 0,
          fn: pdu[0] ?? 0,
          address: pdu.readUInt16BE(1),
          count: pdu.readUInt16BE(3),
          n: asked.length + 1,
          pdu,
          transaction: framing === 'rtu' ? 0 : frame.readUInt16BE(0),
        };
        asked.push(question);
        answer(question, write, socket);
      }
    });
  };
  void (async () => {
    for (;;) serve(await sockets.next());
  })();
  return {
    asked,
    server,
    connections: () => connections,
    connection: framing === 'rtu' ? { serialServer: `127.0.0.1:${port}` } : { tcp: `127.0.0.1:${port}` },
  };
}

const TURNS_A_MS = 4;

/**
 * Time that goes on by itself, a millisecond for some turns of the event loop: what is said over loopback meanwhile has
 * arrived, however busy the machine is. Call it first in a test: it goes on until all else of it is closed.
 */
export function loopClock(): Clock {
  const clock = manualClock();
  let isOver = false;
  onTestFinished(() => {
    isOver = true;
  });
  void (async () => {
    while (!isOver) {
      for (let i = 0; i < TURNS_A_MS; i++) await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(1);
    }
  })();
  return clock;
}

export const profileOf = (...points: object[]) =>
  profileSchema.parse({ title: { en: 'x', zh: 'x' }, verified: false, points });
export const inputs = profileOf(
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((address) => ({ function: 2, address, zone: address + 1 })),
);
export const zones = profileOf(
  { function: 3, address: 0, bit: 2, zone: 1, kind: 'fence' },
  { function: 3, address: 100, bit: 2, zone: 2, kind: 'fence' },
);
const plain = { poll: '50ms', timeout: '300ms', zones: [] };
export const made = (connection: object, profile: typeof zones, more: object = {}, unit = 1) => ({
  ...device(connection, unit, `fence-${unit}`, { ...plain, ...more }),
  profile,
});
export const bollard = {
  outputs: [{ id: 'b', kind: 'bollard', raise: 0, lower: 1, travel: '1s', interlock: { input: 5 } }],
};
export const raise = { id: 'c', device: 'fence-1', action: 'raise', arguments: { output: 'b' } };
