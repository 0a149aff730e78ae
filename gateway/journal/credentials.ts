/** The cards that a platform sent, and their version. */
import type Database from 'better-sqlite3';
import type { Meta } from './meta.ts';

/** A step from one version of the cards that a platform sends to the next. */
export interface CredentialChange {
  /** The version that it builds on; undefined: on none, all cards of before go. */
  readonly base?: number | undefined;
  readonly version: number;
  readonly put: readonly { readonly key: string; readonly body: string }[];
  readonly remove: readonly string[];
}

export function credentialTable(db: Database.Database, meta: Meta) {
  const put = db.prepare<[string, string]>(
    'INSERT INTO credential VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body',
  );
  const remove = db.prepare<[string]>('DELETE FROM credential WHERE key = ?');
  const read = db.prepare<[string, number], { key: string; body: string }>(
    'SELECT key, body FROM credential WHERE key > ? ORDER BY key LIMIT ?',
  );
  const credentialsVersion = () => Number(meta.get('credentials') ?? 0);
  const change = db.transaction(({ base, version, put: cards, remove: gone }: CredentialChange) => {
    if (base === undefined) db.exec('DELETE FROM credential');
    else if (base !== credentialsVersion()) return false;
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
