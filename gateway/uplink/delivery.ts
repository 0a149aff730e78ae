/**
 * Sends the journal's events over one channel: urgent first, a window of them at once, the cursor behind what is dealt
 * with. It lives as long as its channel; the next one starts from the cursor again.
 *
 * An event is dealt with when the platform's broker has taken it, or, with `receipts`, when the platform says that it
 * has it. What comes instead:
 *  - `busy`: the lane pauses, goes back to its cursor and feels its way forward one event at a time.
 *  - `forbidden`, `unusable`: the address is held (holds.ts), the lane goes on.
 *  - `too-large`: the event alone is held.
 *  - `refused`: as `busy`, and, the third time for the same event, its address is held; where others of it are taken
 *    then, the event alone.
 *  - nothing for 30 s, or not for one of them: the channel is given up.
 * Alarms that the disk could not take (`unsaved`) go before everything, from memory.
 */
import { type Lane, lanes } from '../../drivers/contract/lane.ts';
import type { Answer, Channel, Refusal } from '../../drivers/contract/transport.ts';
import type { Entry } from '../journal/index.ts';
import type { Unsaved } from '../road/recorder.ts';
import { createRepeats, type Repeats } from './again.ts';
import type { Addressed, RefusedEvent } from './context.ts';
import { createHeldTries } from './held-tries.ts';
import {
  advanceCursor,
  beginFlight,
  closeLane,
  confirmUpTo,
  createLane,
  endFlight,
  type Flight,
  isDrained,
  type LaneContext,
  type LaneState,
  mayGo,
  nextToSend,
  pauseFor,
  rewind,
  rewindUnconfirmed,
  takeClaimed,
} from './lane.ts';
import { createSender, type SenderOptions } from './sender.ts';
import { createUnsavedSending } from './unsaved.ts';

export interface DeliveryOptions
  extends Omit<LaneContext, 'address' | 'atOnce'>,
    Omit<SenderOptions, 'journal' | 'onLost'> {
  /** Alarms that are not on disk. */
  readonly unsaved: ReadonlyMap<string, Unsaved>;
  /** The ids of those that this platform has taken. */
  readonly takenUnsaved: Set<string>;
  /** The platform's broker has it. */
  readonly onDelivered: (entry: Entry, lane: Lane) => void;
  /** The platform has everything of a lane after `from` and up to `to`. */
  readonly onReceived: (lane: Lane, from: number, to: number) => void;
  /** An event is given up: too many are refused one by one. */
  readonly onGivenUp: (place: { readonly lane: Lane; readonly sequence: number }) => void;
  /** A lane pauses, or an address is held; said once each time it begins. */
  readonly onRefused: (what: RefusedEvent) => void;
  /** The channel is of no use any more. */
  readonly onFailed: (reason: Error) => void;
}

/** What was sent and not answered. */
export interface Outstanding {
  readonly flights: readonly Addressed[];
  /** How many answers there were. */
  readonly answers: number;
}

/** How a lane goes over this channel. */
export interface LaneFlow {
  readonly lane: Lane;
  /** On their way to the platform. */
  readonly flying: number;
  /** With receipts: its broker has them, and it has not said that it has stored them. */
  readonly unconfirmed: number;
  /** It refused one; for now nothing more goes. */
  readonly pausing: boolean;
}

export interface Delivery {
  /** Tells that these lanes got events, or that there are unsaved ones. */
  wake(lanes: Iterable<Lane>): void;
  /** The platform says that it has everything of a lane up to a sequence. False: it cannot have. */
  confirm(lane: Lane, sequence: number): boolean;
  /** Sends a stretch once more. */
  readonly resend: Repeats['resend'];
  outstanding(): Outstanding;
  flow(): readonly LaneFlow[];
  /** Resolves when everything that was in the journal is dealt with. */
  drained(): Promise<void>;
  stop(): void;
}

