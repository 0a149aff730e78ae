/** What a point of a profile can read, and how a mistake in it is told. */
import type { ReadFunction } from './codec.ts';
import { type Point, widthOf } from './point.ts';

export interface Mistake {
  readonly path: readonly (string | number)[];
  readonly en: string;
  readonly zh: string;
}
export type Check<One extends Point = Point> = (one: One, points: readonly Point[]) => readonly Mistake[];

export type RangePoint = Extract<Point, { scale: number }>;
export type StatesPoint = Extract<Point, { values: object }>;
export type BitPoint = Exclude<Point, RangePoint | StatesPoint>;

export const ADDRESSES = 65_536;
export const WORD_MOST = 0xffff;
export const LONG_MOST = 0xffff_ffff;

export const mistake = (path: readonly (string | number)[], en: string, zh: string): Mistake => ({
  path,
  en,
  zh,
});
export const isBits = ({ function: fn }: { readonly function: ReadFunction }) => fn <= 2;
/** Of a mask, moved down as the value is. */
const shifted = (mask: number) => mask >>> (31 - Math.clz32(mask & -mask));
/** The largest that a point reads, before sign and scale. */
export function rawMost(one: Point): number {
  if (isBits(one)) return 1;
  if (one.mask !== undefined) return shifted(one.mask);
  return widthOf(one) === 2 ? LONG_MOST : WORD_MOST;
}
export const canBe = (one: Point, value: number): boolean => {
  const bits = one.mask === undefined || isBits(one) ? undefined : shifted(one.mask);
  return value >= 0 && value <= rawMost(one) && (bits === undefined || (value & ~bits) === 0);
};
export const notThere = (one: Point, value: number, path: Mistake['path']): Mistake[] => {
  if (canBe(one, value)) return [];
  const most = rawMost(one);
  const what = one.mask === undefined || isBits(one) ? '' : ' behind its mask';
  return [
    mistake(
      path,
      `it is never ${value}: it reads 0 to ${most}${what}, as unsigned`,
      `不可能为 ${value}：${what === '' ? '' : '经掩码后'}读数为 0 至 ${most}（无符号）`,
    ),
  ];
};
