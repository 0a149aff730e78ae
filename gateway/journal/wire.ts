/**
 * What a commit is between the threads: arrays of plain values. Copying objects from thread to thread copies the names
 * of their members with each of them, and costs more than the commit's own SQL.
 */
import type { Appended, NewEntry } from './store.ts';

type Value = string | number | boolean | undefined;
export type FlatEntries = readonly Value[];
/** The sequences in the order of the entries; `repeated`: index, id; index, id... of those that were there before. */
export interface FlatAppended {
  readonly sequences: readonly number[];
  readonly repeated: readonly (number | string)[];
}

const WIDTH = 10;

export function flattenEntries(entries: readonly NewEntry[]): FlatEntries {
  const flat: Value[] = [];
  for (const { id, lane, seenAt, type, device, stateKey, ends, repeat, body } of entries)
    flat.push(id, lane, seenAt, type, device, stateKey, ends, repeat?.key, repeat?.within, body);
  return flat;
}

export function unflattenEntries(flat: FlatEntries): NewEntry[] {
  const entries: NewEntry[] = [];
  for (let at = 0; at < flat.length; at += WIDTH) {
    const key = flat[at + 7] as string | undefined;
    entries.push({
      id: flat[at] as string,
      lane: flat[at + 1] as number,
      seenAt: flat[at + 2] as number,
      type: flat[at + 3] as string,
      device: flat[at + 4] as string,
      stateKey: flat[at + 5] as string | undefined,
      ends: flat[at + 6] as boolean | undefined,
      repeat: key === undefined ? undefined : { key, within: flat[at + 8] as number },
      body: flat[at + 9] as string,
    });
  }
  return entries;
}

export function flattenAppended(appended: readonly Appended[]): FlatAppended {
  const repeated: (number | string)[] = [];
  for (const [i, one] of appended.entries()) if (one.repeated) repeated.push(i, one.id);
  return { sequences: appended.map(({ sequence }) => sequence), repeated };
}

export function unflattenAppended(
  { sequences, repeated }: FlatAppended,
  entries: readonly { readonly id: string }[],
): Appended[] {
  const appended = sequences.map(
    (sequence, i): Appended => ({ sequence, id: entries[i]?.id ?? '', repeated: false }),
  );
  for (let at = 0; at < repeated.length; at += 2) {
    const i = repeated[at] as number;
    appended[i] = { sequence: sequences[i] ?? 0, id: repeated[at + 1] as string, repeated: true };
  }
  return appended;
}
