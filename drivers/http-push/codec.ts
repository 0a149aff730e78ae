/**
 * What face and visitor terminals send over HTTP: JSON, XML, forms, multipart with pictures, ZKTeco's tables; and the
 * endless multipart answers of Hikvision's alertStream and Dahua's eventManager. Pure.
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { type EndOf, endOfJson, parseJson, trimText } from './documents.ts';
import { boundaryOf, type Part, splitParts, typeOf } from './multipart.ts';

/** No message of a terminal has members within members to this depth. */
const DEPTH_MAX = 32;
/** A message is an event and a picture or two. */
const PARTS_MAX = 32;
const FIELDS_MAX = 200;

// XXE has no place here: entities are not resolved.
const xml = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  processEntities: false,
  removeNSPrefix: true,
  maxNestedTags: DEPTH_MAX,
});

export const isRecord = (value: unknown): value is Record<string, unknown> =>
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
  return parseJson(text);
}

/** @throws Error with a sentence. */
function readXml(text: string): unknown {
  if (text.includes('<!DOCTYPE')) throw new Error('a document type');
  // Several roots, one after the other, and an `&` that is no entity: what they say is not in doubt.
  const bare = text.replace(/<\?xml[^>]{0,200}\?>/g, '');
  const parsed: unknown = xml.parse(bare);
  const valid = XMLValidator.validate(`<all>${bare.replace(/&(?!#?\w{1,20};)/g, '&amp;')}</all>`);
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
      return [decodeField(field.slice(0, at)), fieldOf(decodeField(field.slice(at + 1)))];
    }),
  );
}
/** Some terminals send a form with one field, and JSON in it. */
function fieldOf(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return text;
  try {
    return readJson(text);
  } catch {
    return text;
  }
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
  const pairs = head.map((pair) => pair.trim().split('=', 2) as [string, string]);
  // As the push has them, and as they are written.
  const fields = Object.fromEntries([...pairs, ...pairs.map(([name, value]) => [pushedName(name), value])]);
  if (at === -1) return fields;
  try {
    return { ...fields, Data: readJson(text.slice(at + ';data='.length)) };
  } catch {
    return fields;
  }
}

const pushedName = (name: string) => name.slice(0, 1).toUpperCase() + name.slice(1);

