/**
 * A lane of one uplink over one channel: what was read of the journal, what is on its way, and the cursor behind what
 * is dealt with. Plain data, and the functions that move it; delivery.ts says when.
 */
import type { EventType } from '../../config/catalogue/events.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Lane } from '../../drivers/contract/lane.ts';
import type { Outgoing } from '../../drivers/contract/transport.ts';
import type { Entry, Journal, Position } from '../journal/index.ts';
import type { Holds } from './holds.ts';
import type { Reach } from './reach.ts';

/** An event on its way. */
export interface Flight {
  readonly entry: Entry;
  /** The one sent before it in this lane, its `previous`. */
  readonly previous: number;
  /** Of the lane when it was sent: an answer to an older one moves nothing. */
  readonly generation: number;
  /** `elapsed()`. */
  readonly sentAt: number;
  done: boolean;
}

export interface LaneState {
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
  /** The last that needs not be sent: not wanted, or its address is held. */
  passed: number;
  /** In the order they were sent. */
  flights: Flight[];
  /** Of those not answered, the characters of their bodies. */
  flyingSize: number;
  /** With receipts: what the platform's broker has and the platform has not confirmed, in order. */
  unconfirmed: number[];
  /** What the platform says it has and only an earlier process can have sent: counts once it was sent again; 0: none. */
  claimed: number;
  /** When the platform last confirmed something, or the first of `unconfirmed` came; `elapsed()`. */
  confirmedAt: number;
  receiptTimeoutMs: number;
  /** While it pauses. */
  pausing: Timer | undefined;
  /** Nothing more is sent of it. */
  closed: boolean;
  /** The length of its last pause; 0 once something was taken since. */
  pauseMs: number;
  /** How often in a row the same event was refused. */
  strikes: { sequence: number; count: number };
}

/** What the functions here need of their uplink. */
export interface LaneContext {
  readonly uplink: string;
  readonly journal: Journal;
  readonly wants: (type: EventType) => boolean;
  readonly address: (event: Pick<Outgoing, 'type' | 'device'>) => string;
  /** Events of a lane on their way at once, as the platform asks; undefined: as the window. */
  readonly atOnce?: number | undefined;
  readonly holds: Holds;
  readonly reach: Reach;
  readonly receipts: boolean;
  readonly receiptTimeoutMs: number;
  readonly time: Clock;
}

/** A read takes the journal's thread from appends: an alarm waits for one of them at most. */
const READ_AHEAD = 128;
/** Before it is tried again to read what could not be read. */
const READ_AGAIN_MS = 1000;
/** Events of a lane that are taken and not confirmed. */
const RECEIPT_WINDOW = 1024;
const RECEIPT_TIMEOUT_MAX_MS = 600_000;
/** Pieces of pictures on their way: an alarm stands behind them in the socket, a second at 1 Mbit/s. */
const BULK_WINDOW = 2;
/** Normal events on their way, characters: as long as an alarm may stand behind them, half a second at 1 Mbit/s. */
const NORMAL_SIZE = 65_536;

const fromCursor = (lane: Lane, { journal, uplink }: LaneContext) => {
  const { sequence, sent } = journal.position(uplink, lane);
  return {
    queue: [],
    next: 0,
    read: sequence,
    more: true,
    sent,
    passed: sequence,
    flights: [],
    flyingSize: 0,
    unconfirmed: [],
  };
};

export const createLane = (lane: Lane, context: LaneContext): LaneState => ({
  lane,
  generation: 0,
  reading: false,
  claimed: 0,
  confirmedAt: context.time.elapsed(),
  receiptTimeoutMs: context.receiptTimeoutMs,
  pausing: undefined,
  closed: false,
  pauseMs: 0,
  strikes: { sequence: 0, count: 0 },
  ...fromCursor(lane, context),
});

/** Back to the cursor: what was sent since is sent again. */
export function rewind(state: LaneState, context: LaneContext): void {
  state.generation++;
  Object.assign(state, fromCursor(state.lane, context));
}

