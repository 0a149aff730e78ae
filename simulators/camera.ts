/**
 * An ONVIF camera: device, media, PTZ and event services over SOAP, pull-point subscriptions, snapshots, a real RTSP
 * stream, WS-Discovery; and everything that real ones do wrong.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { digestGuard } from './http.ts';
import { liveVideo, stillPicture } from './picture.ts';
import { startRtsp } from './rtsp.ts';
import { actions, garbage, milliseconds, number, type Simulator } from './simulator.ts';

export interface CameraOptions {
  readonly id?: string;
  readonly host?: string;
  readonly port: number;
  readonly rtspPort: number;
  readonly username?: string;
  readonly password?: string;
  /** HTTP digest, WS-UsernameToken, or either. */
  readonly auth?: 'digest' | 'token' | 'either';
  /** Names of its presets; PTZ turns the picture. */
  readonly presets?: readonly string[];
  /** Pictures a second. */
  readonly rate?: number;
  /** Answers WS-Discovery, on this port of the loopback or the network. */
  readonly discovery?: boolean;
  readonly did?: (what: string) => void;
}

export interface Camera extends Simulator {
  /** How many subscriptions there are. */
  readonly subscriptions: () => number;
  readonly viewers: () => number;
}

interface Message {
  readonly topic: string;
  readonly operation?: 'Initialized' | 'Changed' | 'Deleted';
  readonly source: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
  readonly at: number;
}

interface Subscription {
  readonly queue: Message[];
  endsAt: number;
  wake: () => void;
}

const SOURCE = { VideoSourceConfigurationToken: 'vsconf', VideoAnalyticsConfigurationToken: 'vaconf' };
/** Topics with a state, their source and the item that bears it. */
const properties = {
  motion: ['RuleEngine/CellMotionDetector/Motion', { ...SOURCE, Rule: 'MotionRule' }, 'IsMotion'],
  inside: ['RuleEngine/FieldDetector/ObjectsInside', { ...SOURCE, Rule: 'FieldRule' }, 'IsInside'],
  tamper: ['RuleEngine/TamperDetector/Tamper', { ...SOURCE, Rule: 'TamperRule' }, 'IsTamper'],
  dark: ['VideoSource/ImageTooDark/ImagingService', { Source: 'vs0' }, 'State'],
  signal: ['VideoSource/SignalLoss', { Source: 'vs0' }, 'State'],
  input: ['Device/Trigger/DigitalInput', { InputToken: 'di0' }, 'LogicalState'],
  storage: ['Device/HardwareFailure/StorageFailure', { Token: 'sd0' }, 'Failed'],
} as const;
type Property = keyof typeof properties;

const xmlTime = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
const items = (name: string, values: Readonly<Record<string, string>>) =>
  `<tt:${name}>${Object.entries(values)
    .map(([key, value]) => `<tt:SimpleItem Name="${key}" Value="${value}"/>`)
    .join('')}</tt:${name}>`;
const NAMESPACES = [
  'xmlns:s="http://www.w3.org/2003/05/soap-envelope"',
  'xmlns:a="http://www.w3.org/2005/08/addressing"',
  'xmlns:tt="http://www.onvif.org/ver10/schema"',
  'xmlns:tds="http://www.onvif.org/ver10/device/wsdl"',
  'xmlns:trt="http://www.onvif.org/ver10/media/wsdl"',
  'xmlns:tev="http://www.onvif.org/ver10/events/wsdl"',
  'xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl"',
  'xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"',
  'xmlns:tns1="http://www.onvif.org/ver10/topics"',
  'xmlns:ter="http://www.onvif.org/ver10/error"',
].join(' ');
const envelope = (body: string) =>
  `<?xml version="1.0" encoding="UTF-8"?><s:Envelope ${NAMESPACES}><s:Body>${body}</s:Body></s:Envelope>`;
const fault = (code: string, reason: string) =>
  envelope(
    `<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:${code}</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">${reason}</s:Text></s:Reason></s:Fault>`,
  );
