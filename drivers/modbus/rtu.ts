/**
 * RTU on a serial port or behind a serial server: answers bear no number. So one question is on the line at a time, an
 * answer must fit it in all that the protocol gives (unit, function, length, what a write repeats), and a unit that
 * owes an answer is not asked before that came, or will come no more. What it says first after that is believed only
 * where nothing comes behind it; so is what was another's answer before.
 */
import type { Host } from '../contract/driver.ts';
import type { LineConnection } from '../line.ts';
import {
  type Adu,
  type Expected,
  encodeRequest,
  encodeRtu,
  expectedOf,
  mismatch,
  parseResponse,
  rtuResponseDecoder,
} from './codec.ts';
import { createEcho } from './echo.ts';
import { openLink } from './link.ts';
import { createRepeats } from './repeats.ts';
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
  waitOutMs,
} from './wire.ts';

/** The silence that ends an RTU frame: 3.5 characters, but at least 1.75 ms (Modbus over serial line V1.02, 2.5.1.1). */
const RTU_GAP_MS = 4;
/** So long at most others on the line wait too: two who speak at once spoil both. */
const LINE_REST_MS = 200;

interface Awaited {
  readonly expected: Expected;
  /** A late one may come first: then the last counts. */
  readonly isOwing: boolean;
  /** What came was another's answer before, so what comes behind it counts. */
  isDoubted: boolean;
  adu: Adu | undefined;
  wake: () => void;
  /** Why what came is not it. */
  odd: string | undefined;
  /** Its connection was closed. */
  isLost: boolean;
}
interface Owed {
  readonly expected: Expected;
  readonly askedAt: number;
}

const NOTHING = Buffer.alloc(0);
const bytesOf = ({ unit, pdu }: Adu) => Buffer.concat([Buffer.of(unit), pdu]);

/** Sorts what comes on the line: the answer that is awaited, one that is owed, and what is neither. */
function createEar(name: string, host: Host, turns: Turns) {
  const { clock } = host;
  /** Answers that did not come in their time, by the unit that was asked. */
  const owed = new Map<number, Owed>();
  /** How late they came, by unit. */
  const lateMs = new Map<number, number>();
  const echo = createEcho();
  const repeats = createRepeats(clock);
  let awaited: Awaited | undefined;
  let sent: Buffer = NOTHING;
  const fits = (expected: Expected, adu: Adu) =>
    adu.unit === expected.unit && mismatch(expected, adu.pdu) === undefined;
  const decoder = rtuResponseDecoder(
    () => [
      ...(awaited === undefined ? [] : [awaited.expected]),
      ...[...owed.values()].map(({ expected }) => expected),
    ],
    () => sent,
  );
  const takeFrame = (adu: Adu) => {
    const isSent = encodeRtu(adu).equals(sent);
    if (isSent && !echo.isAnswer()) return;
    if (
      awaited !== undefined &&
      (awaited.adu === undefined || awaited.isOwing || awaited.isDoubted) &&
      fits(awaited.expected, adu)
    ) {
      if (awaited.adu !== undefined) tellUnawaited(awaited.adu);
      awaited.adu = adu;
      return awaited.wake();
    }
    const late = [...owed].find(([, { expected }]) => fits(expected, adu));
    if (late === undefined) return tellUnawaited(adu);
    const [unit, { askedAt }] = late;
    const afterMs = Math.round(clock.elapsed() - askedAt);
    owed.delete(unit);
    lateMs.set(unit, afterMs);
    host.discarded(name, 'an answer after its time', adu.pdu.length, `unit ${unit} after ${afterMs} ms`);
    turns.wake(unit);
    turns.wake();
  };
  const tellUnawaited = (adu: Adu) => {
    const reason =
      awaited?.isOwing === true
        ? 'an answer after its time'
        : repeats.isRepeat(bytesOf(adu))
          ? 'an answer that came twice'
          : 'an answer that nobody awaits';
    host.discarded(name, reason, adu.pdu.length);
  };
  const take = (decoded: ReturnType<typeof decoder.push>) => {
    for (const one of decoded) {
      if ('frame' in one) takeFrame(one.frame);
      else {
        echo.noise(one.bytes);
        if (awaited !== undefined) awaited.odd = one.reason;
        host.discarded(name, one.reason, one.discarded);
      }
    }
  };
  const silence = () => take(decoder.silence());
  return {
    owed,
    lateMs,
    echo,
    repeats,
    push: (chunk: Buffer) => take(decoder.push(chunk)),
    silence,
    /** This goes out, and is answered by such a frame. */
    expect(one: Awaited, bytes: Buffer) {
      awaited = one;
      sent = bytes;
      echo.begin(bytes, one.expected.bytes !== undefined);
    },
    /** What comes now nobody asked for. */
    expectNothing() {
      echo.end(awaited?.adu !== undefined);
      awaited = undefined;
      sent = NOTHING;
    },
    /** Nothing more will come. */
    lost() {
      if (awaited === undefined) return;
      awaited.isLost = true;
      awaited.wake();
    },
    /** Resolves when an answer fits, or after `ms`. */
    hear: (waiting: Awaited, ms: number): Promise<void> =>
      new Promise((resolve) => {
        const timer = clock.after(ms, () => {
          // Garbage before the answer may have hidden it: silence makes the decoder look again.
          silence();
          waiting.wake();
        });
        waiting.wake = () => {
          timer.stop();
          resolve();
        };
      }),
  };
}
type Ear = ReturnType<typeof createEar>;