/** Of the window, kept free for urgent events: they never wait for the answer to a lower lane. */
const URGENT_RESERVE = 8;
const PAUSE_FIRST_MS = 1000;
/** An alarm feels for a way at least this often. */
const PAUSE_MAX_MS = { urgent: 5000, normal: 60_000, bulk: 60_000 };
const STRIKES = 3;
const ANSWER_TIMEOUT_MS = 30_000;
const CHECK_MS = 1000;

/** What lanes ask of a channel. */
const ofChannel = (channel: Channel): Pick<LaneContext, 'address' | 'atOnce'> => ({
  address: (event) => channel.address(event),
  atOnce: channel.limits.lane,
});

export function startDelivery(channel: Channel, options: DeliveryOptions): Delivery {
  const { journal, time } = options;
  const context: LaneContext = { ...options, ...ofChannel(channel) };
  const sender = createSender(channel, { ...options, onLost: options.onFailed });
  const states = lanes.map((lane) => createLane(lane, context));
  const stateOf = (lane: Lane) => states[lanes.indexOf(lane)] as LaneState;
  const landed = new Set<LaneState>();
  let stopped = false;
  let drainWaiters: (() => void)[] = [];

  const pump = () => {
    if (stopped) return;
    const window = sender.window();
    unsaved.sendUpTo(window);
    for (const state of states) {
      const urgent = state.lane === 'urgent';
      // With a window too small to share, urgent events go first all the same, only not past a full window.
      const limit = urgent || window <= 2 * URGENT_RESERVE ? window : window - URGENT_RESERVE;
      // A live alarm goes before an old one; of the other lanes, what was asked for goes before a backlog.
      if (!urgent) repeats.sendUpTo(state.lane, limit);
      while (sender.inFlight() < limit && mayGo(state, context)) {
        const entry = nextToSend(state, context, pump);
        if (entry === undefined) break;
        sendEntry(state, entry);
      }
      if (urgent) repeats.sendUpTo(state.lane, limit);
    }
    held.tryDue();
    if (drainWaiters.length > 0 && sender.inFlight() === 0 && states.every(isDrained))
      for (const resolve of drainWaiters.splice(0)) resolve();
  };
  const repeats = createRepeats(sender, { journal, address: context.address, onWaiting: () => pump() });
  const unsaved = createUnsavedSending(sender, { ...options, address: context.address, onAnswered: pump });
  const held = createHeldTries({ ...options, ...context, resend: repeats.resend, onDue: pump });

  const sendEntry = (state: LaneState, entry: Entry) => {
    const flight = beginFlight(state, entry, context);
    const place = { sequence: entry.sequence, previous: flight.previous, lane: state.lane };
    sender.send(entry, place, (answer) => {
      onAnswer(state, flight, answer);
      // Answers come many to a packet: one look at the lanes for all of them, one write for what follows.
      if (landed.size === 0) setImmediate(settle);
      landed.add(state);
    });
  };

  const onAnswer = (state: LaneState, flight: Flight, answer: Answer) => {
    if (flight.done || flight.generation !== state.generation) return;
    if (answer.is === 'taken') {
      endFlight(state, flight);
      state.pauseMs = 0;
      return options.onDelivered(flight.entry, state.lane);
    }
    const address = context.address(flight.entry);
    if (isOfAddress(state, flight, answer.is)) {
      if (hold({ address, lane: state.lane, sequence: flight.entry.sequence }, answer, options))
        options.onRefused({ ...answer, address, held: true });
      // Dealt with, by the hold: both are written in one commit.
      endFlight(state, flight);
      return held.schedule();
    }
    if (state.pauseMs === 0) options.onRefused({ ...answer, address, held: false });
    state.pauseMs = Math.min(Math.max(PAUSE_FIRST_MS, state.pauseMs * 2), PAUSE_MAX_MS[state.lane]);
    rewind(state, context);
    pauseFor(state, state.pauseMs, time, pump);
  };

  const settle = () => {
    if (stopped) return;
    for (const state of landed) {
      advanceCursor(state, context);
      const claimed = takeClaimed(state, context);
      if (claimed > 0) confirmReceived(state, claimed, context, options);
    }
    landed.clear();
    pump();
  };

  const silence = watchSilence(channel, sender, states);
  const check = time.every(CHECK_MS, () => {
    const failure = silence(time.elapsed());
    if (failure !== undefined) return options.onFailed(failure);
    if (states.filter((state) => rewindUnconfirmed(state, context)).length > 0) pump();
  });

  pump();
  return {
    wake(touched) {
      for (const lane of touched) stateOf(lane).more = true;
      pump();
    },
    confirm(lane, sequence) {
      const possible = confirmReceived(stateOf(lane), sequence, context, options);
      pump();
      return possible;
    },
    resend: repeats.resend,
    outstanding: () => ({
      answers: sender.answers(),
      flights: [...states.flatMap((state) => flying(state, context)), ...repeats.flying()],
    }),
    flow: () => states.map(flowOf),
    drained: () =>
      new Promise((resolve) => {
        drainWaiters.push(resolve);
        pump();
      }),
    stop() {
      stopped = true;
      drainWaiters = [];
      sender.stop();
      repeats.stop();
      check.stop();
      held.stop();
      for (const state of states) closeLane(state);
    },
  };
}

