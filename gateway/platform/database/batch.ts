/**
 * What a batch comes to: each event once, and what each chain gains. Pure. An event is itself by its campus and its id, as
 * CloudEvents have it by source and id: a campus that uses the id of another's takes nothing away from it.
 */
import type { Received } from '../contract.ts';
import type { Addition, Place } from './chains.ts';
import type { Row } from './fields.ts';
import type { ChainKey } from './known.ts';
import { livedAt } from './life.ts';

/** The same for the same event: its id, and the number of the row of its campus. */
export const nameOf = (id: string, campus: number): string => `${id}/${campus}`;

/** An event of a batch, once, however often it is in it. */
export interface Entry extends ChainKey {
  /** As it is to be stored: of several the first; where that has no number, or an older numbering, the next. */
  readonly row: Row;
  /** The first that came. */
  readonly event: Received;
  /** How often it is there. */
  readonly count: number;
}

/** In the order of their ids, then of their campuses: two who insert the same events wait for each other in one direction only. */
export function entriesOf(rows: readonly Row[], keyOf: (row: Row) => ChainKey): readonly Entry[] {
  const entries = new Map<string, Entry>();
  for (const row of rows) {
    const key = keyOf(row);
    const name = nameOf(row.id, key.campus);
    const known = entries.get(name);
    if (known === undefined) {
      entries.set(name, { ...key, row, event: row.event, count: 1 });
      continue;
    }
    const isNumber = row.event.sequence > 0 && (known.row.event.sequence === 0 || key.chain !== known.chain);
    entries.set(name, { ...known, ...(isNumber && { ...key, row }), count: known.count + 1 });
  }
  return [...entries.values()].toSorted((one, other) =>
    one.row.id === other.row.id ? one.campus - other.campus : one.row.id < other.row.id ? -1 : 1,
  );
}

/** What the events say of clocks, without reading all of each: `data.clock` is the only one with this key. */
function synchronisedOf(body: string): boolean | null {
  if (body.includes('"synchronised":true')) return true;
  return body.includes('"synchronised":false') ? false : null;
}

/** `isFresh`: whether the first of this name (`nameOf`) was stored now. An event takes its place in each chain under which it came. */
export function additionsOf(
  rows: readonly Row[],
  keyOf: (row: Row) => ChainKey,
  isFresh: (name: string) => boolean,
): readonly Addition[] {
  const additions = new Map<number, Addition & { places: Place[] }>();
  const seen = new Set<string>();
  for (const row of rows) {
    const { sequence, previous, receivedAt } = row.event;
    const { chain, campus } = keyOf(row);
    const name = nameOf(row.id, campus);
    const isNew = !seen.has(name) && isFresh(name);
    seen.add(name);
    const known = additions.get(chain);
    const places = known?.places ?? [];
    const synchronised = synchronisedOf(row.body);
    const lived = isNew ? livedAt(row, synchronised) : null;
    if (sequence > 0) places.push({ sequence, previous });
    additions.set(chain, {
      chain,
      name: row,
      places,
      isAgain: known?.isAgain === true || (!isNew && sequence > 0),
      stored: (known?.stored ?? 0) + Number(isNew),
      duplicates: (known?.duplicates ?? 0) + Number(!isNew),
      lastEventAt: Math.max(known?.lastEventAt ?? 0, receivedAt),
      livedAt: lived === null ? (known?.livedAt ?? null) : Math.max(known?.livedAt ?? 0, lived),
      synchronised: synchronised ?? known?.synchronised ?? null,
    });
  }
  return [...additions.values()];
}
