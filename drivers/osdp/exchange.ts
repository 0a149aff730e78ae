/** The line that readers share: one question at a time, and its answer. */
import type { Host } from '../contract/driver.ts';
import { type Line, type LineConnection, openLine } from '../line.ts';
import { encodeOsdp, type OsdpFrame, osdpDecoder } from './codec.ts';

/** 5.6: a reader answers within 200 ms. */
const REPLY_MS = 200;

/**
 * Writes a frame and waits for the answer of its reader under its number; undefined: none came. One at a time.
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
  let answer: ((frame: OsdpFrame) => void) | undefined;
  const take = (decoded: ReturnType<typeof decoder.push>) => {
    for (const one of decoded) {
      if ('discarded' in one) host.discarded(device, one.reason, one.discarded);
      // Our own words, as half-duplex converters echo them, are no answers.
      else if (one.frame.reply) answer?.(one.frame);
    }
  };
  const line = await openLine(connection, host, (chunk) => take(decoder.push(chunk)));

  const exchange: Exchange = async (frame) => {
    take(decoder.silence());
    const { promise, resolve } = Promise.withResolvers<OsdpFrame | undefined>();
    answer = (got) => {
      if (got.address === frame.address && got.sequence === frame.sequence) resolve(got);
      else host.discarded(device, 'an answer that nobody awaits', got.data.length);
    };
    // The time of the bytes on the line comes on top.
    const bytes = encodeOsdp(frame);
    const timer = host.clock.after(REPLY_MS + bytes.length * 2, () => resolve(undefined));
    try {
      await line.write(Buffer.concat([Buffer.of(0xff), bytes]));
      return await promise;
    } finally {
      timer.stop();
      answer = undefined;
    }
  };
  return { line, exchange };
}
