/**
 * A camera of nobody's: answers by hand, in the forms that the ONVIF specifications and captures of cameras have. It shares
 * nothing with our simulator.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

const NAMESPACES =
  'xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing" xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tev="http://www.onvif.org/ver10/events/wsdl" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:ter="http://www.onvif.org/ver10/error"';
export const soap = (body: string) => `<s:Envelope ${NAMESPACES}><s:Body>${body}</s:Body></s:Envelope>`;
export const soapFault = (subcode: string, reason: string, detail = '') =>
  soap(
    `<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>${subcode}</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">${reason}</s:Text></s:Reason>${detail === '' ? '' : `<s:Detail>${detail}</s:Detail>`}</s:Fault>`,
  );
/** The smallest picture that is whole: SOI, APP0, DQT, SOF0 of 1 by 1, two DHT, SOS, EOI (ITU-T T.81, annex B). */
export const jpeg = Buffer.from(
  `ffd8ffe000104a46494600010100000100010000ffdb004300${'08'.repeat(64)}ffc0000b080001000101011100ffc40014000100000000000000000000000000000009ffc40014100100000000000000000000000000000000ffda0008010100003f0054ffd9`,
  'hex',
);
export const xsTime = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
const moment = (name: string, ms: number) => {
  const at = new Date(ms);
  return `<tt:${name}><tt:Time><tt:Hour>${at.getUTCHours()}</tt:Hour><tt:Minute>${at.getUTCMinutes()}</tt:Minute><tt:Second>${at.getUTCSeconds()}</tt:Second></tt:Time><tt:Date><tt:Year>${at.getUTCFullYear()}</tt:Year><tt:Month>${at.getUTCMonth() + 1}</tt:Month><tt:Day>${at.getUTCDate()}</tt:Day></tt:Date></tt:${name}>`;
};
export const dateAndTime = (of: { readonly utc?: number; readonly local?: number }) =>
  soap(
    `<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>${of.utc === undefined ? '' : moment('UTCDateTime', of.utc)}${of.local === undefined ? '' : moment('LocalDateTime', of.local)}</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`,
  );
export const notice = (topic: string, source: Readonly<Record<string, string>>, item: string, at: number) =>
  `<wsnt:NotificationMessage><wsnt:Topic>${topic}</wsnt:Topic><wsnt:Message><tt:Message UtcTime="${xsTime(at)}" PropertyOperation="Changed"><tt:Source>${Object.entries(
    source,
  )
    .map(([name, value]) => `<tt:SimpleItem Name="${name}" Value="${value}"/>`)
    .join(
      '',
    )}</tt:Source><tt:Data><tt:SimpleItem Name="${item}" Value="true"/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`;

export interface Heard {
  readonly operation: string;
  readonly body: string;
  readonly path: string;
  readonly authorization: string | undefined;
  /** The media type of what it was sent. */
  readonly type: string;
  readonly port: number;
  /** Of the machine, ms. */
  readonly at: number;
}
type Said = readonly [status: number, text: string];
/** A status and an answer; undefined: as a camera does; `'itself'`: it has answered by itself. */
type Odd = (heard: Heard, response: ServerResponse) => Said | 'itself' | undefined | Promise<Said>;

export interface PeerOptions {
  readonly odd?: Readonly<Record<string, Odd>>;
  /** Where it says that its event service is, of its own port. */
  readonly events?: (port: number) => string;
  readonly subscription?: (port: number) => string;
  /** It wants this password for everything but what is named in `open`: in a digest, or as `login` says. */
  readonly password?: string | (() => string);
  readonly login?: 'digest' | 'token' | 'either';
  readonly open?: readonly string[];
  readonly certificate?: { readonly key: string; readonly cert: string };
  readonly profiles?: readonly (readonly [profile: string, configuration: string, source: string])[];
}