export function pauseFor(state: LaneState, ms: number, time: Clock, resume: () => void): void {
  state.pausing?.stop();
  if (state.closed) return;
  state.pausing = time.after(ms, () => {
    state.pausing = undefined;
    resume();
  });
}

export function closeLane(state: LaneState): void {
  state.closed = true;
  state.pausing?.stop();
}

/** Whether one more of this lane may be on its way; the window of them all is delivery's. */
export const mayGo = (
  state: LaneState,
  { receipts, atOnce = Number.POSITIVE_INFINITY }: LaneContext,
): boolean =>
  state.pausing === undefined &&
  state.flights.length < atOnce &&
  // After a pause, one at a time until one is taken.
  (state.pauseMs === 0 || state.flights.length === 0) &&
  (state.lane !== 'bulk' || state.flights.length < BULK_WINDOW) &&
  (state.lane !== 'normal' || state.flyingSize < NORMAL_SIZE) &&
  (!receipts || state.unconfirmed.length + state.flights.length < RECEIPT_WINDOW);

/**
 * The next event of a lane to be sent; undefined: none, or still being read: then `onRead` is called. Those that the
 * uplink does not want, or whose address is held, are passed over, and the cursor with them.
 */
export function nextToSend(state: LaneState, context: LaneContext, onRead: () => void): Entry | undefined {
  const { wants, address, holds } = context;
  for (;;) {
    const entry = state.queue[state.next];
    if (entry === undefined) {
      if (!state.more || state.reading || !readOn(state, context, onRead)) return undefined;
      continue;
    }
    state.next++;
    if (wants(entry.type as EventType)) {
      // Mostly nothing is held.
      const to = holds.isEmpty() ? undefined : address(entry);
      if (to === undefined || !holds.has(to, state.lane)) return entry;
      holds.extend(to, state.lane, entry.sequence);
      state.sent = entry.sequence;
    }
    state.passed = entry.sequence;
    passOver(state, context);
  }
}

/** What needs not be sent is dealt with once all before it is. */
function passOver(state: LaneState, { journal, uplink }: LaneContext): void {
  const { lane, flights, unconfirmed, passed, sent } = state;
  if (flights.length > 0 || unconfirmed.length > 0 || passed <= journal.position(uplink, lane).sequence)
    return;
  journal.advance(uplink, lane, { sequence: passed, sent });
}

/** True: there is more in the queue now; false: nothing, or it comes later. */
function readOn(state: LaneState, { journal, time }: LaneContext, onRead: () => void): boolean {
  const { generation, read } = state;
  const got = journal.read(state.lane, read, READ_AHEAD);
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
        // Meanwhile the lane may have been rewound, or the platform have said that it has these.
        if (generation === state.generation && read === state.read) accept(entries);
      },
      // The disk fails; what is in memory goes on, and the lane tries again.
      () => pauseFor(state, READ_AGAIN_MS, time, onRead),
    )
    .finally(() => {
      state.reading = false;
      onRead();
    });
  return false;
}

/** Notes that it is sent now. */
export function beginFlight(state: LaneState, entry: Entry, { reach, time }: LaneContext): Flight {
  const sentAt = time.elapsed();
  const { generation, sent: previous } = state;
  const flight: Flight = { entry, previous, generation, sentAt, done: false };
  state.sent = entry.sequence;
  reach.noteSent(state.lane, entry.sequence);
  state.flights.push(flight);
  state.flyingSize += entry.body.length;
  return flight;
}

/** It is dealt with: taken, or held. */
export function endFlight(state: LaneState, flight: Flight): void {
  flight.done = true;
  state.flyingSize -= flight.entry.body.length;
}

/** Moves the cursor over all that is dealt with, without a gap. */
export function advanceCursor(state: LaneState, context: LaneContext): void {
  const { journal, uplink, receipts, time } = context;
  let last: Position | undefined;
  while (state.flights[0]?.done === true) {
    const { sequence } = (state.flights.shift() as Flight).entry;
    last = { sequence, sent: sequence };
    if (receipts && sequence > journal.position(uplink, state.lane).sequence) {
      if (state.unconfirmed.length === 0) state.confirmedAt = time.elapsed();
      state.unconfirmed.push(sequence);
    }
  }
  if (last === undefined) return;
  journal.mark(uplink, state.lane, 'broker', last.sequence);
  if (!receipts) journal.advance(uplink, state.lane, last);
  passOver(state, context);
}

