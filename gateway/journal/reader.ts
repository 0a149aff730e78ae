/**
 * A journal that is only read: a live one beside its gateway, or a copy. It takes no lock and writes nothing; of a
 * live one it sees what was committed when each question was asked.
 */
import { existsSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { type Lane, lanes } from '../../drivers/contract/lane.ts';
import { AUDIT_ANCHOR, AUDIT_START, type AuditEntry, type Chain, followChain } from './audit.ts';
import type { Cursor, Held, Mark } from './batch.ts';
import { JournalError } from './error.ts';
import type { Entry } from './reading.ts';
import { journalFile } from './recovery.ts';
import { newerError, SCHEMA_VERSION } from './schema.ts';

/** The version that has numbers. */
const NUMBERS_SINCE = 5;

export interface ExportedEntry extends Entry {
  readonly storedAt: number | null;
}

export interface LinkEntry extends Pick<Entry, 'seenAt' | 'type' | 'device' | 'body'> {
  /** When the event before it was seen; null: there is none. */
  readonly before: number | null;
}

/** Where to look: the file itself, or the folder it is in. */
export function findJournal(path: string): string {
  return existsSync(path) && statSync(path).isDirectory() ? journalFile(path) : path;
}

export type JournalReader = ReturnType<typeof openReader>;

/** @throws JournalError E_JOURNAL_NEWER, E_JOURNAL_DAMAGED; what SQLite says where there is no such file. */
export function openReader(path: string) {
  const file = findJournal(path);
  const db = new Database(file, { readonly: true, fileMustExist: true });
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version < 1 || version > SCHEMA_VERSION) {
    const error =
      version > SCHEMA_VERSION
        ? newerError(db, file, version)
        : new JournalError('E_JOURNAL_DAMAGED', `${file} is no journal`);
    db.close();
    throw error;
  }
  const storedAt = version < 2 ? 'NULL' : 'stored_at';
  const columns = `sequence, lane, id, seen_at AS seenAt, type, device, body, ${storedAt} AS storedAt`;
  const all = <T>(sql: string): T[] => db.prepare<[], T>(sql).all();
  const newer = <T>(sql: string): T[] => (version < 2 ? [] : all<T>(sql));
  return {
    file,
    version,
    journalId: newer<{ value: string }>("SELECT value FROM meta WHERE key = 'journal'")[0]?.value ?? '',
    ...eventQueries(db, columns),
    ...auditQueries(db, version),
    /** Numbers that were given, by series: of what a platform knows by them. */
    numbers: (series: string): readonly { readonly name: string; readonly number: number }[] =>
      version < NUMBERS_SINCE
        ? []
        : db
            .prepare<[string], { name: string; number: number }>(
              'SELECT name, number FROM number WHERE series = ? ORDER BY number',
            )
            .all(series),
    count: () => all<{ n: number }>('SELECT count(*) AS n FROM event')[0]?.n ?? 0,
    /** By lane and class: how many, their numbers, their times. */
    summary: () =>
      all<{
        lane: number;
        class: string;
        events: number;
        first: number;
        last: number;
        from: number;
        to: number;
      }>(
        `SELECT lane, substr(type, 1, instr(type, '.') - 1) AS class, count(*) AS events, min(sequence) AS first,
         max(sequence) AS last, min(seen_at) AS "from", max(seen_at) AS "to" FROM event GROUP BY lane, class`,
      ),
    cursors: () => all<Cursor>('SELECT uplink, lane, sequence, sent FROM cursor ORDER BY uplink, lane'),
    held: () => newer<Held>('SELECT uplink, topic, lane, first, last, reason, since FROM held'),
    /** When each platform had this event, by stage: the first mark at or after it. */
    reached: (lane: number, sequence: number): readonly Pick<Mark, 'uplink' | 'stage' | 'at'>[] =>
      version < 2
        ? []
        : db
            .prepare<{ lane: number; sequence: number }, Pick<Mark, 'uplink' | 'stage' | 'at'>>(
              `SELECT * FROM (
                 SELECT uplink, stage.column1 AS stage, (
                   SELECT at FROM mark
                   WHERE mark.uplink = cursor.uplink AND lane = @lane AND mark.stage = stage.column1 AND sequence >= @sequence
                   ORDER BY sequence LIMIT 1
                 ) AS at
                 FROM (SELECT DISTINCT uplink FROM cursor) AS cursor, (VALUES ('broker'), ('platform')) AS stage
               ) WHERE at IS NOT NULL`,
            )
            .all({ lane, sequence }),
    /** What SQLite finds wrong; empty: nothing. */
    integrity: () =>
      (db.pragma('integrity_check(20)') as { integrity_check: string }[])
        .map((row) => row.integrity_check)
        .filter((text) => text !== 'ok'),
    close: () => db.close(),
  };
}

