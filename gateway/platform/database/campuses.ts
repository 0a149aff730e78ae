/**
 * What a campus shows of itself: whether it is there, and where it is. Its words are read leniently, field by field:
 * what is wrong in one says nothing of the others. Of several consumers that hear the same the first writes it.
 */
import { z } from 'zod';
import type { Shown } from '../contract.ts';
import { coordinatesView } from '../views.ts';
import type { Query } from './connection.ts';
import { keyOf, textOf } from './fields.ts';
import type { Known } from './known.ts';
import { notify } from './notify.ts';

const TEXT_MAX = 500;
const CONTACTS_MAX = 50;
const text = z.string().transform((given) => textOf(given.slice(0, TEXT_MAX)));
const lenient = text.optional().catch(undefined);
const contact = z.object({ role: text, name: lenient, phone: lenient });

export const presenceBody = z.object({
  state: z.enum(['online', 'offline']),
  version: lenient,
  /** Of the contract: since 1.8 presence is said again. */
  contract: lenient,
  /** When it said goodbye; none in the will. */
  at: lenient,
});
export const masterBody = z.object({
  name: lenient,
  district: lenient,
  address: lenient,
  coordinates: coordinatesView.optional().catch(undefined),
  contacts: z
    .array(z.unknown())
    .catch([])
    .transform((all) =>
      all.slice(0, CONTACTS_MAX).flatMap((one) => {
        const { success, data } = contact.safeParse(one);
        return success ? [data] : [];
      }),
    ),
});

/** What it says, as JSON without what PostgreSQL cannot keep; null: it was taken back, or is none. */
function wordsOf<T>(body: string, shape: z.ZodType<T>): T | null {
  try {
    return shape.safeParse(JSON.parse(body)).data ?? null;
  } catch {
    return null;
  }
}

/** Of several consumers that hear one word again the first writes it. */
const AGAIN_S = 30;
/** For so long it is not known to be silent (state.ts): who follows need not hear of each word. */
const TOLD_S = 900;

/**
 * What it says again says that it is there, and what is retained does not. @returns the campus where others are to be told.
 */
async function writePresence(query: Query, campus: number, { prefix, body, receivedAt, isRetained }: Shown) {
  const words = wordsOf(body, presenceBody);
  const rows = await query<{ id: number; isTold: boolean }>(
    `UPDATE campus SET presence = $2::text, presence_state = $3::text, presence_at = to_timestamp($4),
       state_since = CASE WHEN campus.presence_state IS DISTINCT FROM $3::text THEN to_timestamp($4) ELSE campus.state_since END
     FROM campus AS was
     WHERE campus.id = $1 AND was.id = $1 AND campus.prefix = $5 AND coalesce(campus.presence_at <= to_timestamp($4), true)
       AND (campus.presence IS DISTINCT FROM $2::text OR (NOT $6::bool
         AND (campus.presence_state = 'offline' OR campus.presence_at < to_timestamp($4) - interval '${AGAIN_S} s')))
     RETURNING campus.id, was.presence IS DISTINCT FROM $2::text OR was.presence_state = 'offline'
       OR was.presence_at < to_timestamp($4) - interval '${TOLD_S} s' AS "isTold"`,
    [
      campus,
      words && JSON.stringify(words),
      words?.state ?? null,
      receivedAt / 1000,
      keyOf(prefix),
      isRetained === true,
    ],
  );
  return rows.filter(({ isTold }) => isTold);
}

const writeMaster = (query: Query, campus: number, { prefix, body, receivedAt }: Shown) => {
  const words = wordsOf(body, masterBody);
  return query(
    `UPDATE campus SET master = $2::text, name = $3, district = $4, master_at = to_timestamp($5)
     WHERE id = $1 AND prefix = $6 AND coalesce(master_at <= to_timestamp($5), true) AND master IS DISTINCT FROM $2::text RETURNING id`,
    [
      campus,
      words && JSON.stringify(words),
      words?.name ?? null,
      words?.district ?? null,
      receivedAt / 1000,
      keyOf(prefix),
    ],
  );
};

/** Where it shows something else than it did, others are told. */
export async function show(query: Query, known: Known, shown: Shown): Promise<void> {
  const campus = await known.campusOf(keyOf(shown.prefix));
  const changed = await (shown.what === 'presence' ? writePresence : writeMaster)(query, campus, shown);
  if (changed.length > 0) await notify(query, { alarms: [], campuses: new Set([campus]) });
}
