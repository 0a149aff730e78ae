/**
 * A connection to one of the addresses of a platform: in turn, the last good one first; MQTT 5, or 3.1.1 with a broker that
 * speaks no other. What is learned of them is kept for the connections that follow.
 */
import { createHash } from 'node:crypto';
import type { PlatformHost } from '../../contract/transport.ts';
import { ConnectError, type Connection, openConnection } from './connection.ts';
import { type Options, urlsOf } from './options.ts';
import { nameOf, type Place, placesOf } from './places.ts';
import { needsOtherId, noOtherId } from './subscribing.ts';
import type { TlsMaterial } from './tls.ts';

/** One that closed at MQTT 5 without a word and took 3.1.1 may be another one behind the same address, later. */
const SILENT_NO_5_MS = 3_600_000;

/** Of so many rounds without an answer at an address that never took MQTT 5, the last is tried with 3.1.1. */
const ROUNDS_TO_4 = 4;

/**
 * A node that comes back takes connections long before it takes us, and where there are others they are asked meanwhile. On
 * a slow line all of them are late: so each second round has the usual patience.
 */
const IMPATIENT_MS = 4000;

/**
 * What a broker has in all that was reached, after a round in which one was reached and did not answer, and after two. By
 * rounds: of the nodes of a cluster some may be frozen and the next one well. One at which a whole city arrives at once
 * answers late, and has the same work with who gave up: where all give up early it never comes to an end (RabbitMQ 3.10,
 * which removes the queues of lost connections one after the other).
 */
const PATIENT_MS = [15_000, 30_000] as const;

/** What is known of a platform, by the options that name it. */
interface Known {
  /** By its name, as the others here. */
  good: string | undefined;
  /** To how many places the addresses led. */
  places: number;
  /** What the names in them led to. */
  readonly resolved: Map<string, readonly string[]>;
  /** Rounds through all addresses in vain, since one was good. */
  rounds: number;
  /** Rounds in which one was reached and did not answer, since one was good. */
  unanswered: number;
  /** Addresses that speak no MQTT 5, until when, `elapsed`. */
  readonly no5: Map<string, number>;
  /** Addresses that took us with MQTT 5 once. */
  readonly did5: Set<string>;
}
const newlyKnown = (): Known => ({
  ...{ good: undefined, places: 0, rounds: 0, unanswered: 0 },
  ...{ resolved: new Map(), no5: new Map(), did5: new Set() },
});
const knownOf = new WeakMap<Options, Known>();

/** @param presence what is shown, with its topic, when we are gone without a word. */
export async function connectToBroker(
  own: Options,
  tls: TlsMaterial | undefined,
  host: PlatformHost,
  presence: { readonly topic: string; readonly payload: string },
): Promise<Connection> {
  const known = knownOf.get(own) ?? newlyKnown();
  knownOf.set(own, known);
  const isOther = host.aside !== true && needsOtherId(host);
  const clientId = `${own.clientId ?? `${host.campus}-${host.uplink}`}${isOther ? '-2' : ''}`;
  // Of a proxy's names we know nothing.
  const places =
    own.proxy === undefined
      ? await placesOf(urlsOf(own), known.resolved, host.clock)
      : urlsOf(own).map((url) => ({ url }));
  known.places = places.length;
  const isImpatient = places.length > 1 && known.rounds % 2 === 0;
  const wanted = {
    tls,
    proxy: own.proxy,
    // A broker closes the elder of two connections with one client id.
    clientId: host.aside === true ? `${clientId}-aside` : clientId,
    username: own.username,
    password: own.password,
    keepalive: Math.max(1, Math.round(own.keepalive / 1000)),
    ...(host.aside !== true && { will: presence }),
    ...(isImpatient && { patienceMs: IMPATIENT_MS }),
  };
  const open = (place: Place) => {
    const answerMs = PATIENT_MS[Math.min(PATIENT_MS.length, known.unanswered) - 1];
    return openAs(own, known, host, nameOf(place), (version) =>
      openConnection({ ...wanted, ...place, answerMs }, version, host.signal, host.clock),
    );
  };
  const names = places.map(nameOf);
  // Campuses of one config are not all at one node: each begins where its name says.
  const isGoodThere = known.good !== undefined && names.includes(known.good);
  const begin = isGoodThere ? names.indexOf(known.good as string) : placeOf(clientId, names.length);
  const failures: string[] = [];
  let isUnanswered = false;
  for (const place of [...places.slice(begin), ...places.slice(0, begin)]) {
    const name = nameOf(place);
    try {
      const connection = await open(place);
      known.good = name;
      known.rounds = 0;
      known.unanswered = 0;
      // One that lets us in and then does nothing is not the one to begin with.
      if (host.aside !== true)
        void connection.ended.then(() => {
          const next = names[(names.indexOf(name) + 1) % names.length];
          if (!connection.wasOfUse() && known.good === name) known.good = next;
        });
      return connection;
    } catch (error) {
      isUnanswered ||= error instanceof ConnectError && error.isUnanswered;
      if (host.signal.aborted || places.length === 1) {
        if (isUnanswered) known.unanswered++;
        if (isOther) noOtherId(host);
        throw error;
      }
      failures.push(`${name}: ${(error as Error).message}`);
    }
  }
  known.rounds++;
  if (isUnanswered) known.unanswered++;
  if (isOther) noOtherId(host);
  throw new Error(failures.join('; '));
}

/** To how many places the addresses of a platform lead, as far as is known. */
export const placesKnown = (own: Options): number =>
  Math.max(urlsOf(own).length, knownOf.get(own)?.places ?? 0);

/** Below `count`; the same for the same name. */
const placeOf = (name: string, count: number) =>
  createHash('sha256').update(name).digest().readUInt32BE() % count;

/** In the version that the broker speaks. */
async function openAs(
  { mqttVersion = 'auto' }: Options,
  { no5, did5, unanswered }: Known,
  { clock, signal, log, uplink }: PlatformHost,
  place: string,
  open: (version: 5 | 4) => Promise<Connection>,
): Promise<Connection> {
  if (mqttVersion === '3.1.1' || (no5.get(place) ?? 0) > clock.elapsed()) return await open(4);
  // One that hears MQTT 5 and does nothing at all, not even close: late, as a rule, and with some it is the version.
  if (mqttVersion === 'auto' && !did5.has(place) && unanswered % ROUNDS_TO_4 === ROUNDS_TO_4 - 1) {
    const connection = await open(4);
    no5.set(place, clock.elapsed() + SILENT_NO_5_MS);
    return connection;
  }
  try {
    const connection = await open(5);
    did5.add(place);
    return connection;
  } catch (error) {
    const refused = error instanceof ConnectError ? error.protocolRefused : undefined;
    if (refused === undefined || mqttVersion !== 'auto' || signal.aborted) throw error;
    log.info({ uplink, url: place }, 'the broker speaks no MQTT 5; trying 3.1.1');
    if (refused === 'said') no5.set(place, Number.POSITIVE_INFINITY);
    const connection = await open(4);
    // Silence may have been of the moment, had it not taken this.
    if (refused === 'silent') no5.set(place, clock.elapsed() + SILENT_NO_5_MS);
    return connection;
  }
}
