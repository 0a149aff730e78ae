import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type AppendRequest, type Journal, openJournal } from '../../gateway/journal/index.ts';
import { openStore } from '../../gateway/journal/store.ts';
import { sweep } from '../../gateway/upkeep/retention.ts';
import { temporaryDirectory } from '../helpers.ts';

let made = 0;
const entry = (more: Partial<AppendRequest> = {}): AppendRequest => {
  const id = `id-${made++}`;
  return {
    id,
    lane: 'normal',
    seenAt: 1000,
    type: 'device.fault',
    device: 'd',
    body: `{"id":"${id}"}`,
    ...more,
  };
};

async function open(directory: string): Promise<Journal> {
  const journal = await openJournal(directory);
  onTestFinished(() => journal.close());
  return journal;
}

/** Reads the file as another program would. */
function rows(directory: string): { sequence: number; id: string }[] {
  const db = new Database(join(directory, 'journal.sqlite'), { readonly: true });
  try {
    return db
      .prepare<[], { sequence: number; id: string }>('SELECT sequence, id FROM event ORDER BY sequence')
      .all();
  } finally {
    db.close();
  }
}

describe('append', () => {
  it('resolves when another program can read the event from the file, with rising numbers', async () => {
    const directory = temporaryDirectory();
    const journal = await open(directory);
    const first = await journal.append(entry({ id: 'a' }));
    expect(rows(directory)).toEqual([{ sequence: first.sequence, id: 'a' }]);
    const second = await journal.append(entry({ id: 'b' }));
    expect(second.sequence).toBeGreaterThan(first.sequence);
  });

  it('puts appends that arrive while a commit runs into the next one, in order', async () => {
    const journal = await open(temporaryDirectory());
    const all = await Promise.all(Array.from({ length: 3000 }, () => journal.append(entry())));
    const numbers = all.map(({ sequence }) => sequence);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(new Set(numbers).size).toBe(3000);
  });

  it('takes the same thing sent twice as one event, across a restart, while it is within its time', async () => {
    const directory = temporaryDirectory();
    const repeat = { key: 'panel/1', within: 500 };
    const before = await open(directory);
    const first = await before.append(entry({ repeat }));
    await before.close();
    const journal = await open(directory);
    expect(await journal.append(entry({ repeat, seenAt: 1400 }))).toEqual({ ...first, repeated: true });
    expect(await journal.append(entry({ repeat, seenAt: 1501 }))).toMatchObject({ repeated: false });
    expect(rows(directory)).toHaveLength(2);
  });

  it('rejects, and keeps nothing, when the disk refuses; the next append works', async () => {
    const directory = temporaryDirectory();
    const journal = await open(directory);
    await journal.append(entry());
    // Another program holds the write lock longer than SQLite waits.
    const thief = new Database(join(directory, 'journal.sqlite'));
    thief.exec('BEGIN IMMEDIATE');
    await expect(journal.append(entry({ id: 'refused' }))).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
    thief.exec('ROLLBACK');
    thief.close();
    await journal.append(entry({ id: 'taken' }));
    expect(rows(directory).map(({ id }) => id)).toContain('taken');
    expect(rows(directory).map(({ id }) => id)).not.toContain('refused');
  });
});

describe('an event that no table takes', () => {
  it('is refused alone; the rest of its batch is kept, and the disk is not blamed', async () => {
    const directory = temporaryDirectory();
    const journal = await open(directory);
    const broken = [
      entry({ id: 'half a millisecond', seenAt: 1000.5 }),
      entry({ id: 'no time', seenAt: Number.NaN }),
      entry({ id: 'no body', body: undefined as unknown as string }),
      entry({ id: 'a state that is none', stateKey: {} as unknown as string }),
    ];
    const all = [entry({ id: 'before' }), ...broken, entry({ id: 'after', stateKey: 'zone' })];
    const done = await Promise.allSettled(all.map((one) => journal.append(one)));
    expect(done.map(({ status }) => status === 'fulfilled')).toEqual([
      true,
      false,
      false,
      false,
      false,
      true,
    ]);
    for (const { reason } of done.filter((one) => one.status === 'rejected'))
      expect(reason).toMatchObject({ code: 'E_JOURNAL_EVENT' });
    expect(journal.condition).toEqual({ good: true });
    expect(rows(directory)).toEqual([
      { sequence: 1, id: 'before' },
      { sequence: 2, id: 'after' },
    ]);
    expect((await journal.states()).map(({ key }) => key)).toEqual(['zone']);
    expect(journal.last('normal')).toBe(2);
  });

  it('nor is a cursor that no table takes the end of what comes with it', async () => {
    const directory = temporaryDirectory();
    const log = { debug() {}, info() {}, warn() {}, error: vi.fn() };
    const journal = await openJournal(directory, { log });
    journal.advance('police', 'urgent', { sequence: 1.5, sent: 1 });
    journal.advance('education', 'urgent', { sequence: 2, sent: 2 });
    await journal.append(entry());
    await journal.close();
    expect(log.error).toHaveBeenCalledOnce();
    const again = await open(directory);
    expect(again.position('police', 'urgent')).toEqual({ sequence: 0, sent: 0 });
    expect(again.position('education', 'urgent')).toEqual({ sequence: 2, sent: 2 });
  });
});

