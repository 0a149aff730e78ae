/**
 * Sends the journal's events over one connection: urgent first, a window of them at once, the cursor behind what is
 * dealt with. It lives as long as its connection; the next one starts from the cursor again.
 *
 * An event is dealt with when the broker has it (PUBACK), or, with `receipts`, when the platform says that it has it.
 * What the broker answers instead:
 *  - 0x10, nobody subscribes, under `whenNoSubscriber: retry`; 0x97, quota exceeded: the lane pauses, goes back to its
 *    cursor and feels its way forward one event at a time.
 *  - 0x87, not authorised, 0x90, topic name invalid: the topic is held (holds.ts), the lane goes on.
 *  - another refusal: as a quota, and, the third time for the same event, as a topic.
 *  - nothing for 30 s, although it is there: the connection is given up.
 * Alarms that the disk could not take (`unsaved`) go before everything, from memory.
 */

import { classOf, type EventType } from '../../config/catalogue/events.ts';
import { type Lane, lanes } from '../../drivers/contract/lane.ts';
import type { Connection, PublishAnswer } from '../../drivers/platforms/mqtt/connection.ts';
import type { Entry, Journal, Position } from '../journal/index.ts';
import type { Unsaved } from '../road/recorder.ts';
import type { Hold, Holds } from './holds.ts';
import { EVENT_CONTENT_TYPE, fitting, type Privacy, payloadOf, withContent } from './payload.ts';
import { resend, type Stretch } from './resend.ts';

export interface PublisherOptions {
  readonly uplink: string;
  readonly topicPrefix: string;
  readonly wants: (type: EventType) => boolean;
  readonly window: number;
  /** Start with one event at a time: the last connections ended without an answer. */
  readonly careful: boolean;
  readonly privacy: Privacy;
  /** The content of a piece of a picture, base64; undefined: it is not there any more. */
  readonly contentOf: (body: string) => Promise<string | undefined>;
  readonly receipts: boolean;
  /** ms. */
  readonly receiptTimeout: number;
  readonly retryNoSubscriber: boolean;
  /** Seconds that the broker may keep an event; undefined: for ever. */
  readonly expiry: (type: EventType) => number | undefined;
  readonly holds: Holds;
  /** Alarms that are not on disk. */
  readonly unsaved: ReadonlyMap<string, Unsaved>;
  /** The ids of those that this platform's broker has taken. */
  readonly takenUnsaved: Set<string>;
  /** The broker has it. */
  readonly delivered: (entry: Entry, lane: Lane) => void;
  /** The platform has everything of a lane after `from` and up to `to`. */
  readonly received: (lane: Lane, from: number, to: number) => void;
  /** An event is not in the journal as it was written; the platform goes without. */
  readonly unreadable: (place: { readonly lane: Lane; readonly sequence: number }) => void;
  /** A lane pauses, or a topic is held; said once each time it begins. */
  readonly refused: (what: { topic: string; code: number; reason: string; held: boolean }) => void;
}

/** Of the window, kept free for urgent events: they never wait for the PUBACK of a lower lane. */
const URGENT_RESERVE = 8;
/** Pieces of pictures on their way: an alarm stands behind them in the socket, a second at 1 Mbit/s. */
const BULK_WINDOW = 2;
/** A read takes the journal's thread from appends: an alarm waits for one of them at most. */
const READ_AHEAD = 128;
/** Events of a lane that the broker has and the platform has not confirmed. */
const RECEIPT_WINDOW = 1024;
const RECEIPT_TIMEOUT_MAX_MS = 600_000;
const PAUSE_FIRST_MS = 1000;
/** An alarm feels for a way at least this often. */
const PAUSE_MAX_MS = { urgent: 5000, normal: 60_000, bulk: 60_000 };
const STRIKES = 3;
const ANSWER_TIMEOUT_MS = 30_000;
const CHECK_MS = 1000;
/** After so many answers a careful publisher trusts the connection. */
const CAREFUL_ANSWERS = 20;
/** Fixed header, topic length, packet id, properties with an alias and an expiry; generously. */
const PACKET_OVERHEAD = 128;

/** Reason codes, MQTT 5, 3.4.2.1. */
const NO_SUBSCRIBER = 0x10;
const REFUSED = 0x80;
const NOT_AUTHORISED = 0x87;
const TOPIC_INVALID = 0x90;
const TOO_LARGE = 0x95;

interface Flight {
  readonly entry: Entry;
  /** The one sent before it in this lane, its `previous`. */
  readonly previous: number;
  readonly topic: string;
  /** Of the lane when it was sent: an answer to an older one moves nothing. */
  readonly generation: number;
  done: boolean;
}

