/**
 * Plays what is kept of a camera between two moments, one clip behind the other, as one stream: its clock goes on where
 * nothing is kept between two clips, and where somebody steers.
 */
import { type CameraMedia, type Clip, EndOfClip, type Playing, type Unit } from '../../../contract/media.ts';

export interface PlayerOptions {
  readonly media: Pick<CameraMedia, 'play'>;
  /** The oldest first. */
  readonly clips: readonly Clip[];
  /** Epoch ms. */
  readonly from: number;
  readonly to: number;
  readonly sink: (unit: Unit) => boolean;
  readonly pace: 'real' | 'fast';
  readonly audio: boolean;
}

const TICKS_PER_MS = 90;
/** Between the last picture before a gap and the first behind it: one of 25 a second, ticks. */
const STEP = 3600;

/** Gives units the times of one stream. `cut`: what comes next has nothing to do with what was. */
function createTimeline() {
  let last = -STEP;
  let shift: number | undefined;
  return {
    cut() {
      shift = undefined;
    },
    /** undefined: sound before the first picture, which says when it is. */
    place(unit: Unit): Unit | undefined {
      if (unit.kind === 'audio') return shift === undefined ? undefined : { ...unit, pts: unit.pts + shift };
      if (shift === undefined || unit.dts + shift <= last) shift = last + STEP - unit.dts;
      last = unit.dts + shift;
      return { ...unit, dts: last, pts: unit.pts + shift };
    },
  };
}

/** @param clips at least one. `seek`: ms from `from`. `ended`: with an EndOfClip where all was played. */
export function playClips(own: PlayerOptions): Playing {
  const { media, clips, from, to, sink, pace, audio } = own;
  const { promise: ended, resolve: end } = Promise.withResolvers<Error>();
  const timeline = createTimeline();
  let at = 0;
  /** Each clip that is begun; what comes of one before is of no concern any more. */
  let turn = 0;
  let current: Playing | undefined;
  let factor = 1;
  let isPaused = false;
  let isOver = false;
  const finish = (why: Error) => {
    if (isOver) return;
    isOver = true;
    current?.close();
    end(why);
  };
  const start = (moment: number) => {
    // Two alarms that follow each other have clips of which one begins in the other: nothing is shown twice.
    while (at < clips.length && (clips[at] as Clip).to <= moment) at++;
    const clip = clips[at];
    if (clip === undefined || clip.from >= to) return finish(new EndOfClip());
    timeline.cut();
    const mine = ++turn;
    const isLeft = () => isOver || turn !== mine;
    const take = (unit: Unit): boolean => {
      if (isLeft()) return true;
      if (unit.kind === 'video' && clip.from + unit.dts / TICKS_PER_MS >= to) {
        finish(new EndOfClip());
        return true;
      }
      const placed = timeline.place(unit);
      return placed === undefined || sink(placed);
    };
    const playing = media.play(clip, take, { fromMs: Math.max(0, moment - clip.from), pace, audio });
    current = playing;
    if (isOver) return playing.close();
    if (factor !== 1) playing.scale(factor);
    if (isPaused) playing.pause();
    playing.ended.then((why) => {
      if (isLeft()) return;
      if (!(why instanceof EndOfClip)) return finish(why);
      at++;
      start(clip.to);
    });
  };
  start(from);
  return {
    ended,
    close: () => finish(new Error('we ended it')),
    pause() {
      isPaused = true;
      current?.pause();
    },
    resume() {
      isPaused = false;
      current?.resume();
    },
    scale(wanted) {
      factor = wanted;
      current?.scale(wanted);
    },
    seek(ms) {
      if (isOver) return;
      const moment = from + ms;
      const clip = clips.findIndex((one) => one.to > moment);
      if (clip < 0) return finish(new EndOfClip());
      if (clip === at && current !== undefined) {
        timeline.cut();
        return current.seek(Math.max(0, moment - (clips[at] as Clip).from));
      }
      const left = current;
      at = clip;
      start(moment);
      left?.close();
    },
  };
}
