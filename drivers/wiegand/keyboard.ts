/**
 * A reader that is a keyboard (HID): the kernel's input events from /dev/input, each key a record of 24 bytes
 * (struct input_event of 64-bit Linux: time 16, type 2, code 2, value 4). Enter ends a card.
 */
import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { type CardOptions, cardOfText } from '../bits.ts';
import type { Decoded, Decoder } from '../contract/codec.ts';
import { LineError } from '../contract/driver.ts';
import type { Credential } from '../contract/observation.ts';
import type { Line } from '../line.ts';

const RECORD = 24;
const EV_KEY = 1;
const PRESSED = 1;
const MAX_KEYS = 128;
const LEAST_KEYS = 4;
/** Readers type a key in 5 to 20 ms; who has more than this for each, on average, has fingers: nobody types 20 keys a second. */
const HAND_MS = 50;

/** Codes of linux/input-event-codes.h, those that card numbers are made of. */
const keys: ReadonlyMap<number, string> = new Map([
  ...[...'1234567890'].map((key, i): [number, string] => [2 + i, key]),
  ...[...'QWERTYUIOP'].map((key, i): [number, string] => [16 + i, key]),
  ...[...'ASDFGHJKL'].map((key, i): [number, string] => [30 + i, key]),
  ...[...'ZXCVBNM'].map((key, i): [number, string] => [44 + i, key]),
  ...[...'789'].map((key, i): [number, string] => [71 + i, key]),
  ...[...'456'].map((key, i): [number, string] => [75 + i, key]),
  ...[...'1230'].map((key, i): [number, string] => [79 + i, key]),
  // 111,27706 and 04:A2:2B: a reader that types its own comma must not be read as if there were none.
  [51, ','],
  [52, '.'],
  [83, '.'],
  [12, '-'],
  [74, '-'],
  [39, ':'],
  [57, ' '],
  [28, '\n'],
  [96, '\n'],
]);
/** Other keys that write something, which no card has; those that write nothing (Tab, arrows) some readers add. */
const PRINTING = new Set([13, 26, 27, 40, 41, 43, 53, 55, 78, 98]);
/** Shift, which readers press for capital letters and the colon. */
const SILENT = new Set([42, 54]);

/** Input events -> cards. A number that somebody types by hand is no card. */
export function keyboardDecoder(
  options: CardOptions = { reverse: false, digits: 'auto' },
): Decoder<Credential> {
  let pending = Buffer.alloc(0);
  let typed = '';
  /** Something was among it that no card has. */
  let strange = false;
  /** When its first key was pressed, and its last, by the kernel's clock, ms. */
  let firstAt = 0;
  let lastAt = 0;
  const end = (out: Decoded<Credential>[], reason: string) => {
    const parsed = strange || typed.length < LEAST_KEYS ? { reason } : cardOfText(typed, 'keyboard', options);
    if (typed !== '' && lastAt - firstAt > HAND_MS * (typed.length - 1))
      out.push({ discarded: typed.length, reason: 'typed by hand' });
    else if ('frame' in parsed) out.push(parsed);
    else if (typed !== '') out.push({ discarded: typed.length, reason: parsed.reason });
    typed = '';
    strange = false;
  };
  return {
    push(chunk) {
      const out: Decoded<Credential>[] = [];
      pending = Buffer.concat([pending, chunk]);
      for (; pending.length >= RECORD; pending = pending.subarray(RECORD)) {
        const [type, code] = [pending.readUInt16LE(16), pending.readUInt16LE(18)];
        if (type !== EV_KEY || pending.readInt32LE(20) !== PRESSED || SILENT.has(code)) continue;
        const key = keys.get(code);
        if (key === undefined) {
          strange ||= PRINTING.has(code);
          out.push({ discarded: 1, reason: 'a key that no card has' });
        } else if (key === '\n') end(out, 'not a card number');
        else if (typed.length < MAX_KEYS) {
          lastAt = Number(pending.readBigInt64LE(0)) * 1000 + Number(pending.readBigInt64LE(8)) / 1000;
          if (typed === '') firstAt = lastAt;
          typed += key;
        } else out.push({ discarded: 1, reason: 'line too long' });
      }
      return out;
    },
    silence() {
      const length = typed.length;
      typed = '';
      strange = false;
      return length > 0 ? [{ discarded: length, reason: 'torn' }] : [];
    },
  };
}

/**
 * Opens an input device as a line that is only read. `cat` reads it: a read of ours would hold one of Node's four
 * threads until somebody shows a card.
 * @throws LineError E_LINE_REFUSED.
 */
export async function openKeyboard(path: string, take: (chunk: Buffer) => void): Promise<Line> {
  await access(path, constants.R_OK).catch((error: Error) => {
    throw new LineError('E_LINE_REFUSED', error.message, { cause: error });
  });
  const cat = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  cat.stdout.on('data', take);
  cat.stderr.on('data', (chunk: Buffer) => {
    words = chunk.toString().trim().slice(0, 200);
  });
  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => {});
  const lost = (reason: string) => ended.reject(new LineError('E_LINE_LOST', `${path}: ${reason}`));
  cat.on('error', ({ message }) => lost(message));
  cat.on('close', () => lost(words || 'it is gone'));
  return {
    name: path,
    ended: ended.promise,
    write: () => Promise.reject(new LineError('E_LINE_REFUSED', `${path} is only read`)),
    async close() {
      ended.resolve();
      cat.kill();
    },
  };
}
