/**
 * How topics of a platform are subscribed to, over the connections of an uplink: events never wait for it. A node of a
 * cluster closes the connection at a SUBSCRIBE whose queue is on a node that is away (rabbitmq-server#4254), and so do
 * brokers at one that they deny; others answer 0x80 while they elect a leader (NATS).
 *
 * Where a connection ends at a SUBSCRIBE, the next one comes at once and asks once more, because it may have been the network;
 * the one after it under another client id, whose queue is a new one; then the topic is left out for a while. Where it is
 * refused it is asked for again. At a broker that let us in late, as one with a whole city at its door does, it is asked
 * for at a random moment somewhat later: some read nothing more, no alarm either, until a SUBSCRIBE is done (RabbitMQ).
 */
import { type PlatformHost, StartOver } from '../../contract/transport.ts';
import { LATE_MS } from './answers.ts';
import { BrokerError, detailOf } from './checked.ts';
import { type Connection, type Incoming, SessionTakenOver } from './connection.ts';
import { matchesFilter } from './topics.ts';

/** A broker that closes because of a SUBSCRIBE does so at once; one whose cluster elects a leader, after 4 s (NATS). */
const SOON_MS = 3000;
/** Between two tries of a topic that is refused, and for how long one is left out at first and at last. */
const REFUSED_FIRST_MS = 1000;
const LEFT_OUT_FIRST_MS = 60_000;
const LEFT_OUT_MAX_MS = 600_000;
/** After a late CONNACK, SUBSCRIBEs are spread over so many times that; within a limit, because receipts are waited for. */
const SPREAD_FACTOR = 8;
const SPREAD_MAX_MS = 20_000;
/** After it the usual manner is tried again: nodes come back. */
const MANNER_MS = 600_000;

/** Under our own client id; after that, once, under another one. */
const OWN_ID_TRIES = 2;

/** What is known of an uplink, over its connections. Times are `elapsed`. */
interface Known {
  /** How many connections ended at a SUBSCRIBE, in a row. */
  step: number;
  /** When that changed. */
  since: number;
  /** The broker does not let us in under another client id. */
  isBound: boolean;
  /** Topics that are left out, until when and for how long. */
  readonly out: Map<string, { readonly until: number; readonly ms: number }>;
}
const knownOf = new WeakMap<PlatformHost, Known>();

function known(host: PlatformHost): Known {
  const found = knownOf.get(host) ?? { step: 0, since: 0, isBound: false, out: new Map() };
  knownOf.set(host, found);
  if (found.step > 0 && host.clock.elapsed() - found.since > MANNER_MS) found.step = 0;
  return found;
}

/** Whether the next connection has another client id. */
export const needsOtherId = (host: PlatformHost): boolean => known(host).step === OWN_ID_TRIES;
/** It is not let in under one. */
export function noOtherId(host: PlatformHost): void {
  const about = known(host);
  about.isBound = true;
  about.step = 0;
}

export interface Subscribing {
  /**
   * Hears a topic, when its time has come and it is not left out any more; asks again where the broker refuses. `heardLate`:
   * that took so long that something may have been said meanwhile.
   */
  hear(filter: string, take: (message: Incoming) => void, heardLate?: () => void): void;
  /** Resolves when SUBSCRIBEs have their time; undefined: at once. Never, where the connection ends first. */
  readonly spread: Promise<void> | undefined;
  /** Asks once. @throws Error where it is refused or left out for now, or the connection ends. */
  ask(filter: string, take: (message: Incoming) => void): Promise<void>;
  /** As of the connection; a StartOver, where it ended at a SUBSCRIBE. */
  readonly ended: Promise<Error>;
  /** The connection ends by our own will: that says nothing. */
  leave(): void;
}

