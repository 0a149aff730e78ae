/**
 * What face and visitor terminals send over HTTP: JSON, XML, forms, multipart with pictures, ZKTeco's tables; and the
 * endless multipart answers of Hikvision's alertStream and Dahua's eventManager. Pure.
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { Decoded, Decoder } from '../contract/codec.ts';

/** A part of a multipart body. */
export interface Part {
  readonly contentType: string;
  readonly bytes: Buffer;
}

/** No message of a terminal has members within members to this depth. */
const DEPTH_MAX = 32;
/** A message is an event and a picture or two. */
const PARTS_MAX = 32;
const FIELDS_MAX = 200;
/** RFC 2046, 5.1.1. */
const BOUNDARY_MAX = 70;

// XXE has no place here: entities are not resolved.
const xml = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  processEntities: false,
  removeNSPrefix: true,
  maxNestedTags: DEPTH_MAX,
});

const typeOf = (contentType: string) => contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
/** `multipart/form-data; boundary="x"` -> x. */
export function boundaryOf(contentType: string): string | undefined {
  if (!typeOf(contentType).startsWith('multipart/')) return undefined;
  const [, quoted, bare] = /boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  return boundary === undefined || boundary.length > BOUNDARY_MAX ? undefined : boundary;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether members of members of this JSON go deeper than a message's may. */
function isTooDeep(json: string): boolean {
  let depth = 0;
  let isText = false;
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (isText) {
      if (code === BACKSLASH) i++;
      else if (code === QUOTE) isText = false;
    } else if (code === QUOTE) isText = true;
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > DEPTH_MAX) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
}
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** @throws Error with a sentence. */
function readJson(text: string): unknown {
  if (isTooDeep(text)) throw new Error('too deep');
  return JSON.parse(text);
}

/** @throws Error with a sentence. */
function readXml(text: string): unknown {
  if (text.includes('<!DOCTYPE')) throw new Error('a document type');
  const parsed: unknown = xml.parse(text);
  const valid = XMLValidator.validate(text);
  if (valid !== true || !isRecord(parsed)) throw new Error('no XML');
  return parsed;
}

