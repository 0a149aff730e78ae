/**
 * The words of ONVIF events (WS-BaseNotification 1.3, ONVIF Core 9): questions as SOAP, answers as values. Pure.
 */
import { createHash } from 'node:crypto';
import { readXmlTime } from './notifications.ts';
import type { DateAndTime } from './times.ts';
import {
  type Element,
  escapeXml,
  isDeclaration,
  NAMESPACE,
  type Node,
  node,
  readBody,
  readTree,
  SoapError,
  textOf,
  writeXml,
} from './xml.ts';

export interface SubscriptionReference {
  readonly address: string;
  /** XML that goes back in the header of each question (WS-Addressing reference parameters; Axis). */
  readonly parameters: string;
  /** How long it lasts, ms, by the camera's own two times. */
  readonly lasts: number;
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

/** The header of WS-Security (UsernameToken profile 1.0). */
export const tokenXml = ({ username, password, nonce, created }: Token) =>
  `<Security s:mustUnderstand="1" xmlns="${SECURITY}-wssecurity-secext-1.0.xsd"><UsernameToken><Username>${escapeXml(username)}</Username><Password Type="${SECURITY}-username-token-profile-1.0#PasswordDigest">${passwordDigest(nonce, created, password)}</Password><Nonce EncodingType="${SECURITY}-soap-message-security-1.0#Base64Binary">${Buffer.from(nonce).toString('base64')}</Nonce><Created xmlns="${SECURITY}-wssecurity-utility-1.0.xsd">${created}</Created></UsernameToken></Security>`;

const seconds = (ms: number) => `PT${Math.max(1, Math.round(ms / 1000))}S`;
const bodies: Readonly<Record<Request, (ms: number, messages: number) => string>> = {
  time: () => '<GetSystemDateAndTime xmlns="http://www.onvif.org/ver10/device/wsdl"/>',
  subscribe: (ms) =>
    `<CreatePullPointSubscription xmlns="${EVENTS}">${ms > 0 ? `<InitialTerminationTime>${seconds(ms)}</InitialTerminationTime>` : ''}</CreatePullPointSubscription>`,
  pull: (ms, messages) =>
    `<PullMessages xmlns="${EVENTS}"><Timeout>${seconds(ms)}</Timeout><MessageLimit>${messages}</MessageLimit></PullMessages>`,
  renew: (ms) =>
    `<Renew xmlns="${NOTIFICATION}"><TerminationTime>${seconds(ms > 0 ? ms : LASTS_DEFAULT_MS)}</TerminationTime></Renew>`,
  synchronise: () => `<SetSynchronizationPoint xmlns="${EVENTS}"/>`,
  unsubscribe: () => `<Unsubscribe xmlns="${NOTIFICATION}"/>`,
};

/** A question. `ms`: how long to wait, or how long a subscription is to last; 0: as long as the camera likes. */
export function encodeRequest(
  request: Request,
  to: string,
  ms: number,
  more: {
    readonly token?: Token | undefined;
    readonly parameters?: string | undefined;
    /** Of an answer, at most. */
    readonly messages?: number;
    readonly messageId: string;
  },
): string {
  const { action } = requests[request];
  const addressing = `<a:Action s:mustUnderstand="1">${action}</a:Action><a:MessageID>urn:uuid:${more.messageId}</a:MessageID><a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo><a:To s:mustUnderstand="1">${escapeXml(to)}</a:To>`;
  const token = more.token === undefined ? '' : tokenXml(more.token);
  const header =
    request === 'time'
      ? token && `<s:Header>${token}</s:Header>`
      : `<s:Header>${addressing}${more.parameters ?? ''}${token}</s:Header>`;
  return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing">${header}<s:Body>${bodies[request](ms, more.messages ?? 100)}</s:Body></s:Envelope>`;
}

/** Of what goes back in the header of each question, characters. */
const PARAMETERS_MAX = 4000;

/** GetSystemDateAndTimeResponse, as it stands; some tell only their local time, some none. @throws SoapError. */
export function readDateAndTime(xml: string): DateAndTime {
  const response = readBody(xml)['GetSystemDateAndTimeResponse'];
  if (response === undefined) throw new SoapError('the answer is to another question');
  const system = node(node(response)['SystemDateAndTime']);
  return { utc: momentOf(node(system['UTCDateTime'])), local: momentOf(node(system['LocalDateTime'])) };
}

/** tt:DateTime -> epoch ms; undefined: there is no such time. */
function momentOf(moment: Node): number | undefined {
  const part = (of: string, name: string) => textOf(node(moment[of])[name]).padStart(2, '0');
  const date = [part('Date', 'Year').padStart(4, '0'), part('Date', 'Month'), part('Date', 'Day')].join('-');
  const time = [part('Time', 'Hour'), part('Time', 'Minute'), part('Time', 'Second')].join(':');
  return readXmlTime(`${date}T${time}Z`);
}

/** CreatePullPointSubscriptionResponse. `asked`: to last so long, where it does not say how long it does. @throws SoapError. */
export function readSubscription(xml: string, asked = LASTS_DEFAULT_MS): SubscriptionReference {
  const response = node(readBody(xml)['CreatePullPointSubscriptionResponse']);
  const address = textOf(node(response['SubscriptionReference'])['Address']);
  if (address === '') throw new SoapError('it gives no address for its events');
  return { address, parameters: parametersOf(xml), lasts: lastsOf(response, asked) };
}

/** RenewResponse -> ms that it lasts; `before`: as it did, where it does not say that (CurrentTime is optional). @throws SoapError. */
export const readRenewed = (xml: string, before = LASTS_DEFAULT_MS): number =>
  lastsOf(node(readBody(xml)['RenewResponse']), before);

const LASTS_DEFAULT_MS = 60_000;
function lastsOf(response: Node, otherwise: number): number {
  const [ends, now] = [response['TerminationTime'], response['CurrentTime']].map((time) =>
    readXmlTime(textOf(time)),
  );
  const lasts = (ends ?? 0) - (now ?? 0);
  // Some say a time that is over, or none: what was asked for is not known to be refused.
  return ends !== undefined && now !== undefined && lasts > 0 ? lasts : otherwise;
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

/** GetServicesResponse or GetCapabilitiesResponse -> where each service is, by its name in small letters. */
export function readServices(xml: string): ReadonlyMap<string, string> {
  const body = readBody(xml);
  const services = node(body['GetServicesResponse'])['Service'];
  const listed = (Array.isArray(services) ? services : [services]).map((one): [string, string] => {
    const [, version = '', name = ''] =
      /\/ver(\d\d)\/(\w{1,40})\/wsdl/i.exec(textOf(node(one)['Namespace'])) ?? [];
    const isSecond = version === '20' && name.toLowerCase() === 'media';
    return [isSecond ? 'media2' : name.toLowerCase(), textOf(node(one)['XAddr'])];
  });
  const capabilities = node(node(body['GetCapabilitiesResponse'])['Capabilities']);
  const told = [capabilities, node(capabilities['Extension'])]
    .flatMap((of) => Object.entries(of))
    .map(([name, value]): [string, string] => [name.toLowerCase(), textOf(node(value)['XAddr'])]);
  return new Map([...listed, ...told].filter(([name, address]) => name !== '' && address !== ''));
}

export interface Preset {
  readonly token: string;
  /** `''`: it has none. */
  readonly name: string;
}

/** GetPresetsResponse. @throws SoapError. */
export function readPresets(xml: string): readonly Preset[] {
  const presets = node(readBody(xml)['GetPresetsResponse'])['Preset'];
  return (Array.isArray(presets) ? presets : [presets])
    .map((one) => ({ token: String(node(one)['@token'] ?? ''), name: textOf(node(one)['Name']) }))
    .filter(({ token }) => token !== '');
}

const tokensOf = (found: unknown): readonly string[] =>
  (Array.isArray(found) ? found : [found])
    .map((one) => String(node(one)['@token'] ?? ''))
    .filter((token) => token !== '');

/** GetRelayOutputsResponse (devicemgmt.wsdl) -> tokens. @throws SoapError. */
export const readRelayOutputs = (xml: string): readonly string[] =>
  tokensOf(node(readBody(xml)['GetRelayOutputsResponse'])['RelayOutputs']);

/** GetVideoSourcesResponse (media.wsdl) -> tokens. @throws SoapError. */
export const readVideoSources = (xml: string): readonly string[] =>
  tokensOf(node(readBody(xml)['GetVideoSourcesResponse'])['VideoSources']);

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
