/** The repeat keys of the newest events, in memory: what makes a second sending the same event. */
import type Database from 'better-sqlite3';
import { createRecent, type Recent } from '../lifecycle/recent.ts';

export interface Repeat {
  readonly sequence: number;
  readonly id: string;
  readonly seenAt: number;
}

export type Repeats = Recent<string, Repeat>;

/** Those of the `count` newest events that have a key. */
export function readRepeats(db: Database.Database, count: number): Repeats {
  const repeats = createRecent<string, Repeat>(count);
  const rows = db
    .prepare<[number], Repeat & { key: string }>(
      `SELECT repeat_key AS key, sequence, id, seen_at AS seenAt FROM event
       WHERE sequence > (SELECT max(sequence) FROM event) - ? AND repeat_key IS NOT NULL ORDER BY sequence`,
    )
    .iterate(count);
  for (const { key, ...repeat } of rows) repeats.set(key, repeat);
  return repeats;
}
