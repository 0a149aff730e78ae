/**
 * Alarms to a platform of GB/T 28181: registered by SIP, each as a Notify Alarm in a MESSAGE. A 200 says that it was
 * received. What the standard has no alarm for (an end, a card, a visit) is not told there and counts as taken. One is on
 * its way at a time, so that they come in their order; a second sending has the same SN, time and words. What the platform
 * asks meanwhile, from its catalogue to video, is answered by `parts`.
 */
import { createHash } from 'node:crypto';
import {
  type Answer,
  type Channel,
  type ChannelState,
  CLOCK_OFF_MS,
  defineTransport,
  LoginRefused,
  type Outgoing,
  type PlatformHost,
  type Refusal,
} from '../../contract/transport.ts';
import { type AlarmEvent, alarmNotify, alarmTypes, inputOf, rowOf } from './alarms.ts';
import { createAnswering, type Part, type Session } from './answering.ts';
import { control } from './control.ts';
import { createGate } from './gate.ts';
import { createIds, type Ids } from './ids.ts';
import { invites } from './invite.ts';
import { createListing } from './listing.ts';
import { writeManscdp } from './manscdp.ts';
import {
  clashesOf,
  namesIn,
  type Options,
  options,
  problemsOf,
  registeringOf,
  warningsOf,
} from './options.ts';
import { familyOf, placeOf, sentByOf } from './place.ts';
import { usePort } from './ports.ts';
import { probe } from './probe.ts';
import { records } from './records.ts';
import {
  clockOffsetOf,
  type Identity,
  isOfStranger,
  newIdentity,
  RedirectedError,
  RefusedError,
  type Registration,
  type RegistrationOptions,
  register,
} from './registration.ts';
import { type Request, readUri } from './sip/message.ts';

/** An alarm has some hundred bytes; the event that it is made of has no such limit. */
const EVENT_MAX = 1_000_000;
/** One that has not answered an alarm by then may be one that was started anew, and answers nobody whom it does not know. */
const SILENT_MS = 4000;
/** SN is a number of 32 bits in the platforms' own programs. */
const SN_MAX = 2 ** 31 - 1;
/** What is answered, beside alarms that are told. */
const parts: readonly ((session: Session) => Part)[] = [control, createListing, invites, records];

/** One that sends us round and round is left, and tried again later. */
const REDIRECTS_MAX = 3;

/** In the engine's words (RFC 3261, 21). */
const refusals: Readonly<Record<number, Refusal>> = {
  ...{ 403: 'forbidden', 404: 'forbidden', 405: 'forbidden', 413: 'too-large', 480: 'busy', 486: 'busy' },
  ...{ 500: 'busy', 503: 'busy', 504: 'busy', 600: 'busy' },
};

/** By the options that it belongs to: the same over all registrations of this process. */
const identities = new WeakMap<object, Identity>();

/** Of several uplinks to one address each is asked by its own 20 digits, and by those of what it has. */
function isForUs(request: Request | undefined, { deviceId, organisation }: Options, ids: Ids): boolean {
  const user = request && readUri(request.uri)?.user;
  if (user === undefined || user === deviceId || !/^\d{20}$/.test(user)) return true;
  return ids.named(user) !== undefined || organisation.some(({ id }) => id === user);
}

/** The event, where it can be read. */
function eventOf(body: string): (AlarmEvent & { readonly sequence?: unknown }) | undefined {
  try {
    const event = JSON.parse(body) as AlarmEvent;
    return typeof event.type === 'string' && typeof event.data === 'object' ? event : undefined;
  } catch {
    return undefined;
  }
}

interface Sending {
  readonly own: Options;
  readonly host: PlatformHost;
  readonly ids: Ids;
  readonly registration: Pick<Registration, 'message' | 'isKnown' | 'renew'>;
}

const hashOf = (id: string) => createHash('sha256').update(id).digest().readUInt32BE(0);

/** @returns undefined where the registration is over: it goes first once there is another. */
async function sendAlarm(
  { body }: Outgoing,
  { own, host, ids, registration }: Sending,
): Promise<Answer | undefined> {
  const event = eventOf(body);
  if (event === undefined) return { is: 'refused', reason: 'an event that cannot be read' };
  // What is of no device, as that the gateway started, has no alarm either; and no id is made for what is not told.
  if (rowOf(event) === undefined || typeof event.data.device?.id !== 'string') return { is: 'taken' };
  // Where the disk gives none, it is the gateway's own: the alarm goes.
  const device = await ids.of('alarmInput', inputOf(event)).catch(() => own.deviceId);
  // One that is not on disk has no number yet.
  const sn = Number(event.sequence) % SN_MAX || hashOf(event.id) % SN_MAX || 1;
  const fields = alarmNotify(event, { device, sn, timeZone: host.timeZone, withId: own.eventId });
  if (fields === undefined) return { is: 'taken' };
  const late = host.clock.after(SILENT_MS, registration.renew);
  const answer = registration.message(writeManscdp('Notify', fields, own.characters));
  const { status, reason } = await answer.finally(late.stop);
  if (status < 300) return { is: 'taken' };
  // Of this device, or of us: a platform that was started anew knows nobody, and the next keepalive may be a minute away.
  if (isOfStranger({ status }) && !(await registration.isKnown())) return undefined;
  return { is: refusals[status] ?? 'refused', reason: `${status} ${reason}`.trim(), code: status };
}

