import { expect, it } from 'vitest';
import type { Committed, NewEntry } from '../../gateway/journal/batch.ts';
import {
  flattenCommitted,
  flattenEntries,
  unflattenCommitted,
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

it('brings back which were there before, under which number and id, and which were refused, and why', () => {
  const committed: Committed = {
    entries: [
      { sequence: 3, id: 'a', repeated: false },
      { sequence: 1, id: 'older', repeated: true },
      { refused: 'no number' },
      { sequence: 4, id: 'd', repeated: false },
    ],
    refused: ['a cursor without an uplink'],
  };
  const entries = [{ id: 'a' }, { id: 'b' }, { id: 'c' }, { id: 'd' }];
  expect(unflattenCommitted(structuredClone(flattenCommitted(committed)), entries)).toEqual(committed);
});
