import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Journal, openJournal } from '../../gateway/journal/index.ts';
import { openHere } from '../backing.ts';
import { fastClock } from '../clocks.ts';
import { runs } from '../fuzz.ts';
import { eventually, temporaryDirectory } from '../helpers.ts';

// In this thread: what is tested here is the file.
const open = async (directory: string): Promise<Journal> => {
  const journal = await openHere(directory);
  onTestFinished(() => journal.close().catch(() => {}));
  return journal;
};
const PAD = 'x'.repeat(500);
async function fill(directory: string, count: number) {
  const journal = await openHere(directory);
  for (let i = 1; i <= count; i++) {
    const id = `id-${i}`;
    const entry = { id, seenAt: i, type: 'alarm.raised', device: 'd', body: JSON.stringify({ id, PAD }) };
    await journal.append({ ...entry, lane: 'urgent' });
  }
  journal.advance('police', 'urgent', { sequence: 10, sent: 10 });
  const { id } = journal;
  await journal.close();
  return id;
}
const readAll = async (journal: Journal) =>
  (await journal.read('urgent', 0, 100_000)).map(({ sequence, id, body }) => {
    expect(JSON.parse(body)).toMatchObject({ id });
    return sequence;
  });
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
const aside = (directory: string) => readdirSync(directory).filter((name) => name.includes('damaged'));
const append = (journal: Journal, id: string) =>
  journal.append({
    id,
    lane: 'urgent',
    seenAt: 1,
    type: 'alarm.raised',
    device: 'd',
    body: JSON.stringify({ id }),
  });

/** Overwrites bytes of a file. */
function scribble(file: string, at: number, bytes: Uint8Array) {
  const handle = openSync(file, 'r+');
  writeSync(handle, bytes, 0, bytes.length, at);
  closeSync(handle);
}
/** As a gateway that was killed leaves it: not marked as closed in order. */
function unclean(directory: string) {
  const db = new Database(join(directory, 'journal.sqlite'));
  db.exec("UPDATE meta SET value = '0' WHERE key = 'clean'");
  db.close();
}

describe('a journal of version 1', () => {
  it('is brought to this version, with all that is in it', async () => {
    const directory = temporaryDirectory();
    const db = new Database(join(directory, 'journal.sqlite'));
    // As the first version made it.
    db.exec(`CREATE TABLE event (sequence INTEGER PRIMARY KEY AUTOINCREMENT, lane INTEGER NOT NULL, id TEXT NOT NULL,
        seen_at INTEGER NOT NULL, type TEXT NOT NULL, device TEXT NOT NULL, repeat_key TEXT, body TEXT NOT NULL) STRICT;
      CREATE INDEX event_lane ON event (lane, sequence);
      CREATE TABLE state (key TEXT PRIMARY KEY, sequence INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE cursor (uplink TEXT NOT NULL, lane INTEGER NOT NULL, sequence INTEGER NOT NULL, sent INTEGER NOT NULL,
        PRIMARY KEY (uplink, lane)) STRICT, WITHOUT ROWID;
      INSERT INTO event VALUES (7, 0, 'old', 1, 'alarm.raised', 'd', 'key', '{"id":"old"}');
      INSERT INTO state VALUES ('zone', 7);
      INSERT INTO cursor VALUES ('police', 0, 5, 5);
      PRAGMA user_version = 1;`);
    db.close();
    const journal = await open(directory);
    expect(await journal.read('urgent', 0, 9)).toMatchObject([{ sequence: 7, id: 'old' }]);
    expect(await journal.states()).toMatchObject([{ key: 'zone', sequence: 7 }]);
    expect(journal.position('police', 'urgent')).toEqual({ sequence: 5, sent: 5 });
    expect(journal.id).toMatch(/^[0-9a-f-]{36}$/);
    expect((await append(journal, 'new')).sequence).toBe(8);
    const { id } = journal;
    await journal.close();
    expect((await open(directory)).id).toBe(id);
  });
});

