/**
 * How far behind each platform was: looked at every 10 s, and kept in memory since the start in three rings of which
 * each is coarser and longer. A look is what the backlog knows anyway (uplink/backlog.ts) and costs what is new; the
 * rings of a platform take 75 KB, whatever happens.
 */
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Part } from '../lifecycle/part.ts';
import type { Lag, LagRange } from './contract/platforms.ts';

/** How a platform is at one look. */
export interface Look {
  readonly id: string;
  readonly connected: boolean;
  /** Events that it wants and has not. */
  readonly backlog: number;
  /** When the oldest of them was seen, epoch ms; undefined: there is none. */
  readonly oldest: number | undefined;
}

export interface LagHistory extends Part {
  start(): void;
  /** undefined: nobody looked at it yet. */
  of(platform: string, range: LagRange): Lag | undefined;
}

const LOOK_EVERY_MS = 10_000;
/** An hour, a day, a month of 30 days. */
const RINGS: Readonly<Record<LagRange, { readonly stepMs: number; readonly count: number }>> = {
  hour: { stepMs: LOOK_EVERY_MS, count: 360 },
  day: { stepMs: 60_000, count: 1440 },
  month: { stepMs: 1_800_000, count: 1440 },
};
const RANGES = Object.keys(RINGS) as LagRange[];

interface Sample {
  /** Epoch ms. */
  readonly at: number;
  readonly backlog: number;
  /** Of the oldest, ms. */
  readonly age: number;
  readonly connected: boolean;
}

/** The worst of each step. */
function createRing({ stepMs, count }: (typeof RINGS)[LagRange]) {
  const at = new Float64Array(count);
  const backlog = new Float32Array(count);
  const age = new Float32Array(count);
  const connected = new Uint8Array(count);
  /** How many were begun; the last of them is still added to. */
  let begun = 0;
  let begunAt = 0;
  return {
    /** `now`: `elapsed`, so that a wall clock that jumps neither ends a step nor stretches it. */
    add(sample: Sample, now: number) {
      const isNew = begun === 0 || now - begunAt >= stepMs;
      if (isNew) {
        begun++;
        begunAt = now;
      }
      const i = (begun - 1) % count;
      at[i] = sample.at;
      backlog[i] = isNew ? sample.backlog : Math.max(backlog[i] ?? 0, sample.backlog);
      age[i] = isNew ? sample.age : Math.max(age[i] ?? 0, sample.age);
      connected[i] = Number(sample.connected && (isNew || connected[i] === 1));
    },
    read(): Lag {
      const length = Math.min(begun, count);
      const order = Array.from({ length }, (_, i) => (begun - length + i) % count);
      const pick = (from: { readonly [index: number]: number }) => order.map((i) => from[i] ?? 0);
      return {
        ...{ stepMs, at: pick(at), backlog: pick(backlog), ageMs: pick(age) },
        connected: order.map((i) => connected[i] === 1),
      };
    },
  };
}

/** @param look at all platforms. Where it rejects, that moment is missing. */
export function createLagHistory(look: () => Promise<readonly Look[]>, time: Clock): LagHistory {
  const rings = new Map<string, Map<LagRange, ReturnType<typeof createRing>>>();
  let looks: Timer | undefined;
  let isLooking = false;
  const note = (all: readonly Look[]) => {
    const [at, now] = [time.wall(), time.elapsed()];
    // What a reload took out of the config.
    for (const id of rings.keys()) if (!all.some((one) => one.id === id)) rings.delete(id);
    for (const { id, connected, backlog, oldest } of all) {
      const own = rings.get(id) ?? new Map(RANGES.map((range) => [range, createRing(RINGS[range])]));
      rings.set(id, own);
      const age = oldest === undefined ? 0 : Math.max(0, at - oldest);
      for (const ring of own.values()) ring.add({ at, backlog, age, connected }, now);
    }
  };
  const lookOnce = () => {
    // A disk that hangs is asked once.
    if (isLooking) return;
    isLooking = true;
    look()
      .then(note, () => {})
      .finally(() => {
        isLooking = false;
      });
  };
  return {
    start() {
      lookOnce();
      looks ??= time.every(LOOK_EVERY_MS, lookOnce);
    },
    of: (platform, range) => rings.get(platform)?.get(range)?.read(),
    async [Symbol.asyncDispose]() {
      looks?.stop();
    },
  };
}
