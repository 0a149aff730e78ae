/**
 * One platform: connects, sends, and after a loss connects again and goes on from the cursor.
 *
 * Reconnects are exponential with full jitter (each delay is a random part of a window), and the window is never
 * smaller than `reconnectSpread`: when a city's broker comes back, its campuses come back one after another. A
 * campus with an alarm does not wait for that: few have one at the same moment.
 *
 * Some brokers close the connection instead of refusing an event. Connections that end without an answer, one after
 * another, make the next one careful, one event at a time; the topic at which a careful one ends is held.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ArgumentsOf, Result } from '../../config/catalogue/actions.ts';
import { classOf, type EventType } from '../../config/catalogue/events.ts';
import { wantsOf } from '../../config/catalogue/filter.ts';
import type { UplinkConfig } from '../../config/sections/uplinks.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Lane } from '../../drivers/contract/lane.ts';
import { ConnectError, type Connection, openConnection } from '../../drivers/platforms/mqtt/connection.ts';
import {
  daysUntil,
  EXPIRY_NOTICE_DAYS,
  readTls,
  type TlsMaterial,
  tlsVersion,
} from '../../drivers/platforms/mqtt/tls.ts';
import { readPublicKey } from '../commands/command.ts';
import type { Commands } from '../commands/index.ts';
import type { Journal } from '../journal/index.ts';
import { burstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Recorder, Trace } from '../road/recorder.ts';
import { backlogOf } from '../upkeep/storage.ts';
import { createHolds } from './holds.ts';
import { startIntake } from './intake.ts';
import type { Lives } from './lives.ts';
import { privacyOf } from './payload.ts';
import { offlineMessage, presenceTopic, startPresence } from './presence.ts';
import { type Publisher, startPublisher } from './publisher.ts';

/** How an uplink is, for /health. */
export interface UplinkState {
  readonly state: 'connected' | 'connecting';
  /** Why it is not connected, or what the broker refused last. */
  readonly reason?: string | undefined;
  /** How many numbers it is behind. */
  readonly backlog: number;
  /** Topics that the broker refuses, and why. */
  readonly held: readonly { readonly topic: string; readonly reason: string; readonly since: string }[];
}

export interface Uplink {
  readonly id: string;
  /** Sends a stretch of a lane once more, to the platform that asks. */
  replay(wanted: ArgumentsOf<'replay'>): Promise<Result>;
  readonly state: () => UplinkState;
  /** Tells that these lanes got events, or that there are alarms to be sent from memory. */
  wake(lanes: ReadonlySet<Lane>): void;
  /** The journal's numbers are not what they were: starts over from its cursors. */
  reset(): void;
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
  readonly lives: Lives;
  readonly commands: Commands;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly cardKey: Buffer;
  /** The content of a piece of a picture, base64. */
  readonly contentOf: (body: string) => Promise<string | undefined>;
  readonly trace?: Trace | undefined;
  /** The platform says that it has everything of a lane after `from` and up to `to`. */
  readonly received?: (uplink: string, lane: Lane, from: number, to: number) => void;
}

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 60_000;
/** A connection that held this long was a good one: the next back-off starts afresh. */
const GOOD_AFTER_MS = 30_000;
const GOODBYE_MS = 500;
const TLS_CHECK_MS = 30_000;
const DAY_MS = 86_400_000;
/** Connections that ended soon, with events on their way and no answer, before the next one is careful. */
const SUSPICIOUS_ENDS = 2;
/** Careful connections that ended at the same topic, before it is held. */
const STRIKES = 2;
/** Over which the next try is spread while this is found out: the broker is there, and events wait. */
const SUSPICION_SPREAD_MS = 3000;
/** A broker that closes because of an event does so at once. */
const SOON_MS = 10_000;

/** The connection ends by our own will: the next one needs no waiting. */
class StartOver extends Error {}

/**
 * The delay before try number `tries` (from 1): anything from nothing to the window, by `random` in [0, 1). The
 * window doubles up to a minute, from one second or from `spread`, whichever is larger.
 */
export function backoff(tries: number, spread = 0, random: () => number = Math.random): number {
  return random() * Math.min(BACKOFF_MAX_MS, Math.max(spread, BACKOFF_FIRST_MS * 2 ** Math.min(tries, 20)));
}

