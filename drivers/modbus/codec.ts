/**
 * Modbus application protocol (V1.1b3) over RTU and TCP. Codes 01-06, 0F and 10.
 *
 *   RTU   unit  function data...  crcLo crcHi         CRC-16, polynomial 0xA001, initial value 0xFFFF
 *   TCP   tidHi tidLo 00 00 lenHi lenLo unit  function data...        MBAP header; len counts from unit on
 *
 * RTU frames carry no length: it follows from the function. A byte sequence is refuted as a frame by an unknown
 * function, by not being what the master expects, by a wrong CRC, or by silence on the line; the search then goes
 * on one byte later, so that a good frame after garbage is found. (modbus-serial gives up at the first header
 * that looks right; hence this codec.)
 */
import type { Decoded, Decoder } from '../contract/codec.ts';

export type ReadFunction = 1 | 2 | 3 | 4;
export type ModbusRequest =
  | { readonly function: ReadFunction; readonly address: number; readonly count: number }
  /** A number: what makers put there beside on and off, such as how long. */
  | { readonly function: 5; readonly address: number; readonly value: boolean | number }
  | { readonly function: 6; readonly address: number; readonly value: number }
  | { readonly function: 15; readonly address: number; readonly values: readonly boolean[] }
  | { readonly function: 16; readonly address: number; readonly values: readonly number[] };
export type ModbusResponse =
  | { readonly function: 1 | 2; readonly bits: readonly boolean[] }
  | { readonly function: 3 | 4; readonly registers: readonly number[] }
  | { readonly function: 5 | 6 | 15 | 16; readonly address: number; readonly value: number }
  | { readonly function: number; readonly exception: number };

/** One frame of either kind: who, and the function with its data. */
export interface Adu {
  readonly unit: number;
  readonly pdu: Uint8Array;
  /** TCP only. */
  readonly transaction?: number;
}

const MAX_RTU = 256;
const NOTHING = new Uint8Array();
const MAX_MBAP_LENGTH = 254;
const MBAP_HEADER = 6;
/** Coil on and off in a request of function 05 (V1.1b3, 6.5). */
const COIL_ON = 0xff00;

/** Modbus exception codes (V1.1b3, 7). */
export const exceptionText: Readonly<Record<number, string>> = {
  1: 'illegal function',
  2: 'illegal data address',
  3: 'illegal data value',
  4: 'device failure',
  5: 'acknowledge, still at work',
  6: 'device busy',
  8: 'memory parity error',
  10: 'gateway path unavailable',
  11: 'gateway target does not answer',
};

export function crc16modbus(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return crc;
}

function packBits(values: readonly boolean[]): Buffer {
  const bytes = Buffer.alloc(Math.ceil(values.length / 8));
  for (const [i, on] of values.entries()) if (on) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (1 << (i & 7));
  return bytes;
}

function packRegisters(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [i, value] of values.entries()) bytes.writeUInt16BE(value, i * 2);
  return bytes;
}

const words = (fn: number, ...values: number[]) => Buffer.concat([Buffer.of(fn), packRegisters(values)]);
const unpackBits = (bytes: Uint8Array) =>
  Array.from({ length: bytes.length * 8 }, (_, i) => (((bytes[i >> 3] ?? 0) >> (i & 7)) & 1) === 1);
const unpackRegisters = (bytes: Uint8Array) =>
  Array.from({ length: bytes.length >> 1 }, (_, i) => ((bytes[i * 2] ?? 0) << 8) | (bytes[i * 2 + 1] ?? 0));

export function encodeRequest(request: ModbusRequest): Buffer {
  switch (request.function) {
    case 5:
      return words(
        5,
        request.address,
        typeof request.value === 'number' ? request.value : request.value ? COIL_ON : 0,
      );
    case 6:
      return words(6, request.address, request.value);
    case 15: {
      const bits = packBits(request.values);
      return Buffer.concat([words(15, request.address, request.values.length), Buffer.of(bits.length), bits]);
    }
    case 16: {
      const registers = packRegisters(request.values);
      return Buffer.concat([
        words(16, request.address, request.values.length),
        Buffer.of(registers.length),
        registers,
      ]);
    }
    default:
      return words(request.function, request.address, request.count);
  }
}

/** A request's function and data, or the exception code that it deserves. */
export function parseRequest(pdu: Uint8Array): ModbusRequest | { readonly exception: number } {
  const fn = pdu[0] ?? 0;
  if (![1, 2, 3, 4, 5, 6, 15, 16].includes(fn)) return { exception: 1 };
  if (pdu.length < 5) return { exception: 3 };
  const [address = 0, second = 0] = unpackRegisters(pdu.subarray(1, 5));
  switch (fn) {
    case 5:
      return second === COIL_ON || second === 0
        ? { function: 5, address, value: second === COIL_ON }
        : { exception: 3 };
    case 6:
      return { function: 6, address, value: second };
    case 15:
    case 16: {
      const data = pdu.subarray(6);
      const expected = fn === 15 ? Math.ceil(second / 8) : second * 2;
      if (pdu[5] !== expected || data.length !== expected || second < 1) return { exception: 3 };
      return fn === 15
        ? { function: 15, address, values: unpackBits(data).slice(0, second) }
        : { function: 16, address, values: unpackRegisters(data) };
    }
    default:
      return second >= 1 && second <= (fn <= 2 ? 2000 : 125)
        ? { function: fn as ReadFunction, address, count: second }
        : { exception: 3 };
  }
}

