/** What becomes of a command that is refused: counted, logged once a burst, noted in the audit, told to platforms. */
import type { Result } from '../../config/catalogue/actions.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Journal } from '../journal/index.ts';
import type { WallClock } from '../observe/clock.ts';
import { burstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';

/** Refusals are written down, but a flood of them must not fill the disk: so many a minute from each source. */
const REFUSALS_A_MINUTE = 20;
const MINUTE_MS = 60_000;
/** A reason may quote what was wrong, which may be long. */
const REASON_MAX = 300;

export interface Refused {
  readonly source: 'uplink' | 'console';
  readonly from: string;
  readonly target: string;
  readonly id: string | null;
  readonly action?: string;
  readonly issuer?: string | undefined;
}

export function createRefusals(options: {
  readonly journal: Pick<Journal, 'audit'>;
  readonly clock: Pick<WallClock, 'now'>;
  readonly time: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Tells platforms. */
  readonly tell: (details: object) => void;
}) {
  const { journal, clock, time, log, metrics, tell } = options;
  const bursts = burstLog(log, time);
  const buckets = new Map<string, { since: number; count: number }>();

  /** Whether this one is still to be written down, and how many were not since the last minute that had too many. */
  const countWritten = (source: string) => {
    const now = time.elapsed();
    const bucket = buckets.get(source);
    const fresh = bucket === undefined || now - bucket.since > MINUTE_MS;
    const uncounted = fresh ? (bucket?.count ?? 0) - REFUSALS_A_MINUTE : 0;
    const next = fresh ? { since: now, count: 1 } : { since: bucket.since, count: bucket.count + 1 };
    buckets.set(source, next);
    return { written: next.count <= REFUSALS_A_MINUTE, uncounted };
  };

  const countOne = (what: Pick<Refused, 'source' | 'from' | 'target'>, reason: string) => {
    metrics.commandsRefused.inc({ source: what.from });
    bursts.warn(`command ${what.from}`, { ...what, reason }, 'a command was refused');
  };

  return {
    /** Of a flood: only counted, and logged once a burst. */
    count: countOne,
    refuse(what: Refused, why: string): Result & { readonly id: string | null } {
      const reason = why.slice(0, REASON_MAX);
      const { from } = what;
      countOne(what, reason);
      const { written, uncounted } = countWritten(from);
      if (written) {
        const entry = { kind: 'refusal', ...what, reason, ...(uncounted > 0 && { andMore: uncounted }) };
        journal.audit(clock.now(), JSON.stringify(entry)).then(
          (audit) => tell({ ...what, reason, audit }),
          () => tell({ ...what, reason }),
        );
      }
      return { id: what.id, done: false, reason };
    },
    close: () => bursts.close(),
  };
}