/** @returns what is wrong, where the platform owes answers for too long; asked each `CHECK_MS`. */
function watchSilence(
  channel: Pick<Channel, 'isBusy'>,
  sender: Pick<ReturnType<typeof createSender>, 'silentMs'>,
  states: readonly LaneState[],
): (now: number) => Error | undefined {
  let busyAt = Number.NEGATIVE_INFINITY;
  return (now) => {
    if (channel.isBusy?.() === true) busyAt = now;
    if (now - busyAt <= ANSWER_TIMEOUT_MS) return undefined;
    const isSilent = sender.silentMs() > ANSWER_TIMEOUT_MS || states.some((state) => isStuck(state, now));
    return isSilent
      ? new Error(`the platform has acknowledged nothing for ${ANSWER_TIMEOUT_MS / 1000} s`)
      : undefined;
  };
}

/** Takes a receipt. @returns false: it cannot be. */
function confirmReceived(
  state: LaneState,
  sequence: number,
  context: LaneContext,
  { onReceived }: Pick<DeliveryOptions, 'onReceived'>,
): boolean {
  const cursor = () => context.journal.position(context.uplink, state.lane).sequence;
  const from = cursor();
  const possible = confirmUpTo(state, sequence, context);
  const to = cursor();
  if (from < to) onReceived(state.lane, from, to);
  return possible;
}

/** Whether a refusal is about this address, now and later; another one is, the third time for the same event. */
function isOfAddress(state: LaneState, { entry: { sequence } }: Flight, is: Refusal): boolean {
  if (is === 'busy') return false;
  if (is !== 'refused') return true;
  const count = state.strikes.sequence === sequence ? state.strikes.count + 1 : 1;
  state.strikes = { sequence, count };
  return count >= STRIKES;
}

const flying = ({ lane, flights }: LaneState, { address }: LaneContext): Addressed[] =>
  flights
    .filter(({ done }) => !done)
    .map(({ entry }) => ({ address: address(entry), lane, sequence: entry.sequence }));

const flowOf = ({ lane, flights, unconfirmed, pausing }: LaneState): LaneFlow => ({
  lane,
  flying: flights.filter(({ done }) => !done).length,
  unconfirmed: unconfirmed.length,
  pausing: pausing !== undefined,
});

/** One was sent long ago, whatever became of others since. */
const isStuck = ({ flights: [oldest] }: LaneState, now: number) =>
  oldest?.done === false && now - oldest.sentAt > ANSWER_TIMEOUT_MS;

/** Holds the address of what was refused, or, where that says nothing about others, it alone. @returns whether that is news. */
function hold(
  { address, lane, sequence }: Addressed,
  { is, reason }: Exclude<Answer, { is: 'taken' }>,
  { holds, onGivenUp }: Pick<DeliveryOptions, 'holds' | 'onGivenUp'>,
): boolean {
  if (is !== 'too-large') return holds.refuse(address, lane, sequence, reason);
  if (!holds.refuseOne(address, lane, sequence, reason)) onGivenUp({ lane, sequence });
  return true;
}
