/**
 * XML of cameras (SOAP 1.2): bounded before it is read, then as values, or as it stands. Pure.
 */
import { XMLParser } from 'fast-xml-parser';

/** The camera answers with a fault (E_SOAP_FAULT), or with what is no answer (E_SOAP). */
export class SoapError extends Error {
  readonly code: 'E_SOAP' | 'E_SOAP_FAULT';
  /** What a fault says that the camera bears (WS-BaseNotification 1.3, 4.2; ONVIF Core 9.10), by the names there. */
  readonly limits: Readonly<Record<string, string>>;
  constructor(message: string, code: SoapError['code'] = 'E_SOAP', limits: SoapError['limits'] = {}) {
    super(message);
    this.code = code;
    this.limits = limits;
  }
}
const LIMITS = ['MinimumTime', 'MaximumTime', 'MaxTimeout', 'MaxMessageLimit'];

export const escapeXml = (text: string) => text.replace(/[&<>"']/g, (one) => `&#${one.codePointAt(0) ?? 0};`);

/** Elements, their ends, comments and so on in one answer: that of a recorder with 256 profiles has 40,000. */
const TAGS_MAX = 50_000;
/** `=` in one answer, each of which may be an attribute: those 256 profiles have 8,000. */
const ATTRIBUTES_MAX = 20_000;
/** Elements in each other: the deepest that ONVIF defines are about 20. */
const DEPTH_MAX = 60;
/** Children of one element: more sources or profiles than any recorder has. */
const CHILDREN_MAX = 2000;
/** Of what a camera says for people, and of the names of its rules: characters. */
export const WORDS_MAX = 300;

const asText = {
  ignoreAttributes: false,
  parseTagValue: false,
  parseAttributeValue: false,
  maxNestedTags: DEPTH_MAX,
};
const lists = ['NotificationMessage', 'SimpleItem'];
const parser = new XMLParser({
  ...asText,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  trimValues: true,
  isArray: (name) => lists.includes(name),
});
/** As it stands: the order of things, prefixes, entities. */
const treeParser = new XMLParser({
  ...asText,
  attributeNamePrefix: '',
  preserveOrder: true,
  trimValues: false,
  processEntities: false,
  cdataPropName: '#cdata',
  ignoreDeclaration: true,
  ignorePiTags: true,
});

const hasMoreThan = (text: string, mark: string, max: number): boolean => {
  let count = 0;
  for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + 1))
    if (++count > max) return true;
  return false;
};

/** What a parser may see: no DTD (SOAP 1.2 part 1, 5: there must be none), no more than it can bear. @throws SoapError. */
function bounded(xml: string): string {
  if (hasMoreThan(xml, '<', TAGS_MAX) || hasMoreThan(xml, '=', ATTRIBUTES_MAX))
    throw new SoapError('the answer has more in it than a camera has to say');
  if (xml.includes('<!DOCTYPE')) throw new SoapError('the answer has a DTD, which SOAP forbids');
  // Some begin with an empty line, or end with what ends their strings.
  let end = xml.length;
  while (end > 0 && xml.charCodeAt(end - 1) === 0) end--;
  return xml.slice(0, end).trimStart();
}

function parse(xml: string, by: XMLParser): unknown {
  const fit = bounded(xml);
  try {
    return by.parse(fit, true);
  } catch {
    throw new SoapError('the answer is no XML');
  }
}

export interface Element {
  readonly name: string;
  /** Values as they stand between their quotes. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Content[];
}
/** Text is as it stands, with its entities. */
export type Content = Element | string;

/** One thing of a tree, as the parser gives it. */
type Parsed = Readonly<Record<string, unknown>>;
function contentOf(parsed: Parsed): Content {
  if ('#text' in parsed) return String(parsed['#text']);
  if ('#cdata' in parsed)
    return escapeXml((parsed['#cdata'] as readonly Parsed[]).map((one) => one['#text']).join(''));
  const name = Object.keys(parsed).find((key) => key !== ':@') ?? '';
  return {
    name,
    attributes: (parsed[':@'] ?? {}) as Record<string, string>,
    children: ((parsed[name] ?? []) as readonly Parsed[]).map(contentOf),
  };
}
export const readTree = (xml: string): readonly Content[] =>
  (parse(xml, treeParser) as readonly Parsed[]).map(contentOf);

const attributeXml = ([name, value]: [string, string]) =>
  ` ${name}="${value.replaceAll('"', '&#34;').replaceAll('<', '&#60;')}"`;
export function writeXml(content: Content): string {
  if (typeof content === 'string') return content;
  const { name, attributes, children } = content;
  const inner = children.map(writeXml).join('');
  return `<${name}${Object.entries(attributes).map(attributeXml).join('')}>${inner}</${name}>`;
}

export const NAMESPACE = 'xmlns';
export const isDeclaration = (name: string) => name === NAMESPACE || name.startsWith(`${NAMESPACE}:`);

/**
 * An answer as the `onvif` package bears it. Its lib/utils.js takes declarations of namespaces out with an expression
 * that costs the square of what only looks like one, and some of its lists are gone through once for each of their
 * members (lib/cam.js of 0.8.3: getActiveSources).
 * @throws SoapError.
 */
export function plainXml(xml: string): string {
  const plain = (content: Content): Content => {
    if (typeof content === 'string') return content.replaceAll(NAMESPACE, 'xmln&#115;');
    const { name, attributes, children } = content;
    const kept = Object.entries(attributes).filter(([key]) => !isDeclaration(key));
    if (
      children.filter((one) => typeof one !== 'string').length > CHILDREN_MAX ||
      [name, ...kept.map(([key]) => key)].some((one) => one.includes(NAMESPACE))
    )
      throw new SoapError('the answer has more in it than a camera has to say');
    return {
      name,
      attributes: Object.fromEntries(
        kept.map(([key, value]) => [key, value.replaceAll(NAMESPACE, 'xmln&#115;')]),
      ),
      children: children.map(plain),
    };
  };
  return readTree(xml).map(plain).map(writeXml).join('');
}

export type Node = Readonly<Record<string, unknown>>;
export const node = (value: unknown): Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Node) : {};
/** The text of an element, with or without attributes. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : String(node(value)['#text'] ?? '');

/** As deep as the parser reads. */
function collectLimits(value: unknown, into: Record<string, string>): void {
  for (const [name, one] of Object.entries(node(value)))
    if (LIMITS.includes(name)) into[name] = textOf(one).slice(0, WORDS_MAX);
    else collectLimits(one, into);
}

/** The body of an answer. @throws SoapError on a fault, or where it is none. */
export function readBody(xml: string): Node {
  const body = node(node(node(parse(xml, parser))['Envelope'])['Body']);
  if (Object.keys(body).length === 0) throw new SoapError('the answer is no SOAP');
  const fault = node(body['Fault']);
  if ('Fault' in body) {
    const subcode = textOf(node(node(node(fault['Code'])['Subcode']))['Value']);
    const reason = textOf(node(fault['Reason'])['Text']) || textOf(fault['faultstring']);
    const words = [subcode, reason].filter((part) => part !== '').join(': ');
    const limits: Record<string, string> = {};
    collectLimits(fault['Detail'] ?? fault['detail'], limits);
    throw new SoapError(words.slice(0, WORDS_MAX) || 'a fault', 'E_SOAP_FAULT', limits);
  }
  return body;
}
