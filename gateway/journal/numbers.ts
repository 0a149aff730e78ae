/**
 * Numbers that are given once and kept: what a platform knows a zone or a camera by, long after both were renamed. The
 * highest of a series stands apart too, so that where a page of the table was lost none is given to another.
 */
import type Database from 'better-sqlite3';
import type { Meta } from './meta.ts';

export function numberTable(db: Database.Database, meta: Meta) {
  const known = db.prepare<[string, string], { number: number }>(
    'SELECT number FROM number WHERE series = ? AND name = ?',
  );
  const highest = db.prepare<[string], { number: number | null }>(
    'SELECT max(number) AS number FROM number WHERE series = ?',
  );
  const insert = db.prepare<[string, string, number]>('INSERT INTO number VALUES (?, ?, ?)');
  const give = db.transaction((series: string, names: readonly string[]): readonly number[] => {
    const key = `numbers-${series}`;
    const last = () => Math.max(highest.get(series)?.number ?? 0, Number(meta.get(key) ?? 0));
    return names.map((name) => {
      const found = known.get(series, name)?.number;
      if (found !== undefined) return found;
      const next = last() + 1;
      insert.run(series, name, next);
      meta.put(key, String(next));
      return next;
    });
  });
  return { numbers: (series: string, names: readonly string[]) => give.immediate(series, names) };
}
