/**
 * Multipart bodies (RFC 2046, 5.1), whole and without an end, and the names of their parts (RFC 7578). The boundary says
 * where a part ends; its Content-Length, which RFC 7578 (4.8) has ignored, is wrong in many terminals. Pure.
 *
 *   --boundary CRLF  head CRLF  CRLF  content CRLF  --boundary CRLF ... --boundary--
 */
import type { Decoded, Decoder } from '../contract/codec.ts';
import { type EndOf, endOfCode, endOfJson, endOfXml } from './documents.ts';

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
  const [, quoted, bare] = /boundary\s*=\s*(?:"([^"]+)"|([^\s;]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  return boundary === undefined || boundary.length > BOUNDARY_MAX ? undefined : boundary;
}

/** Longer parts are no picture of a face. */
const LONGEST = 4_000_000;
const HEAD_MAX = 4096;
const NAME_MAX = 100;
/** RFC 2046, 5.1.1: what transport added to the line of a delimiter. */
const BLANKS_MAX = 64;
const [TAB, LINE_END, RETURN, SPACE, DASH] = [0x09, 0x0a, 0x0d, 0x20, 0x2d];

/**
 * The delimiter of a body: two dashes and the boundary. Some terminals name it with the dashes, and write it with two
 * more or without: what stands first in the body is it.
 */
function createDelimiter(boundary: string) {
  const core = boundary.replace(/^-+/, '');
  const plain = Buffer.from(core === '' ? boundary : core);
  let mark: Buffer | undefined = core === boundary || core === '' ? Buffer.from(`--${boundary}`) : undefined;
  /** What follows a mark: the end of its line, or of all; `more`: that is not there yet. */
  const after = (
    held: Buffer,
    from: number,
  ): { readonly to: number; readonly isLast: boolean } | 'no' | 'more' => {
    const isLast = held[from] === DASH && held[from + 1] === DASH;
    let at = isLast ? from + 2 : from;
    if (isLast) return { to: at, isLast };
    while (at < from + BLANKS_MAX && (held[at] === SPACE || held[at] === TAB)) at++;
    if (held[at] === RETURN) at++;
    if (held[at] === LINE_END) return { to: at + 1, isLast };
    return at >= held.length || (held[from] === DASH && from + 1 >= held.length) ? 'more' : 'no';
  };
  const learn = (held: Buffer, at: number): Buffer | undefined => {
    let start = at;
    while (held[start - 1] === DASH) start--;
    return at - start < 2 ? undefined : held.subarray(start, at + plain.length);
  };
  return {
    /**
     * The first from `from` on, at the beginning of a line where that is wanted: `{ at, to }`. `unsure`: up to there is
     * none; what begins there needs more bytes.
     */
    find(
      held: Buffer,
      from: number,
      isOfLine: boolean,
    ): { readonly at: number; readonly to: number; readonly isLast: boolean } | { readonly unsure: number } {
      const sought = mark ?? plain;
      for (let at = from; ; at++) {
        at = held.indexOf(sought, at);
        if (at === -1) return { unsure: Math.max(from, held.length - boundary.length - 3) };
        const found = mark ?? learn(held, at);
        const start = at + sought.length - (found?.length ?? 0);
        if (found === undefined || (isOfLine && start > 0 && held[start - 1] !== LINE_END)) continue;
        const rest = after(held, at + sought.length);
        if (rest === 'more') return { unsure: Math.max(from, start) };
        if (rest === 'no') continue;
        mark ??= Buffer.from(found);
        return { at: start, ...rest };
      }
    },
    /** Whether this may be the line end before one. */
    mayPrecede(held: Buffer): boolean {
      const text = held
        .subarray(0, boundary.length + 8)
        .toString('latin1')
        .replace(/^[\r\n]+/, '');
      const sought = mark?.toString('latin1') ?? '--';
      return text.startsWith(sought) || sought.startsWith(text);
    },
  };
}

