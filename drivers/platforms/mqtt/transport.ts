/**
 * Events over MQTT 5, or 3.1.1 where a broker speaks no other: `{prefix}/event/{class}/{device}` and, for pieces of
 * pictures, `{prefix}/media/{device}`, QoS 1. What is goes out retained (`presence`, with a will, `campus`,
 * `state/{device}`, `identity`), how far alarms have come on `life`; what the platform says comes in on `ack`,
 * `command/{target}` and `notice/{id}`.
 */

import { campusFields } from '../../contract/campus.ts';
import {
  type Answer,
  type Channel,
  defineTransport,
  type Outgoing,
  type PlatformHost,
  type Refusal,
  StartOver,
} from '../../contract/transport.ts';
import { connectToBroker, placesKnown } from './brokers.ts';
import { showCampus } from './campus.ts';
import { clashesOf } from './clashes.ts';
import type { Connection } from './connection.ts';
import { showToHomeAssistant } from './discovering.ts';
import { hearPlatform } from './hear.ts';
import { showIdentity } from './identity.ts';
import {
  discoveryPrefixOf,
  type Options,
  options,
  problemsOf,
  type TlsOptions,
  urlsOf,
  warningsOf,
} from './options.ts';
import { keepSaying } from './presence.ts';
import { probe } from './probe.ts';
import { PACKET_OVERHEAD, type PublishAnswer, REFUSED } from './sending.ts';
import { createShowing, type Showing } from './showing.ts';
import { createSubscribing, type Subscribing } from './subscribing.ts';
import { readTls, type TlsMaterial, tlsVersion } from './tls.ts';
import { prefixOf } from './topics.ts';

/** CloudEvents over MQTT, structured mode (MQTT protocol binding 1.0, 3.2). */
const EVENT_CONTENT_TYPE = 'application/cloudevents+json; charset=utf-8';
/** A UTF-16 unit is three bytes of UTF-8 at most. */
const BYTES_A_CHARACTER = 3;
const TLS_CHECK_MS = 30_000;
const LEAVE_TIMEOUT_MS = 1000;

/** Reason codes of a PUBACK, MQTT 5, 3.4.2.1, and of a DISCONNECT, 3.14.2.1 (0x95). */
const NO_SUBSCRIBER = 0x10;
const refusals: Readonly<Record<number, Refusal>> = {
  135: 'forbidden', // 0x87
  144: 'unusable', // 0x90
  149: 'too-large', // 0x95
  151: 'busy', // 0x97
};

/** In the engine's words. */
export function answerOf(
  { code, reason }: PublishAnswer,
  whenNoSubscriber: Options['whenNoSubscriber'],
): Answer {
  if (code === NO_SUBSCRIBER && whenNoSubscriber === 'retry')
    return { is: 'busy', reason: 'nobody subscribes', code };
  if (code === -1) return { is: 'lost', reason };
  return code < REFUSED ? { is: 'taken' } : { is: refusals[code] ?? 'refused', reason, code };
}

const offline = ({ campus, contract }: PlatformHost, at?: string) =>
  JSON.stringify({ campus, state: 'offline', contract, ...(at !== undefined && { at }) });

/** What a connection was made with. */
interface UsedTls {
  readonly files: TlsOptions;
  readonly material: TlsMaterial;
  /** Of the files. */
  readonly version: string;
}
const useTls = (files: TlsOptions): UsedTls => ({
  files,
  // Before they are read: a change meanwhile is seen as one.
  version: tlsVersion(files),
  material: readTls(files),
});

/** Until the connection ends: says when certificates end, and calls back once good new ones are in their files. */
function watchTls(
  connection: Connection,
  used: UsedTls | undefined,
  host: PlatformHost,
  replaced: () => void,
) {
  const ends = [
    ['gateway', used?.material.certificateEnds],
    ['broker', connection.certificateEnds],
  ] as const;
  if (ends.every(([, endsAt]) => endsAt === undefined) && used === undefined) return;
  let known = used?.version;
  const look = () => {
    for (const [whose, endsAt] of ends) if (endsAt !== undefined) host.certificate(whose, endsAt);
    if (used === undefined) return;
    const found = tlsVersion(used.files);
    if (found === known) return;
    known = found;
    try {
      readTls(used.files);
      replaced();
    } catch (error) {
      const { message } = error as Error;
      host.log.warn(
        { uplink: host.uplink, error: message },
        'new certificates cannot be used; the old ones stay',
      );
    }
  };
  look();
  const timer = host.clock.every(TLS_CHECK_MS, look);
  void connection.ended.then(() => timer.stop());
}

