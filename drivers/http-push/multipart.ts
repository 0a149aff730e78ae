/** Multipart bodies (RFC 2046, 5.1), whole and without an end, and the names of their parts (RFC 7578). Pure. */
import type { Decoded, Decoder } from '../contract/codec.ts';

/** A part of a multipart body. */
export interface Part {
  readonly contentType: string;
  readonly bytes: Buffer;
  /** As a form names it. */
  readonly name?: string;
}

/** RFC 2046, 5.1.1. */
const BOUNDARY_MAX = 70;

export const typeOf = (contentType: string) => contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
/** `multipart/form-data; boundary="x"` -> x. */
export function boundaryOf(contentType: string): string | undefined {
  if (!typeOf(contentType).startsWith('multipart/')) return undefined;
  const [, quoted, bare] = /boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  return boundary === undefined || boundary.length > BOUNDARY_MAX ? undefined : boundary;
}

/** Longer parts are no picture of a face. */
const LONGEST = 4_000_000;
const HEAD_MAX = 4096;
const NAME_MAX = 100;

/**
 * Parts as they come. A part that says its length is there as soon as its last byte is, not when the next begins: in
 * an alertStream that may be minutes later. Each byte is looked at a fixed number of times, however it comes in
 * pieces, and no more is held than the longest part. `most`: after so many parts the rest is noise.
 */
export function multipartDecoder(boundary: string, most = Number.POSITIVE_INFINITY): Decoder<Part> {
  const mark = Buffer.from(`--${boundary}`);
  const nextMark = Buffer.from(`\n--${boundary}`);
  const store = createStore();
  let count = 0;
  let part: (Omit<Part, 'bytes'> & { readonly length: number | undefined }) | undefined;
  /** Up to here there is no mark in what is held. */
  let searched = 0;
  const drop = (length: number) => {
    store.drop(length);
    searched = 0;
  };
  const find = (what: Buffer): number => {
    const at = store.bytes().indexOf(what, searched);
    searched = at === -1 ? Math.max(0, store.length() - what.length + 1) : at;
    return at;
  };
  const finish = (out: Decoded<Part>[], length: number) => {
    const { contentType = '', name } = part ?? {};
    const bytes = Buffer.from(store.bytes().subarray(0, length));
    out.push({ frame: { contentType, bytes, ...(name !== undefined && { name }) } });
    drop(length);
    part = undefined;
    count++;
  };
  const skip = (out: Decoded<Part>[], length: number, reason: string) => {
    const isNoise = store
      .bytes()
      .subarray(0, length)
      .some((code) => code > 0x20);
    if (isNoise) out.push({ discarded: length, reason });
    drop(length);
  };
  /** Between parts: up to the head of the next. False: more bytes are needed. */
  const head = (out: Decoded<Part>[]): boolean => {
    const at = find(mark);
    if (at === -1) {
      // Its beginning may be there.
      skip(out, Math.max(0, store.length() - mark.length), 'bytes between parts');
      return false;
    }
    if (at > 0) skip(out, at, 'bytes between parts');
    const held = store.bytes();
    if (held.subarray(mark.length, mark.length + 2).toString('latin1') === '--') {
      drop(mark.length + 2);
      return true;
    }
    const window = held.subarray(0, HEAD_MAX + 4);
    // Some end their lines with LF alone.
    const ends = ['\r\n\r\n', '\n\n'].map((mark) => ({ at: window.indexOf(mark), length: mark.length }));
    const [end] = ends.filter((one) => one.at !== -1).sort((a, b) => a.at - b.at);
    if (end === undefined) {
      if (held.length <= HEAD_MAX) return false;
      // No head ends in the window: the next may begin at the last mark in it.
      const last = window.lastIndexOf(mark);
      skip(out, last > 0 ? last : HEAD_MAX - mark.length, 'a head that does not end');
      return true;
    }
    part = readHead(held.subarray(mark.length, end.at).toString('utf8'));
    drop(end.at + end.length);
    return true;
  };
  const step = (out: Decoded<Part>[]): boolean => {
    if (count >= most) {
      skip(out, store.length(), 'too many parts');
      return false;
    }
    if (part === undefined) return head(out);
    if (part.length !== undefined && part.length <= LONGEST) {
      if (store.length() < part.length) return false;
      finish(out, part.length);
      return true;
    }
    const end = find(nextMark);
    if (end !== -1 && end <= LONGEST) {
      finish(out, store.bytes()[end - 1] === 0x0d ? end - 1 : end);
      return true;
    }
    if (store.length() <= LONGEST) return false;
    skip(out, end === -1 ? store.length() - nextMark.length : end, 'a part that is too long');
    part = undefined;
    return true;
  };
  return {
    push(chunk) {
      store.add(chunk);
      const out: Decoded<Part>[] = [];
      while (step(out));
      return out;
    },
    silence() {
      const out: Decoded<Part>[] = [];
      while (step(out));
      skip(out, store.length(), 'a torn part');
      part = undefined;
      return out;
    },
  };
}

/** The head of a part, without its boundary. */
function readHead(head: string) {
  const lines = head.split(/\r?\n/);
  const value = (name: string) =>
    lines
      .find((line) => line.toLowerCase().startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim();
  const length = value('content-length');
  const known = length !== undefined && /^\d{1,9}$/.test(length) ? Number(length) : undefined;
  const [, quoted, bare] = /;\s*name=(?:"([^"]*)"|([^\s;]+))/i.exec(value('content-disposition') ?? '') ?? [];
  const name = quoted ?? bare;
  return {
    contentType: value('content-type') ?? '',
    length: known,
    ...(name !== undefined && name !== '' && { name: name.slice(0, NAME_MAX) }),
  };
}

/** Bytes that come at one end and go at the other; room grows by doubling, so that each is copied a few times at most. */
function createStore() {
  let room: Buffer = Buffer.alloc(0);
  let start = 0;
  let end = 0;
  return {
    length: () => end - start,
    bytes: () => room.subarray(start, end),
    add(chunk: Uint8Array) {
      const length = end - start;
      if (end + chunk.length > room.length) {
        const grown = Buffer.allocUnsafe(Math.max(length * 2, length + chunk.length, 1024));
        room.copy(grown, 0, start, end);
        room = grown;
        start = 0;
        end = length;
      }
      room.set(chunk, end);
      end += chunk.length;
    },
    drop(length: number) {
      start += length;
      if (start !== end) return;
      // What a long part took is given back.
      room = Buffer.alloc(0);
      start = 0;
      end = 0;
    },
  };
}