export function encodeResponse(response: ModbusResponse): Buffer {
  if ('exception' in response) return Buffer.of(response.function | 0x80, response.exception);
  if ('bits' in response) {
    const bits = packBits(response.bits);
    return Buffer.concat([Buffer.of(response.function, bits.length), bits]);
  }
  if ('registers' in response) {
    const registers = packRegisters(response.registers);
    return Buffer.concat([Buffer.of(response.function, registers.length), registers]);
  }
  return words(response.function, response.address, response.value);
}

/** A response's data, or undefined for what is none. Bits come in whole bytes: the last may be padding. */
export function parseResponse(pdu: Uint8Array): ModbusResponse | undefined {
  const fn = pdu[0] ?? 0;
  if (fn & 0x80) return pdu.length === 2 ? { function: fn & 0x7f, exception: pdu[1] ?? 0 } : undefined;
  if (fn >= 1 && fn <= 4) {
    const data = pdu.subarray(2);
    if (pdu[1] !== data.length || (fn >= 3 && data.length % 2 !== 0)) return undefined;
    return fn <= 2
      ? { function: fn as 1 | 2, bits: unpackBits(data) }
      : { function: fn as 3 | 4, registers: unpackRegisters(data) };
  }
  if (![5, 6, 15, 16].includes(fn) || pdu.length !== 5) return undefined;
  const [address = 0, value = 0] = unpackRegisters(pdu.subarray(1));
  return { function: fn as 5 | 6 | 15 | 16, address, value };
}

export function encodeRtu({ unit, pdu }: Adu): Buffer {
  const body = Buffer.concat([Buffer.of(unit), pdu]);
  const crc = crc16modbus(body);
  return Buffer.concat([body, Buffer.of(crc & 0xff, crc >> 8)]);
}

export function encodeTcp({ transaction = 0, unit, pdu }: Adu): Buffer {
  return Buffer.concat([packRegisters([transaction, 0, pdu.length + 1]), Buffer.of(unit), pdu]);
}

/**
 * How long the RTU frame at the start of `bytes` may be, the shortest first; 0 where more bytes must tell, none where
 * it cannot be a frame.
 */
type RtuLengths = (bytes: Uint8Array) => readonly number[];

const requestLengths: RtuLengths = (bytes) => {
  const fn = bytes[1];
  if (fn === undefined) return [0];
  if (fn >= 1 && fn <= 6) return [8];
  if (fn !== 15 && fn !== 16) return [];
  return [bytes[6] === undefined ? 0 : 9 + bytes[6]];
};

/** Everything by which the protocol tells one answer from another: RTU has no number for it. */
export interface Expected {
  readonly unit: number;
  readonly function: number;
  /** Data bytes in the answer to a read. */
  readonly bytes?: number;
  /** What the answer to a write repeats: address, and value or quantity (V1.1b3, 6.5, 6.6, 6.11, 6.12). */
  readonly echo?: Uint8Array;
}

/** What the answer to a request is like; `answersAs`: the unit that it comes from, where that is another. */
export function expectedOf(unit: number, request: ModbusRequest, answersAs = unit): Expected {
  if (!('count' in request))
    return { unit: answersAs, function: request.function, echo: encodeRequest(request).subarray(1, 5) };
  const bytes = request.function <= 2 ? Math.ceil(request.count / 8) : request.count * 2;
  return { unit: answersAs, function: request.function, bytes };
}

/** Why an answer is none to this request, whoever sent it; undefined: it is one, and may be an exception. */
export function mismatch(expected: Expected, pdu: Uint8Array): string | undefined {
  const fn = pdu[0] ?? 0;
  if ((fn & 0x7f) !== expected.function) return 'an answer of another function';
  const response = parseResponse(pdu);
  if (response === undefined) return 'a malformed answer';
  if ('exception' in response) return undefined;
  if (expected.bytes !== undefined && pdu[1] !== expected.bytes) return 'an answer of another length';
  if (expected.echo !== undefined && Buffer.compare(expected.echo, pdu.subarray(1, 5)) !== 0)
    return 'an answer to another write';
  return undefined;
}

/** How long an answer is that starts so; -1 where it is not the one that is expected. */
function answerLength(bytes: Uint8Array, wanted: Expected | undefined): number {
  const [unit, fn, count] = bytes;
  if (wanted !== undefined && unit !== wanted.unit) return -1;
  if (fn === undefined) return 0;
  if (wanted !== undefined && (fn & 0x7f) !== wanted.function) return -1;
  if (fn & 0x80) return 5;
  if (fn === 5 || fn === 6 || fn === 15 || fn === 16) {
    const echo = bytes.subarray(2, 6);
    return wanted?.echo?.subarray(0, echo.length).some((byte, i) => byte !== echo[i]) === true ? -1 : 8;
  }
  if (fn < 1 || fn > 4) return -1;
  if (count === undefined) return 0;
  return wanted?.bytes !== undefined && count !== wanted.bytes ? -1 : 5 + count;
}

