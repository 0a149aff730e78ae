/** The table of single values; which there are: schema.ts. */
import type Database from 'better-sqlite3';

export interface Meta {
  get(key: string): string | undefined;
  put(key: string, value: string): void;
}

export function metaTable(db: Database.Database): Meta {
  const get = db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?');
  const put = db.prepare<[string, string]>(
    'INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  );
  return { get: (key) => get.get(key)?.value, put: (key, value) => void put.run(key, value) };
}