/** Text that is meant for a machine. @throws Error with a sentence. */
function readText(contentType: string, text: string): unknown {
  // Dahua: members as its push has them; several may come in one part.
  if (/^code=/i.test(text)) {
    const events = text.split(/\r?\n(?=code=)/i).map(readCode);
    return events.length === 1 ? events[0] : { Events: events };
  }
  // Dahua, so that a stream in which nothing happens is known to be there.
  if (text === 'Heartbeat') return {};
  // Terminals name their content as they like: what it is stands in its first letter.
  if (text.startsWith('<')) return readXml(text);
  const isForm = typeOf(contentType) === 'application/x-www-form-urlencoded' && !/^[{[]/.test(text);
  return isForm ? readForm(text) : readJson(text);
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
  const boundary = boundaryOf(contentType) ?? boundaryIn(bytes);
  const parts: readonly Part[] =
    boundary === undefined ? [{ contentType, bytes }] : splitParts(boundary, bytes, PARTS_MAX + 1);
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
    // A film, or a picture of a kind that nobody names: bytes that are no text.
    else if (!said.startsWith('image/') && !(boundary !== undefined && isBinary(part.bytes)))
      texts.push({ ...part, bytes: cutBase64(part.bytes, pictures) });
  }
  return { texts, pictures };
}

/** Of a body that does not say that it has parts. */
const boundaryIn = (bytes: Buffer) =>
  /^\s{0,10}--(\S{1,70})\r?\n(?:Content-|\r?\n)/i.exec(bytes.toString('latin1', 0, 200))?.[1];

/** NUL within: bytes that are no text. Around what is for a machine it means nothing. */
function isBinary(bytes: Buffer): boolean {
  if (hasMark16(bytes)) return false;
  const first = bytes.toString('latin1', 0, 1024);
  if (!first.includes('\0')) return false;
  const text = trimText(first).replace(/^\u00ef\u00bb\u00bf/, '');
  return !isStructured(text) || text.includes('\0');
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

/**
 * What a message says: an object of all members, or a list. `apart`: its documents, where it has several: they may be an
 * event each. `unread`: a part that is none of it.
 */
export interface Read {
  readonly body: unknown;
  readonly apart?: readonly unknown[];
  readonly unread?: string;
}

/** Whether two objects are of one event: what both say is the same. */
const agree = (one: Record<string, unknown>, other: Record<string, unknown>) =>
  Object.keys(other).every(
    (name) => !Object.hasOwn(one, name) || JSON.stringify(one[name]) === JSON.stringify(other[name]),
  );

/**
 * Reads what is left of a message as one body: the members of its objects, and each part under its name. Of several parts
 * one that cannot be read costs the others nothing. A string: why it is no message. Never throws.
 */
export function readTexts(texts: readonly Part[]): Read | string {
  const fields = new Map<string, unknown[]>();
  const bodies: unknown[] = [];
  const documents: unknown[] = [];
  let unread = false;
  for (const { contentType, bytes, name } of texts) {
    const [text = '', ...others] = decodeText(contentType, bytes);
    // A field of a form, beside the event.
    if (name !== undefined && !isStructured(text)) addField(fields, name, text);
    else {
      const { read: all, isTorn } = readDocuments(contentType, [text, ...others]);
      unread ||= isTorn;
      for (const read of all) {
        const last = bodies.at(-1);
        documents.push(read);
        if (isRecord(read) && isRecord(last) && agree(last, read))
          bodies.push({ ...(bodies.pop() as object), ...read });
        else bodies.push(read);
        if (name !== undefined) addField(fields, name, read);
      }
    }
  }
  if (unread && bodies.length === 0) return 'neither JSON nor XML';
  const named = Object.fromEntries([...fields].map(([name, all]) => [name, all.length > 1 ? all : all[0]]));
  const [body] = bodies;
  const isOne = bodies.length === 1;
  const whole = isOne && isRecord(body) ? { ...named, ...body } : isOne && fields.size < 2 ? body : named;
  return {
    body: bodies.length > 1 && fields.size === 0 ? bodies.flat() : whole,
    ...(documents.length > 1 && { apart: documents.flat() }),
    ...(unread && { unread: 'a part that is neither JSON nor XML' }),
  };
}

/** `isTorn`: there is something that cannot be read. */
interface Documents {
  readonly read: readonly unknown[];
  readonly isTorn: boolean;
}

/** What a text says, in the first of its encodings in which it says something; several documents may follow each other. */
function readDocuments(contentType: string, texts: readonly string[]): Documents {
  for (const text of texts)
    try {
      return { read: [readText(contentType, text)], isTorn: false };
    } catch {}
  const several = texts.map(readSeveral).find(({ read }) => read.length > 0);
  return several ?? { read: [], isTorn: true };
}

/** JSON after JSON, with blanks, line ends or commas between. */
function readSeveral(text: string): Documents {
  const read: unknown[] = [];
  let isTorn = false;
  let from = 0;
  let endOf: EndOf | undefined;
  for (let i = 0; i < text.length && read.length < PARTS_MAX; i++) {
    const code = text.charCodeAt(i);
    if (endOf === undefined) {
      if (code <= 0x20 || code === 0x2c) continue;
      if (code !== 0x5b && code !== 0x7b) break;
      endOf = endOfJson();
      from = i;
    }
    if (!endOf(code)) continue;
    try {
      read.push(readJson(text.slice(from, i + 1)));
    } catch {
      isTorn = true;
    }
    from = i + 1;
    endOf = undefined;
  }
  return { read, isTorn: isTorn || !/^[\s,]{0,1000}$/.test(text.slice(from)) };
}

function addField(fields: Map<string, unknown[]>, name: string, value: unknown) {
  fields.set(name, [...(fields.get(name) ?? []), value]);
}

const isStructured = (text: string) => /^\s*([{[<]|[Cc]ode=|Heartbeat\s*$)/.test(text);

/** The byte order mark of UTF-16. */
const hasMark16 = ([first, second]: Buffer) =>
  (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);

/**
 * Chinese terminals write GB18030 and what it contains, and do not always say so; others UTF-8. What cannot be UTF-8 is
 * both, in the order in which it is likely. Without what stands around it and means nothing.
 */
function decodeText(contentType: string, bytes: Buffer): readonly string[] {
  const as = (encoding: string) => trimText(new TextDecoder(encoding).decode(bytes));
  if (hasMark16(bytes)) return [as(bytes[0] === 0xff ? 'utf-16le' : 'utf-16be')];
  if (/charset="?(gb2312|gbk|gb18030)/i.test(contentType)) return [as('gb18030')];
  const plain = trimText(bytes.toString('utf8'));
  // Where bytes are no UTF-8, reading and writing them again does not give the same.
  return Buffer.from(bytes.toString()).equals(bytes) ? [plain] : [as('gb18030'), plain];
}
