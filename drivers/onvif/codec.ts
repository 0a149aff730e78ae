/**
 * The words of ONVIF events (WS-BaseNotification 1.3, ONVIF Core 9): questions as SOAP, answers as values. Pure.
 */
import { createHash } from 'node:crypto';
import { XMLParser } from 'fast-xml-parser';

/** What a camera notifies. */
export interface Notification {
  /** Without its prefix: `RuleEngine/CellMotionDetector/Motion`. */
  readonly topic: string;
  /** Of a state; undefined: of something that happened. */
  readonly operation: 'Initialized' | 'Changed' | 'Deleted' | undefined;
  /** Epoch ms, by the camera's clock. */
  readonly at: number | undefined;
  readonly source: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
}

export interface SubscriptionReference {
  readonly address: string;
  /** XML that goes back in the header of each question (WS-Addressing reference parameters; Axis). */
  readonly parameters: string;
  /** How long it lasts, ms, by the camera's own two times. */
  readonly lasts: number;
}

/** The camera answers with a fault (E_SOAP_FAULT), or with what is no answer (E_SOAP). */
export class SoapError extends Error {
  readonly code: 'E_SOAP' | 'E_SOAP_FAULT';
  constructor(message: string, code: SoapError['code'] = 'E_SOAP') {
    super(message);
    this.code = code;
  }
}

const SECURITY = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';
const EVENTS = 'http://www.onvif.org/ver10/events/wsdl';
const NOTIFICATION = 'http://docs.oasis-open.org/wsn/b-2';
export const requests = {
  time: {
    action: 'http://www.onvif.org/ver10/device/wsdl/GetSystemDateAndTime',
    name: 'GetSystemDateAndTime',
  },
  subscribe: { action: `${EVENTS}/EventPortType/CreatePullPointSubscriptionRequest` },
  pull: { action: `${EVENTS}/PullPointSubscription/PullMessagesRequest` },
  renew: { action: 'http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/RenewRequest' },
  synchronise: { action: `${EVENTS}/PullPointSubscription/SetSynchronizationPointRequest` },
  unsubscribe: { action: 'http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/UnsubscribeRequest' },
} as const;
export type Request = keyof typeof requests;

