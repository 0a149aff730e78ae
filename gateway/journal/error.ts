/**
 * - `E_JOURNAL_IN_USE`: another gateway has the folder.
 * - `E_JOURNAL_NEWER`: a later version wrote the file.
 * - `E_JOURNAL_DAMAGED`: the file is not what SQLite or we wrote.
 * - `E_JOURNAL_WRITE`: the journal's thread ended.
 * - `E_JOURNAL_EVENT`: the event is none that the tables take, whatever the disk does.
 * - `SQLITE_...`: what SQLite says of the disk: FULL, IOERR_..., READONLY, CANTOPEN, BUSY.
 */
export class JournalError extends Error {
  readonly code:
    | 'E_JOURNAL_IN_USE'
    | 'E_JOURNAL_NEWER'
    | 'E_JOURNAL_DAMAGED'
    | 'E_JOURNAL_WRITE'
    | 'E_JOURNAL_EVENT'
    | `SQLITE_${string}`;
  constructor(code: JournalError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'JournalError';
    this.code = code;
  }
}

/** What SQLite or the file system called it. */
export const codeOf = (error: unknown): string => (error as { code?: string } | undefined)?.code ?? '';

/** The file itself is bad, whatever the disk does: SQLITE_CORRUPT, SQLITE_NOTADB, or our own check. */
export const isDamage = (error: unknown) =>
  /^(SQLITE_CORRUPT|SQLITE_NOTADB|E_JOURNAL_DAMAGED|SQLITE_IOERR_(SHORT_)?READ$)/.test(codeOf(error));

/**
 * After these the open file is not trusted any more. Not among them: FULL and BUSY, after which SQLite has rolled
 * back and the file is as it was.
 */
export const isSuspect = (error: unknown) =>
  isDamage(error) || /^SQLITE_(IOERR|READONLY|CANTOPEN|PROTOCOL)/.test(codeOf(error));

/**
 * What was to be written is wrong, not the disk: the tables are STRICT, and better-sqlite3 binds plain values only
 * (TypeError, RangeError).
 */
export const isUnfit = (error: unknown) =>
  /^SQLITE_(CONSTRAINT_(DATATYPE|NOTNULL)|MISMATCH|TOOBIG)/.test(codeOf(error)) ||
  (codeOf(error) === '' && (error instanceof TypeError || error instanceof RangeError));
