/** The line that readers share: one question at a time, and its answer. */
import type { Timer } from '../contract/clock.ts';
import type { Host } from '../contract/driver.ts';
import { type Line, type LineConnection, openLine } from '../line.ts';
import { encodeOsdp, type OsdpFrame, osdpDecoder, replies } from './codec.ts';

/** 5.6: a reader begins to answer within 200 ms. */
const REPLY_MS = 200;
/** An answer that has begun is waited for as long as its bytes come (serial servers gather them), and so long at most. */
const GAP_MS = 100;
const ANSWER_MS = 700;

/**
 * Writes a frame and waits for the answer of its reader under its number; undefined: none came. One at a time.
 * BUSY bears the number 0, whatever it answers (7.19).
 * @throws LineError when the line is gone.
 */
export type Exchange = (frame: OsdpFrame) => Promise<OsdpFrame | undefined>;

/** `device`: whose the noise on the line is. @throws LineError E_LINE_REFUSED. */
export async function openExchange(
  connection: LineConnection,
  device: string,
  host: Host,
): Promise<{ readonly line: Line; readonly exchange: Exchange }> {
  const decoder = osdpDecoder();
  /** The question that waits, and what its answer is given to. */
  let asked:
    | {
        readonly frame: OsdpFrame;
        readonly answer: (frame: OsdpFrame) => void;
        /** So long from now at least. */
        readonly wait: (ms: number) => void;
      }
    | undefined;
  const hear = (got: OsdpFrame) => {
    // Our own words, as half-duplex converters echo them, are no answers.
    if (!got.reply) return;
    if (asked === undefined || !answers(got, asked.frame))
      return host.discarded(device, 'an answer that nobody awaits', got.data.length);
    const { answer } = asked;
    asked = undefined;
    answer(got);
  };
  const take = (decoded: ReturnType<typeof decoder.push>) => {
    for (const one of decoded) {
      if ('discarded' in one) host.discarded(device, one.reason, one.discarded);
      else hear(one.frame);
    }
  };
  const line = await openLine(connection, host, (chunk) => {
    take(decoder.push(chunk));
    asked?.wait(GAP_MS);
  });

  const exchange: Exchange = async (frame) => {
    take(decoder.silence());
    const { promise, resolve } = Promise.withResolvers<OsdpFrame | undefined>();
    const bytes = encodeOsdp(frame);
    const begun = host.clock.elapsed();
    let until = begun;
    let timer: Timer | undefined;
    const wait = (ms: number) => {
      const wanted = Math.min(host.clock.elapsed() + ms, begun + ANSWER_MS);
      if (wanted <= until) return;
      until = wanted;
      timer?.stop();
      timer = host.clock.after(until - host.clock.elapsed(), () => resolve(undefined));
    };
    // The time of the bytes on the line comes on top.
    wait(REPLY_MS + bytes.length * 2);
    asked = { frame, answer: resolve, wait };
    try {
      await line.write(Buffer.concat([Buffer.of(0xff), bytes]));
      return await promise;
    } finally {
      timer?.stop();
      asked = undefined;
    }
  };
  return { line, exchange };
}

const answers = (got: OsdpFrame, { address, sequence }: OsdpFrame): boolean =>
  got.address === address && (got.sequence === sequence || (got.code === replies.BUSY && got.sequence === 0));