/** What a camera answers. */
function answersOf(
  options: PeerOptions,
  port: () => number,
  next: () => Promise<readonly string[]>,
): Readonly<Record<string, () => string | Promise<string>>> {
  return {
    GetSystemDateAndTime: () => dateAndTime({ utc: Date.now() }),
    GetServices: () =>
      soap(
        `<tds:GetServicesResponse>${[
          ['ver10/device', `http://127.0.0.1:${port()}/onvif/device_service`],
          ['ver10/media', `http://127.0.0.1:${port()}/onvif/media`],
          [
            'ver10/events',
            (options.events ?? ((own: number) => `http://127.0.0.1:${own}/onvif/events`))(port()),
          ],
        ]
          .map(
            ([name, address]) =>
              `<tds:Service><tds:Namespace>http://www.onvif.org/${name}/wsdl</tds:Namespace><tds:XAddr>${address}</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>42</tt:Minor></tds:Version></tds:Service>`,
          )
          .join('')}</tds:GetServicesResponse>`,
      ),
    GetDeviceInformation: () =>
      soap(
        '<tds:GetDeviceInformationResponse><tds:Manufacturer>Peer</tds:Manufacturer><tds:Model>P</tds:Model></tds:GetDeviceInformationResponse>',
      ),
    GetProfiles: () =>
      soap(
        `<trt:GetProfilesResponse>${(options.profiles ?? [['P1', 'VSC_1', 'VS_1']])
          .map(
            ([profile, configuration, source]) =>
              `<trt:Profiles token="${profile}"><tt:Name>${profile}</tt:Name><tt:VideoSourceConfiguration token="${configuration}"><tt:SourceToken>${source}</tt:SourceToken></tt:VideoSourceConfiguration></trt:Profiles>`,
          )
          .join('')}</trt:GetProfilesResponse>`,
      ),
    GetVideoSources: () => soap('<trt:GetVideoSourcesResponse/>'),
    CreatePullPointSubscription: () =>
      soap(
        `<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><a:Address>${(options.subscription ?? ((own: number) => `http://127.0.0.1:${own}/sub/1`))(port())}</a:Address></tev:SubscriptionReference><wsnt:CurrentTime>${xsTime(Date.now())}</wsnt:CurrentTime><wsnt:TerminationTime>${xsTime(Date.now() + 60_000)}</wsnt:TerminationTime></tev:CreatePullPointSubscriptionResponse>`,
      ),
    SetSynchronizationPoint: () => soap('<tev:SetSynchronizationPointResponse/>'),
    Renew: () => soap('<wsnt:RenewResponse/>'),
    Unsubscribe: () => soap('<wsnt:UnsubscribeResponse/>'),
    async PullMessages() {
      return soap(
        `<tev:PullMessagesResponse><tev:CurrentTime>${xsTime(Date.now())}</tev:CurrentTime><tev:TerminationTime>${xsTime(Date.now() + 60_000)}</tev:TerminationTime>${(await next()).join('')}</tev:PullMessagesResponse>`,
      );
    },
  };
}

export async function startPeer(options: PeerOptions = {}) {
  const { odd = {}, login = 'digest', open = ['GetSystemDateAndTime'], certificate } = options;
  const password = () => (typeof options.password === 'function' ? options.password() : options.password);
  const heard: Heard[] = [];
  const queue: string[] = [];
  let wake = () => {};
  let wrong = 0;
  let port = 0;
  const answers = answersOf(
    options,
    () => port,
    async () => {
      if (queue.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, 100);
        });
      return queue.splice(0);
    },
  );
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  /** By a digest (RFC 7616) or a UsernameToken (WS-Security UsernameToken profile 1.0, 3.1); each wrong one counts. */
  const isLetIn = ({ operation, authorization, body }: Heard): boolean => {
    const right = password();
    if (right === undefined || open.includes(operation)) return true;
    const nonce = /<Nonce[^>]*>([^<]*)</.exec(body)?.[1];
    if (nonce !== undefined) {
      const created = /<Created[^>]*>([^<]*)</.exec(body)?.[1] ?? '';
      const bytes = Buffer.concat([Buffer.from(nonce, 'base64'), Buffer.from(created + right)]);
      const isRight = body.includes(`>${createHash('sha1').update(bytes).digest('base64')}<`);
      if (isRight && login !== 'digest') return true;
      if (!isRight) wrong++;
    }
    if (authorization === undefined) return false;
    const part = (name: string) => new RegExp(`\\b${name}="?([^",]*)`).exec(authorization)?.[1] ?? '';
    const expected = md5(
      `${md5(`admin:peer:${right}`)}:${part('nonce')}:${part('nc')}:${part('cnonce')}:auth:${md5(`POST:${part('uri')}`)}`,
    );
    if (part('response') === expected && login !== 'token') return true;
    wrong++;
    return false;
  };
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const one: Heard = {
      operation: /Body[^>]*>\s*<(?:\w+:)?(\w+)/.exec(body)?.[1] ?? '',
      ...{ body, path: request.url ?? '', authorization: request.headers.authorization },
      type: request.headers['content-type'] ?? '',
      ...{ port: request.socket.localPort ?? 0, at: performance.now() },
    };
    heard.push(one);
    // `\xff`: a picture begins so.
    const say = (status: number, text: string, headers = {}) =>
      response
        .writeHead(status, { 'content-type': 'application/soap+xml', ...headers })
        .end(text.startsWith('\xff') ? Buffer.from(text, 'latin1') : text);
    const other = await odd[one.operation]?.(one, response);
    if (other === 'itself') return;
    if (other !== undefined) return say(...other);
    if (!isLetIn(one))
      return login === 'token'
        ? say(400, soapFault('ter:NotAuthorized', 'Sender not Authorized'))
        : say(401, '', { 'www-authenticate': 'Digest realm="peer", qop="auth", nonce="n1"' });
    const answer = await answers[one.operation]?.();
    return answer === undefined ? say(400, soapFault('ter:ActionNotSupported', 'no')) : say(200, answer);
  };
  const listen = async () => {
    const run = (request: IncomingMessage, response: ServerResponse) => {
      handle(request, response).catch(() => response.destroy());
    };
    const server = certificate === undefined ? createServer(run) : createSecureServer(certificate, run);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return { port: (server.address() as AddressInfo).port, server };
  };
  const main = await listen();
  port = main.port;
  return {
    port,
    heard,
    listen,
    of: (operation: string) => heard.filter((one) => one.operation === operation),
    wrong: () => wrong,
    push(...notices: string[]) {
      queue.push(...notices);
      wake();
    },
    /** Shows another certificate from now on. */
    show(other: { readonly key: string; readonly cert: string }) {
      (main.server as ReturnType<typeof createSecureServer>).setSecureContext(other);
    },
  };
}

/** Two that cameras signed themselves. */
export const certificates = [
  {
    cert: `-----BEGIN CERTIFICATE-----
