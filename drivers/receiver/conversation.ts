/**
 * What a receiver says over one wire, and what it is answered.
 *
 * An answer is one byte without a number: it is of whatever was said last. So lines are answered one at a time and in
 * their order; a line said again while it waits for the disk gets one answer, not two, or the second would be taken for
 * that of the next line; and after a line that the disk refused nothing that was said before is answered either. What is
 * not answered is said again.
 */
import type { Decoded } from '../contract/codec.ts';
import type { Host } from '../contract/driver.ts';
import type { Accounts } from './accounts.ts';
import { ACK, ASK_685, isText, NAK, type RawLine, type ReceiverLine, understand } from './codec.ts';
import { eventsOf, type LineEvent } from './events.ts';
import { digestOf, type EventLine, type Observer } from './observe.ts';
import { createQueue } from './queue.ts';

/**
 * The same line, with no other between, is said again because its answer was lost: Sur-Gards repeat after 4 s, three
 * times, and after a heartbeat that comes 30 s later; others after 15 s.
 */
const AGAIN_MS = 60_000;
/** Two of the same text are told apart for longer than the journal looks for repeats, however slow its disk. */
const SIGHTING_MS = 5 * 60_000;
/** A line says one event, or a few; as for DC-09. */
const MAX_EVENTS = 64;
/**
 * A copy that comes so soon after an answer that came so late was said before that was heard: answered too, it would be
 * of the next line. No receiver repeats after less than 2 s.
 */
const CROSSED_MS = 500;
const LATE_MS = 1000;
/** A 685 answers within 5 s, and hears the same question again after 10 s. */
const ASKED_MS = 10_000;

/** What is known of a wire, or of who connects from an address, however often the connection is made anew. */
export interface Memory {
  previous?: {
    readonly text: string;
    readonly at: number;
    readonly sighting: number;
    readonly stored: Promise<boolean>;
    refused: boolean;
  };
  readonly sightings: Map<string, { readonly count: number; readonly at: number }>;
}
export const newMemory = (): Memory => ({ sightings: new Map() });

export interface Peer {
  answer(bytes: Uint8Array): void;
  /** It said something that is understood. */
  known(): void;
  /** More waits than is good: read no further until there is less. */
  full(isFull: boolean): void;
  /** All that was said so far is dealt with. */
  idle(): void;
}

export interface Conversation {
  take(decoded: readonly Decoded<RawLine>[]): void;
  /** Asks a 685 that was silent for as long whether it is there. */
  ask(silentFor: number): void;
}

interface Context {
  readonly device: string;
  readonly accounts: Accounts;
  readonly observer: Observer;
  readonly host: Host;
}

/** @param trusted It is the wire of the config, and not somebody who connected. */
export function converse(context: Context, peer: Peer, memory: Memory, trusted: boolean): Conversation {
  const { device, host, accounts, observer } = context;
  const time = host.clock;
  let isKnown = trusted;
  let lastBad: string | undefined;
  let heard = time.elapsed();
  let asked = Number.NEGATIVE_INFINITY;
  let lateAnswer: { readonly text: string; readonly at: number } | undefined;

  const report = (observations: Parameters<Host['report']>[0][]): Promise<boolean> =>
    Promise.all(observations.map((one) => host.report(one))).then(
      () => true,
      // The journal says why, once. No answer: it is said again.
      () => false,
    );
  /** Answers to what was said meanwhile would be taken for answers to what the disk refused. */
  const refuse = () => queue.drop('said behind a line that could not be written');

  /** A line that is none is asked for again; in the same words again it never will be one, and others wait behind it. */
  const bad = async (text: string, length: number) => {
    host.discarded(device, 'a line that is not understood', length, text.slice(0, 100));
    const again = lastBad === text;
    lastBad = text;
    if (!again || !isKnown || !isText(text)) return peer.answer(NAK);
    if (!(await report([observer.unreadable(text)]))) return refuse();
    lastBad = undefined;
    peer.answer(ACK);
  };

  const onHeartbeat = ({ port }: Extract<ReceiverLine, { is: 'heartbeat' }>) => {
    // A 685 takes any answer as one to its last message: not one to what was asked, nor where a message is open.
    const is685 = port === undefined;
    if (is685 && (time.elapsed() - asked < ASKED_MS || memory.previous?.refused === true)) return;
    peer.answer(ACK);
  };

  const onEvents = async (text: string, line: EventLine, events: readonly LineEvent[]) => {
    const now = time.elapsed();
    const { previous } = memory;
    const isSame = previous?.text === text;
    const wasStored = isSame && (await previous.stored);
    if (wasStored && now - previous.at <= AGAIN_MS) {
      const hasCrossed = lateAnswer?.text === text && now - lateAnswer.at <= CROSSED_MS;
      lateAnswer = undefined;
      if (!hasCrossed) return peer.answer(ACK);
      return host.discarded(device, 'said again as it was answered', text.length);
    }
    const sighting = isSame && !wasStored ? previous.sighting : sightingOf(memory, text, now);
    const stored = report(observer.of(text, line, events, sighting));
    const own = { text, at: now, sighting, stored, refused: false };
    memory.previous = own;
    if (await stored) {
      const at = time.elapsed();
      lateAnswer = at - now >= LATE_MS ? { text, at } : undefined;
      return peer.answer(ACK);
    }
    own.refused = true;
    refuse();
  };

  const handle = async (one: Decoded<RawLine>) => {
    if ('discarded' in one) return host.discarded(device, one.reason, one.discarded);
    const { text, length } = one.frame;
    const understood = understand(text);
    if (understood === undefined) return await bad(text, length);
    const { line, sevenBits } = understood;
    if (sevenBits) host.discarded(device, 'parity in the line: set dataBits 7, parity even; taken', 0);
    const events = line.is === 'heartbeat' ? [] : eventsOf(line);
    const isEmpty = events.length === 0 && line.is !== 'heartbeat' && line.is !== 'channels';
    if (isEmpty || events.length > MAX_EVENTS) return await bad(text, length);
    isKnown = true;
    lastBad = undefined;
    peer.known();
    accounts.heardLine();
    if (line.is === 'heartbeat') onHeartbeat(line);
    else await onEvents(text, line, events);
  };

  const queue = createQueue(device, host, handle, peer);

  return {
    take(decoded) {
      if (decoded.length > 0) heard = time.elapsed();
      queue.take(decoded);
    },
    ask(silentFor) {
      const now = time.elapsed();
      if (queue.isBusy || memory.previous?.refused === true) return;
      if (now - heard < silentFor || now - asked < silentFor) return;
      asked = now;
      peer.answer(ASK_685);
    },
  };
}

/** How often this line was said anew in the time in which the journal would take it for a repeat. */
function sightingOf({ sightings }: Memory, text: string, now: number): number {
  const key = digestOf(text);
  for (const [old, { at }] of sightings) {
    if (now - at <= SIGHTING_MS) break;
    sightings.delete(old);
  }
  const count = (sightings.get(key)?.count ?? -1) + 1;
  // At the end again: the oldest stand first.
  sightings.delete(key);
  sightings.set(key, { count, at: now });
  return count;
}
