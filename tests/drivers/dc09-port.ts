/** A receiver on a free port, and what panels hear of it, as it stands on the wire. */
import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { dc09 } from '../../drivers/dc09/driver.ts';
import { fakeHost, freePort, silentLog, stream } from '../helpers.ts';

export interface Said {
  readonly fields: object;
  readonly sentence: string;
}

export async function openReceiver(
  accounts: readonly object[],
  {
    store,
    time,
  }: {
    readonly store?: (observation: Observation) => Promise<Receipt>;
    readonly time?: Clock;
  } = {},
) {
  const port = await freePort();
  const options = dc09.options.parse({ listen: { port }, accounts });
  const fake = fakeHost(store, time);
  const said: Said[] = [];
  const say = (fields: object, sentence: string) => said.push({ fields, sentence });
  const log: Log = { ...silentLog, info: say, warn: say, error: say };
  const session = await dc09.open([{ id: 'panel', driver: 'dc09', options }], { ...fake.host, log });
  onTestFinished(() => session.close());
  return { ...fake, port, said };
}

export const wire = (text: string) => Buffer.from(`\n${text}\r`, 'latin1');

/** CRC-16/ARC from its definition, bit by bit: not the product's. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

/** A body in UTF-8, with what stands before it: for `dialRaw`. */
export function withCrc(body: string): string {
  const bytes = Buffer.from(body);
  const hex = (value: number) => value.toString(16).toUpperCase().padStart(4, '0');
  return `${hex(crc16(bytes))}${hex(bytes.length)}${bytes.toString('latin1')}`;
}

/** As the wire has times, in GMT. */
export function wireStamp(ms: number): string {
  const [, year, month, day, time] =
    /^(\d{4})-(\d\d)-(\d\d)T([\d:]{8})/.exec(new Date(ms).toISOString()) ?? [];
  return `${time},${month}-${day}-${year}`;
}

/** A connection. `answers`: each without LF and CR; `ended`: the receiver ended its side. */
export async function dialRaw(port: number) {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  const answers = stream<string>();
  let rest = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    const lines = `${rest}${chunk.toString('latin1')}`.split('\r');
    rest = lines.pop() ?? '';
    for (const line of lines) answers.push(line.slice(1));
  });
  const ended = new Promise<void>((resolve) => socket.once('end', resolve));
  await new Promise((resolve) => socket.once('connect', resolve));
  return { socket, answers, ended, send: (text: string) => socket.write(wire(text)) };
}