/** `sent`: what may come back as it was sent. */
function responseLengths(expected: () => readonly Expected[], sent: () => Uint8Array): RtuLengths {
  return (bytes) => {
    const wanted = expected();
    const own = sent();
    const answers =
      wanted.length === 0 ? [answerLength(bytes, undefined)] : wanted.map((one) => answerLength(bytes, one));
    const isEcho = own.length > 0 && own.subarray(0, bytes.length).every((byte, i) => byte === bytes[i]);
    const lengths = isEcho ? [...answers, own.length] : answers;
    return lengths.filter((length) => length >= 0).sort((a, b) => a - b);
  };
}

/** Bytes that are no frame come with themselves: what was sent may be among them, torn. */
export type RtuDecoded =
  | { readonly frame: Adu }
  | { readonly discarded: number; readonly reason: string; readonly bytes: Uint8Array };
interface RtuDecoder extends Decoder<Adu> {
  push(chunk: Uint8Array): RtuDecoded[];
  silence(): RtuDecoded[];
}

function rtuDecoder(lengthsOf: RtuLengths): RtuDecoder {
  let held = Buffer.alloc(0);
  const search = (silent: boolean): RtuDecoded[] => {
    const out: RtuDecoded[] = [];
    let noise = 0;
    let reason = 'noise';
    let at = 0;
    const flush = () => {
      if (noise > 0)
        out.push({ discarded: noise, reason, bytes: Buffer.from(held.subarray(at - noise, at)) });
      noise = 0;
      reason = 'noise';
    };
    while (at < held.length) {
      const rest = held.subarray(at);
      const lengths = lengthsOf(rest).filter((length) => length <= MAX_RTU);
      const isGood = (length: number) =>
        length > 0 &&
        length <= rest.length &&
        crc16modbus(rest.subarray(0, length - 2)) === rest.readUInt16LE(length - 2);
      const length = lengths.find(isGood);
      if (length !== undefined) {
        flush();
        out.push({ frame: { unit: rest[0] ?? 0, pdu: Buffer.from(rest.subarray(1, length - 2)) } });
        at += length;
        continue;
      }
      const isOpen = lengths.some((one) => one === 0 || one > rest.length);
      if (isOpen && !silent) break;
      if (isOpen && noise === 0) reason = 'torn';
      else if (!isOpen && lengths.length > 0) reason = 'wrong crc';
      noise++;
      at++;
    }
    flush();
    held = Buffer.from(held.subarray(at));
    return out;
  };
  return {
    push(chunk) {
      const out: RtuDecoded[] = [];
      // In slices, so that no more than two frames are ever held, whatever one chunk brings.
      for (let from = 0; from < chunk.length; from += MAX_RTU) {
        held = Buffer.concat([held, chunk.subarray(from, from + MAX_RTU)]);
        out.push(...search(false));
      }
      return out;
    },
    silence: () => search(true),
  };
}

/** What a slave hears. */
export const rtuRequestDecoder = () => rtuDecoder(requestLengths);
/** What a master hears; `expected` narrows it to the answers that may still come, if any may. `sent`: it may come back. */
export const rtuResponseDecoder = (
  expected: () => readonly Expected[] = () => [],
  sent: () => Uint8Array = () => NOTHING,
) => rtuDecoder(responseLengths(expected, sent));

/** Either end of Modbus TCP. */
export function tcpDecoder(): Decoder<Adu> {
  let held = Buffer.alloc(0);
  return {
    push(chunk) {
      const out: Decoded<Adu>[] = [];
      let noise = 0;
      const flush = () => {
        if (noise > 0) out.push({ discarded: noise, reason: 'not an MBAP header' });
        noise = 0;
      };
      held = Buffer.concat([held, chunk]);
      let at = 0;
      while (held.length - at >= MBAP_HEADER) {
        const length = held.readUInt16BE(at + 4);
        if (held.readUInt16BE(at + 2) !== 0 || length < 2 || length > MAX_MBAP_LENGTH) {
          noise++;
          at++;
          continue;
        }
        const end = at + MBAP_HEADER + length;
        if (end > held.length) break;
        flush();
        const pdu = Buffer.from(held.subarray(at + MBAP_HEADER + 1, end));
        out.push({ frame: { transaction: held.readUInt16BE(at), unit: held[at + MBAP_HEADER] ?? 0, pdu } });
        at = end;
      }
      flush();
      held = Buffer.from(held.subarray(at));
      return out;
    },
    silence() {
      const length = held.length;
      held = Buffer.alloc(0);
      return length > 0 ? [{ discarded: length, reason: 'torn' }] : [];
    },
  };
}
