/** What a thread apart is asked to do in tests. */
export const double = (number: number) => number * 2;
export function stall(): never {
  for (;;);
}
export function fail(): never {
  throw new Error('no such thing');
}
export function swell(): never {
  const all: number[][] = [];
  for (;;) all.push(Array(10_000).fill(1));
}