/**
 * The platform has everything up to `sequence`: more, it may be, than this channel has sent, where a receipt was lost
 * with the one before. One that is for what only an earlier process can have sent moves nothing yet: `takeClaimed`.
 * A number between those that were sent, of another lane it may be, counts for the one below it.
 * @returns false: it was never sent that.
 */
export function confirmUpTo(state: LaneState, sequence: number, context: LaneContext): boolean {
  const { journal, uplink, reach, receiptTimeoutMs, time } = context;
  const { lane } = state;
  const from = journal.position(uplink, lane).sequence;
  if (sequence <= from) return true;
  if (sequence > reach.sent(lane)) {
    if (sequence > journal.last(lane) || !reach.mayBeOfBefore(lane, sequence)) return false;
    state.claimed = Math.max(state.claimed, sequence);
    return true;
  }
  const below = belowUnsent(state, sequence);
  if (below !== undefined) {
    confirmUpTo(state, below, context);
    return false;
  }
  state.unconfirmed = state.unconfirmed.filter((one) => one > sequence);
  // Whatever the broker has not answered yet: the platform has it.
  for (const flight of state.flights)
    if (!flight.done && flight.entry.sequence <= sequence) endFlight(state, flight);
  while (state.flights[0]?.done === true && state.flights[0].entry.sequence <= sequence)
    state.flights.shift();
  state.sent = Math.max(state.sent, sequence);
  if (state.read < sequence) {
    state.read = sequence;
    state.queue = [];
    state.next = 0;
    state.more = true;
  } else {
    while ((state.queue[state.next]?.sequence ?? Number.POSITIVE_INFINITY) <= sequence) state.next++;
  }
  state.confirmedAt = time.elapsed();
  state.receiptTimeoutMs = receiptTimeoutMs;
  journal.advance(uplink, lane, { sequence, sent: sequence });
  journal.mark(uplink, lane, 'platform', sequence);
  passOver(state, context);
  return true;
}

/**
 * The last one sent before a number that stands between those that this channel has sent, and is none of them; 0: there
 * is none. undefined: it was sent, or is past them all, where only an earlier channel knows.
 */
function belowUnsent({ unconfirmed, flights }: LaneState, sequence: number): number | undefined {
  const sent = [...unconfirmed, ...flights.map(({ entry }) => entry.sequence)];
  if ((sent.at(-1) ?? 0) < sequence || sent.includes(sequence)) return undefined;
  return sent.findLast((one) => one < sequence) ?? 0;
}

/** What the platform said it has of an earlier process counts now that this one has sent it too. @returns it; 0: none. */
export function takeClaimed(state: LaneState, { reach }: LaneContext): number {
  const { claimed, lane, flights } = state;
  const isOut = flights.some(({ done, entry }) => !done && entry.sequence <= claimed);
  if (claimed === 0 || claimed > reach.sent(lane) || isOut) return 0;
  state.claimed = 0;
  return claimed;
}

/** Without a receipt for too long: back to the cursor. @returns whether it was so. */
export function rewindUnconfirmed(state: LaneState, context: LaneContext): boolean {
  const now = context.time.elapsed();
  if (state.unconfirmed.length === 0 || now - state.confirmedAt < state.receiptTimeoutMs) return false;
  state.receiptTimeoutMs = Math.min(state.receiptTimeoutMs * 2, RECEIPT_TIMEOUT_MAX_MS);
  state.confirmedAt = now;
  rewind(state, context);
  return true;
}

/** Whether everything that was in the journal is dealt with. */
export const isDrained = (state: LaneState): boolean =>
  !state.more &&
  !state.reading &&
  state.flights.length === 0 &&
  state.unconfirmed.length === 0 &&
  state.next >= state.queue.length;
