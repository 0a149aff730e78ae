/** What the platform's clock says of ours. It is evidence: neither is set from here. */
import type { Clock } from '../../contract/clock.ts';
import { readLocalTime } from '../../local-time.ts';
import { paths, readStatuses, readSystemTime, readTime } from './codec.ts';
import { type Asking, isOk, SMALL_MS } from './registering.ts';

/** The platform says whole seconds: half a one is over, on average. */
const HALF_SECOND_MS = 500;

interface Here {
  readonly clock: Clock;
  /** IANA name of the campus's time zone. */
  readonly timeZone: string;
}

/**
 * What the platform's clock is ahead of ours, ms; below 0: behind. `said`: local time, as the codec reads it; `from`: when it
 * was asked, epoch ms. undefined: it said no time.
 */
function offsetOf(said: string | undefined, from: number, { clock, timeZone }: Here): number | undefined {
  const at = said && readLocalTime(said, timeZone);
  if (!at) return undefined;
  return Math.round(at + HALF_SECOND_MS - (from + clock.wall()) / 2);
}

/** By what an answer says beside its StatusCode. */
export const offsetIn = (answer: Buffer, from: number, here: Here): number | undefined =>
  offsetOf(readTime(readStatuses(answer)[0]?.localTime), from, here);

/** By its System/Time. undefined: it answers none. Never rejects. */
export async function askOffset(asking: Asking, here: Here): Promise<number | undefined> {
  const from = here.clock.wall();
  const answer = await asking(paths.time, { method: 'GET', timeout: SMALL_MS }).catch(() => undefined);
  return answer !== undefined && isOk(answer) ? offsetOf(readSystemTime(answer.body), from, here) : undefined;
}
