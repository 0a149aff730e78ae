/**
 * What proves that a stretch of the journal is still as it was: SHA-256 over its events, each as its JSON stands in the
 * journal and a line feed, in the order of their numbers. SQLite and sha256sum alone find the same:
 *
 *   sqlite3 journal.sqlite 'SELECT body FROM event WHERE sequence BETWEEN 7 AND 9 ORDER BY sequence' | sha256sum
 *
 * An erased person, or retention, changes it for good.
 */
import { createHash } from 'node:crypto';
import type { JournalReader } from './reader.ts';

export interface RangeHash {
  readonly from: number;
  readonly to: number;
  /** So many are there. */
  readonly events: number;
  /** Hex. */
  readonly sha256: string;
}

/** Looked at at once. */
const STEP = 1000;

/** Both ends belong to it. @throws what SQLite says. */
export function hashRange(reader: Pick<JournalReader, 'after'>, from: number, to: number): RangeHash {
  const hash = createHash('sha256');
  let events = 0;
  for (let after = from - 1; after < to; ) {
    const found = reader.after(after, STEP);
    const last = found.at(-1);
    if (last === undefined) break;
    for (const { sequence, body } of found) {
      if (sequence > to) break;
      hash.update(`${body}\n`);
      events++;
    }
    after = last.sequence;
  }
  return { from, to, events, sha256: hash.digest('hex') };
}
