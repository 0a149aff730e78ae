/**
 * Alarms to a platform of GB/T 28181: registered by SIP, each as a Notify Alarm in a MESSAGE. A 200 says that it was
 * received. What the standard has no alarm for (an end, a card, a visit) is not told there and counts as taken. One is on
 * its way at a time, so that they come in their order; a second sending has the same SN, time and words.
 */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIP } from 'node:net';
import {
  type Answer,
  type Channel,
  defineTransport,
  type Outgoing,
  type PlatformHost,
  type Refusal,
} from '../../contract/transport.ts';
import { type AlarmEvent, alarmNotify, inputOf } from './alarms.ts';
import { type Manscdp, readManscdp, writeManscdp } from './manscdp.ts';
import { domainOf, type Options, options, problemsOf } from './options.ts';
import { usePort } from './ports.ts';
import { type Identity, newIdentity, type Registration, register } from './registration.ts';
import { type Request, readUri } from './sip/message.ts';
import type { Asked, Place } from './sip/transactions.ts';

/** An alarm has some hundred bytes; the event that it is made of has no such limit. */
const EVENT_MAX = 1_000_000;
/** SN is a number of 32 bits in the platforms' own programs. */
const SN_MAX = 2 ** 31 - 1;
/** Annex D: an alarm input. */
const ALARM_INPUT = '134';

/** In the engine's words (RFC 3261, 21). */
const refusals: Readonly<Record<number, Refusal>> = {
  ...{ 403: 'forbidden', 404: 'forbidden', 405: 'forbidden', 413: 'too-large', 480: 'busy', 486: 'busy' },
  ...{ 500: 'busy', 503: 'busy', 504: 'busy', 600: 'busy' },
};

/** By the options that it belongs to: the same over all registrations of this process. */
const identities = new WeakMap<object, Identity>();

async function placeOf({ server, transport }: Options): Promise<Place> {
  const address = isIP(server.host) > 0 ? server.host : (await lookup(server.host, { family: 4 })).address;
  return { transport: transport === 'tcp' ? 'TCP' : 'UDP', address, port: server.port };
}

/** Our address on the way to there: the system chooses it, and nothing is sent. */
async function ownAddress({ address, port }: Place): Promise<string> {
  const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
  try {
    socket.connect(port, address);
    await once(socket, 'connect');
    const own = socket.address().address;
    return own.includes(':') ? `[${own}]` : own;
  } finally {
    socket.close();
  }
}

/** Of several uplinks to one address each is asked by its own 20 digits. */
function isForUs(request: Request | undefined, { deviceId }: Options): boolean {
  const user = request && readUri(request.uri)?.user;
  return user === undefined || user === deviceId || !/^\d{20}$/.test(user);
}

/** What the platform asks: it hears that it came. */
function answerAsked({ request, answer }: Asked, host: PlatformHost): void {
  const { method, body } = request;
  const said = method === 'MESSAGE' ? readManscdp(body) : undefined;
  if (method === 'OPTIONS' || typeof said === 'object') answer({ status: 200, reason: 'OK' });
  else if (said === undefined)
    answer({ status: 405, reason: 'Method Not Allowed', headers: [['allow', 'MESSAGE, OPTIONS']] });
  else answer({ status: 400, reason: 'Bad Request' });
  if (typeof said === 'string') host.discarded(said);
  else if (said === undefined && method !== 'OPTIONS')
    host.discarded('a SIP request that is not answered here', method);
  else if (said !== undefined && !isExpected(said))
    host.discarded('a question or an order that is not carried out here', said.command);
}

/** That an alarm was stored is good to know, and nothing waits for it. */
const isExpected = ({ root, command }: Manscdp) =>
  root === 'Response' && (command === 'Alarm' || command === 'Keepalive');

/** The event, where it can be read. */
function eventOf(body: string): (AlarmEvent & { readonly sequence?: unknown }) | undefined {
  try {
    const event = JSON.parse(body) as AlarmEvent;
    return typeof event.data?.device?.id === 'string' ? event : undefined;
  } catch {
    return undefined;
  }
}

interface Sending {
  readonly own: Options;
  readonly host: PlatformHost;
  /** The 20 digits of an alarm input. */
  readonly ids: (name: string) => Promise<string>;
  readonly message: Registration['message'];
}

