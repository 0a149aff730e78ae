/** Faults and hazards: put in, changed, closed, and what is to be told of them. */
import type Database from 'better-sqlite3';
import {
  type Entry,
  type EntryKind,
  type EntryWords,
  LedgerError,
  type Note,
  type Noting,
  type Opening,
  type Tallies,
} from './entry.ts';

/** Put in by rule and not closed: one hundred times what a campus has, when all of its lines are cut. */
const OPEN_MAX = 10_000;
/** In all; of more, the oldest that are closed go. 60 MB. */
const ENTRIES_MAX = 200_000;
/** Told at once; the rest at the next look. */
const TOLD_MAX = 200;

const columns = `number, kind, device, place, fault, cause, reason, what, owner, measure, deadline, since,
  opened_at AS openedAt, opened_by AS openedBy, ended_at AS endedAt, closed_at AS closedAt, closed_by AS closedBy, result`;

export type OutboxType = 'opened' | 'closed';
export interface Untold {
  /** Events that tell of entries, the oldest first. */
  readonly outbox: readonly { readonly number: number; readonly type: OutboxType; readonly entry: Entry }[];
  readonly overdue: readonly Entry[];
  readonly notes: readonly Note[];
}

export interface Looked {
  /** Keys of what stands and is in the ledger. */
  readonly tracked: readonly string[];
  /** How many were not put in, because there are too many. */
  readonly refused: number;
  readonly untold: Untold;
  /** When the next becomes overdue or is told of again; null: none does. */
  readonly nextAt: number | null;
}

export type Which = 'open' | 'overdue' | 'closed' | 'all';
const conditions: Readonly<Record<Which, string>> = {
  open: 'closed_at IS NULL',
  overdue: 'closed_at IS NULL AND deadline <= @now',
  closed: 'closed_at IS NOT NULL',
  all: 'TRUE',
};

export function entryQueries(db: Database.Database, note: Noting) {
  const find = db.prepare<[number], Entry & { close: string }>(
    `SELECT ${columns}, close FROM entry WHERE number = ?`,
  );
  const insert = db.prepare<Record<string, unknown>>(
    `INSERT INTO entry (kind, key, standing, close, device, place, fault, cause, reason, what, owner, measure, deadline,
       since, opened_at, opened_by)
     VALUES (@kind, @key, @standing, @close, @device, @place, @fault, @cause, @reason, @what, @owner, @measure, @deadline,
       @since, @now, @by)`,
  );
  const tell = db.prepare<[OutboxType, number]>('INSERT INTO outbox (type, entry) VALUES (?, ?)');
  const setClosed = db.prepare<[number, string, string | null, number]>(
    'UPDATE entry SET closed_at = ?, closed_by = ?, result = ? WHERE number = ?',
  );
  const countAll = db.prepare<[], number>('SELECT count(*) FROM entry').pluck();
  const forgetOldest = db.prepare<[number]>(
    `DELETE FROM entry WHERE number IN
     (SELECT number FROM entry WHERE closed_at IS NOT NULL AND standing = 0 ORDER BY number LIMIT ?)`,
  );

  const entryOf = (number: number): Entry => {
    const { close: _close, ...entry } = known(number);
    return entry;
  };
  const known = (number: number) => {
    const found = find.get(number);
    if (found === undefined) throw new LedgerError('E_LEDGER_NO_ENTRY', `there is no entry ${number}`);
    return found;
  };
  const put = (row: Record<string, unknown>, by: string, now: number): number => {
    const number = Number(insert.run({ ...row, by, now }).lastInsertRowid);
    tell.run('opened', number);
    const { kind, device, fault, what, deadline } = row;
    note(now, by, `entry/${number}`, { act: 'opened', kind, device, fault, what, deadline });
    const more = (countAll.get() ?? 0) - ENTRIES_MAX;
    if (more > 0) forgetOldest.run(more);
    return number;
  };
  const close = (number: number, result: string | null, by: string, now: number) => {
    setClosed.run(now, by, result, number);
    tell.run('closed', number);
    note(now, by, `entry/${number}`, { act: 'closed', result });
  };
  return {
    ...changes(db, { known, entryOf, put, close, note }),
    ...lookQueries(db, { put, close }),
    ...tallyQueries(db),
    /** Newest first, those before a number; `now`: what is overdue. */
    list({
      which,
      before,
      limit,
      now,
    }: {
      readonly which: Which;
      readonly before: number;
      readonly limit: number;
      readonly now: number;
    }): readonly Entry[] {
      return db
        .prepare<object, Entry>(
          `SELECT ${columns} FROM entry WHERE number < @before AND ${conditions[which]} ORDER BY number DESC LIMIT @limit`,
        )
        .all({ before, limit, ...(which === 'overdue' && { now }) });
    },
    entry: ({ number }: { readonly number: number }): { entry: Entry; history: readonly Note[] } => ({
      entry: entryOf(number),
      history: historyOf(db, `entry/${number}`),
    }),
  };
}

