/** What came, as PostgreSQL can keep it: text without NUL and half surrogates, keys of bounded length, ids as UUIDs. Pure. */
import { createHash } from 'node:crypto';
import type { Received } from '../contract.ts';

/** An event, and where it goes. */
export interface Row {
  readonly event: Received;
  /** A UUID: its own, or one that follows from it. */
  readonly id: string;
  /** 202611, by the time in a UUIDv7; 0: it has none. The same for the same id. */
  readonly month: number;
  readonly prefix: string;
  readonly journal: string;
  readonly lane: string;
  readonly type: string;
  /** Epoch ms; null: it says none. */
  readonly time: number | null;
  readonly body: string;
}

/** An index takes no longer ones. */
const KEY_MAX = 200;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{12}$/;
/** What calendars of PostgreSQL and of JavaScript both have, with room. */
const TIME_MAX = Date.UTC(9999, 11, 31);

const escaped = (one: string) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** NUL and surrogates without their other half are written as JSON escapes them. */
export const textOf = (text: string): string =>
  text.includes('\0') || !text.isWellFormed()
    ? text.replace(/\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, escaped)
    : text;

/** The same for the same text, and another one for another. */
export function keyOf(text: string): string {
  if (text.length <= KEY_MAX && text.isWellFormed() && !text.includes('\0')) return text;
  const hash = createHash('sha256').update(text, 'utf16le').digest('hex');
  return `${textOf(text.slice(0, 40))}~${hash}`;
}

/** RFC 9562, version 8: it follows from a text. */
export function uuidFrom(text: string): string {
  const hash = createHash('sha256').update(text, 'utf16le').digest('hex');
  const variant = ((Number.parseInt(hash[16] ?? '0', 16) & 3) | 8).toString(16);
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

/** 202611 of epoch ms. */
export const monthOf = (ms: number): number => {
  const date = new Date(ms);
  return date.getUTCFullYear() * 100 + date.getUTCMonth() + 1;
};

/** Epoch ms of the beginning of 202611. */
export const monthStart = (month: number): number => Date.UTC(Math.floor(month / 100), (month % 100) - 1);

/** Its id in the tables, and the month that follows from it. */
export function placeOf(id: string): { readonly id: string; readonly month: number } {
  const lower = id.toLowerCase();
  const match = UUID.exec(lower);
  if (match === null) return { id: uuidFrom(id), month: 0 };
  if (match[1] !== '7') return { id: lower, month: 0 };
  return { id: lower, month: monthOf(Number.parseInt(lower.slice(0, 8) + lower.slice(9, 13), 16)) };
}

/** Epoch ms; null: no time, or one of no calendar. */
export function timeOf(text: unknown): number | null {
  const ms = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return ms >= 0 && ms <= TIME_MAX ? ms : null;
}

export function rowOf(event: Received): Row {
  const { prefix, journal, lane, type, body } = event;
  return {
    event,
    ...placeOf(event.id),
    prefix: keyOf(prefix),
    journal: keyOf(journal),
    lane: keyOf(lane),
    type: keyOf(type),
    time: timeOf(event.time),
    body: textOf(body),
  };
}
