/** One stream on its way: units of a camera as packs, packs as packets. */
import type { Unit, Watching } from '../../../contract/media.ts';
import { createMuxer } from './ps.ts';
import { createPacketizer } from './rtp.ts';
import type { Way } from './way.ts';

export interface SendingOptions {
  readonly way: Way;
  readonly ssrc: number;
  readonly payloadType: number;
  /** In [0, 1). */
  readonly random: () => number;
}

/** @returns what takes units: false, it is behind. */
export function createSink({ way, ssrc, payloadType, random }: SendingOptions): (unit: Unit) => boolean {
  const mux = createMuxer();
  const packets = createPacketizer({
    ...{ ssrc, payloadType, isFramed: way.isFramed },
    // RFC 3550, 5.1: nobody can guess them.
    sequence: Math.floor(random() * 2 ** 16),
    offset: Math.floor(random() * 2 ** 32),
  });
  return (unit) => {
    const { bytes, scr } = mux(unit);
    return way.send(packets(bytes, scr));
  };
}

/** Sends until nothing comes any more, or nobody takes it. Never rejects: it resolves with why. */
export async function sendAll(way: Way, begin: () => Watching): Promise<Error> {
  const over = way.ended.then((why) => Promise.reject(why));
  over.catch(() => {});
  try {
    // One that is closed while it opens may never say so.
    await Promise.race([way.open(), over]);
    const source = begin();
    const why = await Promise.race([way.ended, source.ended]);
    source.close();
    return why;
  } catch (error) {
    return error as Error;
  }
}