describe('a hold', () => {
  it('that is released and begun anew before it is written is what it is then, its lane too', async () => {
    const directory = temporaryDirectory();
    const writing = await open(directory);
    const held = { uplink: 'police', topic: 't', lane: 0, first: 1, last: 2, reason: 'no', since: 1 };
    writing.hold(held);
    await writing.append(entry());
    writing.release('police', 't');
    const anew = { ...held, lane: 1, first: 3, last: 4, since: 5 };
    writing.hold(anew);
    await writing.append(entry());
    await writing.close();
    const again = await open(directory);
    expect(again.held('police')).toEqual([anew]);
  });
});

describe('read', () => {
  it('gives each lane in order, from memory and from disk alike', async () => {
    const directory = temporaryDirectory();
    const writing = await open(directory);
    const lanes = ['urgent', 'normal', 'bulk'] as const;
    await Promise.all(
      Array.from({ length: 300 }, (_, i) => writing.append(entry({ lane: lanes[i % 3] ?? 'bulk' }))),
    );
    const fromMemory = await Promise.all(lanes.map((lane) => writing.read(lane, 0, 1000)));
    await writing.close();
    const reading = await open(directory);
    const fromDisk = await Promise.all(lanes.map((lane) => reading.read(lane, 0, 1000)));
    expect(fromDisk).toEqual(fromMemory);
    expect(fromDisk.map((entries) => entries.length)).toEqual([100, 100, 100]);
  });

  it('goes on from any number over the border between disk and memory without a gap', async () => {
    const directory = temporaryDirectory();
    const before = await open(directory);
    await Promise.all(Array.from({ length: 50 }, () => before.append(entry())));
    await before.close();
    const journal = await open(directory);
    await Promise.all(Array.from({ length: 20_000 }, () => journal.append(entry())));
    const seen: number[] = [];
    for (let after = 0; ; ) {
      const entries = await journal.read('normal', after, 333);
      if (entries.length === 0) break;
      seen.push(...entries.map(({ sequence }) => sequence));
      after = seen.at(-1) ?? 0;
    }
    expect(seen).toEqual(Array.from({ length: 20_050 }, (_, i) => i + 1));
  });
});

describe('cursors', () => {
  it('survive a restart, each of its own uplink and lane', async () => {
    const directory = temporaryDirectory();
    const before = await open(directory);
    before.advance('police', 'urgent', { sequence: 7, sent: 5 });
    before.advance('education', 'normal', { sequence: 3, sent: 3 });
    await before.close();
    const journal = await open(directory);
    expect(journal.position('police', 'urgent')).toEqual({ sequence: 7, sent: 5 });
    expect(journal.position('education', 'normal')).toEqual({ sequence: 3, sent: 3 });
    expect(journal.position('police', 'normal')).toEqual({ sequence: 0, sent: 0 });
  });
});

