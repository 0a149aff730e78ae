/**
 * What face and visitor terminals send over HTTP: JSON, XML, forms, multipart with pictures, ZKTeco's tables; and the
 * endless multipart answers of Hikvision's alertStream and Dahua's eventManager. Pure.
 */
import { XMLParser } from 'fast-xml-parser';
import type { Decoded, Decoder } from '../contract/codec.ts';

/** A part of a multipart body. */
export interface Part {
  readonly contentType: string;
  readonly bytes: Buffer;
}

export interface Message {
  /** JSON, or XML as an object, or a form's or table's fields. */
  readonly body: unknown;
  readonly pictures: readonly Part[];
}

// XXE has no place here: entities are not resolved.
const xml = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  processEntities: false,
  removeNSPrefix: true,
});

const typeOf = (contentType: string) => contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
/** `multipart/form-data; boundary="x"` -> x. */
export function boundaryOf(contentType: string): string | undefined {
  if (!typeOf(contentType).startsWith('multipart/')) return undefined;
  const [, quoted, bare] = /boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType) ?? [];
  return quoted ?? bare;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Text that is meant for a machine. @throws Error with a sentence. */
function readText(contentType: string, text: string): unknown {
  const trimmed = text.trim();
  // Dahua: Code=AccessControl;action=Pulse;index=0;data={...}
  if (/^Code=[^;]+;/.test(trimmed)) {
    const [head = '', data] = trimmed.split(/;data=(?=[{[])/, 2);
    const fields = Object.fromEntries(head.split(';').map((pair) => pair.split('=', 2) as [string, string]));
    return { ...fields, ...(data !== undefined && { data: JSON.parse(data) as unknown }) };
  }
  if (typeOf(contentType) === 'application/x-www-form-urlencoded')
    return Object.fromEntries(new URLSearchParams(trimmed));
  // Terminals name their content as they like: what it is stands in its first letter.
  if (trimmed.startsWith('<')) {
    const parsed: unknown = xml.parse(trimmed, true);
    if (!isRecord(parsed)) throw new Error('no XML');
    return parsed;
  }
  return JSON.parse(trimmed);
}

/** Reads a body, whole. A string: why it is none. Never throws. */
export function readMessage(contentType: string, bytes: Buffer): Message | string {
  const boundary = boundaryOf(contentType);
  if (boundary === undefined) {
    if (typeOf(contentType).startsWith('image/')) return { body: {}, pictures: [{ contentType, bytes }] };
    try {
      return { body: readText(contentType, bytes.toString('utf8')), pictures: [] };
    } catch {
      return 'neither JSON nor XML';
    }
  }
  const decoder = multipartDecoder(boundary);
  const parts = [...decoder.push(bytes), ...decoder.silence()].flatMap((one) =>
    'frame' in one ? [one.frame] : [],
  );
  if (parts.length === 0) return 'multipart without a part';
  const pictures = parts.filter((part) => typeOf(part.contentType).startsWith('image/'));
  let body: unknown = {};
  for (const part of parts) {
    if (pictures.includes(part)) continue;
    const read = readMessage(part.contentType, part.bytes);
    if (typeof read === 'string') return read;
    body = isRecord(read.body) && isRecord(body) ? { ...body, ...read.body } : read.body;
  }
  return { body, pictures };
}

/** Longer parts are no picture of a face. */
const LONGEST = 4_000_000;
const HEAD_MAX = 4096;

/**
 * Parts as they come. A part that says its length is there as soon as its last byte is, not when the next begins: in
 * an alertStream that may be minutes later.
 */
export function multipartDecoder(boundary: string): Decoder<Part> {
  const mark = Buffer.from(`--${boundary}`);
  let pending: Buffer = Buffer.alloc(0);
  let part: { readonly contentType: string; readonly length: number | undefined } | undefined;
  const drop = (count: number) => {
    pending = pending.subarray(count);
  };
  const finish = (out: Decoded<Part>[], length: number) => {
    const { contentType = '' } = part ?? {};
    out.push({ frame: { contentType, bytes: Buffer.from(pending.subarray(0, length)) } });
    drop(length);
    part = undefined;
  };
  const skip = (out: Decoded<Part>[], count: number, reason: string) => {
    const noise = pending.subarray(0, count).toString('latin1').trim().length;
    if (noise > 0) out.push({ discarded: count, reason });
    drop(count);
  };
  /** Between parts: up to the head of the next. False: more bytes are needed. */
  const head = (out: Decoded<Part>[]): boolean => {
    const at = pending.indexOf(mark);
    if (at === -1) {
      // Its beginning may be there.
      skip(out, Math.max(0, pending.length - mark.length), 'bytes between parts');
      return false;
    }
    skip(out, at, 'bytes between parts');
    if (pending.subarray(mark.length, mark.length + 2).toString() === '--') {
      drop(mark.length + 2);
      return true;
    }
    const end = pending.indexOf('\r\n\r\n');
    if (end === -1 || end > HEAD_MAX) {
      if (pending.length <= HEAD_MAX) return false;
      skip(out, mark.length, 'a head that does not end');
      return true;
    }
    const lines = pending.subarray(mark.length, end).toString('latin1').split('\r\n');
    const value = (name: string) =>
      lines
        .find((line) => line.toLowerCase().startsWith(`${name}:`))
        ?.slice(name.length + 1)
        .trim();
    const length = value('content-length');
    drop(end + 4);
    const known = length !== undefined && /^\d{1,9}$/.test(length) ? Number(length) : undefined;
    part = { contentType: value('content-type') ?? '', length: known };
    return true;
  };
  const step = (out: Decoded<Part>[]): boolean => {
    if (part === undefined) return head(out);
    if (part.length !== undefined && part.length <= LONGEST) {
      if (pending.length < part.length) return false;
      finish(out, part.length);
      return true;
    }
    const end = pending.indexOf(Buffer.concat([Buffer.from('\r\n'), mark]));
    if (end !== -1) {
      finish(out, end);
      return true;
    }
    if (pending.length <= LONGEST) return false;
    skip(out, pending.length, 'a part that is too long');
    part = undefined;
    return false;
  };
  return {
    push(chunk) {
      pending = Buffer.concat([pending, chunk]);
      const out: Decoded<Part>[] = [];
      while (step(out));
      return out;
    },
    silence() {
      const out: Decoded<Part>[] = [];
      while (step(out));
      skip(out, pending.length, 'a torn part');
      part = undefined;
      return out;
    },
  };
}

/**
 * ZKTeco's push: a table of records, a line each. `ATTLOG` has columns without names, the others `name=value`,
 * separated by tabs.
 */
export function readTable(table: string, text: string): readonly Readonly<Record<string, string>>[] {
  const columns = ['pin', 'time', 'status', 'verify', 'workcode', 'reserved1', 'reserved2'];
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const cells = line.split('\t');
      const named = cells.map((cell, i): [string, string] => {
        const equals = cell.indexOf('=');
        if (table.toUpperCase() === 'ATTLOG') return [columns[i] ?? `column${i}`, cell.trim()];
        return equals === -1 ? [`column${i}`, cell] : [cell.slice(0, equals).trim(), cell.slice(equals + 1)];
      });
      return { table, ...Object.fromEntries(named) };
    });
}
