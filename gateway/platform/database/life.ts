/**
 * What says that a campus is there. An event does so by its own time: it may have waited in a queue of the broker for as long
 * as its campus is gone, and one that comes again says nothing.
 */
import type { Query } from './connection.ts';
import type { Row } from './fields.ts';

/** An event of the future is of a clock that is wrong by more than clocks of campuses and platforms are apart. */
const AHEAD_MAX_MS = 600_000;
/** An event that is that much younger than the last word of the broker on its campus came after it, whose clock it ever was. */
export const CLOCKS_APART_MS = 60_000;

/** Epoch ms; null: its clock is wrong, as it says itself or as one sees. `synchronised`: what the event says of it. */
export function livedAt({ time, event: { receivedAt } }: Row, synchronised: boolean | null): number | null {
  if (time === null || synchronised === false || time > receivedAt + AHEAD_MAX_MS) return null;
  return Math.min(time, receivedAt);
}

/** Nobody listened for so long: what was said meanwhile was not heard. */
const UNHEARD_S = 180;

export async function listen(query: Query, root: string, now: number): Promise<void> {
  await query(
    `INSERT INTO listening AS known (root, since, until) VALUES ($1, to_timestamp($2), to_timestamp($2))
     ON CONFLICT (root) DO UPDATE SET until = greatest(known.until, excluded.until),
       since = CASE WHEN known.until < excluded.until - interval '${UNHEARD_S} s' THEN excluded.since ELSE known.since END`,
    [root, now / 1000],
  );
}
