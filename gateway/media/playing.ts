/** Plays a clip: paced as it was recorded, or as fast as it is taken; from where, and how fast, as who plays it says. */
import type { Clock } from '../../drivers/contract/clock.ts';
import { EndOfClip, type Playing } from '../../drivers/contract/media.ts';
import type { ClipFile } from './clip-file.ts';
import type { Sink } from './watchers.ts';

export interface How {
  readonly fromMs: number;
  readonly pace: 'real' | 'fast';
}

const [SLOWEST, FASTEST] = [0.25, 8];
/** Faster than this, nobody could take all pictures in time. */
const ALL_PICTURES = 2;

/** `openFile` rejects with a sentence where there is nothing to play. */
export function playClip(openFile: () => Promise<ClipFile>, sink: Sink, how: How, time: Clock): Playing {
  const { promise: ended, resolve } = Promise.withResolvers<Error>();
  const place = createPlace(how.fromMs, time);
  const state = { isPaused: false, isOver: false };
  let interruption = new AbortController();
  /** What is waited for is not so any more. */
  const interrupt = () => {
    interruption.abort();
    interruption = new AbortController();
  };
  const end = (why: Error) => {
    state.isOver = true;
    resolve(why);
    interrupt();
  };
  const show = async (file: ClipFile) => {
    place.open(file);
    while (!state.isOver) {
      const { signal } = interruption;
      const due = place.dueMs();
      if (state.isPaused) await aborted(signal);
      else if (how.pace === 'real' && due > 0) await time.wait(due, signal);
      else if (place.isAtEnd()) end(new EndOfClip());
      else {
        const { index } = place;
        const unit = await file.read(index);
        // Who plays it may have gone elsewhere while the disk was read.
        if (signal.aborted) continue;
        place.step();
        if (sink(unit)) continue;
        if (how.pace === 'fast') state.isPaused = true;
        else place.skipToKey();
      }
    }
  };
  const run = async () => {
    const file = await openFile();
    try {
      await show(file);
    } finally {
      await file.close();
    }
  };
  run().catch((error: Error) => end(error));
  const change = (what: () => void) => () => {
    what();
    interrupt();
  };
  return {
    ended,
    close: () => end(new Error('it was closed')),
    pause: change(() => {
      state.isPaused = true;
    }),
    resume: change(() => {
      state.isPaused = false;
      place.goOn();
    }),
    seek: (ms) => change(() => place.seek(ms))(),
    scale: (factor) => change(() => place.scale(factor))(),
  };
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Where in a clip it is, and when the next picture is due. */
function createPlace(fromMs: number, time: Clock) {
  let file: ClipFile | undefined;
  let index = 0;
  let factor = 1;
  let wanted = fromMs;
  /** The moment `ms` of the clip was shown at `at`, `elapsed`. */
  let base = { at: 0, ms: 0 };
  const msOf = (i: number) => file?.pictures[i]?.ms ?? file?.ms ?? 0;
  const goOn = () => {
    base = { at: time.elapsed(), ms: msOf(index) };
  };
  const toKey = () => {
    while (file?.pictures[index]?.isKey === false) index++;
  };
  const seek = (ms: number) => {
    wanted = ms;
    const pictures = file?.pictures ?? [];
    const after = pictures.findIndex((picture) => picture.ms > ms);
    const at = after === -1 ? pictures.length : after;
    index = Math.max(
      0,
      pictures.findLastIndex(({ isKey }, i) => isKey && i < at),
    );
    // At its end there is nothing to see, not even the last key picture again.
    if (file !== undefined && ms >= file.ms) index = pictures.length;
    goOn();
  };
  return {
    get index() {
      return index;
    },
    open(found: ClipFile) {
      file = found;
      seek(wanted);
    },
    isAtEnd: () => index >= (file?.pictures.length ?? 0),
    /** ms until the next picture, or the end. */
    dueMs: () => base.at + (msOf(index) - base.ms) / factor - time.elapsed(),
    step() {
      index++;
      if (factor > ALL_PICTURES) toKey();
    },
    skipToKey: toKey,
    goOn,
    seek,
    scale(wantedFactor: number) {
      factor = Math.min(FASTEST, Math.max(SLOWEST, wantedFactor));
      goOn();
      if (factor > ALL_PICTURES) toKey();
    },
  };
}
