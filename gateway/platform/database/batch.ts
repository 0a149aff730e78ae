/** What a batch comes to: each event once, and what each chain gains. Pure. */
import type { Received } from '../contract.ts';
import type { Addition, Place } from './chains.ts';
import type { Row } from './fields.ts';
import type { ChainKey } from './known.ts';

/** An event of a batch, once, however often it is in it. */
export interface Entry extends ChainKey {
  /** As it is to be stored: of several the first; where that has no number, or an older numbering, the next. */
  readonly row: Row;
  /** The first that came. */
  readonly event: Received;
  /** How often it is there. */
  readonly count: number;
}

/**
 * In the order of their ids: two who insert the same events wait for each other in one direction only. A number comes
 * from the same campus only: nobody renumbers another's event.
 */
export function entriesOf(rows: readonly Row[], keyOf: (row: Row) => ChainKey): readonly Entry[] {
  const entries = new Map<string, Entry>();
  for (const row of rows) {
    const key = keyOf(row);
    const known = entries.get(row.id);
    if (known === undefined) {
      entries.set(row.id, { ...key, row, event: row.event, count: 1 });
      continue;
    }
    const isNumber =
      row.event.sequence > 0 &&
      key.campus === known.campus &&
      (known.row.event.sequence === 0 || key.chain !== known.chain);
    entries.set(row.id, { ...known, ...(isNumber && { ...key, row }), count: known.count + 1 });
  }
  return [...entries.values()].toSorted((one, other) => (one.row.id < other.row.id ? -1 : 1));
}

/** What the events say of clocks, without reading all of each: `data.clock` is the only one with this key. */
function synchronisedOf(body: string): boolean | null {
  if (body.includes('"synchronised":true')) return true;
  return body.includes('"synchronised":false') ? false : null;
}

/** `isFresh`: whether the first of this id was stored now. An event takes its place in each chain under which it came. */
export function additionsOf(
  rows: readonly Row[],
  keyOf: (row: Row) => ChainKey,
  isFresh: (id: string) => boolean,
): readonly Addition[] {
  const additions = new Map<number, Addition & { places: Place[] }>();
  const seen = new Set<string>();
  for (const row of rows) {
    const { sequence, previous, receivedAt } = row.event;
    const { chain } = keyOf(row);
    const isNew = !seen.has(row.id) && isFresh(row.id);
    seen.add(row.id);
    const known = additions.get(chain);
    const places = known?.places ?? [];
    if (sequence > 0) places.push({ sequence, previous });
    additions.set(chain, {
      chain,
      name: row,
      places,
      isAgain: known?.isAgain === true || (!isNew && sequence > 0),
      stored: (known?.stored ?? 0) + Number(isNew),
      duplicates: (known?.duplicates ?? 0) + Number(!isNew),
      lastEventAt: Math.max(known?.lastEventAt ?? 0, receivedAt),
      synchronised: synchronisedOf(row.body) ?? known?.synchronised ?? null,
    });
  }
  return [...additions.values()];
}