interface LaneState {
  readonly lane: Lane;
  generation: number;
  /** Read from the journal, not yet sent. */
  queue: readonly Entry[];
  next: number;
  /** The last sequence that was read. */
  read: number;
  reading: boolean;
  /** Whether the journal may have more than was read. */
  more: boolean;
  /** The last sequence that was sent. */
  sent: number;
  /** In the order they were sent. */
  flights: Flight[];
  /** With receipts: what the broker has and the platform has not confirmed, in order. */
  unconfirmed: number[];
  /** When the platform last confirmed something, or the first of `unconfirmed` came; `performance.now()`. */
  confirmedAt: number;
  receiptTimeout: number;
  /** `performance.now()`; 0: it does not pause. */
  pausedUntil: number;
  /** The length of its last pause, ms; 0 once something was taken since. */
  pause: number;
  strikes: { sequence: number; count: number };
  /** Waiting to be sent once more. */
  again: { entry: Entry; previous: number; resolve: (answer: PublishAnswer) => void }[];
}

export interface Publisher {
  /** Tells that these lanes got events, or that there are unsaved ones. */
  wake(lanes: Iterable<Lane>): void;
  /** The platform has everything of a lane up to a sequence. False: it cannot have. */
  confirm(lane: Lane, sequence: number): boolean;
  /** Sends a stretch once more. */
  resend(stretch: Stretch): ReturnType<typeof resend>;
  /** The topics and numbers of what was sent and not answered, and how many answers there were. */
  outstanding(): {
    readonly flights: readonly { topic: string; lane: Lane; sequence: number }[];
    readonly answers: number;
  };
  /** Resolves when everything that was in the journal is dealt with. */
  drained(): Promise<void>;
  stop(): void;
}