describe('a commit whose fsync failed', () => {
  it('is not made twice where it is in the file all the same', async () => {
    const directory = temporaryDirectory();
    await (await open(directory)).close();
    const store = openStore(join(directory, 'journal.sqlite'));
    const changes = (id: string) => ({
      entries: [{ id, lane: 1, seenAt: 1, type: 'device.fault', device: 'd', body: '{}' }],
      cursors: [],
      marks: [],
      held: [],
    });
    store.commit(changes('told'));
    // As far as its sender knows, this one failed.
    const [there] = store.commit(changes('back')).entries;
    const back = store.after(1);
    expect([...back]).toEqual([['back', 2]]);
    expect(store.commit(changes('back'), back).entries).toEqual([{ ...there, repeated: true }]);
    expect(store.commit(changes('new'), back).entries).toEqual([{ sequence: 3, id: 'new', repeated: false }]);
    store.close();
    expect(rows(directory).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });
});

describe('retention', () => {
  const policy = { keep: 10_000, budget: 1e12, classes: {} };
  const police = { id: 'police', types: ['device.fault', 'alarm.raised', 'access.unknown'] };
  const education = { id: 'education', types: ['device.fault'] };
  const fault = (seenAt: number) => entry({ seenAt });
  const alarm = (seenAt: number) => entry({ seenAt, lane: 'urgent', type: 'alarm.raised' });

  it('removes what is old, never uses a number again, and tells what a platform had not got', async () => {
    const directory = temporaryDirectory();
    const journal = await open(directory);
    for (const seenAt of [100, 200, 300, 5000]) await journal.append(fault(seenAt));
    journal.advance('police', 'normal', { sequence: 4, sent: 4 });
    journal.advance('education', 'normal', { sequence: 2, sent: 2 });
    const first = await sweep(journal, policy, [police, education], 11_000);
    expect(first.removed).toBe(3);
    expect(first.dropped).toEqual([
      { uplink: 'education', lane: 'normal', reason: 'age', class: 'device', events: 1, first: 3, last: 3 },
    ]);
    expect(rows(directory).map(({ sequence }) => sequence)).toEqual([4]);
    expect((await sweep(journal, policy, [police], 99_000)).removed).toBe(1);
    expect((await journal.append(fault(0))).sequence).toBe(5);
  });

  it('tells nothing of what a platform does not want', async () => {
    const journal = await open(temporaryDirectory());
    await journal.append(entry({ type: 'access.unknown', seenAt: 1 }));
    const { removed, dropped } = await sweep(journal, policy, [education], 99_000);
    expect({ removed, dropped }).toEqual({ removed: 1, dropped: [] });
  });

  it('never removes an alarm that a platform has not got, and never the latest word on a state', async () => {
    const directory = temporaryDirectory();
    const journal = await open(directory);
    await journal.append(alarm(1));
    await journal.append(alarm(2));
    await journal.append(entry({ seenAt: 1, stateKey: 'zone' }));
    journal.advance('police', 'urgent', { sequence: 1, sent: 1 });
    await sweep(journal, { ...policy, budget: 1 }, [police], 99_000);
    expect(rows(directory).map(({ sequence }) => sequence)).toEqual([2, 3]);
  });

  it('keeps a class for its own time and within its own bytes, the oldest go first', async () => {
    const directory = temporaryDirectory();
    const journal = await open(directory);
    const body = JSON.stringify({ text: 'x'.repeat(1000) });
    for (let i = 0; i < 1000; i++)
      await journal.append(entry({ seenAt: 1000 + i, type: 'access.unknown', body }));
    await journal.append(fault(1));
    const classes = { access: { bytes: 500_000 }, device: { keep: 50_000 } };
    const { dropped } = await sweep(journal, { ...policy, classes }, [police], 10_500);
    const left = rows(directory).map(({ sequence }) => sequence);
    // By class: what takes more than its bytes, in steps of 200.
    expect(left.length).toBeGreaterThan(200);
    expect(left.length).toBeLessThanOrEqual(500);
    expect(left.at(-1)).toBe(1001);
    expect(left[0]).toBe(1001 - left.length + 1);
    expect(dropped).toEqual([
      expect.objectContaining({ reason: 'class', class: 'access', events: 1001 - left.length, first: 1 }),
    ]);
  });

  it('brings the journal under its budget, the oldest of the lowest lane first', async () => {
    const directory = temporaryDirectory();
    const journal = await open(directory);
    const body = JSON.stringify({ text: 'x'.repeat(4000) });
    const add = (lane: 'urgent' | 'normal' | 'bulk', type: string) =>
      Promise.all(Array.from({ length: 1000 }, () => journal.append(entry({ lane, type, body }))));
    await add('urgent', 'alarm.raised');
    await add('bulk', 'device.fault');
    await add('normal', 'device.fault');
    for (const lane of ['urgent', 'normal', 'bulk'] as const)
      journal.advance('police', lane, { sequence: 3000, sent: 3000 });
    const { bytes } = await journal.usage();
    await sweep(journal, { ...policy, keep: 1e12, budget: bytes * 0.5 }, [police], 10_000);
    const left = rows(directory).map(({ sequence }) => sequence);
    expect((await journal.usage()).bytes).toBeLessThan(bytes * 0.5);
    // All of bulk, some of normal, its oldest; of the alarms none.
    expect(left.slice(0, 1000)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
    expect(left.length).toBeGreaterThan(1000);
    expect(left[1000]).toBeGreaterThan(2001);
    expect(left.at(-1)).toBe(3000);
  });
});

describe('opening', () => {
  it('refuses a folder that another gateway has', async () => {
    const directory = temporaryDirectory();
    await open(directory);
    await expect(openJournal(directory)).rejects.toMatchObject({ code: 'E_JOURNAL_IN_USE' });
  });

  it('refuses a file of a newer version with a sentence, and leaves it alone', async () => {
    const directory = temporaryDirectory();
    await (await open(directory)).close();
    const db = new Database(join(directory, 'journal.sqlite'));
    db.exec('ALTER TABLE event ADD COLUMN priority INTEGER; PRAGMA user_version = 99');
    db.close();
    await expect(openJournal(directory)).rejects.toMatchObject({
      code: 'E_JOURNAL_NEWER',
      message: expect.stringContaining('99'),
    });
    expect(existsSync(join(directory, 'journal.sqlite'))).toBe(true);
  });

  it('knows the latest word of each state', async () => {
    const directory = temporaryDirectory();
    const before = await open(directory);
    await before.append(entry({ stateKey: 'a', body: '"raised"' }));
    await before.append(entry({ stateKey: 'b', body: '"raised"' }));
    await before.append(entry({ stateKey: 'a', body: '"restored"' }));
    await before.close();
    const states = await (await open(directory)).states();
    expect(states.map(({ key, body }) => [key, body])).toEqual([
      ['b', '"raised"'],
      ['a', '"restored"'],
    ]);
  });
});
