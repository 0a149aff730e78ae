import { expect, it } from 'vitest';
import type { Appended, NewEntry } from '../../gateway/journal/store.ts';
import {
  flattenAppended,
  flattenEntries,
  unflattenAppended,
  unflattenEntries,
} from '../../gateway/journal/wire.ts';

const entry = { id: 'a', lane: 0, seenAt: 7, type: 'alarm.raised', device: 'd', body: '{}' };

it('brings entries to the other thread as they are, with what they lack', () => {
  const entries: NewEntry[] = [
    { ...entry, stateKey: 'd//1/panic/', ends: true, repeat: { key: 'k', within: 60_000 } },
    { ...entry, id: 'b', lane: 1, stateKey: undefined, ends: undefined, repeat: undefined },
    { ...entry, id: 'c', stateKey: 'd///fault/', ends: false, repeat: undefined },
  ];
  expect(unflattenEntries(structuredClone(flattenEntries(entries)))).toEqual(entries);
});

it('brings back which were there before, under which number and id', () => {
  const appended: Appended[] = [
    { sequence: 3, id: 'a', repeated: false },
    { sequence: 1, id: 'older', repeated: true },
    { sequence: 4, id: 'c', repeated: false },
  ];
  const entries = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];
  expect(unflattenAppended(structuredClone(flattenAppended(appended)), entries)).toEqual(appended);
});
