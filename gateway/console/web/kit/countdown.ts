/** How much is left of something that runs out, told by the gateway as a length: clocks of browsers are wrong. */
import { useEffect, useMemo, useSignal } from './html.ts';

const TICK_MS = 250;

/** Whole seconds that are left, at least 0; `told`: what came with the length, which begins anew with each. */
export function useSecondsLeft(leftMs: number | undefined, told: unknown): number | undefined {
  const endsAt = useMemo(
    () => (leftMs === undefined ? undefined : performance.now() + leftMs),
    [leftMs, told],
  );
  const tick = useSignal(0);
  useEffect(() => {
    if (endsAt === undefined) return undefined;
    const ticking = setInterval(() => tick.value++, TICK_MS);
    return () => clearInterval(ticking);
  }, [endsAt]);
  void tick.value;
  return endsAt === undefined ? undefined : Math.max(0, Math.ceil((endsAt - performance.now()) / 1000));
}
