/** What is too near to be seen apart is one mark; and the shape of a district around its campuses. */
import type { Point } from './geo.ts';

export interface Marked extends Point {
  readonly id: string;
}
export interface Cluster<M extends Marked> extends Point {
  /** Names its square. */
  readonly key: string;
  readonly members: readonly M[];
}

/**
 * Those in one square of the plane are together, at the middle of where they are: it does not depend on what is looked
 * at, so that nothing jumps when the map is moved. `side`: of a square, in units of the plane.
 */
export function clustersOf<M extends Marked>(marks: readonly M[], side: number): readonly Cluster<M>[] {
  const squares = Map.groupBy(marks, ({ x, y }) => `${Math.floor(x / side)} ${Math.floor(y / side)}`);
  return [...squares].map(([key, members]) => {
    const middle = (axis: 'x' | 'y') => members.reduce((sum, one) => sum + one[axis], 0) / members.length;
    return { key, x: middle('x'), y: middle('y'), members };
  });
}

/** > 0: from `a` over `b` to `c` it goes to the right, where y goes down. */
const turn = (a: Point, b: Point, c: Point) => (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);

/** The points that a rubber band around all of them touches (Andrew's monotone chain). */
export function hullOf(points: readonly Point[]): readonly Point[] {
  const sorted = points.toSorted((a, b) => a.x - b.x || a.y - b.y);
  if (sorted.length < 3) return sorted;
  const chain = (along: readonly Point[]) => {
    const found: Point[] = [];
    for (const point of along) {
      for (;;) {
        const [before, last] = [found.at(-2), found.at(-1)];
        if (before === undefined || last === undefined || turn(before, last, point) > 0) break;
        found.pop();
      }
      found.push(point);
    }
    return found.slice(0, -1);
  };
  return [...chain(sorted), ...chain(sorted.toReversed())];
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}
/** undefined: of nothing. */
export function boxOf(points: readonly Point[]): Box | undefined {
  if (points.length === 0) return undefined;
  let [left, top, right, bottom] = [1, 1, 0, 0];
  for (const { x, y } of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return { left, top, right, bottom };
}

/** What the map shows: the middle of it, and how many pixels a unit of the plane has. */
export interface Look extends Point {
  readonly scale: number;
}
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** From a continent to a few houses. */
export const SCALE_MIN = 2_000;
export const SCALE_MAX = 400_000_000;
/** What is shown by itself is shown no nearer: with what is around it. */
export const NEAREST_SCALE = SCALE_MAX / 20;
const clamp = (scale: number) => Math.max(SCALE_MIN, Math.min(SCALE_MAX, scale));

/** All of a box, with a margin of pixels around it. */
export function lookAt({ left, top, right, bottom }: Box, { width, height }: Size, margin = 48): Look {
  const room = { width: Math.max(1, width - 2 * margin), height: Math.max(1, height - 2 * margin) };
  const scale = Math.min(
    room.width / Math.max(right - left, 1e-12),
    room.height / Math.max(bottom - top, 1e-12),
  );
  return { x: (left + right) / 2, y: (top + bottom) / 2, scale: clamp(Math.min(scale, NEAREST_SCALE)) };
}

/** Nearer by a factor; what is at `at`, in pixels from the middle, stays where it is. */
export function zoomed(look: Look, factor: number, at: Point = { x: 0, y: 0 }): Look {
  const scale = clamp(look.scale * factor);
  const by = 1 / look.scale - 1 / scale;
  return { x: look.x + at.x * by, y: look.y + at.y * by, scale };
}
/** By so many pixels. */
export const moved = (look: Look, x: number, y: number): Look => ({
  ...look,
  x: look.x - x / look.scale,
  y: look.y - y / look.scale,
});
