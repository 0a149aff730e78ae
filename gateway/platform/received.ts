/** What a message is to the city: an event, and what its chain is; a note; or nothing of this contract. Pure. */
import type { Received } from './contract.ts';

/** Why a message is no event: few and fixed, for what counts them. */
export type Misunderstood =
  | 'no event topic'
  | 'larger than an event may be'
  | 'no UTF-8'
  | 'no JSON'
  | 'no object'
  | 'an attribute is missing'
  | 'a number is none'
  | 'an attribute is too long';

/** Many times what an event takes, the piece of a picture in it included. */
export const EVENT_MAX_BYTES = 1_048_576;
/** Values in an event, counted by what parts them: a megabyte of empty lists takes a tenth of a second to read, and one of text none. */
const VALUES_MAX = 50_000;
const ATTRIBUTE_MAX = 200;
/** As a topic of MQTT may be long. */
const PREFIX_MAX = 65_535;
const LANE = /^[\w-]+$/;
const DECIMAL = /^(0|[1-9]\d{0,15})$/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(payload: Uint8Array): string | undefined {
  try {
    return utf8.decode(payload);
  } catch {
    return undefined;
  }
}

const [QUOTE, BACKSLASH, COMMA, LIST, OBJECT] = [0x22, 0x5c, 0x2c, 0x5b, 0x7b] as const;

/** Where a text of JSON that begins at `from` ends; its length: nowhere. */
function endOfText(json: Uint8Array, from: number): number {
  for (let end = json.indexOf(QUOTE, from + 1); end >= 0; end = json.indexOf(QUOTE, end + 1)) {
    let slashes = 0;
    while (json[end - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return json.length;
}

function hasTooManyValues(json: Uint8Array): boolean {
  if (json.length <= VALUES_MAX) return false;
  let values = 0;
  for (let at = 0; at < json.length && values <= VALUES_MAX; at++) {
    const byte = json[at];
    if (byte === QUOTE) at = endOfText(json, at);
    else if (byte === COMMA || byte === LIST || byte === OBJECT) values++;
  }
  return values > VALUES_MAX;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Sequences are safe integers, in decimal. */
function numberOf(text: string): number | undefined {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** `receivedAt`: epoch ms. @returns the event, or why it is none. Never throws. */
export function readEvent(topic: string, payload: Uint8Array, receivedAt: number): Received | Misunderstood {
  const at = topic.search(/\/(event|media)\/./);
  if (at <= 0 || at > PREFIX_MAX) return 'no event topic';
  if (payload.length > EVENT_MAX_BYTES || hasTooManyValues(payload)) return 'larger than an event may be';
  const body = textOf(payload);
  if (body === undefined) return 'no UTF-8';
  const value = parsed(body);
  if (value === undefined) return 'no JSON';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'no object';
  const { id, type, time, journal, lane, sequence, previous } = value as Record<string, unknown>;
  const named = { id, type, time, journal, lane };
  const numbered = { sequence, previous };
  if (!isTexts(named) || !isTexts(numbered) || !LANE.test(named.lane)) return 'an attribute is missing';
  if (Object.values(named).some(({ length }) => length > ATTRIBUTE_MAX)) return 'an attribute is too long';
  const numbers = { sequence: numberOf(numbered.sequence), previous: numberOf(numbered.previous) };
  if (numbers.sequence === undefined || numbers.previous === undefined) return 'a number is none';
  const { sequence: own, previous: before } = numbers;
  return { prefix: topic.slice(0, at), ...named, sequence: own, previous: before, body, receivedAt };
}

const SEQUENCE = Buffer.from('"sequence"');
const NONE = /^\s*:\s*"0"/;
/** What may stand between a name and its value, where somebody indents. */
const SPACE_MAX = 64;

/** Whether an event may be from the memory of a gateway, without a number; without reading all of it as JSON. */
export function isFromMemory(payload: Buffer): boolean {
  for (let at = payload.indexOf(SEQUENCE); at >= 0; ) {
    const after = at + SEQUENCE.length;
    if (NONE.test(payload.toString('latin1', after, after + SPACE_MAX))) return true;
    at = payload.indexOf(SEQUENCE, after);
  }
  return false;
}

function isTexts<Names extends string>(
  values: Readonly<Record<Names, unknown>>,
): values is Readonly<Record<Names, string>> {
  return Object.values(values).every((one) => typeof one === 'string' && one !== '');
}

/** What is in no chain. */
export type Note =
  | { readonly is: 'reply'; readonly reply: Reply }
  | { readonly is: 'presence' | 'campus'; readonly prefix: string; readonly body: string };

/** What a gateway answered to a command. */
export interface Reply {
  readonly id: string;
  readonly done: boolean;
  readonly reason?: string;
  readonly unknown?: boolean;
  readonly result?: Readonly<Record<string, unknown>>;
}

const NOTE_MAX_BYTES = 262_144;

/** @returns the note; undefined: it is none. Never throws. */
export function readNote(topic: string, payload: Uint8Array): Note | undefined {
  const [, prefix = '', what, rest] = /^(.+?)\/(presence|campus|reply)(?:\/([^/]+))?$/.exec(topic) ?? [];
  if (what === undefined || (what === 'reply') !== (rest !== undefined)) return undefined;
  const body = payload.length > NOTE_MAX_BYTES ? undefined : textOf(payload);
  if (body === undefined) return undefined;
  if (what !== 'reply') return { is: what as 'presence' | 'campus', prefix, body };
  const reply = replyOf(parsed(body));
  return reply && { is: 'reply', reply };
}

function replyOf(value: unknown): Reply | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, done, reason, unknown, result } = value as Record<string, unknown>;
  if (typeof id !== 'string' || typeof done !== 'boolean') return undefined;
  return {
    id,
    done,
    ...(typeof reason === 'string' && { reason }),
    ...(unknown === true && { unknown }),
    ...(typeof result === 'object' && result !== null && { result: result as Record<string, unknown> }),
  };
}

/** Of a presence: whether it says that the gateway is there, and under which numbering. */
export function readPresence(body: string): { readonly online: boolean; readonly journal?: string } {
  const { state, journal } = (parsed(body) ?? {}) as Record<string, unknown>;
  return { online: state === 'online', ...(typeof journal === 'string' && { journal }) };
}
