/** What the city's API and page read. Slow questions are ended by the server, and hold no consumer up. */
import type { OverviewView, Reads } from '../../views.ts';
import { type Base, openDatabase } from '../connection.ts';
import { noteAtDesk } from '../desk.ts';
import { follow } from '../follow.ts';
import { migrate } from '../migrations.ts';
import { alarm, alarms, latency, latencySince } from './alarms.ts';
import { audits, writeAudit } from './audit.ts';
import { campus, campuses } from './campuses.ts';
import { events } from './events.ts';

const CONNECTIONS = 4;
const HOUR_MS = 3_600_000;
/** Of so long the rate of events is told, at least. */
const RATE_OVER_MS = 5000;

/** Events in a second, of samples of how many there are. */
function createRate(elapsed: () => number) {
  let samples: readonly { readonly at: number; readonly stored: number }[] = [];
  return (stored: number): number => {
    const now = elapsed();
    const recent = samples.filter(({ at }) => at > now - RATE_OVER_MS);
    const edge = samples.findLast(({ at }) => at <= now - RATE_OVER_MS);
    samples = [...(edge === undefined ? [] : [edge]), ...recent, { at: now, stored }];
    const [first] = samples as [{ at: number; stored: number }];
    return now > first.at ? Math.max(0, ((stored - first.stored) * 1000) / (now - first.at)) : 0;
  };
}

/** @throws StoreError: the database is away, refuses us, or is of a newer program. */
export async function openReads(url: string, base: Base): Promise<Reads & { close(): Promise<void> }> {
  const database = openDatabase(url, base, CONNECTIONS);
  const { query } = database;
  const { time } = base;
  const rateOf = createRate(time.elapsed);
  const followers = new Set<() => Promise<void>>();
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }

  const look = async (): Promise<OverviewView> => {
    const now = time.wall();
    const all = await campuses(query, now);
    const count = (state: string) => all.filter((one) => one.state === state).length;
    const sum = (numberOf: (one: (typeof all)[number]) => number) =>
      all.reduce((total, one) => total + numberOf(one), 0);
    const [totals] = await query<{ stored: number; duplicates: number; lost: number }>(
      `SELECT coalesce(sum(stored), 0)::bigint AS stored, coalesce(sum(duplicates), 0)::bigint AS duplicates,
         (SELECT count(*) FROM lost) AS lost FROM chain`,
    );
    const { stored, duplicates, lost } = totals as { stored: number; duplicates: number; lost: number };
    return {
      at: new Date(now).toISOString(),
      campuses: {
        total: all.length,
        online: count('online'),
        degraded: count('degraded'),
        silent: count('silent'),
        withdrawn: count('withdrawn'),
        unknown: count('unknown'),
      },
      alarms: { standing: sum(({ standing }) => standing), untaken: sum(({ untaken }) => untaken) },
      events: { perSecond: rateOf(stored), stored, duplicates },
      gaps: { open: sum(({ gaps }) => gaps), lost },
      latency: await latencySince(query, now - HOUR_MS),
    };
  };
  let looking: Promise<OverviewView> | undefined;

  return {
    /** Who asks while it is looked hears the same. */
    overview() {
      looking ??= look().finally(() => {
        looking = undefined;
      });
      return looking;
    },
    campuses: (of) => campuses(query, time.wall(), of?.district),
    campus: (id) => campus(query, time.wall(), id),
    alarms: (of) => alarms(query, of),
    alarm: (id, campus) => alarm(query, id, campus),
    events: (of) => events(query, of),
    latency: (of) => latency(query, of),
    follow(listener) {
      const stop = follow(url, base, listener);
      followers.add(stop);
      return async () => {
        followers.delete(stop);
        await stop();
      };
    },
    desk: (act) => noteAtDesk(database, act),
    audit: (at, body) => writeAudit(query, at, body),
    audits: (of) => audits(query, of),
    async close() {
      await Promise.all([...followers].map((stop) => stop()));
      await database.close();
    },
  };
}