export function createSubscribing(connection: Connection, host: PlatformHost): Subscribing {
  const { clock, log, uplink } = host;
  const about = known(host);
  const filters = new Set<string>();
  /** Asked and not answered: since when. */
  const asked = new Map<string, number>();
  let left = false;
  const leaveOut = (filter: string, why: string, given?: number) => {
    const ms = given ?? Math.min(LEFT_OUT_MAX_MS, (about.out.get(filter)?.ms ?? LEFT_OUT_FIRST_MS / 2) * 2);
    about.out.set(filter, { until: clock.elapsed() + ms, ms });
    host.notShown(filter, why);
    log.error({ uplink, filter, minutes: ms / 60_000 }, `${why}; nothing is heard on it for some minutes`);
  };
  const spreadMs =
    connection.answeredMs < LATE_MS
      ? 0
      : clock.random() * Math.min(SPREAD_MAX_MS, SPREAD_FACTOR * connection.answeredMs);
  const later = (ms: number, run: () => void) => {
    const timer = clock.after(ms, run);
    void connection.ended.then(() => timer.stop());
  };
  const spread =
    spreadMs === 0 ? undefined : new Promise<void>((resolve) => later(spreadMs, () => resolve()));
  const outMs = (filter: string) => (about.out.get(filter)?.until ?? 0) - clock.elapsed();
  const isAnyOut = () => [...about.out.keys()].some((filter) => outMs(filter) > 0);

  /** It ended at this topic. */
  const noteEnd = (filter: string): StartOver => {
    const why = 'the broker closes the connection when it is subscribed to';
    const last = about.isBound ? OWN_ID_TRIES : OWN_ID_TRIES + 1;
    // After one topic that no manner helped, the others need not be tried in each.
    if (about.step + 1 < last && !isAnyOut()) {
      about.step++;
      about.since = clock.elapsed();
      log.warn({ uplink, filter }, `${why}; it is tried in another way`);
    } else {
      about.step = 0;
      leaveOut(filter, why);
    }
    return new StartOver(`the broker closed the connection at a SUBSCRIBE of ${filter}`);
  };
  const ended = connection.ended.then((reason) => {
    if (reason instanceof BrokerError) {
      const { violation } = reason;
      host.discarded(violation.reason, detailOf(violation));
      const filter = [...filters].find((one) => matchesFilter(one, violation.topic ?? ''));
      // Where it is retained it would end each connection.
      if (filter !== undefined) leaveOut(filter, 'a message on it is larger than is taken', LEFT_OUT_MAX_MS);
      return reason;
    }
    const [first] = asked;
    if (left || host.signal.aborted || reason instanceof SessionTakenOver || first === undefined)
      return reason;
    const [filter, at] = first;
    return clock.elapsed() - at > SOON_MS ? reason : noteEnd(filter);
  });

  const ask = async (filter: string, take: (message: Incoming) => void): Promise<void> => {
    if (outMs(filter) > 0) throw new Error('it is left out for now');
    filters.add(filter);
    asked.set(filter, clock.elapsed());
    try {
      await connection.subscribe(filter, take);
    } finally {
      // What the end leaves unanswered stays: it is looked at there.
      if (!connection.isOver()) asked.delete(filter);
    }
    about.out.delete(filter);
    host.notShown(filter, undefined);
  };
  const hear = (
    filter: string,
    take: (message: Incoming) => void,
    heardLate: () => void,
    isLate: boolean,
    afterMs = REFUSED_FIRST_MS,
  ) => {
    const waitMs = outMs(filter);
    if (waitMs > 0) return later(waitMs, () => hear(filter, take, heardLate, true));
    const heard = () => {
      if (isLate) heardLate();
    };
    ask(filter, take).then(heard, (error: Error) => {
      if (connection.isOver()) return;
      host.notShown(filter, `the broker refuses the subscription: ${error.message}`);
      const about = { uplink, filter, error: error.message, againInMs: afterMs };
      if (afterMs === REFUSED_FIRST_MS)
        log.error(about, 'the broker lets nothing be heard on this topic; it is asked again');
      const nextMs = Math.min(LEFT_OUT_MAX_MS, afterMs * 2);
      later(afterMs, () => hear(filter, take, heardLate, true, nextMs));
    });
  };
  return {
    hear(filter, take, heardLate = () => {}) {
      if (spread === undefined) hear(filter, take, heardLate, false);
      else void spread.then(() => hear(filter, take, heardLate, true));
    },
    spread,
    ask,
    ended,
    leave() {
      left = true;
    },
  };
}
