/**
 * What a receiver says over one wire, and what it is answered.
 *
 * An answer is one byte without a number: who hears it takes it for the answer to what it said last. One answer too many
 * is taken for that of the next alarm, which then may be lost; one too few is only said again. So:
 *
 *  - Lines are answered one at a time, in their order, after what they say is on disk.
 *  - A line said again while it waits for the disk, or behind which a heartbeat waits, is not answered beside that.
 *  - A copy or a heartbeat that comes just after a late answer was said before that was heard: it has its answer.
 *  - While something is open that the disk refused, nothing is answered, heartbeats neither, unless it can be written now.
 */
import type { Decoded } from '../contract/codec.ts';
import type { Host } from '../contract/driver.ts';
import type { DeviceObservation } from '../contract/observation.ts';
import type { Accounts } from './accounts.ts';
import { ACK, ASK_685, isText, NAK, type RawLine, understand } from './codec.ts';
import { eventsOf } from './events.ts';
import { createSaver, type Memory, type Saying } from './memory.ts';
import type { EventLine, Observer } from './observe.ts';
import { accountKey } from './options.ts';
import { createQueue } from './queue.ts';

/** A line says one event, or a few; as for DC-09. */
const MAX_EVENTS = 64;
/** An answer is late where somebody impatient may have said it again; what comes so soon after it was said before. */
const LATE_MS = 200;
const CROSSED_MS = 500;
/** Where this machine is slow, it reads late too what came in time: for as long as the answer was late. Sur-Gards repeat after 4 s. */
const CROSSED_MAX_MS = 3500;
/** A 685 answers within 5 s, and hears the same question again after 10 s. */
const ASKED_MS = 10_000;

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
  /** `elapsed` when this process last stood still. */
  readonly pausedAt: () => number;
}

const isBeat = (one: Decoded<RawLine> | undefined) =>
  one !== undefined && 'frame' in one && understand(one.frame.text)?.line.is === 'heartbeat';

/** @param trusted It is the wire of the config, and not somebody who connected. */
export function converse(context: Context, peer: Peer, memory: Memory, trusted: boolean): Conversation {
  const { device, host, accounts, observer } = context;
  const time = host.clock;
  let isKnown = trusted;
  let lastBad: string | undefined;
  let heard = time.elapsed();
  let asked = Number.NEGATIVE_INFINITY;

  const report = (observations: readonly DeviceObservation[]): Promise<boolean> =>
    Promise.all(observations.map((one) => host.report(one))).then(
      () => true,
      // The journal says why, once. No answer: it is said again.
      () => false,
    );
  const saver = createSaver(memory, time, report);
  const late = createLateness(time.elapsed, context.pausedAt);

  const taken = (text: string, arrived: number) => {
    if (isBeat(queue.next)) return;
    late.answered(text, arrived);
    peer.answer(ACK);
  };
  const finish = async (saying: Saying, arrived: number) => {
    if (await saver.save(saying)) return taken(saying.text, arrived);
    queue.drop('said behind a line that could not be written');
  };

  /** A line that is none is asked for again; in the same words again it never will be one, and others wait behind it. */
  const bad = async (text: string, length: number, arrived: number) => {
    host.discarded(device, 'a line that is not understood', length, text.slice(0, 100));
    const again = lastBad === text;
    lastBad = text;
    if (!again || !isKnown || !isText(text)) return peer.answer(NAK);
    if (!(await saver.settle(text))) return;
    await finish({ text, account: '', observations: () => [observer.unreadable(text)] }, arrived);
  };

  /** Whether it is an answer to what was asked, which a 685 would take an ACK to for one to its last message. */
  const isAnswer = (text: string) => text.startsWith('00') && time.elapsed() - asked < ASKED_MS;

  const handle = async (one: Decoded<RawLine>, arrived: number) => {
    if ('discarded' in one) return host.discarded(device, one.reason, one.discarded);
    const { text, length } = one.frame;
    const understood = understand(text);
    if (understood === undefined) return await bad(text, length, arrived);
    const { line, sevenBits } = understood;
    if (sevenBits) host.discarded(device, 'parity in the line: set dataBits 7, parity even; taken', 0);
    const isHeartbeat = line.is === 'heartbeat';
    const events = isHeartbeat ? [] : eventsOf(line);
    const isEmpty = events.length === 0 && !isHeartbeat && line.is !== 'channels';
    if (isEmpty || events.length > MAX_EVENTS) return await bad(text, length, arrived);
    isKnown = true;
    lastBad = undefined;
    peer.known();
    accounts.heardLine();
    if (late.hasCrossed(text, arrived, isHeartbeat))
      return host.discarded(device, 'said again as it was answered', length);
    if (isHeartbeat && isAnswer(text)) return;
    if (!(await saver.settle(text))) return queue.drop('said behind a line that could not be written');
    if (isHeartbeat) return taken(text, arrived);
    const event = line as EventLine;
    const observations = (sighting: number) => observer.of(text, event, events, sighting);
    await finish({ text, account: accountKey(event.account), observations }, arrived);
  };

  const queue = createQueue(device, host, handle, peer);

  return {
    take(decoded) {
      if (decoded.length > 0) heard = time.elapsed();
      queue.take(decoded);
    },
    ask(silentFor) {
      const now = time.elapsed();
      if (queue.isBusy || memory.open !== undefined) return;
      if (now - heard < silentFor || now - asked < silentFor) return;
      asked = now;
      peer.answer(ASK_685);
    },
  };
}

/** Knows what has its answer already: what was said while a late one was under way. */
function createLateness(elapsed: () => number, pausedAt: () => number) {
  let last: { readonly text: string; readonly at: number; readonly crossedMs: number } | undefined;
  return {
    answered(text: string, arrived: number) {
      const at = elapsed();
      const lateMs = at - arrived;
      // After this process stood still all that is read is older than it seems.
      const isLate = lateMs >= LATE_MS || at - pausedAt() <= CROSSED_MS;
      last = isLate
        ? { text, at, crossedMs: Math.min(CROSSED_MAX_MS, Math.max(CROSSED_MS, lateMs)) }
        : undefined;
    },
    hasCrossed(text: string, arrived: number, isHeartbeat: boolean): boolean {
      const before = last;
      if (before === undefined) return false;
      const isCopy = arrived - before.at <= before.crossedMs && (isHeartbeat || before.text === text);
      // Who is impatient has said a line several times; heartbeats have their own pace.
      if (!isCopy || isHeartbeat) last = undefined;
      return isCopy;
    },
  };
}
