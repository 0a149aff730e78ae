/**
 * The cards that a platform sent, and their version. Their keys are normal ones (drivers/contract/card.ts); rows that an
 * older version wrote get theirs with the next change.
 */
import type Database from 'better-sqlite3';
import { normalKey } from '../../drivers/contract/card.ts';
import type { Meta } from './meta.ts';

/** A step from one version of the cards that a platform sends to the next. */
export interface CredentialChange {
  /** The version that it builds on; undefined: on none, all cards of before go. */
  readonly base?: number | undefined;
  readonly version: number;
  readonly put: readonly { readonly key: string; readonly body: string }[];
  readonly remove: readonly string[];
}

interface CardRow {
  readonly key: string;
  readonly body: string;
}

/**
 * Rows by normal keys. Of two that are one card a blocked one counts, else the one that was written so: 1217496 before
 * 0001217496.
 */
export function withNormalKeys(rows: readonly CardRow[]): readonly CardRow[] {
  const kept = new Map<string, CardRow>();
  for (const row of rows) {
    const key = normalKey(row.key);
    const before = kept.get(key);
    if (
      before === undefined ||
      (isBlocked(row) && !isBlocked(before)) ||
      (row.key === key && !isBlocked(before))
    )
      kept.set(key, row);
  }
  return [...kept].map(([key, { body }]) => ({ key, body }));
}
const isBlocked = ({ body }: CardRow) => (JSON.parse(body) as { blocked?: boolean }).blocked === true;

/** Gives all rows their normal keys; inside a transaction of the caller's. */
export function keyNormaliser(db: Database.Database): () => void {
  // Only these can have another key: leading zeros, and hex.
  const odd = db.prepare<[], { key: string }>(
    "SELECT key FROM credential WHERE key GLOB '*/0?*' OR key GLOB '*/*[A-Fa-f]*'",
  );
  const one = db.prepare<[string], CardRow>('SELECT key, body FROM credential WHERE key = ?');
  const put = db.prepare<[string, string]>(
    'INSERT INTO credential VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body',
  );
  const remove = db.prepare<[string]>('DELETE FROM credential WHERE key = ?');
  return () => {
    for (const { key } of odd.all()) {
      const normal = normalKey(key);
      const own = one.get(key);
      if (normal === key || own === undefined) continue;
      const [kept] = withNormalKeys([own, one.get(normal) ?? []].flat());
      if (kept !== undefined) put.run(normal, kept.body);
      remove.run(key);
    }
  };
}

export function credentialTable(db: Database.Database, meta: Meta) {
  const put = db.prepare<[string, string]>(
    'INSERT INTO credential VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body',
  );
  const remove = db.prepare<[string]>('DELETE FROM credential WHERE key = ?');
  const read = db.prepare<[string, number], { key: string; body: string }>(
    'SELECT key, body FROM credential WHERE key > ? ORDER BY key LIMIT ?',
  );
  const normalise = keyNormaliser(db);
  const credentialsVersion = () => Number(meta.get('credentials') ?? 0);
  const change = db.transaction(({ base, version, put: cards, remove: gone }: CredentialChange) => {
    if (base === undefined) db.exec('DELETE FROM credential');
    else if (base !== credentialsVersion()) return false;
    normalise();
    for (const key of gone) remove.run(key);
    for (const { key, body } of cards) put.run(key, body);
    meta.put('credentials', String(version));
    return true;
  });
  return {
    credentialsVersion,
    credentials: (after: string, limit: number) => read.all(after, limit),
    changeCredentials: (wanted: CredentialChange) => change.immediate(wanted),
  };
}