const seconds = (text: string | undefined, fallback: number) => {
  const [, minutes, own] = /PT(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?/.exec(text ?? '') ?? [];
  const total = Number(minutes ?? 0) * 60 + Number(own ?? 0);
  return (total > 0 ? total : fallback) * 1000;
};

export async function startCamera(options: CameraOptions): Promise<Camera> {
  const {
    id = 'camera',
    host = '127.0.0.1',
    port,
    rtspPort,
    presets = ['gate', 'yard'],
    rate = 15,
  } = options;
  const { username = 'admin', password, auth = 'either', did = () => {} } = options;
  const serial = createHash('md5').update(id).digest('hex').slice(0, 12);
  const states = Object.fromEntries(Object.keys(properties).map((name) => [name, false])) as Record<
    Property,
    boolean
  >;
  const subscriptions = new Map<string, Subscription>();
  const sockets = new Set<Socket>();
  const wrong = {
    clock: 0,
    hangUntil: 0,
    downUntil: 0,
    closeAfter: 0,
    neverClears: false,
    address: 'right' as 'right' | 'wrong' | 'relative',
    garbage: 0,
  };
  let view = 0;
  let next = 0;
  const now = () => Date.now() + wrong.clock;
  const base = `http://${host}:${port}`;
  const rtsp = await startRtsp({
    host,
    port: rtspPort,
    source: liveVideo(() => view, rate),
    ...(password !== undefined && { username, password }),
  });

  // --- events ---

  const propertyMessage = (name: Property, operation: Message['operation']): Message => {
    const [topic, source, item] = properties[name];
    return {
      topic,
      source: { ...source },
      data: { [item]: String(states[name]) },
      at: now(),
      ...(operation !== undefined && { operation }),
    };
  };
  const publish = (message: Message) => {
    for (const subscription of subscriptions.values()) {
      subscription.queue.push(message);
      subscription.wake();
    }
  };
  const set = (name: Property, on: boolean) => {
    if (!on && wrong.neverClears) return;
    states[name] = on;
    publish(propertyMessage(name, 'Changed'));
  };
  const synchronise = ({ queue, wake }: Subscription) => {
    for (const name of Object.keys(properties) as Property[])
      queue.push(propertyMessage(name, 'Initialized'));
    wake();
  };
  const notification = ({ topic, operation, source, data, at }: Message) =>
    `<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">tns1:${topic}</wsnt:Topic><wsnt:Message><tt:Message UtcTime="${xmlTime(at)}"${operation === undefined ? '' : ` PropertyOperation="${operation}"`}>${items('Source', source)}${items('Data', data)}</tt:Message></wsnt:Message></wsnt:NotificationMessage>`;

  const subscribe = (body: string) => {
    const key = String(++next);
    const endsAt = Date.now() + seconds(/InitialTerminationTime>([^<]*)</.exec(body)?.[1], 60);
    const subscription: Subscription = { queue: [], endsAt, wake: () => {} };
    subscriptions.set(key, subscription);
    synchronise(subscription);
    const path = `/onvif/events/${key}`;
    const address = { right: `${base}${path}`, wrong: `http://192.168.99.99:8899${path}`, relative: path }[
      wrong.address
    ];
    return `<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><a:Address>${address}</a:Address></tev:SubscriptionReference><wsnt:CurrentTime>${xmlTime(now())}</wsnt:CurrentTime><wsnt:TerminationTime>${xmlTime(endsAt + wrong.clock)}</wsnt:TerminationTime></tev:CreatePullPointSubscriptionResponse>`;
  };
  const pull = async (subscription: Subscription, body: string, socket: Socket) => {
    const wait = seconds(/Timeout>([^<]*)</.exec(body)?.[1], 60);
    const limit = Number(/MessageLimit>(\d+)</.exec(body)?.[1] ?? 10);
    if (subscription.queue.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      subscription.wake = resolve;
      const timer = setTimeout(resolve, wait);
      // Who has gone is not waited for.
      socket.once('close', () => resolve());
      // The trap of agsh/onvif#314: it gives up its socket while it is being asked.
      const give = wrong.closeAfter > 0 ? setTimeout(() => socket.destroy(), wrong.closeAfter) : undefined;
      await promise;
      clearTimeout(timer);
      clearTimeout(give);
    }
    // Nobody is there any more: it stays in the queue.
    if (socket.destroyed) return '';
    const messages = subscription.queue.splice(0, limit);
    return `<tev:PullMessagesResponse><tev:CurrentTime>${xmlTime(now())}</tev:CurrentTime><tev:TerminationTime>${xmlTime(subscription.endsAt + wrong.clock)}</tev:TerminationTime>${messages.map(notification).join('')}</tev:PullMessagesResponse>`;
  };

  // --- services ---

  const service = (name: string, path: string, version: string) =>
    `<tds:Service><tds:Namespace>http://www.onvif.org/${version}/${name}/wsdl</tds:Namespace><tds:XAddr>${base}${path}</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>42</tt:Minor></tds:Version></tds:Service>`;
  const profile = `<trt:Profiles token="main" fixed="true"><tt:Name>main</tt:Name><tt:VideoSourceConfiguration token="vsconf"><tt:Name>vs</tt:Name><tt:UseCount>1</tt:UseCount><tt:SourceToken>vs0</tt:SourceToken><tt:Bounds x="0" y="0" width="640" height="360"/></tt:VideoSourceConfiguration><tt:VideoEncoderConfiguration token="enc"><tt:Name>enc</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>640</tt:Width><tt:Height>360</tt:Height></tt:Resolution><tt:Quality>5</tt:Quality><tt:RateControl><tt:FrameRateLimit>${rate}</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>1024</tt:BitrateLimit></tt:RateControl></tt:VideoEncoderConfiguration><tt:PTZConfiguration token="ptz"><tt:Name>ptz</tt:Name><tt:UseCount>1</tt:UseCount><tt:NodeToken>node</tt:NodeToken></tt:PTZConfiguration></trt:Profiles>`;
  const dateTime = () => {
    const date = new Date(now());
    return `<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime><tt:Time><tt:Hour>${date.getUTCHours()}</tt:Hour><tt:Minute>${date.getUTCMinutes()}</tt:Minute><tt:Second>${date.getUTCSeconds()}</tt:Second></tt:Time><tt:Date><tt:Year>${date.getUTCFullYear()}</tt:Year><tt:Month>${date.getUTCMonth() + 1}</tt:Month><tt:Day>${date.getUTCDate()}</tt:Day></tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`;
  };
  const xaddr = (name: string, path: string) =>
    `<tt:${name}><tt:XAddr>${base}${path}</tt:XAddr></tt:${name}>`;
  const answers: Readonly<Record<string, (body: string) => string | undefined>> = {
    GetServices: () =>
      `<tds:GetServicesResponse>${service('device', '/onvif/device_service', 'ver10')}${service('media', '/onvif/media_service', 'ver10')}${service('events', '/onvif/events_service', 'ver10')}${service('ptz', '/onvif/ptz_service', 'ver20')}${service('deviceIO', '/onvif/io_service', 'ver10')}</tds:GetServicesResponse>`,
    GetCapabilities: () =>
      `<tds:GetCapabilitiesResponse><tds:Capabilities>${xaddr('Device', '/onvif/device_service')}${xaddr('Events', '/onvif/events_service')}${xaddr('Media', '/onvif/media_service')}${xaddr('PTZ', '/onvif/ptz_service')}</tds:Capabilities></tds:GetCapabilitiesResponse>`,
    GetDeviceInformation: () =>
      `<tds:GetDeviceInformationResponse><tds:Manufacturer>Simulated</tds:Manufacturer><tds:Model>SC-1</tds:Model><tds:FirmwareVersion>1.0</tds:FirmwareVersion><tds:SerialNumber>${serial}</tds:SerialNumber><tds:HardwareId>1</tds:HardwareId></tds:GetDeviceInformationResponse>`,
    GetProfiles: () => `<trt:GetProfilesResponse>${profile}</trt:GetProfilesResponse>`,
    GetVideoSources: () =>
      `<trt:GetVideoSourcesResponse><trt:VideoSources token="vs0"><tt:Framerate>${rate}</tt:Framerate><tt:Resolution><tt:Width>640</tt:Width><tt:Height>360</tt:Height></tt:Resolution></trt:VideoSources></trt:GetVideoSourcesResponse>`,
    GetStreamUri: () =>
      `<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>rtsp://${host}:${rtspPort}/main</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT60S</tt:Timeout></trt:MediaUri></trt:GetStreamUriResponse>`,
    GetSnapshotUri: () =>
      `<trt:GetSnapshotUriResponse><trt:MediaUri><tt:Uri>${base}/snapshot.jpg</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT60S</tt:Timeout></trt:MediaUri></trt:GetSnapshotUriResponse>`,
    GetPresets: () =>
      `<tptz:GetPresetsResponse>${presets.map((name, i) => `<tptz:Preset token="p${i + 1}"><tt:Name>${name}</tt:Name></tptz:Preset>`).join('')}</tptz:GetPresetsResponse>`,
    GotoPreset(body) {
      const token = /PresetToken>([^<]*)</.exec(body)?.[1] ?? '';
      const wanted = Number(/^p(\d+)$/.exec(token)?.[1] ?? 0);
      if (wanted < 1 || wanted > presets.length) return undefined;
      view = wanted;
      did(`preset ${presets[wanted - 1]}`);
      rtsp.renew();
      return '<tptz:GotoPresetResponse/>';
    },
    SetRelayOutputState(body) {
      const token = /RelayOutputToken>([^<]*)</.exec(body)?.[1] ?? '';
      did(`relay ${token} ${/LogicalState>([^<]*)</.exec(body)?.[1]}`);
      return '<tds:SetRelayOutputStateResponse/>';
    },
    CreatePullPointSubscription: subscribe,
  };
  const subscribed: Readonly<Record<string, (one: Subscription, body: string, key: string) => string>> = {
    Renew(one, body) {
      one.endsAt = Date.now() + seconds(/TerminationTime>([^<]*)</.exec(body)?.[1], 60);
      return `<wsnt:RenewResponse><wsnt:TerminationTime>${xmlTime(one.endsAt + wrong.clock)}</wsnt:TerminationTime><wsnt:CurrentTime>${xmlTime(now())}</wsnt:CurrentTime></wsnt:RenewResponse>`;
    },
    SetSynchronizationPoint(one) {
      synchronise(one);
      return '<tev:SetSynchronizationPointResponse/>';
    },
    Unsubscribe(_one, _body, key) {
      subscriptions.delete(key);
      return '<wsnt:UnsubscribeResponse/>';
    },
  };

  const guard = digestGuard('camera', username, password ?? '');
  /** WS-UsernameToken, and, as real ones do, only within five minutes of its own clock. */
  const hasToken = (body: string) => {
    const part = (name: string) => new RegExp(`[<:]${name}(?:\\s[^>]*)?>([^<]*)<`).exec(body)?.[1] ?? '';
    const nonce = Buffer.from(part('Nonce'), 'base64');
    const created = part('Created');
    const digest = createHash('sha1')
      .update(nonce)
      .update(created)
      .update(password ?? '')
      .digest('base64');
    return (
      part('Username') === username &&
      part('Password') === digest &&
      Math.abs(Date.parse(created) - now()) < 300_000
    );
  };
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    if (Date.now() < wrong.downUntil) return request.socket.destroy();
    // Dead without a word: it takes the question and nothing comes.
    if (Date.now() < wrong.hangUntil) return;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const { url = '' } = request;
    if (wrong.garbage > 0) {
      wrong.garbage--;
      response.end(garbage(200));
      return;
    }
    if (url.startsWith('/snapshot.jpg')) {
      if (password !== undefined && !guard(request, response)) return;
      response.writeHead(200, { 'content-type': 'image/jpeg' }).end(await stillPicture(view));
      return;
    }
    const operation = /<(?:[\w-]+:)?Body[^>]*>\s*<(?:[\w-]+:)?(\w+)/.exec(body)?.[1] ?? '';
    const say = (text: string, status = 200) =>
      response.writeHead(status, { 'content-type': 'application/soap+xml; charset=utf-8' }).end(text);
    if (operation === 'GetSystemDateAndTime') return say(envelope(dateTime()));
    if (password !== undefined) {
      const byToken = auth !== 'digest' && hasToken(body);
      if (!byToken && auth === 'token') return say(fault('NotAuthorized', 'Sender not Authorized'), 400);
      if (!byToken && !guard(request, response)) return;
    }
    const key = /^\/onvif\/events\/(\d+)/.exec(url)?.[1];
    if (key !== undefined) {
      const one = subscriptions.get(key);
      if (one === undefined || Date.now() > one.endsAt) {
        subscriptions.delete(key);
        return say(fault('InvalidArgVal', 'there is no such subscription'), 400);
      }
      if (operation === 'PullMessages') return say(envelope(await pull(one, body, request.socket)));
      const own = subscribed[operation]?.(one, body, key);
      return own === undefined ? say(fault('ActionNotSupported', operation), 400) : say(envelope(own));
    }
    const answer = answers[operation]?.(body);
    return answer === undefined ? say(fault('ActionNotSupported', operation), 400) : say(envelope(answer));
  };

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    if (Date.now() < wrong.downUntil) return socket.destroy();
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen({ host, port });
  await once(server, 'listening');
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };

  const discovery =
    options.discovery === true ? await answerDiscovery(`${base}/onvif/device_service`) : undefined;

  return {
    id,
    subscriptions: () => subscriptions.size,
    viewers: rtsp.viewers,
    ...actions(id, {
      motion: { help: 'something moves', run: () => set('motion', true) },
      'motion-end': { help: 'and does not any more', run: () => set('motion', false) },
      line: {
        help: 'somebody crosses the line',
        run: () =>
          publish({
            topic: 'RuleEngine/LineDetector/Crossed',
            source: { ...SOURCE, Rule: 'LineRule' },
            data: { ObjectId: '7' },
            at: now(),
          }),
      },
      enter: { help: 'somebody is in the zone', run: () => set('inside', true) },
      leave: { help: 'and not any more', run: () => set('inside', false) },
      cover: { help: 'cover it', run: () => set('tamper', true) },
      uncover: { help: 'uncover it', run: () => set('tamper', false) },
      dark: { help: 'too dark', run: () => set('dark', true) },
      light: { help: 'light again', run: () => set('dark', false) },
      'signal-lost': { help: 'lose the picture', run: () => set('signal', true) },
      'signal-back': { help: 'get it back', run: () => set('signal', false) },
      'input on|off': { help: 'its digital input', run: (state) => set('input', state === 'on') },
      'storage-failed': { help: 'its card is broken', run: () => set('storage', true) },
      'storage-good': { help: 'its card is good', run: () => set('storage', false) },
      'reboot TIME': {
        help: 'reboot: away for a time, and all subscriptions are forgotten',
        run: (time) => {
          wrong.downUntil = Date.now() + milliseconds(time);
          subscriptions.clear();
          drop();
          rtsp.drop();
        },
      },
      'hang TIME': {
        help: 'take questions and answer none, for a time',
        run: (time) => {
          wrong.hangUntil = Date.now() + milliseconds(time);
          // What is being asked gets no answer either.
          for (const one of subscriptions.values()) one.wake = () => {};
        },
      },
      forget: { help: 'forget all subscriptions', run: () => subscriptions.clear() },
      'clock TIME': {
        help: 'put its clock off by a time, e.g. -8h',
        run: (time) => {
          wrong.clock = milliseconds(time);
        },
      },
      'close-after TIME': {
        help: 'close the socket of a question after a time; 0s: no more',
        run: (time) => {
          wrong.closeAfter = milliseconds(time);
        },
      },
      drop: { help: 'close all sockets', run: () => drop() },
      'address right|wrong|relative': {
        help: 'where it says that its subscriptions are',
        run: (which) => {
          wrong.address = which === 'wrong' || which === 'relative' ? which : 'right';
        },
      },
      'never-clear': {
        help: 'never say that something ended',
        run: () => {
          wrong.neverClears = true;
        },
      },
      'garbage COUNT': {
        help: 'answer so many questions with nonsense',
        run: (count) => {
          wrong.garbage = number(count, 0, 1000);
        },
      },
      'drop-viewers': { help: 'break off its streams', run: () => rtsp.drop() },
    }),
    async close() {
      drop();
      server.close();
      discovery?.close();
      await rtsp.close();
    },
  };
}

/** WS-Discovery (SOAP over UDP, 239.255.255.250:3702): answers who looks for cameras. */
async function answerDiscovery(address: string) {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  const uuid = randomUUID();
  socket.on('message', (bytes, { address: asker, port }) => {
    const text = bytes.toString();
    if (!text.includes('Probe')) return;
    const relates = /MessageID[^>]*>([^<]*)</.exec(text)?.[1] ?? '';
    socket.send(
      `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header><a:MessageID>urn:uuid:${randomUUID()}</a:MessageID><a:RelatesTo>${relates}</a:RelatesTo><a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</a:Action></s:Header><s:Body><d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:${uuid}</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/hardware/SC-1 onvif://www.onvif.org/name/Simulated%20SC-1</d:Scopes><d:XAddrs>${address}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>`,
      port,
      asker,
    );
  });
  socket.bind(3702);
  await once(socket, 'listening');
  socket.addMembership('239.255.255.250');
  return socket;
}