describe('a damaged journal', () => {
  it('with a torn page is set aside and saved as far as it reads; numbers are not used twice', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'journal.sqlite');
    const id = await fill(directory, 300);
    unclean(directory);
    const pages = statSync(file).size / 4096;
    scribble(file, Math.floor(pages / 2) * 4096, Buffer.alloc(4096, 0xa5));
    const journal = await open(directory);
    const salvage = journal.opened?.salvage;
    expect(salvage).toMatchObject({ file: aside(directory)[0], sameJournal: true });
    expect(journal.id).toBe(id);
    const saved = await readAll(journal);
    expect(saved.length).toBe(salvage?.saved);
    const lost = (salvage?.lost ?? []).flatMap(({ first, last }) => upTo(last).slice(first - 1));
    // Each is saved or counted as lost.
    expect([...saved, ...lost].sort((a, b) => a - b)).toEqual(upTo(300));
    expect(saved.length).toBeGreaterThan(250);
    expect(journal.position('police', 'urgent')).toEqual({ sequence: 10, sent: 10 });
    expect((await append(journal, 'new')).sequence).toBeGreaterThan(300_000);
  });

  it.each([
    ['of which the names of the tables are written over', 2628, Buffer.alloc(8)],
    ['of which the first page is torn', 0, Buffer.alloc(4096, 0xa5)],
  ])('%s loses nothing that lies elsewhere', async (_what, at, bytes) => {
    const directory = temporaryDirectory();
    const id = await fill(directory, 60);
    scribble(join(directory, 'journal.sqlite'), at, bytes);
    const journal = await open(directory);
    expect(journal.opened?.salvage).toMatchObject({ saved: 60, lost: [], sameJournal: true });
    expect(await readAll(journal)).toEqual(upTo(60));
    expect(journal.id).toBe(id);
    expect(readdirSync(directory).filter((name) => name.includes('salvaged'))).toEqual([]);
  });

  it('whose last number is nonsense is still read to its end, and not beyond', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'journal.sqlite');
    await fill(directory, 300);
    unclean(directory);
    const db = new Database(file);
    db.exec("UPDATE sqlite_sequence SET seq = 4611686018427387 WHERE name = 'event'");
    db.close();
    scribble(file, Math.floor(statSync(file).size / 8192) * 4096, Buffer.alloc(4096, 0xa5));
    const journal = await open(directory);
    expect((await readAll(journal)).at(-1)).toBe(300);
    expect((await append(journal, 'new')).sequence).toBe(1_000_301);
  });

  it('that is no database at all is set aside, and a new one has a new id', async () => {
    const directory = temporaryDirectory();
    const id = await fill(directory, 5);
    writeFileSync(join(directory, 'journal.sqlite'), Buffer.alloc(20_000, 0x5a));
    const journal = await open(directory);
    expect(journal.opened?.salvage).toMatchObject({ saved: 0, sameJournal: false });
    expect(aside(directory)).toHaveLength(1);
    expect(journal.id).not.toBe(id);
    expect((await append(journal, 'new')).repeated).toBe(false);
  });

  it('is saved again where the gateway was killed between the steps of that', async () => {
    const directory = temporaryDirectory();
    await fill(directory, 20);
    const file = join(directory, 'journal.sqlite');
    copyFileSync(file, `${file}.salvaged`);
    rmSync(file);
    expect(await readAll(await open(directory))).toEqual(upTo(20));
    expect(existsSync(`${file}.salvaged`)).toBe(false);
  });

  it('opens, whatever bytes are written over it, and says what it saved', async () => {
    const directory = temporaryDirectory();
    await fill(directory, 60);
    unclean(directory);
    const good = join(temporaryDirectory(), 'good');
    copyFileSync(join(directory, 'journal.sqlite'), good);
    const { size } = statSync(good);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(size - 1), fc.uint8Array({ minLength: 1, maxLength: 64 })), {
          maxLength: 4,
        }),
        async (scribbles) => {
          const place = temporaryDirectory();
          const file = join(place, 'journal.sqlite');
          copyFileSync(good, file);
          for (const [at, bytes] of scribbles) scribble(file, at, bytes);
          const journal = await openHere(place);
          try {
            const saved = await journal.read('urgent', 0, 1000);
            const count = journal.opened?.salvage?.saved ?? 60;
            expect(saved.length).toBeLessThanOrEqual(count);
            const { sequence } = await append(journal, 'after');
            expect(saved.map((entry) => entry.sequence)).not.toContain(sequence);
          } finally {
            await journal.close();
          }
        },
      ),
      { numRuns: runs(30) },
    );
  }, 60_000);
});

describe('a power cut', () => {
  it('in the middle of a write leaves all that was acknowledged, whatever stands at the end of the WAL', async () => {
    const directory = temporaryDirectory();
    const journal = await openJournal(directory);
    for (let i = 1; i <= 50; i++) await append(journal, `id-${i}`);
    const file = join(directory, 'journal.sqlite');
    const { size } = statSync(`${file}-wal`);
    for (const torn of [0, 1, 24, 100, 4096, 5000]) {
      const place = temporaryDirectory();
      copyFileSync(file, join(place, 'journal.sqlite'));
      copyFileSync(`${file}-wal`, join(place, 'journal.sqlite-wal'));
      // A frame that was being written.
      scribble(join(place, 'journal.sqlite-wal'), size, Buffer.alloc(torn, 0xc3));
      const after = await openJournal(place);
      expect(await readAll(after)).toEqual(upTo(50));
      expect(after.opened?.salvage).toBeUndefined();
      await after.close();
    }
    await journal.close();
  });
});

describe('a disk that cannot be had at the start', () => {
  it('does not keep the gateway from starting; it is tried until it can', async () => {
    const directory = temporaryDirectory();
    const place = join(directory, 'mount', 'data');
    // In the way of the folder, like a mount that failed.
    writeFileSync(join(directory, 'mount'), '');
    const journal = await openJournal(place, { time: fastClock(10) });
    onTestFinished(() => journal.close().catch(() => {}));
    expect(journal.condition).toMatchObject({ good: false });
    await expect(append(journal, 'early')).rejects.toThrow();
    expect(await journal.read('urgent', 0, 9)).toEqual([]);
    rmSync(join(directory, 'mount'));
    await eventually(() => expect(journal.condition.good).toBe(true));
    await append(journal, 'late');
    expect(await journal.read('urgent', 0, 9)).toMatchObject([{ id: 'late' }]);
  });
});