function channelOver(
  connection: Connection,
  { showing, subscribing }: { readonly showing: Showing; readonly subscribing: Subscribing },
  own: Options,
  tls: UsedTls | undefined,
  host: PlatformHost,
  prefix: string,
): Channel {
  const { campus, contract, version, startedAt, devices, clock } = host;
  const startOver = Promise.withResolvers<Error>();
  const address = ({ type, device }: Pick<Outgoing, 'type' | 'device'>) =>
    type === 'media.piece'
      ? `${prefix}/media/${device}`
      : `${prefix}/event/${type.slice(0, type.indexOf('.'))}/${device}`;
  const sayGoodbye = () =>
    new Promise<void>((resolve) => {
      const late = clock.after(LEAVE_TIMEOUT_MS, resolve);
      const done = () => {
        late.stop();
        resolve();
      };
      showing.publish('presence', offline(host, new Date(clock.wall()).toISOString()), { done });
    });

  let stopSaying = () => {};
  if (host.aside !== true) {
    const there = { campus, state: 'online', contract, version, startedAt, devices };
    const sayThere = () => showing.publish('presence', JSON.stringify(there));
    stopSaying = keepSaying(sayThere, connection, clock);
    showCampus(connection, showing, host);
    watchTls(connection, tls, host, () => startOver.resolve(new StartOver('its certificates were replaced')));
    hearPlatform(connection, subscribing, own, host, prefix, sayThere);
    const root = discoveryPrefixOf(own);
    const isShown = own.homeAssistant !== false;
    if (root !== undefined)
      showToHomeAssistant(connection, { showing, subscribing }, host, { prefix, root, isShown });
  }
  return {
    about: { mqtt: connection.version === 5 ? '5' : '3.1.1' },
    limits: {
      window: connection.receiveMaximum,
      bytes: (topic) =>
        Math.max(0, connection.maximumPacketSize - PACKET_OVERHEAD - topic.length * BYTES_A_CHARACTER),
    },
    isBusy: connection.isSubscribing,
    address,
    send(event, done) {
      const { address: topic, body, lifetimeMs } = event;
      connection.publish(
        {
          topic,
          payload: body,
          qos: 1,
          alias: true,
          contentType: EVENT_CONTENT_TYPE,
          expiry: lifetimeMs === undefined ? undefined : Math.max(1, Math.round(lifetimeMs / 1000)),
        },
        (answer) => done(answerOf(answer, own.whenNoSubscriber)),
      );
    },
    show: (state) => showing.publish(`state/${state.device}`, JSON.stringify({ campus, ...state })),
    showLives: (alarms) => showing.publish('life', JSON.stringify({ campus, alarms }), { passing: true }),
    ended: Promise.race([subscribing.ended, startOver.promise]),
    async close(timeout, goodbye) {
      showing.leave();
      subscribing.leave();
      stopSaying();
      if (goodbye && host.aside !== true) await sayGoodbye();
      await connection.end(timeout);
    },
  };
}

export const mqtt = defineTransport({
  name: 'mqtt',
  title: { en: 'MQTT 5 or 3.1.1', zh: 'MQTT 5 或 3.1.1' },
  options,
  campusFields,
  problems: problemsOf,
  warnings: warningsOf,
  clashes: clashesOf,
  where: (own) => urlsOf(own).join(', '),
  addresses: placesKnown,
  probe,
  async open(own, host) {
    const prefix = prefixOf(own, host.campus);
    const tls = own.tls === undefined ? undefined : useTls(own.tls);
    // Nobody knows when a will is sent: it has no `at`.
    const presence = { topic: `${prefix}/presence`, payload: offline(host) };
    const connection = await connectToBroker(own, tls?.material, host, presence);
    const showing = createShowing(connection, host, prefix, discoveryPrefixOf(own));
    const subscribing = createSubscribing(connection, host);
    const channel = () => channelOver(connection, { showing, subscribing }, own, tls, host, prefix);
    if (host.aside === true) return channel();
    const look = () =>
      showIdentity(subscribing, `${prefix}/identity`, host, (body) => showing.publish('identity', body));
    if (subscribing.spread !== undefined) {
      // Alarms do not wait for a broker that is busy.
      const late = subscribing.spread.then(look);
      late.catch(() => {});
      return {
        ...channel(),
        showIdentity: () =>
          void late.then(
            (show) => show(),
            () => {},
          ),
      };
    }
    const show = await look();
    // What the platform says is heard from here on: before, nobody would take a receipt.
    return { ...channel(), showIdentity: show };
  },
});
