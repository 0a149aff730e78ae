import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openJournal } from '../../gateway/journal/index.ts';
import { fitting } from '../../gateway/lifecycle/belonging.ts';
import { makePrivate } from '../../gateway/lifecycle/private-files.ts';
import { writeMedia } from '../../gateway/media/files.ts';
import { temporaryDirectory } from '../helpers.ts';

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

/** A data folder as systemd's StateDirectory= makes it, and an older version filled it. */
function openFolder() {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  for (const folder of ['media', 'media/ab', 'clips']) {
    mkdirSync(join(directory, folder));
    chmodSync(join(directory, folder), 0o755);
  }
  const damaged = 'journal.damaged-20261124T080000Z.sqlite';
  const files = [damaged, `${damaged}-wal`, 'card.key', 'console.operator.token', 'media/ab/abcd.jpg'];
  for (const file of files) {
    writeFileSync(join(directory, file), 'x');
    chmodSync(join(directory, file), 0o644);
  }
  return directory;
}

test('whatever the folder, its files and the umask were, what the gateway keeps is its alone', async () => {
  const before = process.umask();
  const directory = openFolder();
  const file = join(directory, 'journal.sqlite');
  new Database(file).close();
  chmodSync(file, 0o666);
  const journal = await openJournal(directory);
  await journal.append({ id: 'a', lane: 'urgent', seenAt: 0, type: 'alarm.raised', device: 'd', body: '{}' });
  await writeMedia(join(directory, 'media'), {
    reference: 'ef'.repeat(32),
    contentType: 'image/jpeg',
    bytes: Buffer.from('picture'),
    at: 0,
  });
  const all = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const modes = all.map((name) => `${name} ${modeOf(join(directory, name))}`);
  const isFolder = (name: string) => statSync(join(directory, name)).isDirectory();
  expect(modes).toEqual(all.map((name) => `${name} ${isFolder(name) ? '700' : '600'}`));
  expect(all).toEqual(expect.arrayContaining(['journal.sqlite-wal', 'journal.sqlite-shm', 'lock.sqlite']));
  expect(modeOf(directory)).toBe('700');
  expect(process.umask()).toBe(before);
  await journal.close();
});

test('what root makes is of those who have the folder, and read by nobody besides', () => {
  const [user, group] = [
    { uid: 999, gid: 998 },
    { uid: 0, gid: 998 },
  ];
  expect(fitting(user, 0o600)).toEqual({ ...user, mode: 0o600 });
  expect(fitting(user, 0o644)).toEqual({ ...user, mode: 0o644 });
  expect(fitting(group, 0o600)).toEqual({ ...group, mode: 0o640 });
  expect(fitting(group, 0o700)).toEqual({ ...group, mode: 0o750 });
  expect(fitting({ uid: 0, gid: 0 }, 0o600)).toBeUndefined();
});

test('what is not the gateway’s, and a folder that many share, keep their modes', () => {
  const directory = openFolder();
  const other = join(directory, 'cards.csv');
  writeFileSync(other, '');
  chmodSync(other, 0o644);
  symlinkSync(other, join(directory, 'journal.link'));
  chmodSync(directory, 0o1777);
  expect(makePrivate(directory)).toEqual([]);
  expect(modeOf(other)).toBe('644');
  expect(modeOf(directory)).toBe('1777');
  expect(modeOf(join(directory, 'card.key'))).toBe('600');
});
