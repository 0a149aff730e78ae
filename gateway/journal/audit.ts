/**
 * Who did what: commands, logins, changes of the config, overrides. Each entry bears a hash over itself and the hash
 * before it, so that none can be changed, taken out or put in without breaking the chain. The newest hash goes out
 * with the events about commands: who cuts off the end of the chain, or makes all of it anew, is found out there.
 */
import { createHash } from 'node:crypto';
import type Database from 'better-sqlite3';

export interface AuditEntry {
  readonly number: number;
  /** Epoch ms. */
  readonly at: number;
  /** JSON. */
  readonly body: string;
  /** SHA-256, hex, of the hash before, the number, the time and the body, each ended by a line feed. */
  readonly hash: string;
}

/** What stands before the first entry of all. */
export const AUDIT_START = '';
/** The row of `meta` with the hash before the first entry that is kept. */
export const AUDIT_ANCHOR = 'audit';

export function auditHash(before: string, { number, at, body }: Omit<AuditEntry, 'hash'>): string {
  return createHash('sha256').update(`${before}\n${number}\n${at}\n${body}\n`).digest('hex');
}

/**
 * Follows the chain from `anchor`, the hash before the first entry.
 * @returns undefined where it is whole, or the number of the first entry that does not fit, and why.
 */
export function verifyAudit(
  anchor: string,
  entries: Iterable<AuditEntry>,
): { readonly number: number; readonly reason: string } | undefined {
  let before = anchor;
  let last: number | undefined;
  for (const entry of entries) {
    const { number, hash } = entry;
    if (last !== undefined && number !== last + 1)
      return { number, reason: `entries are missing after ${last}` };
    if (auditHash(before, entry) !== hash) return { number, reason: 'it is not what was written' };
    before = hash;
    last = number;
  }
  return undefined;
}

/** What there is of a chain, and whether it is whole. */
export interface Chain {
  readonly entries: number;
  /** The numbers of the first and the last entry that were read; undefined: there is none. */
  readonly first: number | undefined;
  readonly last: number | undefined;
  /** The hash of the last entry: what a platform has of it is the same. */
  readonly hash: string;
  /** The first entry that does not fit; undefined: the chain is whole. */
  readonly broken: { readonly number: number; readonly reason: string } | undefined;
}

/** The same, of entries that are held one at a time. */
export function followChain(anchor: string, entries: Iterable<AuditEntry>): Chain {
  let count = 0;
  let first: number | undefined;
  let last = undefined as AuditEntry | undefined;
  const counted = function* () {
    for (const entry of entries) {
      count++;
      first ??= entry.number;
      last = entry;
      yield entry;
    }
  };
  const broken = verifyAudit(anchor, counted());
  return { entries: count, first, last: last?.number, hash: last?.hash ?? anchor, broken };
}

/** Writes and forgets; inside a transaction of the caller's. */
export function auditTable(db: Database.Database) {
  const last = db.prepare<[], { number: number; hash: string }>(
    'SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1',
  );
  const insert = db.prepare<[number, number, string, string]>('INSERT INTO audit VALUES (?, ?, ?, ?)');
  const anchor = db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?');
  const setAnchor = db.prepare<[string, string]>(
    'INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  );
  const newestBefore = db.prepare<[number], { number: number; hash: string }>(
    'SELECT number, hash FROM audit WHERE at < ? ORDER BY number DESC LIMIT 1',
  );
  const remove = db.prepare<[number]>('DELETE FROM audit WHERE number <= ?');
  return {
    /** @returns the hash of the new entry. */
    add(at: number, body: string): string {
      const { number, hash } = last.get() ?? {
        number: 0,
        hash: anchor.get(AUDIT_ANCHOR)?.value ?? AUDIT_START,
      };
      const entry = { number: number + 1, at, body };
      const own = auditHash(hash, entry);
      insert.run(entry.number, at, body, own);
      return own;
    },
    /** Forgets entries before a time, never the last one: the chain goes on from it. */
    forget(before: number): void {
      const found = newestBefore.get(before);
      const end = last.get();
      if (found === undefined || end === undefined || found.number >= end.number) return;
      setAnchor.run(AUDIT_ANCHOR, found.hash);
      remove.run(found.number);
    },
  };
}