/** Of one entry or device, the newest; a file that was changed by hand must not fill a page. */
const HISTORY_MAX = 200;
type NoteRow = Omit<Note, 'body'> & { readonly body: string };
export const readNote = (row: NoteRow): Note => ({ ...row, body: JSON.parse(row.body) as Note['body'] });
export const historyOf = (db: Database.Database, subject: string): readonly Note[] =>
  db
    .prepare<[string, number], NoteRow>(
      'SELECT number, at, by, subject, body FROM note WHERE subject = ? ORDER BY number DESC LIMIT ?',
    )
    .all(subject, HISTORY_MAX)
    .map(readNote);

/** What people do; each all or nothing. */
function changes(
  db: Database.Database,
  {
    known,
    entryOf,
    put,
    close,
    note,
  }: {
    readonly known: (number: number) => Entry;
    readonly entryOf: (number: number) => Entry;
    readonly put: (row: Record<string, unknown>, by: string, now: number) => number;
    readonly close: (number: number, result: string | null, by: string, now: number) => void;
    readonly note: Noting;
  },
) {
  const setWords = db.prepare<Record<string, unknown>>(
    `UPDATE entry SET kind = @kind, device = @device, place = @place, what = @what, owner = @owner, measure = @measure,
     deadline = @deadline, reminded_at = NULL WHERE number = @number`,
  );
  const open = (number: number): Entry => {
    const entry = known(number);
    if (entry.closedAt !== null) throw new LedgerError('E_LEDGER_CLOSED', `entry ${number} is closed`);
    return entry;
  };
  return {
    add: db.transaction(
      ({ words, by, now }: { readonly words: EntryWords; readonly by: string; readonly now: number }) => {
        const none = { key: null, standing: 0, close: 'hand', fault: null, cause: null, reason: null };
        return entryOf(put({ ...none, ...words, since: now }, by, now));
      },
    ).immediate,
    /** @throws LedgerError E_LEDGER_NO_ENTRY, E_LEDGER_CLOSED. */
    edit: db.transaction(
      (asked: {
        readonly number: number;
        readonly words: Partial<EntryWords>;
        readonly by: string;
        readonly now: number;
      }) => {
        const { number, words, by, now } = asked;
        const { kind, device, place, what, owner, measure, deadline } = open(number);
        const before = { kind, device, place, what, owner, measure, deadline };
        const changed = Object.entries(words).filter(
          ([name, value]) => before[name as keyof EntryWords] !== value,
        );
        if (changed.length > 0) {
          setWords.run({ ...before, ...words, number });
          note(now, by, `entry/${number}`, { act: 'changed', ...Object.fromEntries(changed) });
        }
        return entryOf(number);
      },
    ).immediate,
    /** @throws LedgerError E_LEDGER_NO_ENTRY, E_LEDGER_CLOSED. */
    closeEntry: db.transaction(
      (asked: {
        readonly number: number;
        readonly result: string;
        readonly by: string;
        readonly now: number;
      }) => {
        open(asked.number);
        close(asked.number, asked.result, asked.by, asked.now);
        return entryOf(asked.number);
      },
    ).immediate,
    /** It was not mended after all. @throws LedgerError E_LEDGER_NO_ENTRY, E_LEDGER_OPEN. */
    reopen: db.transaction(
      (asked: { readonly number: number; readonly by: string; readonly now: number }) => {
        const { number, by, now } = asked;
        if (known(number).closedAt === null)
          throw new LedgerError('E_LEDGER_OPEN', `entry ${number} is open`);
        db.prepare(
          `UPDATE entry SET closed_at = NULL, closed_by = NULL, result = NULL, reminded_at = NULL, close = 'hand'
         WHERE number = ?`,
        ).run(number);
        db.prepare("INSERT INTO outbox (type, entry) VALUES ('opened', ?)").run(number);
        note(now, by, `entry/${number}`, { act: 'reopened' });
        return entryOf(number);
      },
    ).immediate,
  };
}