/** How long a right answer may take, where one came that was another's before: twice what this unit needs. */
const DOUBT_LEAST_MS = 20;
const SLOWNESS_KEPT = 0.95;

/** Hears the answer to one question. Where what came first may be another's, the last counts. */
function createHearing(ear: Ear, clock: Host['clock']) {
  /** How long answers take, by unit: the longest, forgotten slowly. */
  const slowness = new Map<number, number>();
  const settleDoubts = async (
    mine: Awaited,
    sent: Buffer,
    askedAt: number,
    unit: number,
    timeout: number,
  ) => {
    const needed = slowness.get(unit);
    const untilMs =
      askedAt + (needed === undefined ? timeout : Math.min(Math.max(2 * needed, DOUBT_LEAST_MS), timeout));
    mine.isDoubted = true;
    while (mine.adu !== undefined && ear.repeats.isDoubtful(bytesOf(mine.adu), sent)) {
      const left = untilMs - clock.elapsed();
      const before: Adu = mine.adu;
      if (left > 0) await ear.hear(mine, left);
      if (left <= 0 || mine.adu === before) break;
    }
    mine.isDoubted = false;
  };
  return async (mine: Awaited, first: Promise<void>, { unit, timeout }: Ask, sent: Buffer): Promise<void> => {
    const askedAt = clock.elapsed();
    await first;
    if (mine.adu !== undefined && mine.isOwing) await ear.hear(mine, timeout);
    const tookMs = clock.elapsed() - askedAt;
    await settleDoubts(mine, sent, askedAt, unit, timeout);
    if (mine.adu === undefined) return;
    if (!mine.isOwing) slowness.set(unit, Math.max(tookMs, (slowness.get(unit) ?? 0) * SLOWNESS_KEPT));
    ear.repeats.note(bytesOf(mine.adu), sent);
  };
}

/** @throws LineError E_LINE_REFUSED. */
export async function openRtu(
  connection: LineConnection,
  { units, name }: WireOptions,
  host: Host,
): Promise<Wire> {
  const { clock } = host;
  const turns = createTurns(clock);
  const ear = createEar(name, host, turns);
  const { owed, lateMs } = ear;
  const link = await openLink(connection, units, host, {
    data: ear.push,
    lost() {
      ear.silence();
      ear.lost();
    },
  });

  const hearAnswer = createHearing(ear, clock);

  const exchange = async (ask: Ask): Promise<Reply> => {
    const { unit, request, timeout, now } = ask;
    await link.ready();
    const dropped = unwanted(ask);
    if (dropped !== undefined) return dropped;
    ear.silence();
    const mine: Awaited = {
      expected: expectedOf(unit, request, ask.answersAs),
      // It was waited for, and may still be under way.
      isOwing: now !== true && owed.delete(unit),
      isDoubted: false,
      adu: undefined,
      wake: () => {},
      odd: undefined,
      isLost: false,
    };
    const bytes = encodeRtu({ unit, pdu: encodeRequest(request) });
    ear.expect(mine, bytes);
    const askedAt = clock.elapsed();
    try {
      const heard = ear.hear(mine, timeout);
      // It may have gone out all the same.
      await link.write(bytes).catch(() => mine.wake());
      await hearAnswer(mine, heard, ask, bytes);
      const { adu } = mine;
      const isGarbled = mine.odd === 'wrong crc';
      // A device that is deaf to writes, and answers reads, is not silent.
      if (adu !== undefined || isGarbled || 'count' in request)
        link.note(unit, adu !== undefined || isGarbled);
      const tookMs = clock.elapsed() - askedAt;
      if (adu !== undefined) {
        const reply = parseResponse(adu.pdu) ?? { missing: 'a malformed answer' };
        lateMs.delete(unit);
        turns.note(unit, !isAway(reply), tookMs);
        return reply;
      }
      if (isGarbled || 'count' in request) turns.note(unit, isGarbled, tookMs);
      // An answer that came garbled comes no more. That something is off, late, can be taken for nothing else.
      if (!isGarbled && now !== true) noteOwed(ask, { expected: mine.expected, askedAt });
      return { missing: whyMissing(ask, mine) };
    } finally {
      mine.wake();
      ear.expectNothing();
      turns.gap(Math.max(RTU_GAP_MS, ask.delay ?? 0, ear.repeats.restMs));
    }
  };
  const noteOwed = ({ unit, timeout }: Ask, one: Owed) => {
    owed.set(unit, one);
    turns.rest(waitOutMs(timeout, lateMs.get(unit)), unit);
    turns.rest(Math.min(timeout, LINE_REST_MS));
  };
  const whyMissing = ({ unit, timeout }: Ask, { odd, isLost }: Awaited): string => {
    if (isLost) return closedBefore(unit, odd);
    const late = lateMs.get(unit);
    if (late !== undefined) return answersLate(unit, late, timeout);
    if (ear.echo.isDoubtful)
      return `${neverAnswered(unit)}, or its line gives back what is sent: no read has shown yet`;
    return odd === undefined ? neverAnswered(unit) : `${neverAnswered(unit)}; what came was ${odd}`;
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
