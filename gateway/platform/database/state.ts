/**
 * How a campus is, and why. Pure.
 *
 *   withdrawn  it was taken out of service at the platform
 *   unknown    nothing was ever heard but perhaps where it is
 *   silent     `offline`: the broker lost it, and nothing happened there since; `stopped`: it said goodbye; `quiet`: nothing was
 *              heard for 25 minutes, two and a half times that a gateway says that it is there; of one that does not say so
 *              again (before contract 1.8) for 26 hours, a day and what a day's report may be late
 *   degraded   `gap`: something is missing for longer than half a minute; `lost`: a gap was given up in the last day;
 *              `clock`: its newest event says that its clock is not synchronised; `dropped`, `storage`: it said so in the
 *              last day; `device-offline`, `device-fault`: a device of it is, now
 */
import type { CampusView } from '../views.ts';
import { CLOCKS_APART_MS } from './life.ts';

const QUIET_MS = 25 * 60_000;
const QUIET_UNREPEATED_MS = 26 * 3_600_000;
const REPEATED_SINCE = [1, 8] as const;
const GAP_MS = 30_000;
/** What is over when it is said is shown for so long. */
export const REMEMBERED_MS = 24 * 3_600_000;

/** Times are epoch ms. */
export interface CampusFacts {
  readonly presenceState: 'online' | 'offline' | null;
  /** When it was said last. */
  readonly presenceAt: number | null;
  /** Since when the presence is so. */
  readonly stateSince: number | null;
  /** It said goodbye. */
  readonly isStopped: boolean;
  /** It says again that it is online. */
  readonly isRepeating: boolean;
  /** When something came last, and when it was there last, by the times of its events. */
  readonly lastEventAt: number | null;
  readonly livedAt: number | null;
  /** Since when and until when somebody listened; null: that is not known, and always. */
  readonly listenedSince: number | null;
  readonly listenedUntil: number | null;
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

/** Whether a gateway of this contract says again and again that it is there (docs/platform.md). */
export function isRepeating(contract: string | undefined): boolean {
  const [major = 0, minor = 0] = (contract ?? '').split('.').map(Number);
  return major > REPEATED_SINCE[0] || (major === REPEATED_SINCE[0] && minor >= REPEATED_SINCE[1]);
}

/** ms that somebody listened and heard nothing, since `heardAt`. */
const silentFor = ({ listenedSince, listenedUntil }: CampusFacts, heardAt: number, now: number): number =>
  Math.min(now, listenedUntil ?? now) - Math.max(heardAt, listenedSince ?? 0);

export function stateOf(facts: CampusFacts, now: number): State {
  const { presenceState, presenceAt, stateSince, isStopped, lastEventAt, livedAt, withdrawnAt } = facts;
  if (withdrawnAt !== null) return { state: 'withdrawn', reasons: [], since: withdrawnAt };
  if (presenceState === null && lastEventAt === null) return { state: 'unknown', reasons: [], since: null };
  const hasLivedSince = livedAt !== null && livedAt > (presenceAt ?? 0) + CLOCKS_APART_MS;
  if (presenceState === 'offline' && !hasLivedSince)
    return { state: 'silent', reasons: [isStopped ? 'stopped' : 'offline'], since: stateSince };
  // What a clock that is wrong says of its time is nothing.
  const cameAt = facts.synchronised === false || livedAt === null ? lastEventAt : livedAt;
  const heardAt = Math.max(livedAt ?? 0, facts.isRepeating ? 0 : (cameAt ?? 0), presenceAt ?? 0);
  if (silentFor(facts, heardAt, now) > (facts.isRepeating ? QUIET_MS : QUIET_UNREPEATED_MS))
    return { state: 'silent', reasons: ['quiet'], since: heardAt };
  const wrong = wrongWith(facts, now);
  if (wrong.length === 0) return { state: 'online', reasons: [], since: stateSince };
  return {
    state: 'degraded',
    reasons: wrong.map(([reason]) => reason),
    since: Math.min(...wrong.map(([, since]) => since)),
  };
}
