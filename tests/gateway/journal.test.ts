import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type AppendRequest, type Journal, openJournal } from '../../gateway/journal/index.ts';
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
  let closed = false;
  const close = journal.close.bind(journal);
  journal.close = async () => {
    if (!closed) await close();
    closed = true;
  };
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

describe('retention', () => {
  it('removes what is old and dealt with by every uplink, nothing else, and never uses a number again', async () => {
    const directory = temporaryDirectory();
    const journal = await open(directory);
    for (const seenAt of [100, 200, 300, 5000]) await journal.append(entry({ seenAt }));
    journal.advance('police', 'normal', { sequence: 4, sent: 4 });
    journal.advance('education', 'normal', { sequence: 2, sent: 2 });
    expect(await journal.retain(1000, ['police', 'education'])).toBe(2);
    expect(rows(directory).map(({ sequence }) => sequence)).toEqual([3, 4]);
    expect(await journal.retain(10_000, ['police'])).toBe(2);
    expect((await journal.append(entry())).sequence).toBe(5);
  });

  it('keeps what was not delivered, however old', async () => {
    const journal = await open(temporaryDirectory());
    await journal.append(entry({ seenAt: 1, lane: 'urgent' }));
    expect(await journal.retain(10_000, ['police'])).toBe(0);
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
    db.pragma('user_version = 99');
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