/** A head that ends, as far as it is there: with an empty line, or where a document begins without one. */
function headIn(held: Buffer): { readonly length: number; readonly head: string } | 'more' | 'none' {
  if (held.length === 0) return 'more';
  const window = held.subarray(0, HEAD_MAX + 4);
  const text = window.toString('latin1');
  // No head at all, and no empty line.
  if (/^(?:[{[<]|[Cc]ode=)/.test(text)) return { length: 0, head: '' };
  const found = /^\r?\n|\n\r?\n/.exec(text);
  if (found === null) return held.length <= HEAD_MAX ? 'more' : 'none';
  return { length: found.index + found[0].length, head: window.subarray(0, found.index).toString('utf8') };
}

/** The parts of a whole body; nothing follows that could make one longer. What has no head is one all the same. */
export function splitParts(
  boundary: string,
  bytes: Buffer,
  most = Number.POSITIVE_INFINITY,
): readonly Part[] {
  const delimiter = createDelimiter(boundary);
  const parts: Part[] = [];
  let found = delimiter.find(bytes, 0, false);
  while ('at' in found && parts.length < most) {
    const next = delimiter.find(bytes, found.to, true);
    const all = bytes.subarray(found.to, 'at' in next ? next.at : bytes.length);
    const head = headIn(all);
    const { length, head: lines } = typeof head === 'object' ? head : { length: 0, head: '' };
    const { contentType, name } = readHead(lines);
    const content = all.subarray(length, 'at' in next ? withoutLineEnd(all, all.length) : all.length);
    // After the last one nothing is a part, and two delimiters, one after the other, are one.
    if (!found.isLast && (content.length > 0 || name !== undefined))
      parts.push({ contentType, bytes: content, ...(name !== undefined && { name }) });
    found = next;
  }
  return parts;
}

/** The line end before a delimiter belongs to it (RFC 2046, 5.1.1). */
function withoutLineEnd(content: Buffer, length: number): number {
  if (content[length - 1] !== LINE_END) return length;
  return content[length - 2] === RETURN ? length - 2 : length - 1;
}

interface Open extends Omit<Part, 'bytes'> {
  readonly length: number | undefined;
  /** Finds the end of a document; `none`: it is none; undefined: that is not known yet. */
  endOf: EndOf | 'none' | undefined;
  /** So much of it was looked at. */
  scanned: number;
  /** One of its documents was told already. */
  isTold: boolean;
}

/** By its first bytes. undefined: more are needed. */
function documentIn(first: string): EndOf | 'none' | undefined {
  if (/^[{[]/.test(first)) return endOfJson();
  if (first.startsWith('<')) return endOfXml();
  const code = first.replace(/^c/, 'C');
  if (code === 'Code=') return endOfCode();
  return 'Code='.startsWith(code) ? undefined : 'none';
}
/** Blanks, NUL, a byte order mark. */
const isNothing = (code: number) => code <= SPACE || code === 0xef || code === 0xbb || code === 0xbf;

/** The end of a document in what is held, up to `most`; undefined: none yet. */
function endIn(one: Open, held: Buffer, most: number): number | undefined {
  if (one.endOf === undefined) {
    while (one.scanned < most && isNothing(held[one.scanned] ?? 0)) one.scanned++;
    one.endOf = documentIn(held.toString('latin1', one.scanned, Math.min(most, one.scanned + 5)));
  }
  if (one.endOf === undefined || one.endOf === 'none') return undefined;
  for (; one.scanned < most; one.scanned++) if (one.endOf(held[one.scanned] ?? 0)) return ++one.scanned;
  return undefined;
}

/** Whether all of it is there that its length says, and what follows does not say otherwise. */
function isAll({ length, endOf }: Open, held: Buffer, { mayPrecede }: ReturnType<typeof createDelimiter>) {
  if (length === undefined || length === 0 || endOf !== 'none' || held.length < length) return false;
  const rest = held.subarray(length);
  if (mayPrecede(rest)) return true;
  return !held.subarray(0, length).includes(0) && /^\r?\n/.test(rest.toString('latin1', 0, 2));
}

/**
 * Parts as they come. JSON, XML and events of Dahua are there as soon as they end, not when the next part begins: in an
 * alertStream that may be minutes later. What else there is ends where its Content-Length says so and nothing speaks
 * against it, or with the next boundary. Each byte is looked at a fixed number of times, however it comes in pieces, and
 * no more is held than the longest part.
 */
export function multipartDecoder(boundary: string): Decoder<Part> {
  const delimiter = createDelimiter(boundary);
  const store = createStore();
  let part: Open | undefined;
  /** Behind a delimiter, before the end of a head. */
  let isHead = false;
  /** Up to here there is no delimiter in what is held. */
  let searched = 0;
  const drop = (length: number) => {
    store.drop(length);
    searched = 0;
  };
  const find = (isOfLine: boolean) => {
    const found = delimiter.find(store.bytes(), searched, isOfLine);
    searched = 'at' in found ? found.at : found.unsure;
    return found;
  };
  const skip = (out: Decoded<Part>[], length: number, reason: string) => {
    const isNoise = store
      .bytes()
      .subarray(0, length)
      .some((code) => code > SPACE);
    if (isNoise) out.push({ discarded: length, reason });
    drop(length);
  };
  const tell = (out: Decoded<Part>[], { contentType, name }: Open, length: number, next: number) => {
    const bytes = Buffer.from(store.bytes().subarray(0, length));
    out.push({ frame: { contentType, bytes, ...(name !== undefined && { name }) } });
    drop(next);
  };
  /** Between parts: up to a delimiter. False: more bytes are needed. */
  const between = (out: Decoded<Part>[]): boolean => {
    const found = find(false);
    if (!('at' in found)) {
      skip(out, found.unsure, 'bytes between parts');
      return false;
    }
    if (found.at > 0) skip(out, found.at, 'bytes between parts');
    drop(found.to - found.at);
    isHead = !found.isLast;
    return true;
  };
  const head = (out: Decoded<Part>[]): boolean => {
    const held = store.bytes();
    // Two delimiters, one after the other, are one.
    const again = delimiter.find(held.subarray(0, HEAD_MAX), 0, true);
    const found = headIn(held);
    if ('at' in again && (typeof found !== 'object' || again.at <= found.length)) {
      skip(out, again.at, 'a head that does not end');
      isHead = false;
      return true;
    }
    if (found === 'more') return false;
    isHead = false;
    if (found === 'none') skip(out, Math.min(held.length, HEAD_MAX), 'a head that does not end');
    else {
      part = { ...readHead(found.head), endOf: undefined, scanned: 0, isTold: false };
      drop(found.length);
    }
    return true;
  };
  const content = (out: Decoded<Part>[], one: Open): boolean => {
    const found = find(!one.isTold);
    const held = store.bytes();
    const most = 'at' in found ? found.at : held.length;
    const end = most <= LONGEST ? endIn(one, held, most) : undefined;
    if (end !== undefined) {
      tell(out, one, end, end);
      part = { ...one, length: undefined, endOf: undefined, scanned: 0, isTold: true };
      return true;
    }
    if (!one.isTold && !('at' in found) && isAll(one, held, delimiter)) {
      tell(out, one, one.length ?? 0, one.length ?? 0);
      part = undefined;
      return true;
    }
    if ('at' in found && found.at <= LONGEST) {
      const length = withoutLineEnd(held, found.at);
      const isEmpty = one.isTold && (one.endOf === undefined || one.endOf === 'none');
      if (isEmpty) skip(out, found.at, 'bytes between parts');
      else tell(out, one, length, found.at);
      part = undefined;
      return true;
    }
    if (held.length <= LONGEST) return false;
    skip(out, 'at' in found ? found.at : found.unsure, 'a part that is too long');
    part = undefined;
    return true;
  };
  const step = (out: Decoded<Part>[]): boolean => {
    if (part !== undefined) return content(out, part);
    return isHead ? head(out) : between(out);
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
      isHead = false;
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
