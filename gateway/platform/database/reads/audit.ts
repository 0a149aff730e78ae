/** The audit of the platform: who did what, the newest first. */
import type { AuditQuery, AuditView } from '../../views.ts';
import type { Query } from '../connection.ts';
import { textOf } from '../fields.ts';

const LIMIT_MAX = 500;

function entryOf(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
const textIn = (value: unknown): string | null => (typeof value === 'string' ? textOf(value) : null);

export async function writeAudit(query: Query, at: number, body: string): Promise<void> {
  const { user, campus } = entryOf(body);
  await query('INSERT INTO audit (at, body, who, campus) VALUES (to_timestamp($1), $2, $3, $4)', [
    at / 1000,
    textOf(body),
    textIn(user),
    textIn(campus),
  ]);
}

export async function audits(
  query: Query,
  { campus, user, before, limit }: AuditQuery,
): Promise<readonly AuditView[]> {
  const rows = await query<{ id: number; at: number; body: string }>(
    `SELECT id, at, body FROM audit WHERE ($1::text IS NULL OR who = $1) AND ($2::text IS NULL OR campus = $2)
       AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $4`,
    [
      user === undefined ? null : textOf(user),
      campus === undefined ? null : textOf(campus),
      before ?? null,
      Math.min(Math.max(1, limit), LIMIT_MAX),
    ],
  );
  return rows.map(({ id, at, body }) => ({
    id: String(id),
    at: new Date(at).toISOString(),
    entry: entryOf(body),
  }));
}
