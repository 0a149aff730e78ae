/** The line that readers share: one question at a time, and what is heard of its answer. */
import type { Timer } from '../contract/clock.ts';
import type { Host } from '../contract/driver.ts';
import { type Line, type LineConnection, openLine } from '../line.ts';
import { encodeOsdp, type OsdpFrame, osdpDecoder, replies } from './codec.ts';

/** An answer that has begun is waited for over so long a gap: serial servers gather bytes, and networks hold them up. */
const GAP_MS = 250;
/** Bytes that are no answer yet, a mark or noise, are waited behind for so long. */
const NOISE_MS = 40;
/** An answer that has begun gets no more than this on top of the time of its bytes; noise no more than that. */
const SLOW_MS = 1000;
const NOISY_MS = 150;
const QUIET_MS = 5;
/** The address that everybody hears. */
const EVERYBODY = 127;
/** Of a serial server we do not know how fast its line is: the standard's rate, and its slowest. */
const DEFAULT_BAUD = 9600;

/** The answer; `silence`: no byte came; `torn`: something came, and no answer was among it. */
export type Heard = OsdpFrame | 'silence' | 'torn';

/**
 * Writes a frame and waits for the answer of its reader under its number, at most `patience` ms until it begins. One at a
 * time. BUSY bears the number 0, whatever it answers (7.19), or that of the question.
 * @throws LineError when the line is gone.
 */
export type Exchange = (frame: OsdpFrame, patience: number) => Promise<Heard>;

export interface ExchangeOptions {
  /** @throws LineError when the line is gone. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  readonly times: LineTimes;
  readonly host: Pick<Host, 'clock' | 'discarded'>;
  /** Whose the noise on the line is. */
  readonly device: string;
  /** An answer to no question that is asked just now. False: nobody awaits it. */
  readonly late?: (answer: OsdpFrame) => boolean;
}

/** The question that is asked just now. */
interface Question {
  readonly frame: OsdpFrame;
  readonly answer: (heard: Heard) => void;
  /** So long from now at least, and no longer than `most` from its beginning. */
  readonly wait: (ms: number, most: number) => void;
  torn: boolean;
}

/** `hear`: what the line brings. */
export function createExchange({ write, times, host, device, late = () => false }: ExchangeOptions): {
  readonly exchange: Exchange;
  readonly hear: (chunk: Buffer) => void;
} {
  const decoder = osdpDecoder();
  const { clock } = host;
  const { byteMs, latencyMs } = times;
  let asked: Question | undefined;
  const take = (decoded: ReturnType<typeof decoder.push>) => {
    for (const one of decoded) {
      if ('discarded' in one) {
        host.discarded(device, one.reason, one.discarded);
        if (asked !== undefined) asked.torn = true;
        // Our own words, as half-duplex converters echo them, are no answers.
      } else if (one.frame.reply) {
        if (asked !== undefined && isAnswer(one.frame, asked.frame)) asked.answer(one.frame);
        else if (!late(one.frame))
          host.discarded(device, 'an answer that nobody awaits', one.frame.data.length);
      }
    }
  };
  let heardAt = 0;
  const hear = (chunk: Buffer) => {
    heardAt = clock.elapsed();
    take(decoder.push(chunk));
    if (asked === undefined) return;
    const missing = decoder.missing(asked.frame.address);
    if (missing > 0) asked.wait(missing * byteMs + GAP_MS, missing * byteMs + SLOW_MS);
    else asked.wait(NOISE_MS, NOISY_MS);
  };
  /** An answer that comes too late is let through: a question would meet it on the line, and both were lost. */
  const quiet = async () => {
    const since = clock.elapsed();
    const isComing = () =>
      decoder.missing(EVERYBODY) > 0 &&
      clock.elapsed() - heardAt < NOISE_MS &&
      clock.elapsed() - since < NOISY_MS;
    while (isComing()) await clock.wait(QUIET_MS);
  };
  const exchange: Exchange = async (frame, patience) => {
    await quiet();
    take(decoder.silence());
    const { promise, resolve } = Promise.withResolvers<Heard>();
    const bytes = encodeOsdp(frame);
    const begun = clock.elapsed();
    const first = patience + (bytes.length + 1) * byteMs + latencyMs;
    let until = begun;
    let timer: Timer | undefined;
    const over = () => {
      take(decoder.silence());
      resolve(question.torn ? 'torn' : 'silence');
    };
    const question: Question = {
      frame,
      torn: false,
      answer(heard) {
        asked = undefined;
        resolve(heard);
      },
      wait(ms, most) {
        const wanted = Math.min(clock.elapsed() + ms, begun + first + most);
        if (wanted <= until) return;
        until = wanted;
        timer?.stop();
        timer = clock.after(Math.max(0, until - clock.elapsed()), over);
      },
    };
    question.wait(first, 0);
    asked = question;
    try {
      await write(Buffer.concat([Buffer.of(0xff), bytes]));
      return await promise;
    } finally {
      timer?.stop();
      asked = undefined;
    }
  };
  return { exchange, hear };
}

/** 127 is everybody: whoever answers then does so as 127, or under its own address. */
export const isAnswer = (got: OsdpFrame, { address, sequence }: OsdpFrame): boolean =>
  (got.address === address || address === EVERYBODY) &&
  (got.sequence === sequence || (got.code === replies.BUSY && got.sequence === 0));

/** What the line adds to the time in which a reader answers. */
export interface LineTimes {
  /** Of a byte: its start, data, parity and stop bits at its rate. */
  readonly byteMs: number;
  /**
   * A USB adapter holds back what it received for 16 ms (FTDI's latency timer). What a network adds shows when answers
   * come late (`turns.ts`).
   */
  readonly latencyMs: number;
}
export function timesOf(connection: LineConnection): LineTimes {
  if (!('serial' in connection)) return { byteMs: 10_000 / DEFAULT_BAUD, latencyMs: 5 };
  const { baudRate, dataBits, stopBits, parity } = connection;
  const bits = 1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits;
  return { byteMs: (bits * 1000) / baudRate, latencyMs: 20 };
}

/** `device`: whose the noise on the line is. @throws LineError E_LINE_REFUSED. */
export async function openExchange(
  connection: LineConnection,
  {
    device,
    host,
    late,
  }: {
    readonly device: string;
    readonly host: Pick<Host, 'clock' | 'signal' | 'discarded'>;
    readonly late?: (answer: OsdpFrame) => boolean;
  },
  open = openLine,
): Promise<{ readonly line: Line; readonly exchange: Exchange }> {
  let opened: Line | undefined;
  const { exchange, hear } = createExchange({
    write: (bytes) => opened?.write(bytes) ?? Promise.resolve(),
    times: timesOf(connection),
    host,
    device,
    ...(late && { late }),
  });
  const line = await open(connection, host, hear);
  opened = line;
  return { line, exchange };
}
