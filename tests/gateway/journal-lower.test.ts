/** A journal that a newer package raised goes back to the older one's tables, with every event and number as it was. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { lowerJournal } from '../../gateway/journal/folder.ts';
import { openJournal } from '../../gateway/journal/index.ts';
import { openReader } from '../../gateway/journal/reader.ts';
import { lower, type Migration, migrations, SCHEMA_VERSION } from '../../gateway/journal/schema.ts';
import { version } from '../../gateway/version.ts';
import { openHere } from '../backing.ts';
import { temporaryDirectory } from '../helpers.ts';
import { run } from './terminal.ts';

/** What a package to come may do to the tables. */
const next: readonly Migration[] = [
  ...migrations,
  {
    up(db) {
      db.exec(`CREATE TABLE later (key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
        ALTER TABLE event ADD COLUMN priority INTEGER;
        UPDATE event SET priority = 1`);
    },
    down: (db) => db.exec('DROP TABLE later; ALTER TABLE event DROP COLUMN priority'),
  },
];
const entry = { lane: 'urgent', type: 'alarm.raised', device: 'd', seenAt: 1000, body: '{"a":1}' } as const;

async function raised(writer = '7.0.0') {
  const directory = temporaryDirectory();
  const before = await openHere(directory);
  for (let i = 0; i < 3; i++) await before.append({ ...entry, id: `e${i}` });
  before.advance('police', 'urgent', { sequence: 2, sent: 2 });
  await before.close();
  const db = new Database(join(directory, 'journal.sqlite'));
  next.at(-1)?.up(db);
  db.pragma(`user_version = ${next.length}`);
  db.prepare("UPDATE meta SET value = ? WHERE key = 'written-by'").run(writer);
  db.prepare(
    "INSERT INTO event (lane, id, seen_at, type, device, body, priority) VALUES (0, 'new', 2000, 'alarm.raised', 'd', '{}', 1)",
  ).run();
  db.close();
  return directory;
}

describe('a journal that a newer package raised', () => {
  it('is refused with the package that reads it, by who runs and by who only looks', async () => {
    const directory = await raised();
    const sentence = new RegExp(
      `written by campus-gateway 7\\.0\\.0 .*this is campus-gateway ${version}.*install campus-gateway 7\\.0\\.0 or later`,
    );
    await expect(openHere(directory)).rejects.toMatchObject({
      code: 'E_JOURNAL_NEWER',
      message: expect.stringMatching(sentence),
    });
    expect(() => openReader(directory)).toThrow(sentence);
  });

  it('goes back to the tables of the older one, with all events, what came since, and how far each platform is', async () => {
    const directory = await raised();
    expect(lowerJournal(directory, SCHEMA_VERSION, next)).toEqual({ from: next.length });
    const after = await openHere(directory);
    expect(after.position('police', 'urgent').sequence).toBe(2);
    expect(after.last('urgent')).toBe(4);
    const { sequence } = await after.append({ ...entry, id: 'e9' });
    expect(sequence).toBe(5);
    await after.close();
    const reader = openReader(directory);
    expect(reader.version).toBe(SCHEMA_VERSION);
    reader.close();
    expect(lowerJournal(directory, SCHEMA_VERSION, next)).toEqual({ from: SCHEMA_VERSION });
  });

  it('stays as it is where a step has no way back, or leaves other tables than it found', async () => {
    const directory = await raised();
    const file = join(directory, 'journal.sqlite');
    const [last] = next.slice(-1) as [Migration];
    const with_ = (down: Migration['down']) => [...migrations, { up: last.up, ...(down && { down }) }];
    expect(() => lowerJournal(directory, SCHEMA_VERSION, with_(undefined))).toThrow(/no way back/);
    expect(() =>
      lowerJournal(
        directory,
        SCHEMA_VERSION,
        with_((db) => db.exec('DROP TABLE later')),
      ),
    ).toThrow(/not those of version/);
    expect(() => lowerJournal(directory, SCHEMA_VERSION, migrations)).toThrow(
      /install campus-gateway 7\.0\.0/,
    );
    const db = new Database(file);
    expect(db.pragma('user_version', { simple: true })).toBe(next.length);
    expect(db.prepare('SELECT count(*) FROM later').pluck().get()).toBe(0);
    db.close();
  });

  it('each step that is or will be added has a way back', () => {
    const db = new Database(':memory:');
    for (const { up } of migrations) up(db);
    db.pragma(`user_version = ${migrations.length}`);
    expect(lower(db, ':memory:', 5)).toEqual({ from: migrations.length });
    db.close();
    expect(migrations).toHaveLength(SCHEMA_VERSION);
  });

  it('is not lowered under a gateway that runs, nor to what is no version', async () => {
    const directory = temporaryDirectory();
    const running = await openJournal(directory);
    const to = String(SCHEMA_VERSION);
    expect(await run('journal', 'lower', directory, '--to', to)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('in use by another gateway'),
    });
    await running.close();
    expect(await run('journal', 'lower', directory, '--to', to)).toMatchObject({
      status: 0,
      stdout: `its tables are of version ${SCHEMA_VERSION} already\n`,
    });
    expect((await run('journal', 'lower', directory, '--to', 'x')).status).toBe(2);
  });
});