/** `columns`: of an ExportedEntry. */
function eventQueries(db: Database.Database, columns: string) {
  const read = db.prepare<[number, number, number], ExportedEntry>(
    `SELECT ${columns} FROM event WHERE lane = ? AND sequence > ? ORDER BY sequence LIMIT ?`,
  );
  const readBack = db.prepare<[number, number, number], ExportedEntry>(
    `SELECT ${columns} FROM event WHERE lane = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?`,
  );
  const ofType = db.prepare<[number, string, number, number], ExportedEntry>(
    `SELECT ${columns} FROM event WHERE lane = ? AND type = ? AND sequence > ? ORDER BY sequence LIMIT ?`,
  );
  const after = db.prepare<[number, number], ExportedEntry>(
    `SELECT ${columns} FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?`,
  );
  const links = db.prepare<[number, number], LinkEntry>(
    `SELECT seen_at AS seenAt, type, device, body,
     (SELECT seen_at FROM event AS other WHERE other.sequence < event.sequence ORDER BY sequence DESC LIMIT 1) AS before
     FROM event WHERE sequence BETWEEN ? AND ?
     AND type IN ('device.online', 'device.offline', 'gateway.started') ORDER BY sequence`,
  );
  const at = db.prepare<[number], ExportedEntry>(`SELECT ${columns} FROM event WHERE sequence = ?`);
  const sequences = db
    .prepare<[number, number], number>('SELECT sequence FROM event WHERE sequence BETWEEN ? AND ?')
    .pluck();
  const before = db.prepare<[number]>('SELECT 1 FROM event WHERE sequence < ? LIMIT 1');
  const last = db.prepare<[], number | null>('SELECT max(sequence) FROM event').pluck();
  return {
    read: (lane: Lane, after: number, limit: number) => read.all(lanes.indexOf(lane), after, limit),
    readBack: async (lane: Lane, before: number, limit: number) =>
      readBack.all(lanes.indexOf(lane), before, limit),
    /** The events of one type in a lane after a sequence, oldest first: looks at all of the lane after it. */
    ofType: (lane: Lane, type: string, after: number, limit: number) =>
      ofType.all(lanes.indexOf(lane), type, after, limit),
    /** The events after a sequence, of all lanes, the oldest first. */
    after: (sequence: number, limit: number) => after.all(sequence, limit),
    /** Those that say whether a device answers, and that the gateway started, from one to another. */
    links: (from: number, to: number) => links.all(from, to),
    at: (sequence: number) => at.get(sequence),
    /** Those that are there, from one to another. */
    sequences: (from: number, to: number): readonly number[] => sequences.all(from, to),
    /** The highest; 0: there is none. */
    last: () => last.get() ?? 0,
    /**
     * The number of the first event that was seen at a time or later, as they were numbered; the next number, where there is none.
     * Numbers follow the clock but where it jumped.
     */
    firstSince(time: number): number {
      let [low, high] = [1, (last.get() ?? 0) + 1];
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        const found = after.get(middle - 1, 1);
        if (found === undefined || found.seenAt >= time) high = middle;
        else low = found.sequence + 1;
      }
      return low;
    },
    /** Whether there is an event with a lower number. */
    hasBefore: (sequence: number) => before.get(sequence) !== undefined,
    /** All events of a time, oldest first, without holding them. */
    events: (from: number, to: number) =>
      db
        .prepare<[number, number], ExportedEntry>(
          `SELECT ${columns} FROM event WHERE seen_at >= ? AND seen_at < ? ORDER BY sequence`,
        )
        .iterate(from, to),
    find: (id: string) =>
      db.prepare<[string], ExportedEntry>(`SELECT ${columns} FROM event WHERE id = ?`).get(id),
  };
}

function auditQueries(db: Database.Database, version: number) {
  const all = <T>(sql: string): T[] => db.prepare<[], T>(sql).all();
  const metaOf = (key: string): string | undefined =>
    version < 2
      ? undefined
      : db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?').get(key)?.value;
  const anchor = () => metaOf(AUDIT_ANCHOR) ?? AUDIT_START;
  const inOrder = () =>
    db.prepare<[], AuditEntry>('SELECT number, at, body, hash FROM audit ORDER BY number');
  return {
    /** What was done after an entry of the audit, oldest first. */
    auditAfter: (number: number, limit: number): readonly Pick<AuditEntry, 'number' | 'body'>[] =>
      version < 3
        ? []
        : db
            .prepare<[number, number], Pick<AuditEntry, 'number' | 'body'>>(
              'SELECT number, body FROM audit WHERE number > ? ORDER BY number LIMIT ?',
            )
            .all(number, limit),
    /** The number of the newest entry of the audit; 0: there is none. */
    lastAudit: () =>
      version < 3 ? 0 : (all<{ n: number | null }>('SELECT max(number) AS n FROM audit')[0]?.n ?? 0),
    /** Who did what, oldest first, and the hash before the first. */
    audit: db.transaction((): { anchor: string; entries: readonly AuditEntry[] } => ({
      anchor: anchor(),
      entries: version < 3 ? [] : inOrder().all(),
    })),
    /**
     * The entries before a number and not before another, the newest first, at most `limit`. `find`: a text that they
     * have in them, its ASCII letters small; empty: all.
     */
    auditBefore: (before: number, from: number, find: string, limit: number): readonly AuditEntry[] =>
      version < 3
        ? []
        : db
            .prepare<[number, number, string, string, number], AuditEntry>(
              `SELECT number, at, body, hash FROM audit WHERE number < ? AND number >= ?
               AND (? = '' OR instr(lower(body), ?) > 0) ORDER BY number DESC LIMIT ?`,
            )
            .all(before, from, find, find, limit),
    /** Follows the whole chain as it is now, one entry after another. */
    auditChain: db.transaction((): Chain => followChain(anchor(), version < 3 ? [] : inOrder().iterate())),
    /** What was noted last of something that is noted where it changes (`Journal.auditChange`); undefined: nothing. */
    noted: (key: string): string | undefined => metaOf(`audited-${key}`),
  };
}
