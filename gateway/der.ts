/**
 * DER (ITU-T X.690), as far as certificates need it: each value is a tag, its length, its content. Written in whole;
 * read with its bounds checked, for requests come from anybody.
 */
import { isIP } from 'node:net';

export function tlv(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  // Up to 127 in one byte; else how many bytes follow, and those (X.690, 8.1.3).
  const bytes: number[] = [];
  for (let left = length; left > 0; left >>>= 8) bytes.unshift(left & 255);
  const head = length < 128 ? [length] : [128 | bytes.length, ...bytes];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}
export const sequence = (...parts: readonly Uint8Array[]) => tlv(0x30, ...parts);
export const set = (...parts: readonly Uint8Array[]) => tlv(0x31, ...parts);
export const octets = (bytes: Uint8Array) => tlv(0x04, bytes);
export const bits = (bytes: Uint8Array, unused = 0) => tlv(0x03, Buffer.from([unused]), bytes);
export const utf8 = (text: string) => tlv(0x0c, Buffer.from(text));
export const TRUE = Buffer.from([0x01, 0x01, 0xff]);
/** Already as its content octets, in hex. */
export const oid = (hex: string) => tlv(0x06, Buffer.from(hex, 'hex'));

/** A number that is not negative, of any length. */
export function integer(value: Uint8Array | number): Buffer {
  const bytes = typeof value === 'number' ? hexBytes(value.toString(16)) : Buffer.from(value);
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const short = bytes.subarray(start);
  return tlv(0x02, ...((short[0] ?? 0) > 127 ? [Buffer.from([0])] : []), short);
}
const hexBytes = (hex: string) => Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');

/** Dates until 2049 have two digits of the year (RFC 5280, 4.1.2.5). */
export function date(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return text < '2050' ? tlv(0x17, Buffer.from(text.slice(2))) : tlv(0x18, Buffer.from(text));
}

/** The bytes of an address, 4 or 16. */
export function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const { hostname } = new URL(`http://[${address}]`);
  const [head = '', tail = ''] = hostname.slice(1, -1).split('::');
  const groups = (text: string) =>
    text === '' ? [] : text.split(':').map((one) => Number.parseInt(one, 16));
  const [front, back] = [groups(head), groups(tail)];
  const middle = Array<number>(8 - front.length - back.length).fill(0);
  return Buffer.from([...front, ...middle, ...back].flatMap((group) => [group >> 8, group & 255]));
}

/** One value. `whole`: with tag and length, as a signature is over it. */
export interface Value {
  readonly tag: number;
  readonly content: Buffer;
  readonly whole: Buffer;
}

/** Not DER, or not what stands in its place. */
export class DerError extends Error {
  readonly code = 'E_DER';
}

/** The values that stand one behind the other in these bytes, to their end. @throws DerError. */
export function readValues(bytes: Buffer): readonly Value[] {
  const values: Value[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { head, length } = readLength(bytes, at);
    const end = at + head + length;
    if (end > bytes.length) throw new DerError('a value is longer than what it stands in');
    const content = bytes.subarray(at + head, end);
    values.push({ tag: bytes.readUInt8(at), content, whole: bytes.subarray(at, end) });
    at = end;
  }
  return values;
}

/** `head`: bytes of tag and length. Lengths of up to 4 bytes, each in its shortest form (X.690, 10.1). */
function readLength(bytes: Buffer, at: number): { readonly head: number; readonly length: number } {
  const first = bytes[at + 1];
  if (first === undefined) throw new DerError('a value without a length');
  if (first < 128) return { head: 2, length: first };
  const count = first & 127;
  if (count < 1 || count > 4 || at + 2 + count > bytes.length) throw new DerError('a length that is none');
  const length = bytes.readUIntBE(at + 2, count);
  if (length < 128 || length < 256 ** (count - 1))
    throw new DerError('a length in a longer form than needed');
  return { head: 2 + count, length };
}

/** What stands in a value that has this tag. @throws DerError. */
export function inside(value: Value | undefined, tag: number): readonly Value[] {
  if (value?.tag !== tag) throw new DerError('another value stands here');
  return readValues(value.content);
}
