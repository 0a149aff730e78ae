/**
 * Sends the journal's events over one connection: urgent first, a window of them at once, the cursor behind the
 * acknowledged. It lives as long as its connection; the next one starts from the cursor again.
 */
import { createHmac } from 'node:crypto';
import type { Credential } from '../../drivers/contract.ts';
import { classOf, type Event, type EventType, type Lane, lanes } from '../event.ts';
import type { Entry, Journal, Position } from '../journal/index.ts';
import type { Connection } from './connection.ts';

export interface PublisherOptions {
  readonly uplink: string;
  readonly topicPrefix: string;
  readonly wants: (type: EventType) => boolean;
  readonly window: number;
  /** Card numbers leave as a hash under this key; undefined: as they are. */
  readonly cardKey: Buffer | undefined;
  readonly delivered: (entry: Entry, lane: Lane) => void;
}

/** CloudEvents over MQTT, structured mode (MQTT protocol binding 1.0, 3.2). */
export const EVENT_CONTENT_TYPE = 'application/cloudevents+json; charset=utf-8';

/** Of the window, kept free for urgent events: they never wait for the PUBACK of a lower lane. */
const URGENT_RESERVE = 8;
const READ_AHEAD = 512;

interface Flight {
  readonly entry: Entry;
  /** The one sent before it in this lane, its `previous`. */
  readonly previous: number;
  done: boolean;
}

interface LaneState {
  readonly lane: Lane;
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
}

export interface Publisher {
  /** Tells that these lanes got events. */
  wake(lanes: Iterable<Lane>): void;
  /** Resolves when everything that was in the journal is acknowledged. */
  drained(): Promise<void>;
  stop(): void;
}

export function startPublisher(
  connection: Connection,
  journal: Journal,
  options: PublisherOptions,
  fail: (error: Error) => void,
): Publisher {
  const { uplink, topicPrefix, wants, cardKey, delivered } = options;
  const window = Math.max(1, Math.min(options.window, connection.receiveMaximum));
  // With a window too small to share, urgent events go first all the same, only not past a full window.
  const lowerWindow = window > 2 * URGENT_RESERVE ? window - URGENT_RESERVE : window;
  const landed = new Set<LaneState>();
  let inFlight = 0;
  let stopped = false;
  let drainWaiters: (() => void)[] = [];
  const states = lanes.map((lane): LaneState => {
    const { sequence, sent } = journal.position(uplink, lane);
    return { lane, queue: [], next: 0, read: sequence, reading: false, more: true, sent, flights: [] };
  });

  const pump = () => {
    if (stopped) return;
    for (const state of states) {
      const limit = state.lane === 'urgent' ? window : lowerWindow;
      while (inFlight < limit) {
        const entry = take(state);
        if (entry === undefined) break;
        send(state, entry);
      }
    }
    if (drainWaiters.length > 0 && isDrained()) {
      for (const resolve of drainWaiters.splice(0)) resolve();
    }
  };

  /** The next wanted event of a lane, or undefined: none, or still being read. */
  const take = (state: LaneState): Entry | undefined => {
    for (;;) {
      const entry = state.queue[state.next];
      if (entry === undefined) {
        if (!state.more || state.reading || !refill(state)) return undefined;
        continue;
      }
      state.next++;
      if (wants(entry.type as EventType)) return entry;
      // Not for this platform: dealt with, once all before it is.
      if (state.flights.length === 0)
        journal.advance(uplink, state.lane, { sequence: entry.sequence, sent: state.sent });
    }
  };

  /** Reads on in a lane. True: there is more in the queue now; false: nothing, or it comes later. */
  const refill = (state: LaneState): boolean => {
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
    got.then(
      (entries) => {
        state.reading = false;
        accept(entries);
        pump();
      },
      (error: Error) => {
        state.reading = false;
        fail(error);
      },
    );
    return false;
  };

  const send = (state: LaneState, entry: Entry) => {
    const flight: Flight = { entry, previous: state.sent, done: false };
    state.sent = entry.sequence;
    state.flights.push(flight);
    inFlight++;
    const topic = `${topicPrefix}/event/${classOf(entry.type as EventType)}/${entry.device}`;
    const payload = payloadOf(entry, flight.previous, cardKey);
    connection.publish({ topic, payload, qos: 1, contentType: EVENT_CONTENT_TYPE }, (error) => {
      if (stopped) return;
      if (error !== undefined) return fail(error);
      inFlight--;
      flight.done = true;
      delivered(entry, state.lane);
      // PUBACKs come many to a packet: one look at the lanes for all of them, one write for what follows.
      if (landed.size === 0) setImmediate(settle);
      landed.add(state);
    });
  };

  const settle = () => {
    if (stopped) return;
    for (const state of landed) land(state);
    landed.clear();
    pump();
  };

  /** Moves the cursor over all that is acknowledged without a gap. */
  const land = (state: LaneState) => {
    let last: Position | undefined;
    while (state.flights[0]?.done === true) {
      const { sequence } = (state.flights.shift() as Flight).entry;
      last = { sequence, sent: sequence };
    }
    if (last !== undefined) journal.advance(uplink, state.lane, last);
  };

  const isDrained = () =>
    states.every(
      (state) =>
        !state.more && !state.reading && state.flights.length === 0 && state.next >= state.queue.length,
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
    drained: () =>
      new Promise((resolve) => {
        drainWaiters.push(resolve);
        pump();
      }),
    stop() {
      stopped = true;
      drainWaiters = [];
    },
  };
}

/** The event as sent: the journal's JSON with `sequence` and `previous`, card numbers hashed. */
function payloadOf(entry: Entry, previous: number, cardKey: Buffer | undefined): string {
  const body =
    cardKey !== undefined && entry.type.startsWith('access.') ? hideCard(entry.body, cardKey) : entry.body;
  // The body is our own JSON object: two more members fit before its last brace.
  return `${body.slice(0, -1)},"sequence":"${entry.sequence}","previous":"${previous}"}`;
}

function hideCard(body: string, cardKey: Buffer): string {
  const event = JSON.parse(body) as Event;
  const credential = event.data['credential'] as Credential | undefined;
  // Doors have access events too, and no card.
  if (credential === undefined) return body;
  const { number, facility, ...rest } = credential;
  const hash = createHmac('sha256', cardKey)
    .update(`${facility ?? ''}/${number}`)
    .digest('base64url');
  return JSON.stringify({ ...event, data: { ...event.data, credential: { ...rest, hash } } });
}