export function startPublisher(
  connection: Connection,
  journal: Journal,
  options: PublisherOptions,
  fail: (error: Error) => void,
): Publisher {
  const { uplink, topicPrefix, wants, privacy, receipts, holds, unsaved, takenUnsaved } = options;
  const fullWindow = Math.max(1, Math.min(options.window, connection.receiveMaximum));
  const largest = connection.maximumPacketSize - PACKET_OVERHEAD;
  const landed = new Set<LaneState>();
  const flyingUnsaved = new Set<string>();
  let window = options.careful ? 1 : fullWindow;
  let inFlight = 0;
  let answers = 0;
  let answeredAt = performance.now();
  let stopped = false;
  let drainWaiters: (() => void)[] = [];
  let pauseTimer: NodeJS.Timeout | undefined;
  let holdTimer: NodeJS.Timeout | undefined;
  /** Sent once more and not answered, for `outstanding`. */
  const repeated = new Set<{
    readonly topic: string;
    readonly lane: Lane;
    readonly sequence: number;
    readonly resolve: (answer: PublishAnswer) => void;
  }>();

  const fresh = (lane: Lane) => {
    const { sequence, sent } = journal.position(uplink, lane);
    return { queue: [], next: 0, read: sequence, more: true, sent, flights: [], unconfirmed: [] };
  };
  const states = lanes.map(
    (lane): LaneState => ({
      lane,
      generation: 0,
      reading: false,
      confirmedAt: performance.now(),
      receiptTimeout: options.receiptTimeout,
      pausedUntil: 0,
      pause: 0,
      strikes: { sequence: 0, count: 0 },
      again: [],
      ...fresh(lane),
    }),
  );
  /** Back to the cursor: what was sent since is sent again. */
  const rewind = (state: LaneState) => {
    state.generation++;
    Object.assign(state, fresh(state.lane));
  };

  // --- out ---

  const pump = () => {
    if (stopped) return;
    for (const one of unsaved.values()) {
      if (inFlight >= window) break;
      if (!takenUnsaved.has(one.id) && !flyingUnsaved.has(one.id) && wants(one.type)) sendUnsaved(one);
    }
    for (const state of states) {
      // With a window too small to share, urgent events go first all the same, only not past a full window.
      const limit =
        state.lane === 'urgent' || window <= 2 * URGENT_RESERVE ? window : window - URGENT_RESERVE;
      // A live alarm goes before an old one; of the other lanes, what was asked for goes before a backlog.
      if (state.lane !== 'urgent') sendAgain(state, limit);
      while (inFlight < limit && mayGo(state)) {
        const entry = take(state);
        if (entry === undefined) break;
        send(state, entry);
      }
      if (state.lane === 'urgent') sendAgain(state, limit);
    }
    tryHeld();
    if (drainWaiters.length > 0 && isDrained()) {
      for (const resolve of drainWaiters.splice(0)) resolve();
    }
  };

  const mayGo = (state: LaneState) =>
    state.pausedUntil === 0 &&
    // After a pause, one at a time until one is taken.
    (state.pause === 0 || state.flights.length === 0) &&
    (state.lane !== 'bulk' || state.flights.length < BULK_WINDOW) &&
    (!receipts || state.unconfirmed.length + state.flights.length < RECEIPT_WINDOW);

  /** The next event of a lane to be sent, or undefined: none, or still being read. */
  const take = (state: LaneState): Entry | undefined => {
    for (;;) {
      const entry = state.queue[state.next];
      if (entry === undefined) {
        if (!state.more || state.reading || !refill(state)) return undefined;
        continue;
      }
      state.next++;
      const type = entry.type as EventType;
      const wanted = wants(type);
      const topic = topicOf(entry);
      if (wanted && !holds.has(topic)) return entry;
      if (wanted) {
        holds.extend(topic, entry.sequence);
        state.sent = entry.sequence;
      }
      // Not to be sent: dealt with, once all before it is.
      if (state.flights.length === 0 && state.unconfirmed.length === 0)
        journal.advance(uplink, state.lane, { sequence: entry.sequence, sent: state.sent });
    }
  };

  /** Reads on in a lane. True: there is more in the queue now; false: nothing, or it comes later. */
  const refill = (state: LaneState): boolean => {
    const { generation } = state;
    const got = journal.read(state.lane, state.read, READ_AHEAD);
    const accept = (entries: readonly Entry[]) => {
      state.queue = entries;
      state.next = 0;
      state.read = entries.at(-1)?.sequence ?? state.read;
      state.more = entries.length > 0;
      return entries.length > 0;
    };
    if (!(got instanceof Promise)) return accept(got);
    state.reading = true;
    got
      .then(
        (entries) => {
          if (generation === state.generation) accept(entries);
        },
        // The disk fails; what is in memory goes on, and the lane tries again.
        () => pauseFor(state, PAUSE_FIRST_MS),
      )
      .finally(() => {
        state.reading = false;
        pump();
      });
    return false;
  };

  const topicOf = ({ type, device }: { readonly type: string; readonly device: string }) =>
    type === 'media.piece'
      ? `${topicPrefix}/media/${device}`
      : `${topicPrefix}/event/${classOf(type as EventType)}/${device}`;
  /** Pieces of pictures are read from the disk one after another, so that they stay in order. */
  let pieces: Promise<void> = Promise.resolve();

  /** Publishes; calls back with the broker's answer, or with TOO_LARGE without asking. */
  const publish: typeof publishNow = (event, place, done) => {
    if (event.type !== 'media.piece') return publishNow(event, place, done);
    pieces = pieces.then(async () => {
      const content = await options.contentOf(event.body);
      if (stopped) return;
      publishNow({ ...event, body: withContent(event.body, content) }, place, done);
    });
  };
  const publishNow = (
    event: { readonly type: string; readonly device: string; readonly body: string },
    place: { readonly sequence: number; readonly previous: number; readonly lane: Lane },
    done: (answer: PublishAnswer) => void,
  ) => {
    const topic = topicOf(event);
    const whole = payloadOf(event, { ...place, journal: journal.id }, privacy);
    if (whole === undefined) {
      options.unreadable(place);
      setImmediate(() => !stopped && done({ code: 0, reason: '' }));
      return;
    }
    const payload = fitting(whole, largest - topic.length * 3);
    if (payload === undefined) {
      const reason = `larger than the broker's maximum packet size of ${connection.maximumPacketSize} bytes`;
      setImmediate(() => !stopped && done({ code: TOO_LARGE, reason }));
      return;
    }
    const expiry = options.expiry(event.type as EventType);
    connection.publish({ topic, payload, qos: 1, contentType: EVENT_CONTENT_TYPE, expiry }, (answer) => {
      if (stopped) return;
      // The connection is gone; who holds it says so too.
      if (answer.code === -1) return fail(new Error(answer.reason));
      answers++;
      answeredAt = performance.now();
      if (answers === CAREFUL_ANSWERS) window = fullWindow;
      done(answer);
    });
  };

  const send = (state: LaneState, entry: Entry) => {
    const { generation, lane } = state;
    const flight: Flight = { entry, previous: state.sent, topic: topicOf(entry), generation, done: false };
    state.sent = entry.sequence;
    state.flights.push(flight);
    if (inFlight++ === 0) answeredAt = performance.now();
    publish(entry, { sequence: entry.sequence, previous: flight.previous, lane }, (answer) => {
      inFlight--;
      arrived(state, flight, answer);
      // PUBACKs come many to a packet: one look at the lanes for all of them, one write for what follows.
      if (landed.size === 0) setImmediate(settle);
      landed.add(state);
    });
  };

  const sendUnsaved = (one: Unsaved) => {
    flyingUnsaved.add(one.id);
    if (inFlight++ === 0) answeredAt = performance.now();
    // No number yet: it comes again with one when the disk takes it.
    publish(one, { sequence: 0, previous: 0, lane: 'urgent' }, ({ code, reason }) => {
      inFlight--;
      flyingUnsaved.delete(one.id);
      takenUnsaved.add(one.id);
      if (code >= REFUSED) options.refused({ topic: topicOf(one), code, reason, held: false });
      pump();
    });
  };

  const sendAgain = (state: LaneState, limit: number) => {
    while (inFlight < limit) {
      const one = state.again.shift();
      if (one === undefined) return;
      const { entry, previous, resolve } = one;
      const note = { topic: topicOf(entry), lane: state.lane, sequence: entry.sequence, resolve };
      repeated.add(note);
      if (inFlight++ === 0) answeredAt = performance.now();
      publish(entry, { sequence: entry.sequence, previous, lane: state.lane }, (answer) => {
        inFlight--;
        repeated.delete(note);
        resolve(answer);
        setImmediate(pump);
      });
    }
  };

  const resendStretch = (stretch: Stretch) =>
    resend(
      journal,
      stretch,
      (entry, previous) =>
        new Promise((resolve) => {
          states[lanes.indexOf(stretch.lane)]?.again.push({ entry, previous, resolve });
          pump();
        }),
    );

  // --- what comes back ---

  const arrived = (state: LaneState, flight: Flight, { code, reason }: PublishAnswer) => {
    const { entry, topic } = flight;
    if (flight.generation !== state.generation) return;
    const unheard = code === NO_SUBSCRIBER && options.retryNoSubscriber;
    if (code < REFUSED && !unheard) {
      flight.done = true;
      state.pause = 0;
      options.delivered(entry, state.lane);
      return;
    }
    if (code === NOT_AUTHORISED || code === TOPIC_INVALID || code === TOO_LARGE)
      return hold(state, flight, code, reason);
    if (!unheard) {
      const count = state.strikes.sequence === entry.sequence ? state.strikes.count + 1 : 1;
      state.strikes = { sequence: entry.sequence, count };
      if (count >= STRIKES && code !== 0x97) return hold(state, flight, code, reason);
    }
    if (state.pause === 0)
      options.refused({ topic, code, reason: unheard ? 'nobody subscribes' : reason, held: false });
    state.pause = Math.min(Math.max(PAUSE_FIRST_MS, state.pause * 2), PAUSE_MAX_MS[state.lane]);
    rewind(state);
    pauseFor(state, state.pause);
  };

  const hold = (state: LaneState, flight: Flight, code: number, reason: string) => {
    const { topic, entry } = flight;
    if (holds.refuse(topic, state.lane, entry.sequence, reason))
      options.refused({ topic, code, reason, held: true });
    // Dealt with, by the hold: both are written in one commit.
    flight.done = true;
    scheduleHeld();
  };

  const pauseFor = (state: LaneState, ms: number) => {
    state.pausedUntil = performance.now() + ms;
    schedulePauses();
  };
  const schedulePauses = () => {
    clearTimeout(pauseTimer);
    const paused = states.filter(({ pausedUntil }) => pausedUntil > 0);
    if (paused.length === 0 || stopped) return;
    const next = Math.min(...paused.map(({ pausedUntil }) => pausedUntil));
    const end = () => {
      // Whatever the clock reads: a timer that fired a little early must not leave a lane asleep.
      for (const state of paused) if (state.pausedUntil <= next) state.pausedUntil = 0;
      schedulePauses();
      pump();
    };
    pauseTimer = setTimeout(end, Math.max(1, next - performance.now()));
  };

  const settle = () => {
    if (stopped) return;
    for (const state of landed) land(state);
    landed.clear();
    pump();
  };

  /** Moves the cursor over all that is answered without a gap. */
  const land = (state: LaneState) => {
    let last: Position | undefined;
    while (state.flights[0]?.done === true) {
      const { sequence } = (state.flights.shift() as Flight).entry;
      last = { sequence, sent: sequence };
      if (receipts && sequence > journal.position(uplink, state.lane).sequence) {
        if (state.unconfirmed.length === 0) state.confirmedAt = performance.now();
        state.unconfirmed.push(sequence);
      }
    }
    if (last === undefined) return;
    journal.mark(uplink, state.lane, 'broker', last.sequence);
    if (!receipts) journal.advance(uplink, state.lane, last);
  };

  const confirm = (lane: Lane, sequence: number): boolean => {
    if (sequence > journal.last(lane)) return false;
    const from = journal.position(uplink, lane).sequence;
    if (sequence <= from) return true;
    const state = states[lanes.indexOf(lane)] as LaneState;
    // It may have more than this connection has sent: a receipt was lost with the one before.
    state.unconfirmed = state.unconfirmed.filter((one) => one > sequence);
    state.sent = Math.max(state.sent, sequence);
    if (state.read < sequence) {
      state.read = sequence;
      state.queue = [];
      state.next = 0;
      state.more = true;
    } else {
      while ((state.queue[state.next]?.sequence ?? Number.POSITIVE_INFINITY) <= sequence) state.next++;
    }
    state.confirmedAt = performance.now();
    state.receiptTimeout = options.receiptTimeout;
    journal.advance(uplink, lane, { sequence, sent: sequence });
    journal.mark(uplink, lane, 'platform', sequence);
    options.received(lane, from, sequence);
    pump();
    return true;
  };

  // --- now and then ---

  /** Tries what the broker refused; as long as it takes it, all of it, then the topic is live again. */
  const tryHeld = () => {
    const due = holds.due();
    if (due !== undefined) void release(due).catch(() => {});
    scheduleHeld();
  };
  const release = async (due: Hold) => {
    const { topic } = due.held;
    for (;;) {
      const upTo = due.held.last;
      const { refused } = await resendStretch({
        lane: due.lane,
        after: due.held.first - 1,
        upTo,
        wants: (entry) => topicOf(entry) === topic && wants(entry.type as EventType),
        inChain: wants,
        progress: (sequence) => holds.progress(due, Math.min(sequence + 1, upTo)),
      });
      if (stopped) return;
      if (refused !== undefined) {
        holds.refuse(topic, due.lane, refused.sequence, refused.reason);
        break;
      }
      // It may have grown meanwhile; between this look and the release nothing runs.
      if (due.held.last === upTo) {
        holds.release(topic);
        break;
      }
    }
    pump();
  };
  const scheduleHeld = () => {
    const next = holds.next();
    clearTimeout(holdTimer);
    if (next !== undefined && !stopped) holdTimer = setTimeout(pump, Math.max(1, next));
  };

  const check = setInterval(() => {
    const now = performance.now();
    if (inFlight > 0 && now - answeredAt > ANSWER_TIMEOUT_MS)
      return fail(new Error(`the broker has acknowledged nothing for ${ANSWER_TIMEOUT_MS / 1000} s`));
    for (const state of states) {
      if (state.unconfirmed.length === 0 || now - state.confirmedAt < state.receiptTimeout) continue;
      state.receiptTimeout = Math.min(state.receiptTimeout * 2, RECEIPT_TIMEOUT_MAX_MS);
      state.confirmedAt = now;
      rewind(state);
      pump();
    }
  }, CHECK_MS);

  const isDrained = () =>
    inFlight === 0 &&
    states.every(
      (state) =>
        !state.more &&
        !state.reading &&
        state.flights.length === 0 &&
        state.unconfirmed.length === 0 &&
        state.next >= state.queue.length,
    );

  pump();
  return {
    wake(touched) {
      for (const lane of touched) {
        const state = states[lanes.indexOf(lane)];
        if (state !== undefined) state.more = true;
      }
      pump();
    },
    confirm,
    resend: resendStretch,
    outstanding: () => ({
      answers,
      flights: [
        ...states.flatMap(({ lane, flights }) =>
          flights
            .filter(({ done }) => !done)
            .map(({ topic, entry }) => ({ topic, lane, sequence: entry.sequence })),
        ),
        ...repeated,
      ],
    }),
    drained: () =>
      new Promise((resolve) => {
        drainWaiters.push(resolve);
        pump();
      }),
    stop() {
      stopped = true;
      drainWaiters = [];
      const gone = { code: -1, reason: 'the connection ended' };
      for (const { resolve } of [...repeated, ...states.flatMap(({ again }) => again.splice(0))])
        resolve(gone);
      clearInterval(check);
      clearTimeout(pauseTimer);
      clearTimeout(holdTimer);
    },
  };
}
