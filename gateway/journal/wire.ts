/**
 * What goes between the journal and its thread. Questions and answers are copied, but for commits: arrays of plain
 * values. Copying objects from thread to thread copies the names of their members with each of them, and costs more
 * than the commit's own SQL.
 */
import type { Failure, OpenedFile, Question } from './backing.ts';
import type { Appended, Committed, NewEntry, Progress, Refused } from './batch.ts';

/** To the thread. */
export type Message =
  | { readonly ask: Exclude<Question, 'commit'>; readonly args: readonly unknown[] }
  | { readonly commit: FlatEntries; readonly progress: Progress }
  | { readonly close: true };
/** From it: an answer to each message, in their order, and between them what it tells. */
export type Answer =
  | { readonly value: unknown }
  | { readonly error: Failure }
  | { readonly opened: OpenedFile }
  | { readonly unopened: Failure };

type Value = string | number | boolean | undefined;
export type FlatEntries = readonly Value[];
export interface FlatCommitted {
  /** In the order of the entries; 0: it was refused. */
  readonly sequences: readonly number[];
  /** Index, id; index, id... of those that were there before. */
  readonly repeated: readonly (number | string)[];
  /** Index, reason; index, reason... of those that were refused. */
  readonly refused: readonly (number | string)[];
  /** Of the progress. */
  readonly lost: readonly string[];
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

export function flattenCommitted({ entries, refused: lost }: Committed): FlatCommitted {
  const sequences: number[] = [];
  const repeated: (number | string)[] = [];
  const refused: (number | string)[] = [];
  for (const [i, one] of entries.entries()) {
    sequences.push('refused' in one ? 0 : one.sequence);
    if ('refused' in one) refused.push(i, one.refused);
    else if (one.repeated) repeated.push(i, one.id);
  }
  return { sequences, repeated, refused, lost };
}

export function unflattenCommitted(
  { sequences, repeated, refused, lost }: FlatCommitted,
  asked: readonly { readonly id: string }[],
): Committed {
  const entries = sequences.map((sequence, i): Appended | Refused => ({
    sequence,
    id: asked[i]?.id ?? '',
    repeated: false,
  }));
  for (let at = 0; at < repeated.length; at += 2) {
    const i = repeated[at] as number;
    entries[i] = { sequence: sequences[i] ?? 0, id: repeated[at + 1] as string, repeated: true };
  }
  for (let at = 0; at < refused.length; at += 2)
    entries[refused[at] as number] = { refused: refused[at + 1] as string };
  return { entries, refused: lost };
}
