/**
 * MANSCDP, the XML of GB/T 28181 (annex A): what a platform asks and is told in the body of a SIP message. Pure. It is
 * GB 18030, declared as GB2312, as all platforms read it; whatever comes, nothing here throws.
 */
import { XMLParser } from 'fast-xml-parser';
import iconv from 'iconv-lite';
import { type CharacterSet, inCharacters } from './characters.ts';
import { BODY_MAX } from './sip/message.ts';

/** A question, an order, a report, an answer (annex A.2). */
export type Root = 'Query' | 'Control' | 'Notify' | 'Response';
/** Elements in their order, which some platforms want. undefined: it is left out. */
export type Fields = readonly (readonly [name: string, value: string | number | undefined | Fields])[];

/** What came: elements by their names, a list where one stands more than once. */
export interface Element {
  readonly [name: string]: string | Element | readonly (string | Element)[] | undefined;
}

export interface Manscdp {
  readonly root: Root;
  /** `Catalog`, `DeviceControl`. */
  readonly command: string;
  /** Given back in the answer as it stands. */
  readonly sn: string;
  /** Whom it is about: 20 digits. */
  readonly device: string;
  readonly fields: Element;
}

/** The deepest in the standard is 4. */
const DEPTH_MAX = 12;
/** A question has some ten elements. */
const TAGS_MAX = 2000;
const ROOTS: readonly string[] = ['Query', 'Control', 'Notify', 'Response'] satisfies Root[];

/** What XML 1.0 (2.2) cannot hold at all. */
const FORBIDDEN = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;
const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const escaped = (text: string) =>
  text.replace(FORBIDDEN, '').replace(/[&<>]/g, (one) => entities[one] ?? one);

function elements(fields: Fields, set: CharacterSet): string {
  return fields
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const inner =
        typeof value === 'object' ? `\r\n${elements(value, set)}` : escaped(inCharacters(String(value), set));
      return `<${name}>${inner}</${name.split(' ')[0]}>\r\n`;
    })
    .join('');
}

/** Bytes of a body, in characters that the platform knows. A list says how many it has: `['DeviceList Num="2"', …]`. */
export function writeManscdp(root: Root, fields: Fields, set: CharacterSet = 'gb18030'): Buffer {
  return iconv.encode(
    `<?xml version="1.0" encoding="GB2312"?>\r\n<${root}>\r\n${elements(fields, set)}</${root}>\r\n`,
    'gb18030',
  );
}

/** Bytes that elements take in a body. */
export const sizeOf = (fields: Fields, set: CharacterSet): number =>
  iconv.encode(elements(fields, set), 'gb18030').length;

const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Some say GB2312 and send UTF-8: three bytes of it are no two of the other that make sense. */
function textOf(bytes: Buffer): string {
  const declared = /encoding=["']([\w-]+)["']/i.exec(bytes.subarray(0, 100).toString('latin1'))?.[1] ?? '';
  let asUtf8: string | undefined;
  try {
    asUtf8 = utf8.decode(bytes);
  } catch {}
  // A mark of its bytes says more than the words of a header that somebody wrote once.
  const isMarked = bytes.subarray(0, 3).equals(UTF8_MARK);
  const isUtf8 =
    asUtf8 !== undefined && (isMarked || /^utf-?8$/i.test(declared) || /[\u{4E00}-\u{9FFF}]/u.test(asUtf8));
  return isUtf8 && asUtf8 !== undefined ? asUtf8 : iconv.decode(bytes, 'gb18030');
}

const parser = new XMLParser({
  ignoreAttributes: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  parseTagValue: false,
  trimValues: true,
  maxNestedTags: DEPTH_MAX,
});

const isMoreThan = (text: string, mark: string, most: number): boolean => {
  let count = 0;
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) if (++count > most) return true;
  return false;
};

/** The text of one field; undefined: it has none, or is none of text alone. */
export const fieldOf = (fields: Element, name: string): string | undefined => {
  const value = fields[name];
  return typeof value === 'string' ? value : undefined;
};

/** @returns what it says, or the reason why it says nothing: one of a few sentences. */
export function readManscdp(bytes: Buffer): Manscdp | string {
  if (bytes.length > BODY_MAX) return 'a body that is too long';
  const text = textOf(bytes);
  if (text.includes('<!')) return 'an XML with declarations of its own';
  if (isMoreThan(text, '<', TAGS_MAX)) return 'an XML with more elements than are read';
  let parsed: unknown;
  try {
    // Some end with what ends their strings.
    parsed = parser.parse(text.replace(/\0+$/, '').trim(), true);
  } catch {
    return 'no XML';
  }
  const [root, fields] = Object.entries(parsed ?? {})[0] ?? [];
  if (root === undefined || !ROOTS.includes(root) || typeof fields !== 'object' || Array.isArray(fields))
    return 'no MANSCDP';
  const of = (name: string) => fieldOf(fields as Element, name);
  const [command, sn, device] = [of('CmdType'), of('SN'), of('DeviceID')];
  if (!command || !sn || !device || sn.length > 20 || !/^\d{18,20}$/.test(device))
    return 'MANSCDP without CmdType, SN or DeviceID';
  return { root: root as Root, command, sn, device, fields: fields as Element };
}