MIIBfTCCASOgAwIBAgIUKOCWXgJHtyDXZU9zpYeI2Oza7GIwCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIY2FtZXJhLTEwIBcNMjYxMTI4MTIxNzMzWhgPMjEyNjExMDQx
MjE3MzNaMBMxETAPBgNVBAMMCGNhbWVyYS0xMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEUQI9f/vqRMrhVPeA19vjodypnOoIiVehGXHtMnI0Wr93MfTbsUtMuQmV
LgbZKBgSWSnxR8Zc2uQPqY8Jv7ufyaNTMFEwHQYDVR0OBBYEFJv9DMjkzZXVfthR
zspxge7jLuxKMB8GA1UdIwQYMBaAFJv9DMjkzZXVfthRzspxge7jLuxKMA8GA1Ud
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAJEPNExHHmgoI13JSOzqek6v
pryLPWjlVlWIy0GBTopUAiBU18HWjBnXFtqr34RHDaLeP1tUagb97CRlBDkxbuw1
rg==
-----END CERTIFICATE-----`,
    key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgOW/PMqbum5NUjkHI
tSEYQR4MK3vR9390FLTm2Qaips+hRANCAARRAj1/++pEyuFU94DX2+Oh3Kmc6giJ
V6EZce0ycjRav3cx9NuxS0y5CZUuBtkoGBJZKfFHxlza5A+pjwm/u5/J
-----END PRIVATE KEY-----`,
  },
  {
    cert: `-----BEGIN CERTIFICATE-----
MIIBfTCCASOgAwIBAgIUIAgaxWT0aSFlQTIDG3SjcB3Dm+swCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIY2FtZXJhLTIwIBcNMjYxMTI4MTIxNzM0WhgPMjEyNjExMDQx
MjE3MzRaMBMxETAPBgNVBAMMCGNhbWVyYS0yMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEhmvwU9YwkDu8er9djKKRxVDx02Bcv9TURgkDH8B7K7Xdp1HDiuHVeQPS
28iwZWdWtw2DrHD5iqUu683/O0EAGKNTMFEwHQYDVR0OBBYEFJIDXa5h8W2uVpu6
5VN9APx8UQThMB8GA1UdIwQYMBaAFJIDXa5h8W2uVpu65VN9APx8UQThMA8GA1Ud
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgEy0kbpMCCydixMMLRX4AbDhT
y5aVzvcN5ewllrAlniACIQCgYH6RLoNELwjiSYMHO6pxxkdpBy1zs1cwM/53yaP9
ZQ==
-----END CERTIFICATE-----`,
    key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgwWNvZBAdH2kzmw0c
EzxnvlD+p4AZHi2Ovq20cZZi0RShRANCAASGa/BT1jCQO7x6v12MopHFUPHTYFy/
1NRGCQMfwHsrtd2nUcOK4dV5A9LbyLBlZ1a3DYOscPmKpS7rzf87QQAY
-----END PRIVATE KEY-----`,
  },
] as const;