/** Tries of who is not let in have been reported as an attack. */
const seldom = (error: Error): Error =>
  error instanceof RefusedError && error.why !== 'other'
    ? new LoginRefused(error.message, { cause: error })
    : error;

function stateOf({ known, date }: Registration, { timeZone }: PlatformHost): ChannelState {
  const [since, until] = [known.since, known.until].map((at) => new Date(at).toISOString()) as [
    string,
    string,
  ];
  return { registered: { since, until }, clockOffsetMs: clockOffsetOf(date, timeZone) };
}

/** Tells the log of a platform whose clock and ours are apart: once a registration. */
function clockWatch({ timeZone, log }: PlatformHost): NonNullable<RegistrationOptions['dated']> {
  let isTold = false;
  return (date) => {
    const offsetMs = clockOffsetOf(date, timeZone) ?? 0;
    if (Math.abs(offsetMs) <= CLOCK_OFF_MS || isTold) return;
    isTold = true;
    log.warn(
      { platform: date.said, offsetMs },
      "the platform's clock and this machine's are more than 5 s apart: look at the time synchronisation of both; alarms bear this machine's time",
    );
  };
}

const placeNamed = ({ host, port }: Options['server']) => `${host.toLowerCase()} ${port}`;

/** Registers, where the platform sends us to, at last. */
async function open(own: Options, host: PlatformHost): Promise<Channel> {
  if (host.aside === true)
    throw new Error(
      'a platform of GB/T 28181 knows one gateway at one SIP port: nothing can be sent beside it',
    );
  const identity = identities.get(own) ?? newIdentity();
  identities.set(own, identity);
  const tried = new Set([placeNamed(own.server)]);
  for (let at = own; ; )
    try {
      return await openAt(at, host, identity);
    } catch (error) {
      if (!(error instanceof RedirectedError) || tried.size > REDIRECTS_MAX) throw error;
      const next = placeNamed(error.to);
      if (tried.has(next)) throw new LoginRefused(`${error.message}, and was there before`, { cause: error });
      tried.add(next);
      host.log.info({ to: error.to }, 'the platform sends us on to another server of it');
      at = { ...own, server: error.to };
    }
}

async function openAt(own: Options, host: PlatformHost, identity: Identity): Promise<Channel> {
  const place = await placeOf(own);
  const sentBy = await sentByOf(own, place);
  const { endpoint, leave } = await usePort(
    own.port,
    host.clock,
    (reason) => host.discarded(reason),
    familyOf(place),
  );
  const ids = createIds(own, host);
  const registered = Promise.withResolvers<Registration>();
  registered.promise.catch(() => {});
  let sn = 0;
  const nextSn = () => ++sn;
  let isRegistered = false;
  const session: Session = {
    ...{ own, host, ids, place, nextSn },
    contact: `sip:${own.deviceId}@${sentBy}`,
    message: async (body) => await (await registered.promise).message(body),
    room: async () => (await registered.promise).room,
    ask: (request, to = place) => endpoint.ask(request, to, sentBy),
  };
  const open = parts.map((part) => part(session));
  const remove = endpoint.add({
    isFrom: (address, request) => address === place.address && isForUs(request, own, ids),
    admits: createGate(own, {
      isRegistered: () => isRegistered,
      discarded: host.discarded,
      clock: host.clock,
    }),
    asked: createAnswering(open, host.discarded),
    discarded: host.discarded,
  });
  const over = async () => {
    isRegistered = false;
    remove();
    await Promise.all(open.map((part) => part.close?.()));
    await leave();
  };
  let registration: Registration;
  try {
    registration = await register({
      ...registeringOf(own),
      ...{ endpoint, place, identity, sentBy, time: host.clock, signal: host.signal },
      ...{ isAdvertised: own.advertise !== undefined, dated: clockWatch(host) },
      expiresSeconds: Math.round(own.registerFor / 1000),
      keepaliveMs: own.keepalive,
      keepalive: () =>
        writeManscdp('Notify', [
          ['CmdType', 'Keepalive'],
          ['SN', nextSn()],
          ['DeviceID', own.deviceId],
          ['Status', 'OK'],
        ]),
    });
    isRegistered = true;
    registered.resolve(registration);
  } catch (error) {
    registered.reject(error);
    await over();
    throw seldom(error as Error);
  }
  const ended = registration.ended.then(async (error) => {
    await over();
    return seldom(error);
  });
  return {
    about: { sip: place.transport, version: own.version },
    limits: { window: 1, bytes: () => EVENT_MAX },
    state: () => Object.assign(stateOf(registration, host), ...open.map((part) => part.state?.())),
    address: ({ device }) => device,
    send(event, done) {
      sendAlarm(event, { own, host, ids, registration }).then(
        (answer) => answer !== undefined && done(answer),
        (error: Error) => done({ is: 'busy', reason: error.message }),
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
  title: { en: 'GB/T 28181 (alarms and video)', zh: 'GB/T 28181（报警、视频）' },
  options,
  campusFields: ['district', 'address', 'coordinates'],
  withoutReceipts: true,
  problems: problemsOf,
  carries: () => alarmTypes,
  clashes: clashesOf,
  warnings: warningsOf,
  names: namesIn,
  signsNothing: true,
  areas: ({ guardArea: id }) =>
    id === undefined ? [] : [{ path: ['guardArea'], id, asks: ['arm', 'disarm'] }],
  watches: ({ video, sound }) => ({ audio: sound && video !== false }),
  where: ({ server, transport }) => `sip:${server.host}:${server.port};transport=${transport}`,
  open,
  probe,
});
