/** What others are told after a commit, by NOTIFY: few, small words. One that does not fit says `missed`: read anew. */
import type { Changes } from './alarms.ts';
import type { Query } from './connection.ts';

export const CHANNEL = 'campus_gateway';
/** PostgreSQL takes 8000 bytes. */
const BYTES_MAX = 7000;
const WORDS_MAX = 8;

export type Told = { readonly what: 'alarm' | 'campus'; readonly id: string } | { readonly what: 'missed' };

/** Ids in payloads, as many as fit in each. `first` names what they are of. */
function packed(first: 'alarm' | 'campus', ids: readonly string[]): readonly string[] {
  const payloads: string[] = [];
  let payload = '';
  for (const id of ids) {
    if (payload !== '' && Buffer.byteLength(payload) + Buffer.byteLength(id) + 1 > BYTES_MAX) {
      payloads.push(payload);
      payload = '';
    }
    payload = `${payload === '' ? first : payload}\n${id}`;
  }
  return payload === '' ? payloads : [...payloads, payload];
}

/** `campuses` by their numbers, as people have them. */
export function payloadsOf(alarms: readonly string[], campuses: readonly string[]): readonly string[] {
  const payloads = [...packed('alarm', alarms), ...packed('campus', campuses)];
  return payloads.length > WORDS_MAX ? ['missed'] : payloads;
}

export function toldOf(payload: string): readonly Told[] {
  const [what, ...ids] = payload.split('\n');
  if (what !== 'alarm' && what !== 'campus') return [{ what: 'missed' }];
  return ids.map((id) => ({ what, id }));
}

/** Told when this transaction is committed, and not otherwise. */
export async function notify(query: Query, { alarms, campuses }: Changes): Promise<void> {
  if (alarms.size + campuses.size === 0) return;
  const rows =
    campuses.size === 0
      ? []
      : await query<{ number: string }>('SELECT number FROM campus WHERE id = ANY ($1::int[])', [
          [...campuses],
        ]);
  const payloads = payloadsOf(
    [...alarms],
    rows.map(({ number }) => number),
  );
  await query('SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload', [CHANNEL, payloads]);
}
