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

const lists = ['NotificationMessage', 'SimpleItem'];
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: true,
  isArray: (name) => lists.includes(name),
});

type Node = Readonly<Record<string, unknown>>;
const node = (value: unknown): Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Node) : {};
/** The text of an element, with or without attributes. */
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : String(node(value)['#text'] ?? '');

/** The body of an answer. @throws SoapError on a fault, or where it is none. */
export function readBody(xml: string): Node {
  let parsed: unknown;
  try {
    parsed = parser.parse(xml, true);
  } catch {
    throw new SoapError('the answer is no XML');
  }
  const body = node(node(node(parsed)['Envelope'])['Body']);
  if (Object.keys(body).length === 0) throw new SoapError('the answer is no SOAP');
  const fault = node(body['Fault']);
  if ('Fault' in body) {
    const subcode = textOf(node(node(node(fault['Code'])['Subcode']))['Value']);
    const reason = textOf(node(fault['Reason'])['Text']) || textOf(fault['faultstring']);
    const words = [subcode, reason].filter((part) => part !== '').join(': ');
    throw new SoapError(words || 'a fault', 'E_SOAP_FAULT');
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

/** Reference parameters as they stand, each with the namespaces that it needs. */
function parametersOf(xml: string): string {
  const inner = /<(?:[\w-]+:)?ReferenceParameters[^>]*>([\s\S]*?)<\/(?:[\w-]+:)?ReferenceParameters>/.exec(
    xml,
  )?.[1];
  if (inner === undefined) return '';
  return inner
    .trim()
    .replace(/<([\w-]+):([\w-]+)((?:\s[^>]*)?)>/g, (whole, prefix: string, name: string, rest: string) => {
      const declared = new RegExp(`xmlns:${prefix}\\s*=\\s*("[^"]*"|'[^']*')`);
      const uri = rest.match(declared) === null ? declared.exec(xml)?.[1] : undefined;
      const space = uri === undefined ? '' : ` xmlns:${prefix}=${uri}`;
      return whole.startsWith('</')
        ? whole
        : `<${prefix}:${name}${space} a:IsReferenceParameter="true"${rest}>`;
    });
}

const itemsOf = (value: unknown): Record<string, string> => {
  const items = node(value)['SimpleItem'];
  return Object.fromEntries(
    (Array.isArray(items) ? items : []).map((item) => [
      String(node(item)['@Name'] ?? ''),
      String(node(item)['@Value'] ?? ''),
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
      .replace(/^\s*[\w-]+:/, '')
      .trim();
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
