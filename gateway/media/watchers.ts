/**
 * Which transports look at a camera, and what they get. One that is behind gets nothing until the next key picture; no
 * buffer grows for anybody. Where the camera breaks off and comes back, they go on, the times with them.
 */
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Unit, Watching } from '../../drivers/contract/media.ts';

export type Sink = (unit: Unit) => boolean;

export interface Watchers {
  readonly size: number;
  /** Shows it from the last key picture on until it is closed or ended; `onLeave`: it is over, once. */
  join(sink: Sink, wants: { readonly audio: boolean }, onLeave: () => void): Watching;
  onUnit(unit: Unit): void;
  /** What follows cannot be shown before the next key picture. */
  onGap(): void;
  /** Nobody can look at it, whatever it shows; undefined: everybody can. */
  refuse(why: Error | undefined): void;
  /** It broke off and may come back: ends those who have seen nothing of it, or nothing for a while. */
  onBreak(why: Error): void;
  /** Nothing is shown any more. */
  forget(): void;
  endAll(why: Error): void;
}

/** A camera that restarts is back by then. */
const AWAY_MS = 20_000;
/** From a key picture to now: what a new watcher gets at once, bytes. */
const GROUP_MAX = 12_000_000;
/** Of 90 kHz. */
const TICKS_PER_MS = 90;

interface Watcher {
  readonly sink: Sink;
  readonly audio: boolean;
  /** It has had a key picture, and all since. */
  started: boolean;
  /** When the last unit came that was for it, `elapsed`; undefined: none did. */
  shownAt: number | undefined;
  end(why: Error): void;
}

export function createWatchers(time: Clock): Watchers {
  const watchers = new Set<Watcher>();
  const line = createTimeline(time);
  /** Since the last key picture. */
  let group: Unit[] = [];
  let groupBytes = 0;
  let refusal: Error | undefined;

  const give = (watcher: Watcher, unit: Unit) => {
    if (unit.kind === 'audio' && !watcher.audio) return;
    watcher.shownAt = time.elapsed();
    try {
      if (!watcher.sink(unit)) watcher.started = false;
    } catch (error) {
      // Its own fault, of which nobody else is to hear.
      watcher.end(error as Error);
    }
  };
  const begin = (watcher: Watcher) => {
    watcher.started = group.length > 0;
    for (const unit of group) if (watcher.started) give(watcher, unit);
  };
  const keep = (unit: Unit) => {
    const isKey = unit.kind === 'video' && unit.isKey;
    if (isKey) {
      group = [];
      groupBytes = 0;
    }
    if (group.length > 0 || isKey) group.push(unit);
    groupBytes += unit.bytes.length;
    // A camera without key pictures: nobody new can begin, and nothing is kept for them.
    if (groupBytes > GROUP_MAX) group = [];
    return isKey;
  };
  const lose = () => {
    group = [];
    for (const watcher of watchers) watcher.started = false;
  };
  const endAll = (why: Error) => {
    for (const watcher of [...watchers]) watcher.end(why);
  };
  return {
    get size() {
      return watchers.size;
    },
    join(sink, { audio }, onLeave) {
      const { promise: ended, resolve } = Promise.withResolvers<Error>();
      const end = (why: Error) => {
        if (!watchers.delete(watcher)) return;
        watcher.started = false;
        resolve(why);
        onLeave();
      };
      const watcher: Watcher = { sink, audio, started: false, shownAt: undefined, end };
      watchers.add(watcher);
      if (refusal === undefined) begin(watcher);
      else end(refusal);
      return { ended, close: () => end(new Error('it was closed')) };
    },
    onUnit(given) {
      const unit = line.place(given);
      if (unit === undefined) return;
      const isKey = keep(unit);
      for (const watcher of [...watchers]) {
        // Whoever began with the group has had this one.
        if (watcher.started) give(watcher, unit);
        else if (isKey) begin(watcher);
      }
    },
    onGap: lose,
    refuse(why) {
      refusal = why;
      if (why !== undefined) endAll(why);
    },
    onBreak(why) {
      line.break();
      lose();
      for (const watcher of [...watchers])
        if (watcher.shownAt === undefined || time.elapsed() - watcher.shownAt > AWAY_MS) watcher.end(why);
    },
    forget() {
      line.break();
      group = [];
      refusal = undefined;
    },
    endAll,
  };
}

/** The times of one ffmpeg after another on one line, which begins at 0 with the first picture. */
function createTimeline(time: Clock) {
  /** What is added to the times of this run, ticks; undefined: none of its pictures came. */
  let shift: number | undefined;
  let last: { readonly dts: number; readonly at: number } | undefined;
  return {
    /** undefined: sound from before the first picture. */
    place(unit: Unit): Unit | undefined {
      if (unit.kind === 'audio') {
        const pts = unit.pts + (shift ?? Number.NaN);
        return pts >= 0 ? { ...unit, pts } : undefined;
      }
      const now = time.elapsed();
      const begins =
        last === undefined ? 0 : last.dts + Math.max(1, Math.round((now - last.at) * TICKS_PER_MS));
      shift ??= begins - unit.dts;
      const dts = unit.dts + shift;
      last = { dts, at: now };
      return { ...unit, dts, pts: unit.pts + shift };
    },
    break() {
      shift = undefined;
    },
  };
}
