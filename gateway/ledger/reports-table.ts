/** Days in numbers, kept when the journal has them no more; and which digest was told last. */
import type Database from 'better-sqlite3';
import type { DayReport } from './report.ts';

/** Ten years. */
const DAYS_MAX = 3660;

export function reportQueries(db: Database.Database) {
  const put = db.prepare<[string, string]>(
    'INSERT INTO report VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body',
  );
  const forget = db.prepare<[number]>(
    'DELETE FROM report WHERE day IN (SELECT day FROM report ORDER BY day DESC LIMIT -1 OFFSET ?)',
  );
  const get = db.prepare<[string], string>('SELECT body FROM report WHERE day = ?').pluck();
  const between = db
    .prepare<[string, string], string>('SELECT body FROM report WHERE day >= ? AND day <= ? ORDER BY day')
    .pluck();
  const days = db.prepare<[number], string>('SELECT day FROM report ORDER BY day DESC LIMIT ?').pluck();
  const meta = db.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck();
  const setMeta = db.prepare<[string, string]>(
    'INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  );
  return {
    keepReport: db.transaction(({ report }: { readonly report: DayReport }) => {
      put.run(report.day, JSON.stringify(report));
      forget.run(DAYS_MAX);
    }).immediate,
    keptReport({ day }: { readonly day: string }): DayReport | undefined {
      const body = get.get(day);
      return body === undefined ? undefined : (JSON.parse(body) as DayReport);
    },
    /** From a day to a day, both of them in it. */
    keptReports: ({ from, to }: { readonly from: string; readonly to: string }): readonly DayReport[] =>
      between.all(from, to).map((body) => JSON.parse(body) as DayReport),
    keptDays: (): readonly string[] => days.all(DAYS_MAX),
    noted: ({ key }: { readonly key: string }) => meta.get(key),
    remember: ({ key, value }: { readonly key: string; readonly value: string }) =>
      void setMeta.run(key, value),
  };
}
