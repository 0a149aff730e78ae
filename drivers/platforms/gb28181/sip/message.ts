/**
 * SIP messages (RFC 3261, 7 and 25): reads what came, writes what goes. Pure. Whatever comes, nothing here throws, and each
 * byte is looked at a fixed number of times: the time is linear.
 */

/** Name in small letters, its long form; value without the white space around it, folded lines joined by a space. */
export type Header = readonly [name: string, value: string];

export interface Request {
  readonly method: string;
  readonly uri: string;
  readonly headers: readonly Header[];
  readonly body: Buffer;
}

export interface Response {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly Header[];
  readonly body: Buffer;
}

export type Message = Request | Response;

export const isRequest = (message: Message): message is Request => 'method' in message;

/** What is wrong with what came: one of a few sentences. `request`: so much of it that it can be answered 400. */
export interface Broken {
  readonly broken: string;
  readonly request?: Request;
}

/** Start line and headers; the longest in use (Via of ten proxies, a digest) is 4 KB. */
export const HEAD_MAX = 16_384;
/** A catalogue's page has some thousand bytes, a picture goes another way. */
export const BODY_MAX = 262_144;
const HEADERS_MAX = 128;

/** RFC 3261, 7.3.3 and 20; RFC 6665 (o, u), 3515 (r), 3892 (b), 4028 (x), 3841 (a, d, j), 8224 (y). */
const compact: Readonly<Record<string, string>> = {
  ...{ i: 'call-id', m: 'contact', e: 'content-encoding', l: 'content-length', c: 'content-type' },
  ...{ f: 'from', s: 'subject', k: 'supported', t: 'to', v: 'via', o: 'event', u: 'allow-events' },
  ...{ r: 'refer-to', b: 'referred-by', x: 'session-expires', a: 'accept-contact', d: 'request-disposition' },
  ...{ j: 'reject-contact', y: 'identity' },
};