/** What the gateway does: by rule, and by the clock. */
function lookQueries(
  db: Database.Database,
  {
    put,
    close,
  }: {
    readonly put: (row: Record<string, unknown>, by: string, now: number) => number;
    readonly close: (number: number, result: string | null, by: string, now: number) => void;
  },
) {
  const isTracked = db
    .prepare<[string], number>('SELECT 1 FROM entry WHERE key = ? AND standing = 1')
    .pluck();
  const tracked = db.prepare<[], string>('SELECT key FROM entry WHERE standing = 1').pluck();
  const standingOf = db.prepare<[string], { number: number; close: string; closedAt: number | null }>(
    'SELECT number, close, closed_at AS closedAt FROM entry WHERE key = ? AND standing = 1',
  );
  const setEnded = db.prepare<[number, number]>(
    'UPDATE entry SET standing = 0, ended_at = ? WHERE number = ?',
  );
  const countOpen = db.prepare<[], number>('SELECT count(*) FROM entry WHERE closed_at IS NULL').pluck();
  const outbox = db.prepare<[number], { number: number; type: OutboxType; of: number }>(
    'SELECT number, type, entry AS of FROM outbox ORDER BY number LIMIT ?',
  );
  const byNumber = db.prepare<[number], Entry>(`SELECT ${columns} FROM entry WHERE number = ?`);
  const overdue = db.prepare<[number, number, number], Entry>(
    `SELECT ${columns} FROM entry WHERE closed_at IS NULL AND deadline <= ?
     AND coalesce(reminded_at, 0) <= ? ORDER BY number LIMIT ?`,
  );
  const nextAt = db
    .prepare<[number], number | null>(
      `SELECT min(max(deadline, coalesce(reminded_at + ?, 0))) FROM entry
       WHERE closed_at IS NULL AND deadline IS NOT NULL`,
    )
    .pluck();
  const notes = db.prepare<[number], NoteRow>(
    'SELECT number, at, by, subject, body FROM note WHERE audited = 0 ORDER BY number LIMIT ?',
  );
  const dropOutbox = db.prepare<[number]>('DELETE FROM outbox WHERE number = ?');
  const setReminded = db.prepare<[number, number]>('UPDATE entry SET reminded_at = ? WHERE number = ?');
  const setAudited = db.prepare<[number]>('UPDATE note SET audited = 1 WHERE number = ?');

  const untoldAt = (now: number, remindMs: number): Untold => ({
    outbox: outbox.all(TOLD_MAX).flatMap(({ number, type, of }) => {
      const entry = byNumber.get(of);
      return entry === undefined ? [] : [{ number, type, entry }];
    }),
    overdue: overdue.all(now, now - remindMs, TOLD_MAX),
    notes: notes.all(TOLD_MAX).map(readNote),
  });
  return {
    /** `opening`: what stands for long enough; `gone`: keys of what stands no more. */
    look: db.transaction(
      (asked: {
        readonly opening: readonly Opening[];
        readonly gone: readonly string[];
        readonly now: number;
        readonly remindMs: number;
      }): Looked => {
        const { opening, gone, now, remindMs } = asked;
        for (const key of gone)
          for (const { number, close: how, closedAt } of standingOf.all(key)) {
            setEnded.run(now, number);
            if (closedAt === null && how === 'ended') close(number, null, 'gateway', now);
          }
        let room = OPEN_MAX - (countOpen.get() ?? 0);
        let refused = 0;
        for (const one of opening) {
          if (isTracked.get(one.key) !== undefined) continue;
          if (room-- > 0) put({ ...one, standing: 1, what: null }, 'gateway', now);
          else refused++;
        }
        const untold = untoldAt(now, remindMs);
        return { tracked: tracked.all(), refused, untold, nextAt: nextAt.get(remindMs) ?? null };
      },
    ).immediate,
    /** It is in the journal that they were told of, and in the audit. */
    told: db.transaction(
      (asked: {
        readonly outbox: readonly number[];
        readonly overdue: readonly number[];
        readonly notes: readonly number[];
        readonly now: number;
      }) => {
        for (const number of asked.outbox) dropOutbox.run(number);
        for (const number of asked.overdue) setReminded.run(asked.now, number);
        for (const number of asked.notes) setAudited.run(number);
      },
    ).immediate,
  };
}

function tallyQueries(db: Database.Database) {
  const count = db.prepare<
    object,
    { kind: EntryKind; opened: number; closed: number; open: number; overdue: number }
  >(
    `SELECT kind,
       count(*) FILTER (WHERE opened_at >= @from AND opened_at < @to) AS opened,
       count(*) FILTER (WHERE closed_at >= @from AND closed_at < @to) AS closed,
       count(*) FILTER (WHERE opened_at < @to AND (closed_at IS NULL OR closed_at >= @to)) AS open,
       count(*) FILTER (WHERE opened_at < @to AND (closed_at IS NULL OR closed_at >= @to) AND deadline < @to) AS overdue
     FROM entry GROUP BY kind`,
  );
  return {
    /** In a time, and at its end. */
    tallies({ from, to }: { readonly from: number; readonly to: number }): Tallies {
      const rows = new Map(count.all({ from, to }).map(({ kind, ...tally }) => [kind, tally]));
      const none = { opened: 0, closed: 0, open: 0, overdue: 0 };
      return { fault: rows.get('fault') ?? none, hazard: rows.get('hazard') ?? none };
    },
  };
}
