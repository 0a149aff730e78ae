/** Each command once, over a restart too, and the audit of it in the same transaction. */
import type Database from 'better-sqlite3';
import { auditTable } from './audit.ts';
import type { Meta } from './meta.ts';

/** A command, known by its id among those of who sent or signed it. Times are epoch ms; `audit` is JSON. */
export interface CommandBegin {
  readonly source: string;
  readonly id: string;
  readonly at: number;
  readonly expiresAt: number;
  readonly audit: string;
}
export interface CommandEnd {
  readonly source: string;
  readonly id: string;
  readonly at: number;
  /** JSON: the answer. */
  readonly outcome: string;
  readonly audit: string;
}
/** `known`: it came before; `outcome` is what became of it, null where the gateway stopped before it knew. */
export type Begun = { readonly known: false } | { readonly known: true; readonly outcome: string | null };

/** Of ended and expired commands so many are kept, whatever the clock says: it may step. */
const COMMANDS = 10_000;

export function commandTable(db: Database.Database, meta: Meta) {
  const find = db.prepare<[string, string], { outcome: string | null }>(
    'SELECT outcome FROM command WHERE source = ? AND id = ?',
  );
  const insert = db.prepare<[string, string, number, number]>(
    'INSERT INTO command (source, id, begun_at, expires_at) VALUES (?, ?, ?, ?)',
  );
  const setOutcome = db.prepare<[string, string, string]>(
    'UPDATE command SET outcome = ? WHERE source = ? AND id = ?',
  );
  const interrupted = db.prepare<[], { source: string; id: string }>(
    'SELECT source, id FROM command WHERE outcome IS NULL',
  );
  const forgetCommands = db.prepare<[number, number]>(
    'DELETE FROM command WHERE expires_at < ? AND number <= (SELECT max(number) FROM command) - ?',
  );
  const forgetMarks = db.prepare<[number]>('DELETE FROM mark WHERE at < ?');
  const audit = auditTable(db);

  const begin = db.transaction(({ source, id, at, expiresAt, audit: body }: CommandBegin): Begun => {
    const found = find.get(source, id);
    if (found !== undefined) return { known: true, outcome: found.outcome };
    insert.run(source, id, at, expiresAt);
    audit.add(at, body);
    return { known: false };
  });
  const end = db.transaction(({ source, id, at, outcome, audit: body }: CommandEnd): string => {
    setOutcome.run(outcome, source, id);
    return audit.add(at, body);
  });
  const note = db.transaction((at: number, body: string, change?: { key: string; value: string }) => {
    if (change !== undefined && meta.get(change.key) === change.value) return '';
    if (change !== undefined) meta.put(change.key, change.value);
    return audit.add(at, body);
  });
  const forget = db.transaction((before: number, now: number) => {
    audit.forget(before);
    forgetCommands.run(now, COMMANDS);
    return forgetMarks.run(before).changes;
  });
  return {
    command: (source: string, id: string) => find.get(source, id),
    interrupted: () => interrupted.all(),
    begin: (command: CommandBegin) => begin.immediate(command),
    end: (command: CommandEnd) => end.immediate(command),
    audit: (at: number, body: string, change?: { key: string; value: string }) =>
      note.immediate(at, body, change),
    forget: (before: number, now: number) => forget.immediate(before, now),
  };
}
