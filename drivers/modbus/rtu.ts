/**
 * RTU on a serial port or behind a serial server: answers bear no number. So one question is on the line at a time, an
 * answer must fit it in all that the protocol gives (unit, function, length, what a write repeats), and a unit that
 * owes an answer is not asked before that came, or will come no more. What it says first after that is believed only
 * where nothing comes behind it.
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
import { openLink } from './link.ts';
import { createTurns, type Turns } from './turns.ts';
import {
  type Ask,
  answersLate,
  neverAnswered,
  type Reply,
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
  adu: Adu | undefined;
  wake: () => void;
  /** Why what came is not it. */
  odd: string | undefined;
}
interface Owed {
  readonly expected: Expected;
  readonly askedAt: number;
}

/**
 * Some converters give back what is sent. The answer to a write is an echo too (V1.1b3, 6.5): taken for it, ours would
 * confirm what no device did. The echo of a read is like no answer, so a read shows what the line is like.
 */
function createEchoFilter() {
  let isEchoing = false;
  let wasRead = false;
  let sent: Buffer = Buffer.alloc(0);
  let matched = 0;
  return {
    expect(bytes: Buffer, isRead: boolean) {
      wasRead = isRead;
      sent = isRead || isEchoing ? bytes : Buffer.alloc(0);
      matched = 0;
    },
    /** What is left of a chunk without the echo. */
    pass(chunk: Buffer): Buffer {
      if (matched >= sent.length) return chunk;
      const length = Math.min(chunk.length, sent.length - matched);
      if (!chunk.subarray(0, length).equals(sent.subarray(matched, matched + length)))
        return this.flush(chunk);
      matched += length;
      if (matched < sent.length) return Buffer.alloc(0);
      isEchoing = true;
      return chunk.subarray(length);
    },
    /** It was none: what was held, and what follows. A line that does not echo a read does not echo. */
    flush(chunk: Buffer = Buffer.alloc(0)): Buffer {
      const held = matched < sent.length ? sent.subarray(0, matched) : Buffer.alloc(0);
      if (matched < sent.length && chunk.length > 0 && wasRead) isEchoing = false;
      sent = Buffer.alloc(0);
      matched = 0;
      return Buffer.concat([held, chunk]);
    },
  };
}

/** Sorts what comes on the line: the answer that is awaited, one that is owed, and what is neither. */
function createEar(name: string, host: Host, turns: Turns) {
  const { clock } = host;
  /** Answers that did not come in their time, by the unit that was asked. */
  const owed = new Map<number, Owed>();
  /** How late they came, by unit. */
  const lateMs = new Map<number, number>();
  let awaited: Awaited | undefined;
  const echo = createEchoFilter();
  const fits = (expected: Expected, adu: Adu) =>
    adu.unit === expected.unit && mismatch(expected, adu.pdu) === undefined;
  const decoder = rtuResponseDecoder(() => [
    ...(awaited === undefined ? [] : [awaited.expected]),
    ...[...owed.values()].map(({ expected }) => expected),
  ]);
  const takeFrame = (adu: Adu) => {
    if (
      awaited !== undefined &&
      (awaited.adu === undefined || awaited.isOwing) &&
      fits(awaited.expected, adu)
    ) {
      if (awaited.adu !== undefined) host.discarded(name, 'an answer after its time', adu.pdu.length);
      awaited.adu = adu;
      return awaited.wake();
    }
    const late = [...owed].find(([, { expected }]) => fits(expected, adu));
    if (late === undefined) return host.discarded(name, 'an answer that nobody awaits', adu.pdu.length);
    const [unit, { askedAt }] = late;
    const afterMs = Math.round(clock.elapsed() - askedAt);
    owed.delete(unit);
    lateMs.set(unit, afterMs);
    host.discarded(name, 'an answer after its time', adu.pdu.length, `unit ${unit} after ${afterMs} ms`);
    turns.wake(unit);
    turns.wake();
  };
  const take = (decoded: ReturnType<typeof decoder.push>) => {
    for (const one of decoded) {
      if ('frame' in one) takeFrame(one.frame);
      else {
        if (awaited !== undefined) awaited.odd = one.reason;
        host.discarded(name, one.reason, one.discarded);
      }
    }
  };
  const silence = () => {
    take(decoder.push(echo.flush()));
    take(decoder.silence());
  };
  return {
    owed,
    lateMs,
    push: (chunk: Buffer) => take(decoder.push(echo.pass(chunk))),
    silence,
    expect(one: Awaited | undefined, sent: Buffer = Buffer.alloc(0)) {
      awaited = one;
      echo.expect(sent, one?.expected.bytes !== undefined);
    },
    /** Nothing more will come. */
    lost: () => awaited?.wake(),
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

  const exchange = async (ask: Ask): Promise<Reply> => {
    const { unit, request, timeout, now } = ask;
    await link.ready();
    ear.silence();
    const mine: Awaited = {
      expected: expectedOf(unit, request, ask.answersAs),
      // It was waited for, and may still be under way.
      isOwing: now !== true && owed.delete(unit),
      adu: undefined,
      wake: () => {},
      odd: undefined,
    };
    const bytes = encodeRtu({ unit, pdu: encodeRequest(request) });
    ear.expect(mine, bytes);
    const askedAt = clock.elapsed();
    try {
      const heard = ear.hear(mine, timeout);
      // It may have gone out all the same.
      await link.write(bytes).catch(() => mine.wake());
      await heard;
      if (mine.adu !== undefined && mine.isOwing) await ear.hear(mine, timeout);
      const { adu } = mine;
      const isGarbled = mine.odd === 'wrong crc';
      link.note(unit, adu !== undefined || isGarbled);
      if (adu !== undefined) {
        lateMs.delete(unit);
        return parseResponse(adu.pdu) ?? { missing: 'a malformed answer' };
      }
      // An answer that came garbled comes no more. That something is off, late, can be taken for nothing else.
      if (!isGarbled && now !== true) noteOwed(ask, { expected: mine.expected, askedAt });
      return { missing: whyMissing(ask, mine) };
    } finally {
      mine.wake();
      ear.expect(undefined);
      turns.gap(Math.max(RTU_GAP_MS, ask.delay ?? 0));
    }
  };
  const noteOwed = ({ unit, timeout }: Ask, one: Owed) => {
    owed.set(unit, one);
    turns.rest(waitOutMs(timeout, lateMs.get(unit)), unit);
    turns.rest(Math.min(timeout, LINE_REST_MS));
  };
  const whyMissing = ({ unit, timeout }: Ask, { odd }: Awaited): string => {
    const late = lateMs.get(unit);
    if (late !== undefined) return answersLate(unit, late, timeout);
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
