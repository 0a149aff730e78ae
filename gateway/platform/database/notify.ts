/** What others are told after a commit, by NOTIFY: few, small words. One that does not fit says `missed`: read anew. */

import type { Change } from '../views.ts';
import type { Changes } from './alarms.ts';
import type { Query } from './connection.ts';

export const CHANNEL = 'campus_gateway';
/** PostgreSQL takes 8000 bytes. */
const BYTES_MAX = 7000;
const WORDS_MAX = 8;

/** Behind the id of an alarm, which has none, comes its campus. */
const MARK = '/';

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

export interface AlarmName {
  readonly id: string;
  readonly campus: string;
}

/** Campuses by their numbers, as people have them. */
export function payloadsOf(alarms: readonly AlarmName[], campuses: readonly string[]): readonly string[] {
  const names = new Set(alarms.map(({ id, campus }) => `${id}${MARK}${campus}`));
  const payloads = [...packed('alarm', [...names]), ...packed('campus', campuses)];
  return payloads.length > WORDS_MAX ? ['missed'] : payloads;
}

export function toldOf(payload: string): readonly Change[] {
  const [what, ...ids] = payload.split('\n');
  if (what === 'campus') return ids.map((id) => ({ what, id }));
  if (what !== 'alarm') return [{ what: 'missed' }];
  return ids.map((name): Change => {
    const mark = name.indexOf(MARK);
    return mark < 0 ? { what: 'missed' } : { what, id: name.slice(0, mark), campus: name.slice(mark + 1) };
  });
}

/** Told when this transaction is committed, and not otherwise. */
export async function notify(query: Query, { alarms, campuses }: Changes): Promise<void> {
  if (alarms.length + campuses.size === 0) return;
  const rows = await query<{ id: number; number: string }>(
    'SELECT id, number FROM campus WHERE id = ANY ($1::int[])',
    [[...new Set([...campuses, ...alarms.map(({ campus }) => campus)])]],
  );
  const numbers = new Map(rows.map(({ id, number }) => [id, number]));
  const payloads = payloadsOf(
    alarms.map(({ id, campus }) => ({ id, campus: numbers.get(campus) ?? '' })),
    [...campuses].map((id) => numbers.get(id) ?? ''),
  );
  await query('SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload', [CHANNEL, payloads]);
}