const escapeXml = (text: string) => text.replace(/[&<>"']/g, (one) => `&#${one.codePointAt(0) ?? 0};`);

/** PasswordDigest of WS-Security UsernameToken 1.0: base64(SHA-1(nonce + created + password)). */
export const passwordDigest = (nonce: Uint8Array, created: string, password: string) =>
  createHash('sha1').update(nonce).update(created).update(password).digest('base64');

export interface Token {
  readonly username: string;
  readonly password: string;
  readonly nonce: Uint8Array;
  /** RFC 3339, by the camera's clock. */
  readonly created: string;
}

const tokenXml = ({ username, password, nonce, created }: Token) =>
  `<Security s:mustUnderstand="1" xmlns="${SECURITY}-wssecurity-secext-1.0.xsd"><UsernameToken><Username>${escapeXml(username)}</Username><Password Type="${SECURITY}-username-token-profile-1.0#PasswordDigest">${passwordDigest(nonce, created, password)}</Password><Nonce EncodingType="${SECURITY}-soap-message-security-1.0#Base64Binary">${Buffer.from(nonce).toString('base64')}</Nonce><Created xmlns="${SECURITY}-wssecurity-utility-1.0.xsd">${created}</Created></UsernameToken></Security>`;

const duration = (ms: number) => `PT${Math.max(1, Math.round(ms / 1000))}S`;
const bodies: Readonly<Record<Request, (ms: number) => string>> = {
  time: () => '<GetSystemDateAndTime xmlns="http://www.onvif.org/ver10/device/wsdl"/>',
  subscribe: (ms) =>
    `<CreatePullPointSubscription xmlns="${EVENTS}"><InitialTerminationTime>${duration(ms)}</InitialTerminationTime></CreatePullPointSubscription>`,
  pull: (ms) =>
    `<PullMessages xmlns="${EVENTS}"><Timeout>${duration(ms)}</Timeout><MessageLimit>100</MessageLimit></PullMessages>`,
  renew: (ms) => `<Renew xmlns="${NOTIFICATION}"><TerminationTime>${duration(ms)}</TerminationTime></Renew>`,
  synchronise: () => `<SetSynchronizationPoint xmlns="${EVENTS}"/>`,
  unsubscribe: () => `<Unsubscribe xmlns="${NOTIFICATION}"/>`,
};

/** A question. `ms`: how long to wait, or how long a subscription is to last. */
export function encodeRequest(
  request: Request,
  to: string,
  ms: number,
  more: {
    readonly token?: Token | undefined;
    readonly parameters?: string | undefined;
    readonly messageId: string;
  },
): string {
  const { action } = requests[request];
  const addressing = `<a:Action s:mustUnderstand="1">${action}</a:Action><a:MessageID>urn:uuid:${more.messageId}</a:MessageID><a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo><a:To s:mustUnderstand="1">${escapeXml(to)}</a:To>`;
  const token = more.token === undefined ? '' : tokenXml(more.token);
  const header =
    request === 'time' ? '' : `<s:Header>${addressing}${more.parameters ?? ''}${token}</s:Header>`;
  return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing">${header}<s:Body>${bodies[request](ms)}</s:Body></s:Envelope>`;
}

/** Elements, their ends, comments and so on in one answer: that of a recorder with 256 profiles has 40,000. */
const TAGS_MAX = 50_000;
/** `=` in one answer, each of which may be an attribute: those 256 profiles have 8,000. */
const ATTRIBUTES_MAX = 20_000;
/** Elements in each other: the deepest that ONVIF defines are about 20. */
const DEPTH_MAX = 60;
/** Children of one element: more sources or profiles than any recorder has. */
const CHILDREN_MAX = 2000;
/** Of what goes back in the header of each question, characters. */
const PARAMETERS_MAX = 4000;
/** Of what a camera says for people, and of the names of its rules: characters. */
const WORDS_MAX = 300;

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

interface Element {
  readonly name: string;
  /** Values as they stand between their quotes. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Content[];
}
/** Text is as it stands, with its entities. */
type Content = Element | string;

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
const readTree = (xml: string): readonly Content[] =>
  (parse(xml, treeParser) as readonly Parsed[]).map(contentOf);

const attributeXml = ([name, value]: [string, string]) =>
  ` ${name}="${value.replaceAll('"', '&#34;').replaceAll('<', '&#60;')}"`;
function writeXml(content: Content): string {
  if (typeof content === 'string') return content;
  const { name, attributes, children } = content;
  const inner = children.map(writeXml).join('');
  return `<${name}${Object.entries(attributes).map(attributeXml).join('')}>${inner}</${name}>`;
}

const NAMESPACE = 'xmlns';
const isDeclaration = (name: string) => name === NAMESPACE || name.startsWith(`${NAMESPACE}:`);

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

type Node = Readonly<Record<string, unknown>>;
const node = (value: unknown): Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Node) : {};
/** The text of an element, with or without attributes. */
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : String(node(value)['#text'] ?? '');

/** The body of an answer. @throws SoapError on a fault, or where it is none. */
export function readBody(xml: string): Node {
  const body = node(node(node(parse(xml, parser))['Envelope'])['Body']);
  if (Object.keys(body).length === 0) throw new SoapError('the answer is no SOAP');
  const fault = node(body['Fault']);
  if ('Fault' in body) {
    const subcode = textOf(node(node(node(fault['Code'])['Subcode']))['Value']);
    const reason = textOf(node(fault['Reason'])['Text']) || textOf(fault['faultstring']);
    const words = [subcode, reason].filter((part) => part !== '').join(': ');
    throw new SoapError(words.slice(0, WORDS_MAX) || 'a fault', 'E_SOAP_FAULT');
  }
  return body;
}

/** GetSystemDateAndTimeResponse -> epoch ms. @throws SoapError. */
export function readTime(xml: string): number {
  const system = node(node(readBody(xml)['GetSystemDateAndTimeResponse'])['SystemDateAndTime']);
  const utc = node(system['UTCDateTime']);
  const [time, date] = [node(utc['Time']), node(utc['Date'])];
  const part = (from: Node, name: string) => Number(textOf(from[name]));
  const ms = Date.UTC(
    part(date, 'Year'),
    part(date, 'Month') - 1,
    part(date, 'Day'),
    part(time, 'Hour'),
    part(time, 'Minute'),
    part(time, 'Second'),
  );
  if (!Number.isFinite(ms) || part(date, 'Year') === 0) throw new SoapError('it does not tell its time');
  return ms;
}

/** CreatePullPointSubscriptionResponse. @throws SoapError. */
export function readSubscription(xml: string): SubscriptionReference {
  const response = node(readBody(xml)['CreatePullPointSubscriptionResponse']);
  const address = textOf(node(response['SubscriptionReference'])['Address']);
  if (address === '') throw new SoapError('it gives no address for its events');
  return { address, parameters: parametersOf(xml), lasts: lastsOf(response) };
}

/** RenewResponse -> ms that it lasts. @throws SoapError. */
export const readRenewed = (xml: string): number => lastsOf(node(readBody(xml)['RenewResponse']));

const LASTS_DEFAULT_MS = 60_000;
function lastsOf(response: Node): number {
  const lasts = Date.parse(textOf(response['TerminationTime'])) - Date.parse(textOf(response['CurrentTime']));
  // Some say a time that is over, or none: what was asked for is not known to be refused.
  return lasts > 0 ? lasts : LASTS_DEFAULT_MS;
}

const localName = (name: string) => name.slice(name.indexOf(':') + 1);
const prefixOf = (name: string) => name.slice(0, Math.max(0, name.indexOf(':')));

/** Every prefix of an element's names and of those in it; '': one without. */
function prefixesIn({ name, attributes, children }: Element): Set<string> {
  const own = Object.keys(attributes).filter((key) => key.includes(':') && !isDeclaration(key));
  const found = new Set([name, ...own].map(prefixOf));
  for (const one of children)
    if (typeof one !== 'string') for (const prefix of prefixesIn(one)) found.add(prefix);
  return found;
}

const PARAMETERS = [
  'Envelope',
  'Body',
  'CreatePullPointSubscriptionResponse',
  'SubscriptionReference',
  'ReferenceParameters',
];
/** Reference parameters as they stand, each with the namespaces that it needs (WS-Addressing 1.0 SOAP binding, 2.1). */
function parametersOf(xml: string): string {
  const declared: Record<string, string> = {};
  let within = readTree(xml);
  for (const wanted of PARAMETERS) {
    const found = within.find(
      (one): one is Element => typeof one !== 'string' && localName(one.name) === wanted,
    );
    if (found === undefined) return '';
    for (const [name, uri] of Object.entries(found.attributes)) if (isDeclaration(name)) declared[name] = uri;
    within = found.children;
  }
  const parameters = within
    .filter((one): one is Element => typeof one !== 'string')
    .map((one) => {
      const needed = [...prefixesIn(one)]
        .map((prefix) => (prefix === '' ? NAMESPACE : `${NAMESPACE}:${prefix}`))
        .flatMap((name): [string, string][] =>
          declared[name] === undefined ? [] : [[name, declared[name]]],
        );
      const attributes = {
        ...Object.fromEntries(needed),
        'a:IsReferenceParameter': 'true',
        ...one.attributes,
      };
      return writeXml({ ...one, attributes });
    })
    .join('');
  if (parameters.length > PARAMETERS_MAX) throw new SoapError('what it wants to hear again is too long');
  return parameters;
}

const itemsOf = (value: unknown): Record<string, string> => {
  const items = node(value)['SimpleItem'];
  return Object.fromEntries(
    (Array.isArray(items) ? items : []).map((item) => [
      String(node(item)['@Name'] ?? '').slice(0, WORDS_MAX),
      String(node(item)['@Value'] ?? '').slice(0, WORDS_MAX),
    ]),
  );
};

/** PullMessagesResponse. Messages that make no sense are left out, and counted. @throws SoapError. */
export function readNotifications(xml: string): {
  readonly notifications: readonly Notification[];
  readonly discarded: number;
} {
  const body = readBody(xml);
  if (!('PullMessagesResponse' in body)) throw new SoapError('the answer is to another question');
  const messages = node(body['PullMessagesResponse'])['NotificationMessage'];
  let discarded = 0;
  const notifications = (Array.isArray(messages) ? messages : []).flatMap((one): Notification[] => {
    const topic = textOf(node(one)['Topic'])
      .trim()
      .replace(/^[\w-]+:/, '');
    const message = node(node(node(one)['Message'])['Message']);
    const operation = message['@PropertyOperation'];
    const at = Date.parse(String(message['@UtcTime'] ?? ''));
    if (topic === '' || Object.keys(message).length === 0) {
      discarded++;
      return [];
    }
    return [
      {
        topic,
        operation:
          operation === 'Initialized' || operation === 'Changed' || operation === 'Deleted'
            ? operation
            : undefined,
        at: Number.isFinite(at) ? at : undefined,
        source: itemsOf(message['Source']),
        data: itemsOf(message['Data']),
      },
    ];
  });
  return { notifications, discarded };
}

/** Who answers a probe. */
export interface Match {
  /** Of its device service, separated by spaces. */
  readonly addresses: string;
  /** `onvif://www.onvif.org/name/...` and others. */
  readonly scopes: string;
}

/** Asks for cameras (ONVIF Core 7.3.3). */
export const encodeProbe = (messageId: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"><s:Header><a:MessageID>urn:uuid:${messageId}</a:MessageID><a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action></s:Header><s:Body><Probe xmlns="http://schemas.xmlsoap.org/ws/2005/04/discovery"><Types xmlns:dn="http://www.onvif.org/ver10/network/wsdl">dn:NetworkVideoTransmitter</Types></Probe></s:Body></s:Envelope>`;

/** ProbeMatches. @throws SoapError. */
export function readMatches(xml: string): readonly Match[] {
  const found = node(readBody(xml)['ProbeMatches'])['ProbeMatch'];
  return (Array.isArray(found) ? found : [found])
    .map((one) => ({
      addresses: textOf(node(one)['XAddrs']),
      scopes: textOf(node(one)['Scopes']),
    }))
    .filter(({ addresses }) => addresses !== '');
}