/** `a=1&b=%E7%8E%8B` (URL Standard, 5.1). URLSearchParams takes more than linear time over many. @throws Error. */
function readForm(text: string): unknown {
  const fields = text.split('&', FIELDS_MAX + 1);
  if (fields.length > FIELDS_MAX) throw new Error('too many fields');
  return Object.fromEntries(
    fields.map((field) => {
      const equals = field.indexOf('=');
      const at = equals === -1 ? field.length : equals;
      return [decodeField(field.slice(0, at)), decodeField(field.slice(at + 1))];
    }),
  );
}
function decodeField(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

/** Dahua: `Code=AccessControl;action=Pulse;index=0;data={...}`. An alarm is one, whatever its data are. */
function readCode(text: string): unknown {
  const at = text.indexOf(';data=');
  const head = (at === -1 ? text : text.slice(0, at)).split(';', 20);
  const fields = Object.fromEntries(head.map((pair) => pair.trim().split('=', 2) as [string, string]));
  if (at === -1) return fields;
  try {
    return { ...fields, Data: readJson(text.slice(at + ';data='.length)) };
  } catch {
    return fields;
  }
}

/** Text that is meant for a machine. @throws Error with a sentence. */
function readText(contentType: string, text: string): unknown {
  const trimmed = text.trim();
  // Dahua: members as its push has them; several may come in one part.
  if (trimmed.startsWith('Code=')) {
    const events = trimmed.split(/\r?\n(?=Code=)/).map(readCode);
    return events.length === 1 ? events[0] : { Events: events };
  }
  // Dahua, so that a stream in which nothing happens is known to be there.
  if (trimmed === 'Heartbeat') return {};
  // Terminals name their content as they like: what it is stands in its first letter.
  if (trimmed.startsWith('<')) return readXml(trimmed);
  const isForm = typeOf(contentType) === 'application/x-www-form-urlencoded' && !/^[{[]/.test(trimmed);
  return isForm ? readForm(trimmed) : readJson(trimmed);
}

/** What is left of a message when its pictures are cut out: texts for machines, in their order. */
export interface Cut {
  readonly texts: readonly Part[];
  readonly pictures: readonly Part[];
}

/**
 * Cuts the pictures out of a body before anything reads the rest: parts that are images, and long runs of base64. A
 * string: why it is no message. Never throws.
 */
export function cutPictures(contentType: string, bytes: Buffer): Cut | string {
  const boundary = boundaryOf(contentType);
  const parts = boundary === undefined ? [{ contentType, bytes }] : partsOf(boundary, bytes);
  if (parts.length === 0) return 'multipart without a part';
  if (parts.length > PARTS_MAX) return 'more parts than a message has';
  const texts: Part[] = [];
  const pictures: Part[] = [];
  for (const part of parts) {
    const type = pictureType(part.bytes);
    const said = typeOf(part.contentType);
    // What says that it is an image and is none that a page can show is cut out too, and not kept.
    if (type !== undefined || /^image\/(jpe?g|bmp|gif|webp|png)$/.test(said))
      pictures.push({ contentType: type ?? said, bytes: part.bytes });
    else if (!said.startsWith('image/'))
      texts.push({ contentType: part.contentType, bytes: cutBase64(part.bytes, pictures) });
  }
  return { texts, pictures };
}

/** The parts of a whole body, and one more than a message may have where there are more. */
function partsOf(boundary: string, bytes: Buffer): readonly Part[] {
  const decoder = multipartDecoder(boundary, PARTS_MAX + 1);
  return [...decoder.push(bytes), ...decoder.silence()].flatMap((one) => ('frame' in one ? [one.frame] : []));
}

function pictureType(bytes: Buffer): string | undefined {
  const first = bytes.subarray(0, 4).toString('latin1');
  if (first.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  return first === '\x89PNG' ? 'image/png' : undefined;
}

/** Shorter ones may be a name or a number. */
const BASE64_MIN = 1024;
/** Of base64, of its URL form, and of what JSON and forms write for `/`, `+` and line ends: `\/`, `\n`, `%2B`. */
const inBase64 = Uint8Array.from({ length: 256 }, (_, code) =>
  /[A-Za-z0-9+/_\\%-]/.test(String.fromCharCode(code)) ? 1 : 0,
);

/** A text without its long runs of base64; what of them is a picture joins `pictures`, the rest (templates) goes. */
function cutBase64(bytes: Buffer, pictures: Part[]): Buffer {
  const kept: Buffer[] = [];
  let from = 0;
  let run = 0;
  for (let i = 0; i <= bytes.length; i++) {
    if (i < bytes.length && inBase64[bytes[i] ?? 0] === 1) continue;
    if (i - run >= BASE64_MIN) {
      kept.push(bytes.subarray(from, run));
      from = i;
      const picture = decodeBase64(bytes.subarray(run, i));
      const type = pictureType(picture);
      if (type !== undefined && pictures.length < PARTS_MAX)
        pictures.push({ contentType: type, bytes: picture });
    }
    run = i + 1;
  }
  return kept.length === 0 ? bytes : Buffer.concat([...kept, bytes.subarray(from)]);
}

/** With the line ends and strokes that JSON escapes, and what forms write as `%2B` and `%2F`. */
function decodeBase64(run: Buffer): Buffer {
  const plain = Buffer.allocUnsafe(run.length);
  let length = 0;
  for (let i = 0; i < run.length; i++) {
    const code = run[i] ?? 0;
    if (code === BACKSLASH) {
      const next = run[i + 1];
      if (next === 0x6e || next === 0x72) i++;
    } else if (code === 0x25) {
      const next = run.toString('latin1', i + 1, i + 3).toLowerCase();
      if (next === '2b') plain[length++] = 0x2b;
      else if (next === '2f') plain[length++] = 0x2f;
      i += 2;
    } else plain[length++] = code;
  }
  return Buffer.from(plain.toString('latin1', 0, length), 'base64');
}

/** Reads what is left of a message, as one body: an object of all members. A string: why it is none. Never throws. */
export function readTexts(texts: readonly Part[]): { readonly body: unknown } | string {
  let body: unknown = {};
  for (const { contentType, bytes } of texts) {
    try {
      const read = readText(contentType, bytes.toString('utf8'));
      body = isRecord(read) && isRecord(body) ? { ...body, ...read } : read;
    } catch {
      return 'neither JSON nor XML';
    }
  }
  return { body };
}

/** Longer parts are no picture of a face. */
const LONGEST = 4_000_000;
const HEAD_MAX = 4096;

/**
 * Parts as they come. A part that says its length is there as soon as its last byte is, not when the next begins: in
 * an alertStream that may be minutes later. Each byte is looked at a fixed number of times, however it comes in
 * pieces, and no more is held than the longest part. `most`: after so many parts the rest is noise.
 */
export function multipartDecoder(boundary: string, most = Number.POSITIVE_INFINITY): Decoder<Part> {
  const mark = Buffer.from(`--${boundary}`);
  const nextMark = Buffer.from(`\r\n--${boundary}`);
  const store = createStore();
  let count = 0;
  let part: { readonly contentType: string; readonly length: number | undefined } | undefined;
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
    const { contentType = '' } = part ?? {};
    out.push({ frame: { contentType, bytes: Buffer.from(store.bytes().subarray(0, length)) } });
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
    const end = window.indexOf('\r\n\r\n');
    if (end === -1) {
      if (held.length <= HEAD_MAX) return false;
      // No head ends in the window: the next may begin at the last mark in it.
      const last = window.lastIndexOf(mark);
      skip(out, last > 0 ? last : HEAD_MAX - mark.length, 'a head that does not end');
      return true;
    }
    part = readHead(held.subarray(mark.length, end).toString('latin1'));
    drop(end + 4);
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
      finish(out, end);
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
  const lines = head.split('\r\n');
  const value = (name: string) =>
    lines
      .find((line) => line.toLowerCase().startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim();
  const length = value('content-length');
  const known = length !== undefined && /^\d{1,9}$/.test(length) ? Number(length) : undefined;
  return { contentType: value('content-type') ?? '', length: known };
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