export function startUplink(config: UplinkConfig, context: UplinkContext): Uplink {
  const { campus, journal, recorder, lives, commands, log, metrics, devices, version, startedAt, trace } =
    context;
  const uplink = config.id;
  const prefix = config.topicPrefix ?? `campus/v1/${campus}`;
  const wants = wantsOf(config);
  const wantsAlarms = wants('alarm.raised');
  const stop = new AbortController();
  const { signal } = stop;
  const bursts = burstLog(log);
  const takenUnsaved = new Set<string>();
  const keys = config.commandKeys.map(({ issuer, publicKeyFile }) => ({
    issuer,
    key: readPublicKey(publicKeyFile),
  }));
  const strikes = new Map<string, number>();
  const countHeld = (topics: number) => metrics.held.set({ uplink }, topics);
  let holds = createHolds(uplink, journal, countHeld);
  let closing = false;
  let current:
    | { connection: Connection; publisher: Publisher; presence: ReturnType<typeof startPresence> }
    | undefined;
  let breakOff: (reason: Error) => void = () => {};
  let hurry: () => void = () => {};
  let protocol: 5 | 4 = config.protocol === '3.1.1' ? 4 : 5;
  let suspicion = 0;
  let trouble: string | undefined;

  // --- connecting ---

  const connectOnce = async (tls: TlsMaterial | undefined): Promise<Connection> => {
    const options = {
      url: config.url,
      tls,
      proxy: config.proxy,
      clientId: config.clientId ?? `${campus}-${uplink}`,
      username: config.username,
      password: config.password,
      keepalive: Math.max(1, Math.round(config.keepalive / 1000)),
      will: { topic: presenceTopic(prefix), payload: offlineMessage(campus) },
    };
    try {
      return await openConnection(options, protocol, signal);
    } catch (error) {
      const refused = error instanceof ConnectError ? error.protocolRefused : undefined;
      if (refused === undefined || config.protocol !== 'auto' || closing) throw error;
      log.info({ uplink }, 'the broker speaks no MQTT 5; trying 3.1.1');
      // Silence may have been of the moment: the next connection asks again.
      if (refused === 'said') protocol = 4;
      return await openConnection(options, 4, signal);
    }
  };

  const toldOf = new Map<string, number>();
  /** Shows when a certificate ends, and makes an event of it, once a day, in its last month. */
  const watchCertificate = (whose: 'gateway' | 'broker', ends: number | undefined) => {
    if (ends === undefined) return;
    const days = daysUntil(ends, Date.now());
    metrics.certificateDays.set({ uplink, whose }, days);
    if (days > EXPIRY_NOTICE_DAYS || Date.now() - (toldOf.get(whose) ?? 0) < DAY_MS) return;
    toldOf.set(whose, Date.now());
    const details = { uplink, whose, days, ends: new Date(ends).toISOString() };
    log.warn(details, 'a certificate ends soon; put a new one in its place');
    void recorder.recordOwn('gateway.certificate-expiring', details);
  };

  /** Until the connection ends: looks after the certificates. New files are taken up where they are good. */
  const watchTls = (connection: Connection, tls: TlsMaterial | undefined, read: string) => {
    const look = () => {
      watchCertificate('gateway', tls?.certificateEnds);
      watchCertificate('broker', connection.certificateEnds);
      if (config.tls === undefined || tlsVersion(config.tls) === read) return;
      try {
        readTls(config.tls);
        breakOff(new StartOver('its certificates were replaced'));
      } catch (error) {
        bursts.warn(
          `${uplink} tls`,
          { uplink, error: (error as Error).message },
          'new certificates cannot be used; the old ones stay',
        );
      }
    };
    look();
    const timer = setInterval(look, TLS_CHECK_MS);
    void connection.ended.then(() => clearInterval(timer));
  };

  // --- connected ---

  const serve = async (connection: Connection) => {
    const broken = Promise.withResolvers<Error>();
    breakOff = broken.resolve;
    for (const id of takenUnsaved) if (!recorder.unsaved.has(id)) takenUnsaved.delete(id);
    const publisher = startPublisher(
      connection,
      journal,
      {
        uplink,
        topicPrefix: prefix,
        wants,
        window: config.window,
        careful: suspicion >= SUSPICIOUS_ENDS,
        privacy: privacyOf(config, context.cardKey),
        contentOf: context.contentOf,
        receipts: config.receipts,
        receiptTimeout: config.receiptTimeout,
        retryNoSubscriber: config.whenNoSubscriber === 'retry',
        expiry(type) {
          const ms = config.expiry[classOf(type) as keyof typeof config.expiry];
          return ms === undefined ? undefined : Math.max(1, Math.round(ms / 1000));
        },
        holds,
        unsaved: recorder.unsaved,
        takenUnsaved,
        delivered(entry, lane) {
          metrics.delivered.inc({ uplink, lane });
          if (lane === 'urgent') lives.reached(uplink, 'broker', { id: entry.id });
          trace?.delivered?.(uplink, entry.id);
        },
        received(lane, from, to) {
          if (lane === 'urgent') lives.reached(uplink, 'platform', { upTo: to });
          context.received?.(uplink, lane, from, to);
        },
        unreadable({ lane, sequence }) {
          metrics.dropped.inc({ uplink, lane });
          log.error({ uplink, lane, sequence }, 'an event is not in the journal as it was written');
          const range = { first: sequence, last: sequence };
          void recorder.recordOwn('gateway.dropped', { uplink, lane, events: 1, ...range });
        },
        refused({ topic, code, reason, held }) {
          trouble = `${topic}: ${reason}`;
          metrics.publishRefused.inc({ uplink, code });
          bursts.warn(
            `${uplink} refused ${code}`,
            { uplink, topic, code, reason },
            held
              ? 'the broker refuses a topic; its events are kept and tried again, the others go on'
              : 'the broker takes no events for now; they are kept and tried again',
          );
        },
      },
      broken.resolve,
    );
    const presence = startPresence(
      connection,
      { recorder, lives, wantsAlarms },
      { campus, prefix, devices, version, startedAt },
    );
    current = { connection, publisher, presence };
    metrics.connected.set({ uplink }, 1);
    void startIntake(connection, {
      prefix,
      config,
      wants,
      journal,
      recorder,
      publisher,
      commands,
      keys,
      metrics,
      log,
    });
    const since = performance.now();
    const reason = await Promise.race([connection.ended, broken.promise]);
    current = undefined;
    breakOff = () => {};
    metrics.connected.set({ uplink }, 0);
    const { flights, answers: answered } = publisher.outstanding();
    publisher.stop();
    presence.stop();
    await connection.end(GOODBYE_MS);
    if (!closing) suspect(flights, answered, performance.now() - since);
    return reason;
  };

  /** Learns from how a connection ended whether an event ends connections. */
  const suspect = (
    flights: ReturnType<Publisher['outstanding']>['flights'],
    answered: number,
    lasted: number,
  ) => {
    if (lasted > SOON_MS) suspicion = 0;
    const [only] = flights;
    if (only === undefined || lasted > SOON_MS) return;
    if (answered === 0 || suspicion >= SUSPICIOUS_ENDS) suspicion++;
    if (flights.length !== 1 || suspicion <= SUSPICIOUS_ENDS) return;
    const count = (strikes.get(only.topic) ?? 0) + 1;
    strikes.set(only.topic, count);
    if (count < STRIKES) return;
    strikes.delete(only.topic);
    // Found out; the next connection comes soon all the same, and others may be like it.
    suspicion = 1;
    const reason = 'the broker closes the connection when it comes';
    holds.refuse(only.topic, only.lane, only.sequence, reason);
    log.warn(
      { uplink, topic: only.topic },
      `${reason}; its events are kept and tried again, the others go on`,
    );
  };

  const hasAlarm = () =>
    wantsAlarms &&
    (recorder.unsaved.size > 0 || journal.position(uplink, 'urgent').sequence < journal.last('urgent'));

  /** Waits before the next try; a new alarm cuts it short, once. */
  const wait = async (tries: number) => {
    const short = new AbortController();
    hurry = () => short.abort();
    const suspicious = suspicion > 0 && suspicion <= SUSPICIOUS_ENDS + STRIKES;
    const ms = suspicious
      ? Math.random() * SUSPICION_SPREAD_MS
      : backoff(tries, hasAlarm() ? 0 : config.reconnectSpread);
    await delay(ms, undefined, { signal: AbortSignal.any([signal, short.signal]) }).catch(() => {});
    hurry = () => {};
    if (short.signal.aborted) await delay(backoff(1), undefined, { signal }).catch(() => {});
  };

  const run = async () => {
    let tries = 0;
    while (!closing) {
      let again = false;
      try {
        const read = config.tls === undefined ? '' : tlsVersion(config.tls);
        const tls = config.tls === undefined ? undefined : readTls(config.tls);
        const connection = await connectOnce(tls);
        const since = performance.now();
        trouble = undefined;
        log.info(
          { uplink, url: config.url, mqtt: connection.version === 5 ? '5' : '3.1.1' },
          'connected to the platform',
        );
        const served = serve(connection);
        watchTls(connection, tls, read);
        const reason = await served;
        trouble = reason.message;
        if (performance.now() - since > GOOD_AFTER_MS) tries = 0;
        again = reason instanceof StartOver;
      } catch (error) {
        trouble = (error as Error).message;
      }
      if (closing) return;
      if (again) continue;
      tries++;
      bursts.warn(
        `${uplink} ${trouble}`,
        { uplink, url: config.url, reason: trouble },
        'no connection to the platform; events are kept on disk',
      );
      await wait(tries);
    }
  };
  metrics.connected.set({ uplink }, 0);
  const running = run();

  return {
    id: uplink,
    state: () => ({
      state: current === undefined ? 'connecting' : 'connected',
      reason: trouble,
      backlog: backlogOf(journal, uplink),
      held: holds.list().map(({ topic, reason, since }) => ({
        topic,
        reason,
        since: new Date(since).toISOString(),
      })),
    }),
    async replay({ journal: id, lane, after, upTo }) {
      if (id !== journal.id)
        return { done: false, reason: `the journal is ${journal.id}; ${id} is not here any more` };
      if (current === undefined) return { done: false, reason: 'the platform is not connected' };
      const { taken, refused } = await current.publisher.resend({
        lane,
        after,
        upTo: Math.min(upTo, journal.last(lane)),
        wants: ({ type }) => wants(type as EventType),
        inChain: wants,
      });
      const result = { events: taken };
      if (refused === undefined) return { done: true, result };
      return { done: false, reason: `the broker refuses ${refused.sequence}: ${refused.reason}`, result };
    },
    wake(lanes) {
      current?.publisher.wake(lanes);
      if (current === undefined && wantsAlarms && lanes.has('urgent')) hurry();
    },
    reset() {
      holds = createHolds(uplink, journal, countHeld);
      breakOff(new StartOver('the journal was opened anew'));
    },
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
      bursts.close();
    },
  };
}
