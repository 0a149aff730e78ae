/**
 * One platform: connects, sends, and after a loss connects again and goes on from the cursor.
 *
 * Reconnects are exponential with full jitter (each delay is a random part of the back-off), so that a thousand
 * campuses do not storm a broker that comes back.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { UplinkConfig } from '../../config/schema.ts';
import type { Log } from '../../drivers/contract.ts';
import { type EventType, eventTypes, type Lane } from '../event.ts';
import type { Journal } from '../journal/index.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Recorder, Trace } from '../record.ts';
import { ConnectError, type Connection, openConnection } from './connection.ts';
import { offlineMessage, presenceTopic, startPresence } from './presence.ts';
import { type Publisher, startPublisher } from './publisher.ts';

export interface Uplink {
  readonly id: string;
  readonly state: () => 'connected' | 'connecting';
  /** Tells that these lanes got events. */
  wake(lanes: ReadonlySet<Lane>): void;
  /** Waits at most `timeout` ms until all is acknowledged, says goodbye, disconnects. */
  close(timeout: number): Promise<void>;
}

export interface UplinkContext {
  readonly campus: string;
  readonly version: string;
  readonly startedAt: string;
  readonly devices: readonly string[];
  readonly journal: Journal;
  readonly recorder: Recorder;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly cardKey: Buffer;
  readonly trace?: Trace | undefined;
}

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 60_000;
/** A connection that held this long was a good one: the next back-off starts afresh. */
const GOOD_AFTER_MS = 30_000;
const GOODBYE_MS = 500;

/** The delay before try number `tries` (from 1): anything from nothing to the back-off, by `random` in [0, 1). */
export function backoff(tries: number, random: () => number = Math.random): number {
  return random() * Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(tries, 20));
}

/** `alarm.*`, `device.offline`, `*` -> whether a type is wanted. */
export function eventFilter(patterns: readonly string[]): (type: EventType) => boolean {
  const wanted = new Set(eventTypes.filter((type) => patterns.some((pattern) => matches(pattern, type))));
  return (type) => wanted.has(type);
}

export function matches(pattern: string, type: EventType): boolean {
  return (
    pattern === '*' || pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1)))
  );
}

export function startUplink(config: UplinkConfig, context: UplinkContext): Uplink {
  const { campus, journal, recorder, log, metrics, devices, version, startedAt, trace } = context;
  const uplink = config.id;
  const prefix = config.topicPrefix ?? `campus/v1/${campus}`;
  const stop = new AbortController();
  const { signal } = stop;
  let closing = false;
  let current:
    | { connection: Connection; publisher: Publisher; presence: ReturnType<typeof startPresence> }
    | undefined;
  let protocol: 5 | 4 = config.protocol === '3.1.1' ? 4 : 5;

  const connectOnce = async (): Promise<Connection> => {
    const options = {
      url: config.url,
      clientId: config.clientId ?? `${campus}-${uplink}`,
      username: config.username,
      password: config.password,
      keepalive: Math.max(1, Math.round(config.keepalive / 1000)),
      will: { topic: presenceTopic(prefix), payload: offlineMessage(campus) },
    };
    try {
      return await openConnection(options, protocol, signal);
    } catch (error) {
      if (!(error instanceof ConnectError && error.protocolRefused && config.protocol === 'auto'))
        throw error;
      log.info({ uplink }, 'the broker speaks no MQTT 5; using 3.1.1');
      protocol = 4;
      return await openConnection(options, protocol, signal);
    }
  };

  const serve = async (connection: Connection) => {
    const broken = Promise.withResolvers<Error>();
    const publisher = startPublisher(
      connection,
      journal,
      {
        uplink,
        topicPrefix: prefix,
        wants: eventFilter(config.events),
        window: config.window,
        cardKey: config.cardNumbers === 'hashed' ? context.cardKey : undefined,
        delivered(entry, lane) {
          metrics.delivered.inc({ uplink, lane });
          trace?.delivered?.(uplink, entry.id);
        },
      },
      broken.resolve,
    );
    const presence = startPresence(connection, recorder, { campus, prefix, devices, version, startedAt });
    current = { connection, publisher, presence };
    metrics.connected.set({ uplink }, 1);
    const reason = await Promise.race([connection.ended, broken.promise]);
    current = undefined;
    metrics.connected.set({ uplink }, 0);
    publisher.stop();
    presence.stop();
    await connection.end(GOODBYE_MS);
    return reason;
  };

  const run = async () => {
    let tries = 0;
    while (!closing) {
      let reason: Error;
      try {
        const connection = await connectOnce();
        const since = performance.now();
        log.info(
          { uplink, url: config.url, mqtt: connection.version === 5 ? '5' : '3.1.1' },
          'connected to the platform',
        );
        reason = await serve(connection);
        if (performance.now() - since > GOOD_AFTER_MS) tries = 0;
      } catch (error) {
        reason = error as Error;
      }
      if (closing) return;
      tries++;
      const wait = backoff(tries);
      log.warn(
        { uplink, url: config.url, reason: reason.message, retryInMs: Math.round(wait) },
        'no connection to the platform; events are kept on disk',
      );
      await delay(wait, undefined, { signal }).catch(() => {});
    }
  };
  metrics.connected.set({ uplink }, 0);
  const running = run();

  return {
    id: uplink,
    state: () => (current === undefined ? 'connecting' : 'connected'),
    wake: (lanes) => current?.publisher.wake(lanes),
    async close(timeout) {
      closing = true;
      if (current !== undefined) {
        const { publisher, presence, connection } = current;
        const patience = new AbortController();
        const late = delay(timeout, undefined, { signal: patience.signal }).catch(() => {});
        await Promise.race([publisher.drained(), connection.ended, late]);
        // A timer left behind would hold the process up after all is done.
        patience.abort();
        await presence.leave();
        await connection.end(GOODBYE_MS);
      }
      stop.abort();
      await running;
    },
  };
}
