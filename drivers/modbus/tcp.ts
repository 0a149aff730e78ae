/**
 * Modbus TCP. Answers bear the number of their question; behind one address there may be a gateway to a serial line
 * with several units. It does one thing at a time, so one is asked at a time (`parallel: 1`). A late answer is told by
 * its number, so only the unit that owes it is left alone; all wait only where it is known how long that unit keeps
 * such a gateway busy, for what is asked meanwhile would be late too. Some servers put 0 where
 * the number stands, against the standard (Messaging on TCP/IP V1.0b, 4.2): their answer is believed where it can
 * belong to one question only.
 */
import type { Host } from '../contract/driver.ts';
import {
  type Adu,
  type Expected,
  encodeRequest,
  encodeTcp,
  expectedOf,
  mismatch,
  parseResponse,
  tcpDecoder,
} from './codec.ts';
import { openLink } from './link.ts';
import { createTurns, type Turns } from './turns.ts';
import {
  type Ask,
  answersLate,
  closedBefore,
  isAway,
  neverAnswered,
  type Reply,
  unwanted,
  type Wire,
  type WireOptions,
} from './wire.ts';

interface Awaited {
  readonly expected: Expected;
  readonly settle: (came: Adu | 'late' | 'lost') => void;
  odd: string | undefined;
  /** Its number came back, with what cannot be its answer: none is owed. */
  isSpent: boolean;
}
/** Late answers are remembered by number; more than these nobody waits for. */
const MOST_OWED = 32;
/** A unit that stands for the device itself, whatever it was asked as (Messaging on TCP/IP V1.0b, 4.4.1.2). */
export const SELF_UNITS: readonly number[] = [0, 255];
/** In the answers of servers that do not repeat the number; no question of ours has it. */
const NO_NUMBER = 0;
const MOST_NUMBERS = 0xffff;
const ZERO_REST_MS = 20;
/** So long at least, and at most, an answer that is late is waited for before its unit is asked again. */
const OWED_LEAST_MS = 500;
const OWED_MOST_MS = 5000;

/** Sorts what comes: by the number of its question, and by all else that an answer must be. */
function createEar({ units, name }: WireOptions, host: Host, turns: Turns) {
  const { clock } = host;
  const waiting = new Map<number, Awaited>();
  /** Questions whose time is over, by number. */
  const owed = new Map<number, { readonly unit: number; readonly askedAt: number }>();
  /** How late answers came, by unit. */
  const lateMs = new Map<number, number>();
  // The list is another one when the config is.
  const isAlone = () => new Set(units).size === 1;
  let decoder = tcpDecoder();
  const numbers = createNumbers(name, host);

  const discard = (reason: string, adu: Adu, detail?: string) =>
    host.discarded(name, reason, adu.pdu.length, detail);
  const takeLate = (adu: Adu) => {
    const late = owed.get(adu.transaction ?? -1);
    if (late === undefined) return discard('an answer that nobody awaits', adu);
    const afterMs = Math.round(clock.elapsed() - late.askedAt);
    owed.delete(adu.transaction ?? -1);
    lateMs.set(late.unit, afterMs);
    discard('an answer after its time', adu, `unit ${late.unit} after ${afterMs} ms`);
    turns.wake(late.unit);
    turns.wake();
  };
  /** The question that it answers by its number, or as the only one there is. */
  const questionOf = (adu: Adu): Awaited | undefined => {
    const numbered = waiting.get(adu.transaction ?? -1);
    if (numbered !== undefined || adu.transaction !== NO_NUMBER) return numbered;
    const [only, ...more] = waiting.values();
    return more.length === 0 && numbers.mayBeZero ? only : undefined;
  };
  /** @returns false: what comes belongs to no question that could be told, and what follows would not either. */
  const takeFrame = (adu: Adu): boolean => {
    const isZero = adu.transaction === NO_NUMBER;
    if (!isZero) numbers.noteRight();
    const one = questionOf(adu);
    if (one === undefined) {
      for (const other of waiting.values()) other.odd = 'an answer to another question';
      takeLate(adu);
      if (!isZero || numbers.areRight) return true;
      if (waiting.size > 1) turns.single();
      return waiting.size === 0;
    }
    const isFrom = adu.unit === one.expected.unit || (isAlone() && SELF_UNITS.includes(adu.unit));
    const wrong = isFrom ? mismatch(one.expected, adu.pdu) : 'an answer of another unit';
    if (wrong === undefined) {
      if (isZero) numbers.noteZero();
      one.settle(adu);
    } else {
      one.odd = wrong;
      one.isSpent = true;
      discard(wrong, adu);
    }
    return wrong === undefined || (wrong !== 'a malformed answer' && !isZero);
  };
  return {
    numbers,
    waiting,
    owed,
    lateMs,
    /** @returns false: it is out of step. What follows is not looked at: it might look like an answer. */
    push(chunk: Buffer): boolean {
      for (const one of decoder.push(chunk)) {
        if ('frame' in one && takeFrame(one.frame)) continue;
        if ('discarded' in one) {
          host.discarded(name, one.reason, one.discarded);
          for (const other of waiting.values()) other.odd = one.reason;
        }
        return false;
      }
      return true;
    },
    /** Bytes of no whole frame. @returns whether there were any. */
    takeRest(): boolean {
      const rest = decoder.silence();
      for (const one of rest) if ('discarded' in one) host.discarded(name, one.reason, one.discarded);
      return rest.length > 0;
    },
    lost() {
      this.takeRest();
      decoder = tcpDecoder();
      numbers.begin();
      owed.clear();
      for (const one of [...waiting.values()]) one.settle('lost');
    },
  };
}

