/**
 * How a campus is, and why. Pure.
 *
 *   withdrawn  it was taken out of service at the platform
 *   unknown    nothing was ever heard but perhaps where it is
 *   silent     `offline`: the broker lost it, and nothing came since; `stopped`: it said goodbye; `quiet`: nothing came for
 *              26 hours, a day and what a day's report may be late
 *   degraded   `gap`: something is missing for longer than half a minute; `lost`: a gap was given up in the last day;
 *              `clock`: its newest event says that its clock is not synchronised; `dropped`, `storage`: it said so in the
 *              last day; `device-offline`, `device-fault`: a device of it is, now
 */
import type { CampusView } from '../views.ts';

const QUIET_MS = 26 * 3_600_000;
const GAP_MS = 30_000;
/** What is over when it is said is shown for so long. */
export const REMEMBERED_MS = 24 * 3_600_000;

/** Times are epoch ms. */
export interface CampusFacts {
  readonly presenceState: 'online' | 'offline' | null;
  readonly presenceAt: number | null;
  /** Since when the presence is so. */
  readonly stateSince: number | null;
  /** It said goodbye. */
  readonly isStopped: boolean;
  readonly lastEventAt: number | null;
  readonly withdrawnAt: number | null;
  readonly gapSince: number | null;
  readonly lostAt: number | null;
  readonly synchronised: boolean | null;
  /** Since when, by kind. */
  readonly troubles: Readonly<Record<string, number>>;
}

type State = Pick<CampusView, 'state' | 'reasons'> & { readonly since: number | null };

/** A campus that is there: what is wrong with it, and since when. */
function wrongWith(facts: CampusFacts, now: number): readonly (readonly [reason: string, since: number])[] {
  const { gapSince, lostAt, synchronised, lastEventAt, troubles } = facts;
  return [
    ...(gapSince !== null && gapSince < now - GAP_MS ? [['gap', gapSince] as const] : []),
    ...(lostAt !== null ? [['lost', lostAt] as const] : []),
    ...(synchronised === false ? [['clock', lastEventAt ?? now] as const] : []),
    ...Object.entries(troubles),
  ];
}

export function stateOf(facts: CampusFacts, now: number): State {
  const { presenceState, presenceAt, stateSince, isStopped, lastEventAt, withdrawnAt } = facts;
  if (withdrawnAt !== null) return { state: 'withdrawn', reasons: [], since: withdrawnAt };
  if (presenceState === null && lastEventAt === null) return { state: 'unknown', reasons: [], since: null };
  const hasComeSince = lastEventAt !== null && lastEventAt > (presenceAt ?? 0);
  if (presenceState === 'offline' && !hasComeSince)
    return { state: 'silent', reasons: [isStopped ? 'stopped' : 'offline'], since: stateSince };
  const heardAt = Math.max(lastEventAt ?? 0, presenceAt ?? 0);
  if (heardAt < now - QUIET_MS) return { state: 'silent', reasons: ['quiet'], since: heardAt };
  const wrong = wrongWith(facts, now);
  if (wrong.length === 0) return { state: 'online', reasons: [], since: stateSince };
  return {
    state: 'degraded',
    reasons: wrong.map(([reason]) => reason),
    since: Math.min(...wrong.map(([, since]) => since)),
  };
}
