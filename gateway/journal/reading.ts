/** Reading the open file: the lanes, the latest words on states, where the uplinks stand. */
import type Database from 'better-sqlite3';
import { lanes } from '../../drivers/contract/lane.ts';
import type { Back, Cursor, Held } from './batch.ts';

export interface Entry {
  readonly sequence: number;
  readonly lane: number;
  readonly id: string;
  readonly seenAt: number;
  readonly type: string;
  readonly device: string;
  readonly body: string;
}

/** Events of one type and device, of a stretch of a lane. */
export interface Kind {
  readonly type: string;
  readonly device: string;
  readonly events: number;
  /** The sequence of the first of them, and when that was seen, epoch ms. */
  readonly first: number;
  readonly seenAt: number;
}

const ENTRY = 'sequence, lane, id, seen_at AS seenAt, type, device, body';

export function eventReader(db: Database.Database) {
  const read = db.prepare<[number, number, number], Entry>(
    `SELECT ${ENTRY} FROM event WHERE lane = ? AND sequence > ? ORDER BY sequence LIMIT ?`,
  );
  const readBack = db.prepare<[number, number, number], Entry>(
    `SELECT ${ENTRY} FROM event WHERE lane = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?`,
  );
  // Beside a lone min() a column has the value of that row (https://sqlite.org/lang_select.html#bareagg).
  const kinds = db.prepare<[number, number, number], Kind>(
    `SELECT type, device, count(*) AS events, min(sequence) AS first, seen_at AS seenAt FROM event
     WHERE lane = ? AND sequence > ? AND sequence <= ? GROUP BY type, device`,
  );
  const states = db.prepare<[], { key: string; sequence: number; body: string }>(
    'SELECT key, sequence, body FROM state JOIN event USING (sequence) ORDER BY sequence',
  );
  const lastOfLane = db.prepare<[number], { sequence: number | null }>(
    'SELECT max(sequence) AS sequence FROM event WHERE lane = ?',
  );
  const idAt = db.prepare<[number], { id: string }>('SELECT id FROM event WHERE sequence = ?');
  const all = <T>(sql: string): readonly T[] => db.prepare<[], T>(sql).all();
  return {
    read: (lane: number, after: number, limit: number) => read.all(lane, after, limit),
    readBack: (lane: number, before: number, limit: number) => readBack.all(lane, before, limit),
    kinds: (lane: number, after: number, upTo: number) => kinds.all(lane, after, upTo),
    states: () => states.all(),
    /** The events after a sequence, by id. */
    after: (sequence: number): Back =>
      new Map(
        db
          .prepare<[number], { id: string; sequence: number }>(
            'SELECT id, sequence FROM event WHERE sequence > ?',
          )
          .all(sequence)
          .map((row) => [row.id, row.sequence]),
      ),
    /** Whether an event is there still. */
    isAt: (sequence: number, id: string) => idAt.get(sequence)?.id === id,
    cursors: () => all<Cursor>('SELECT uplink, lane, sequence, sent FROM cursor'),
    held: () => all<Held>('SELECT uplink, topic, lane, first, last, reason, since FROM held'),
    /** The highest sequence of each lane, 0 where it is empty. */
    lasts: (): readonly number[] => lanes.map((_, lane) => lastOfLane.get(lane)?.sequence ?? 0),
    /** The highest number that was ever given. */
    last: () => all<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'event'")[0]?.seq ?? 0,
  };
}