/** What the answers of one connection have for a number; whose they are is said once. */
function createNumbers(name: string, { log, unmapped }: Host) {
  let areRight = false;
  let isMissing = false;
  let isTold = false;
  return {
    /** A new connection: nothing of before comes on it. */
    begin() {
      areRight = false;
      isMissing = false;
    },
    /** An answer on this connection had a number. */
    get areRight() {
      return areRight;
    },
    /** An answer without a number can be told: no other question of this connection may still be answered. */
    get mayBeZero() {
      return !areRight && !isMissing;
    },
    /** So long it is left alone after an answer: what it says twice must come before the next is asked. */
    get restMs() {
      return isTold && !areRight ? ZERO_REST_MS : 0;
    },
    noteRight() {
      areRight = true;
    },
    noteZero() {
      if (isTold) return;
      isTold = true;
      unmapped(name, 'transaction 0 in its answers');
      log.warn(
        { device: name },
        `${name} answers transaction 0, whatever it is asked: it is asked one thing at a time, and connected to anew where no answer comes`,
      );
    },
    /** No answer came in its time. @returns whether what comes after it could be told from the answer to the next. */
    miss(): boolean {
      isMissing = true;
      return areRight || !isTold;
    },
  };
}

/** Some gateways give a late answer the number of the unit's next question. `late`: how late it was known to answer. */
function restLate(turns: Turns, unit: number, timeout: number, late = 0) {
  turns.rest(Math.min(Math.max(timeout, OWED_LEAST_MS, 2 * late), OWED_MOST_MS), unit);
  if (late > 0) turns.rest(Math.min(Math.max(late - timeout, 0) + timeout / 2, OWED_MOST_MS));
}

/** Why no answer came that can be believed. */
function whyMissing({ unit, timeout }: Ask, how: 'late' | 'lost', odd: string | undefined, late?: number) {
  const more = odd === undefined ? '' : `; what came was ${odd}`;
  if (how === 'lost') return closedBefore(unit, odd);
  return late === undefined ? neverAnswered(unit) + more : answersLate(unit, late, timeout);
}

/** @throws LineError E_LINE_REFUSED. */
export async function openTcp(
  address: { host: string; port: number },
  { parallel, ...options }: WireOptions & { readonly parallel: number },
  host: Host,
): Promise<Wire> {
  const { clock } = host;
  // Where answers have numbers, two that are under way are told apart.
  const turns: Turns = createTurns(clock, parallel, () => ear.numbers.areRight);
  const ear = createEar(options, host, turns);
  const { waiting, owed, lateMs } = ear;
  let transaction = 0;
  const link = await openLink({ serialServer: address }, options.units, host, {
    data(chunk) {
      if (!ear.push(chunk)) link.drop();
    },
    lost: () => ear.lost(),
  });

  const hear = async (ask: Ask, askedAt: number) => {
    const { unit, request, timeout } = ask;
    await link.ready();
    const dropped = unwanted(ask);
    if (dropped !== undefined) return dropped;
    // Nothing is under way: what is left of before belongs to no answer.
    if (waiting.size === 0) ear.takeRest();
    transaction = (transaction % MOST_NUMBERS) + 1;
    const mine = transaction;
    const came = Promise.withResolvers<Adu | 'late' | 'lost'>();
    const one: Awaited = {
      expected: expectedOf(unit, request, ask.answersAs),
      settle: came.resolve,
      odd: undefined,
      isSpent: false,
    };
    waiting.set(mine, one);
    const timer = clock.after(timeout, () => came.resolve('late'));
    try {
      const bytes = encodeTcp({ transaction: mine, unit, pdu: encodeRequest(request) });
      await link.write(bytes).catch(() => came.resolve('lost'));
      const adu = await came.promise;
      if (adu === 'late') {
        if (owed.size >= MOST_OWED) owed.clear();
        owed.set(mine, { unit, askedAt });
      }
      return { adu, odd: one.odd, isSpent: one.isSpent };
    } finally {
      timer.stop();
      waiting.delete(mine);
    }
  };
  const exchange = async (ask: Ask): Promise<Reply> => {
    const { unit, request, timeout } = ask;
    const askedAt = clock.elapsed();
    let heard = await hear(ask, askedAt);
    // Reading twice harms nobody; what may have moved something is not done twice.
    if ('adu' in heard && heard.adu === 'lost' && 'count' in request) heard = await hear(ask, askedAt);
    if ('missing' in heard) return heard;
    const { adu, odd, isSpent } = heard;
    turns.gap(Math.max(ask.delay ?? 0, ear.numbers.restMs));
    const tookMs = clock.elapsed() - askedAt;
    if (typeof adu === 'object') {
      const reply = parseResponse(adu.pdu) ?? { missing: 'a malformed answer' };
      link.note(unit, true);
      turns.note(unit, !isAway(reply), tookMs);
      lateMs.delete(unit);
      return reply;
    }
    if (adu === 'late') {
      // A device that is deaf to writes, and answers reads, is not silent.
      if ('count' in request) {
        link.note(unit, false);
        turns.note(unit, false, tookMs);
      }
      if (parallel === 1 && !isSpent && ask.now !== true) restLate(turns, unit, timeout, lateMs.get(unit));
      // Half an answer: its length is wrong, or the rest of it was lost. Without a number: it may come later.
      const isTold = ear.numbers.miss();
      if (!isTold || (waiting.size === 0 && ear.takeRest())) link.drop();
    }
    return { missing: whyMissing(ask, adu, odd, lateMs.get(unit)) };
  };
  return {
    ended: link.ended,
    transact: (ask) => turns.take(ask, () => exchange(ask)),
    async close() {
      await link.close();
      turns.close(new Error(`${link.name} was closed`));
    },
  };
}