/** RFC 3261, 25.1: token. */
const TOKEN = /^[\w.!%*+`'~-]+$/;
const REQUEST_LINE = /^([\w.!%*+`'~-]+) (\S+) SIP\/2\.0$/i;
const STATUS_LINE = /^SIP\/2\.0 ([1-6]\d\d)(?: (.*))?$/i;
/** Without these no answer finds its way (RFC 3261, 8.1.1). */
const NEEDED = ['via', 'from', 'to', 'call-id', 'cseq'] as const;

export const headerOf = ({ headers }: Pick<Message, 'headers'>, name: string): string | undefined =>
  headers.find(([one]) => one === name)?.[1];

/**
 * All values of a header that is a list (Via, Contact, Route): of each line, parted at its commas.
 * `Via: a, b` and two lines say the same (RFC 3261, 7.3.1).
 */
export const listOf = ({ headers }: Pick<Message, 'headers'>, name: string): readonly string[] =>
  headers.filter(([one]) => one === name).flatMap(([, value]) => partsOf(value, ','));

/** Parts a value at a sign that stands neither in quotes nor in angle brackets. */
export function partsOf(value: string, sign: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  let isInside = false;
  for (let at = 0; at < value.length; at++) {
    const one = value[at];
    if (isQuoted && one === '\\') at++;
    else if (one === '"') isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (one === '<') isInside = true;
    else if (one === '>') isInside = false;
    else if (one === sign && !isInside) {
      parts.push(value.slice(start, at).trim());
      start = at + 1;
    }
  }
  parts.push(value.slice(start).trim());
  return parts.filter((part) => part !== '');
}

const unquoted = (text: string) =>
  text.length > 1 && text.startsWith('"') && text.endsWith('"')
    ? text.slice(1, -1).replace(/\\(.)/gs, '$1')
    : text;

/** `;tag=1;lr` -> `{ tag: '1', lr: '' }`; names in small letters, the first of a name counts. */
function paramsOf(parts: readonly string[]): Readonly<Record<string, string>> {
  const params: Record<string, string> = Object.create(null);
  for (const part of parts) {
    const [name = '', ...value] = part.split('=');
    const key = name.trim().toLowerCase();
    params[key] ??= unquoted(value.join('=').trim());
  }
  return params;
}

export interface Address {
  readonly name: string;
  readonly uri: string;
  /** Of the header: those of the URI stay in it. */
  readonly params: Readonly<Record<string, string>>;
}

/** `"Hall" <sip:1@x;lr>;tag=a`, `sip:1@x;tag=a` (RFC 3261, 20.10). undefined: it is no address. */
export function readAddress(value: string): Address | undefined {
  const [first = '', ...rest] = partsOf(value, ';');
  const params = paramsOf(rest);
  const open = first.startsWith('"') ? first.indexOf('<', endOfQuoted(first)) : first.indexOf('<');
  if (open < 0) return /^[\w+.-]+:\S+$/.test(first) ? { name: '', uri: first, params } : undefined;
  const close = first.indexOf('>', open);
  if (close < 0 || close !== first.length - 1) return undefined;
  const uri = first.slice(open + 1, close).trim();
  return /^[\w+.-]+:[^\s<>]+$/.test(uri)
    ? { name: unquoted(first.slice(0, open).trim()), uri, params }
    : undefined;
}

/** Where a quoted string that begins a text ends; its whole length where it does not. */
function endOfQuoted(text: string): number {
  for (let at = 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at;
  }
  return text.length;
}

export interface Uri {
  readonly scheme: 'sip' | 'sips';
  /** As it stands: what is escaped in it stays so. */
  readonly user: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Readonly<Record<string, string>>;
}

/** `sip:user:password@host:port;transport=tcp?header` (RFC 3261, 19.1). undefined: it is none. */
export function readUri(text: string): Uri | undefined {
  const [, scheme = '', rest = ''] = /^(sips?):(.+)$/is.exec(text) ?? [];
  const at = rest.lastIndexOf('@');
  const [user = ''] = at < 0 ? [] : rest.slice(0, at).split(':');
  const [place = '', ...params] = (rest.slice(at + 1).split('?')[0] ?? '').split(';');
  const [, host = '', digits] = /^(\[[\da-f:.]+\]|[^\s:[\]<>"]+)(?::(\d{1,5}))?$/i.exec(place) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (host === '' || (port !== undefined && (port < 1 || port > 65_535))) return undefined;
  return {
    scheme: scheme.toLowerCase() as 'sip' | 'sips',
    ...{ user, host: host.toLowerCase(), port, params: paramsOf(params) },
  };
}

export interface Via {
  /** In capitals: `UDP`. */
  readonly transport: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Readonly<Record<string, string>>;
}

/** `SIP / 2.0 / UDP host:port;branch=z9hG4bK1;rport` (RFC 3261, 20.42; RFC 3581). undefined: it is none. */
export function readVia(value: string): Via | undefined {
  const [first = '', ...rest] = partsOf(value, ';');
  const [, transport = '', host = '', digits] =
    /^SIP\s*\/\s*2\.0\s*\/\s*([\w.!%*+`'~-]+)\s+(\[[\da-f:.]+\]|[^\s:[\]]+)(?:\s*:\s*(\d{1,5}))?$/i.exec(
      first,
    ) ?? [];
  if (transport === '') return undefined;
  const port = digits === undefined ? undefined : Number(digits);
  return { transport: transport.toUpperCase(), host: host.toLowerCase(), port, params: paramsOf(rest) };
}

/** undefined: none, or a number beyond 31 bits (RFC 3261, 8.1.1.5). */
export function readCSeq(value: string): { readonly number: number; readonly method: string } | undefined {
  const [, digits = '', method = ''] = /^(\d{1,10})\s+(\S+)$/.exec(value) ?? [];
  const number = Number(digits);
  return TOKEN.test(method) && number < 2 ** 31 ? { number, method } : undefined;
}

/** Where the head ends, and where what is behind it begins; some end lines with LF alone. */
function endOfHead(bytes: Buffer, from = 0): { readonly head: number; readonly body: number } | undefined {
  for (let at = bytes.indexOf(10, from); at >= 0 && at < HEAD_MAX + 2; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at + 1] === 10) return { head: at, body: at + 2 };
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return { head: at, body: at + 3 };
  }
  return undefined;
}

interface Head {
  readonly start: string;
  readonly headers: readonly Header[];
  readonly broken?: string;
}

function readHead(bytes: Buffer): Head {
  const lines = bytes.toString().split('\n');
  const start = (lines.shift() ?? '').replace(/\r$/, '');
  const headers: [string, string[]][] = [];
  for (const raw of lines) {
    const line = raw.replace(/\r$/, '');
    // Where another reader would see a line's end, and we do not, a header could hide.
    if (line.includes('\r')) return { start, headers: [], broken: 'a CR within a line' };
    if (/^[ \t]/.test(line)) {
      const last = headers.at(-1);
      if (last === undefined) return { start, headers: [], broken: 'a first header without a name' };
      last[1].push(line.trim());
      continue;
    }
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
    if (!TOKEN.test(name)) return { start, headers: [], broken: 'a header that has no name' };
    if (headers.length === HEADERS_MAX) return { start, headers: [], broken: 'more headers than are read' };
    headers.push([compact[name] ?? name, [line.slice(colon + 1).trim()]]);
  }
  const joined = headers.map(([name, parts]): Header => [name, parts.filter((one) => one !== '').join(' ')]);
  return { start, headers: joined };
}

/** undefined: not said. NaN: nonsense, or said twice and differently. */
function lengthOf(headers: readonly Header[]): number | undefined {
  const said = headers.filter(([name]) => name === 'content-length').map(([, value]) => value);
  if (said.length === 0) return undefined;
  return said.every((one) => /^\d{1,9}$/.test(one) && Number(one) === Number(said[0]))
    ? Number(said[0])
    : Number.NaN;
}

function assemble({ start, headers, broken }: Head, body: Buffer): Message | Broken {
  const asked = REQUEST_LINE.exec(start);
  const said = STATUS_LINE.exec(start);
  if (broken !== undefined) return { broken };
  if (asked === null && said === null) return { broken: 'neither a request nor an answer of SIP/2.0' };
  const message: Message =
    asked === null
      ? { status: Number(said?.[1]), reason: said?.[2] ?? '', headers, body }
      : { method: asked[1] ?? '', uri: asked[2] ?? '', headers, body };
  if (NEEDED.some((name) => headerOf(message, name) === undefined))
    return { broken: 'without Via, From, To, Call-ID or CSeq' };
  const [top = ''] = listOf(message, 'via');
  if (readVia(top) === undefined) return { broken: 'a Via that makes no sense' };
  const request = isRequest(message) ? { request: message } : {};
  const cseq = readCSeq(headerOf(message, 'cseq') ?? '');
  if (cseq === undefined || (isRequest(message) && cseq.method !== message.method))
    return { broken: 'a CSeq that makes no sense', ...request };
  if (['from', 'to'].some((name) => readAddress(headerOf(message, name) ?? '') === undefined))
    return { broken: 'a From or To that makes no sense', ...request };
  return message;
}

/** What a datagram holds. What is behind its Content-Length is not of it (RFC 3261, 18.3). */
export function readDatagram(bytes: Buffer): Message | Broken {
  const end = endOfHead(bytes);
  if (end === undefined)
    return { broken: bytes.length > HEAD_MAX ? 'a head that is too long' : 'a head without end' };
  const head = readHead(bytes.subarray(0, end.head));
  const there = bytes.length - end.body;
  const length = lengthOf(head.headers) ?? there;
  const isWrong = !(length <= there);
  const message = assemble(head, bytes.subarray(end.body, end.body + (isWrong ? there : length)));
  if (!isWrong || 'broken' in message) return message;
  return {
    broken: 'a Content-Length that is not that of its body',
    ...(isRequest(message) && { request: message }),
  };
}

/**
 * Parts a connection into messages (RFC 3261, 18.3: each has its Content-Length). Empty lines between them keep a
 * connection alive. After what is broken it gives nothing more: nobody knows where the next one begins.
 */
export function sipSplitter(): (chunk: Buffer) => readonly (Message | Broken)[] {
  let held = Buffer.alloc(0);
  /** No head ends before this. */
  let looked = 0;
  /** Of the message whose head is there: with fewer bytes it is not whole. */
  let wanted = 0;
  let isOver = false;
  const fail = (broken: string) => {
    isOver = true;
    held = Buffer.alloc(0);
    return { broken };
  };
  const next = (): Message | Broken | undefined => {
    let at = 0;
    while (held[at] === 13 || held[at] === 10) at++;
    held = held.subarray(at);
    const end = endOfHead(held, Math.max(0, looked - at));
    if (end === undefined) {
      looked = Math.max(0, held.length - 2);
      return held.length > HEAD_MAX ? fail('a head that is too long') : undefined;
    }
    const head = readHead(held.subarray(0, end.head));
    const length = lengthOf(head.headers);
    if (length === undefined) return fail('without Content-Length on a connection');
    if (Number.isNaN(length)) return fail('a Content-Length that makes no sense');
    if (length > BODY_MAX) return fail('a body that is too long');
    wanted = end.body + length;
    if (held.length < wanted) return undefined;
    const message = assemble(head, Buffer.from(held.subarray(end.body, wanted)));
    held = held.subarray(wanted);
    looked = 0;
    wanted = 0;
    return message;
  };
  /** What waits for the rest of a body is put together once. */
  let waiting: Buffer[] = [];
  let size = 0;
  return (chunk) => {
    const found: (Message | Broken)[] = [];
    if (isOver) return found;
    waiting.push(chunk);
    size += chunk.length;
    if (held.length + size < wanted) return found;
    held = Buffer.concat([held, ...waiting]);
    waiting = [];
    size = 0;
    while (!isOver && held.length > 0) {
      const message = next();
      if (message === undefined) break;
      found.push(message);
    }
    return found;
  };
}

/** As it stands in the standard, where the first letter of each word is not all: `Call-ID`. */
const spelt: Readonly<Record<string, string>> = {
  'call-id': 'Call-ID',
  cseq: 'CSeq',
  'www-authenticate': 'WWW-Authenticate',
};
const spell = (name: string) => spelt[name] ?? name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());

/** Bytes of a message; Content-Length comes from its body. @throws Error where a header would break the line. */
export function writeMessage(message: Message): Buffer {
  const start = isRequest(message)
    ? `${message.method} ${message.uri} SIP/2.0`
    : `SIP/2.0 ${message.status} ${message.reason}`;
  const lines = message.headers
    .filter(([name]) => name !== 'content-length')
    .map(([name, value]) => `${spell(name)}: ${value}`);
  const all = [start, ...lines, `Content-Length: ${message.body.length}`];
  if (all.some((line) => /[\r\n]/.test(line))) throw new Error('a header must be one line');
  return Buffer.concat([Buffer.from(`${all.join('\r\n')}\r\n\r\n`), message.body]);
}
