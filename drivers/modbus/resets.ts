/** Resets what a device holds, again and again while it stands, ever less often: it may have come anew in that moment. */
import type { Clock } from '../contract/clock.ts';
import type { Point } from './point.ts';

const FIRST_MS = 3000;
const MOST_MS = 30_000;

export function createResets(reset: (point: Point) => void, clock: Pick<Clock, 'elapsed'>) {
  const done = new Map<Point, { readonly at: number; readonly times: number }>();
  const write = (point: Point, times: number) => {
    done.set(point, { at: clock.elapsed(), times });
    reset(point);
  };
  return {
    /** Its rise is on disk. */
    begin(point: Point) {
      if (point.reset !== undefined) write(point, 0);
    },
    /** These stand by the last poll. */
    look(standing: ReadonlySet<Point>) {
      for (const [point, { at, times }] of [...done]) {
        const waitMs = Math.min(FIRST_MS * 2 ** times, MOST_MS) + (point.reset?.after ?? 0);
        if (!standing.has(point)) done.delete(point);
        else if (clock.elapsed() - at >= waitMs) write(point, times + 1);
      }
    },
  };
}
export type Resets = ReturnType<typeof createResets>;