/** Ids of alarm inputs: made once, and kept. Where the disk does not give one, it is the gateway's own: the alarm goes. */
function alarmInputs({ deviceId }: Options, host: PlatformHost): Sending['ids'] {
  const known = new Map<string, string>();
  return async (name) => {
    let id = known.get(name);
    if (id !== undefined) return id;
    const [serial] = await host.numbers(ALARM_INPUT, [name]).catch(() => []);
    if (serial === undefined) return deviceId;
    id = `${deviceId.slice(0, 10)}${ALARM_INPUT}${deviceId[13]}${String(serial).padStart(6, '0')}`;
    known.set(name, id);
    return id;
  };
}

const hashOf = (id: string) => createHash('sha256').update(id).digest().readUInt32BE(0);

async function sendAlarm({ body }: Outgoing, { own, host, ids, message }: Sending): Promise<Answer> {
  const event = eventOf(body);
  if (event === undefined) return { is: 'refused', reason: 'an event that cannot be read' };
  const device = await ids(inputOf(event));
  // One that is not on disk has no number yet.
  const sn = Number(event.sequence) % SN_MAX || hashOf(event.id) % SN_MAX || 1;
  const fields = alarmNotify(event, { device, sn, timeZone: host.timeZone, withId: own.eventId });
  if (fields === undefined) return { is: 'taken' };
  const { status, reason } = await message(writeManscdp('Notify', fields));
  if (status < 300) return { is: 'taken' };
  return { is: refusals[status] ?? 'refused', reason: `${status} ${reason}`.trim(), code: status };
}

async function open(own: Options, host: PlatformHost): Promise<Channel> {
  if (host.aside === true)
    throw new Error(
      'a platform of GB/T 28181 knows one gateway at one SIP port: nothing can be sent beside it',
    );
  const place = await placeOf(own);
  const { endpoint, leave } = await usePort(own.port, host.clock, (reason) => host.discarded(reason));
  const remove = endpoint.add({
    isFrom: (address, request) => address === place.address && isForUs(request, own),
    asked: (asked) => answerAsked(asked, host),
    discarded: host.discarded,
  });
  const identity = identities.get(own) ?? newIdentity();
  identities.set(own, identity);
  const over = async () => {
    remove();
    await leave();
  };
  let sn = 0;
  let registration: Registration;
  try {
    const { host: name, port } = own.advertise ?? { host: await ownAddress(place), port: endpoint.port };
    registration = await register({
      ...{ endpoint, place, identity, time: host.clock, device: own.deviceId },
      platform: { id: own.serverId, domain: domainOf(own) },
      credentials: { username: own.username ?? own.deviceId, password: own.password ?? '' },
      sentBy: `${name}:${port}`,
      expiresSeconds: Math.round(own.registerFor / 1000),
      keepaliveMs: own.keepalive,
      version: own.version === '2022' ? '3.0' : undefined,
      keepalive: () =>
        writeManscdp('Notify', [
          ['CmdType', 'Keepalive'],
          ['SN', ++sn],
          ['DeviceID', own.deviceId],
          ['Status', 'OK'],
        ]),
    });
  } catch (error) {
    await over();
    throw error;
  }
  const ids = alarmInputs(own, host);
  const ended = registration.ended.then(async (error) => {
    await over();
    return error;
  });
  return {
    about: { sip: place.transport, version: own.version },
    limits: { window: 1, bytes: () => EVENT_MAX },
    address: ({ device }) => device,
    send(event, done) {
      sendAlarm(event, { own, host, ids, message: registration.message }).then(done, (error: Error) =>
        done({ is: 'busy', reason: error.message }),
      );
    },
    ended,
    async close(timeoutMs, goodbye) {
      await registration.close(timeoutMs, goodbye);
      await ended;
    },
  };
}

export const gb28181 = defineTransport({
  name: 'gb28181',
  title: { en: 'GB/T 28181 (alarms)', zh: 'GB/T 28181（报警）' },
  options,
  problems: problemsOf,
  where: ({ server, transport }) => `sip:${server.host}:${server.port};transport=${transport}`,
  open,
});
