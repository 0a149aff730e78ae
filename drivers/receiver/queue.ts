/** What was said over one wire and waits to be dealt with: one at a time, in its order, bounded. */
import type { Decoded } from '../contract/codec.ts';
import type { Host } from '../contract/driver.ts';
import type { RawLine } from './codec.ts';

/** Beyond the first no more is read, beyond the second it is not kept. */
const MANY_BYTES = 32_768;
const MOST_BYTES = 262_144;

export interface Queue {
  /** Takes what was said, but a line that is the last one that waits, said again before it was answered. */
  take(decoded: readonly Decoded<RawLine>[]): void;
  /** Forgets what waits, counting it. */
  drop(reason: string): void;
  /** What is dealt with after what is now. */
  readonly next: Decoded<RawLine> | undefined;
  readonly isBusy: boolean;
}

interface Waiting {
  readonly one: Decoded<RawLine>;
  readonly arrived: number;
}

export function createQueue(
  device: string,
  host: Host,
  handle: (one: Decoded<RawLine>, arrived: number) => Promise<void>,
  peer: { full(isFull: boolean): void; idle(): void },
): Queue {
  const waiting: Waiting[] = [];
  let current: Waiting | undefined;
  let bytes = 0;

  const run = async () => {
    for (current = waiting.shift(); current !== undefined; current = waiting.shift()) {
      // A mistake in it costs one line its answer, not the process its life.
      await handle(current.one, current.arrived).catch((error: Error) =>
        host.log.error({ device, error: error.message }, 'a line could not be handled'),
      );
      bytes -= bytesOf(current.one);
      if (bytes < MANY_BYTES) peer.full(false);
    }
    peer.idle();
  };
  const add = (one: Decoded<RawLine>) => {
    const last = waiting.at(-1) ?? current;
    if (last !== undefined && isSameLine(one, last.one))
      return host.discarded(device, 'said again before it was answered', bytesOf(one));
    if (bytes + bytesOf(one) > MOST_BYTES)
      return host.discarded(device, 'more at once than the disk takes', bytesOf(one));
    bytes += bytesOf(one);
    waiting.push({ one, arrived: host.clock.elapsed() });
  };
  return {
    take(decoded) {
      for (const one of decoded) add(one);
      if (bytes >= MANY_BYTES) peer.full(true);
      if (current === undefined) void run();
    },
    drop(reason) {
      for (const { one } of waiting.splice(0)) {
        bytes -= bytesOf(one);
        host.discarded(device, reason, bytesOf(one));
      }
    },
    get next() {
      return waiting[0]?.one;
    },
    get isBusy() {
      return current !== undefined;
    },
  };
}

const bytesOf = (one: Decoded<RawLine>) => ('frame' in one ? one.frame.length : one.discarded);
const isSameLine = (one: Decoded<RawLine>, other: Decoded<RawLine>) =>
  'frame' in one && 'frame' in other && one.frame.text === other.frame.text;
