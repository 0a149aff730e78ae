import { openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { openHere } from '../backing.ts';
import { temporaryDirectory } from '../helpers.ts';

const open = async (directory: string) => {
  const journal = await openHere(directory);
  onTestFinished(() => journal.close().catch(() => {}));
  return journal;
};
const change = (directory: string, sql: string) => {
  const db = new Database(join(directory, 'journal.sqlite'));
  db.exec(sql);
  db.close();
};

it('a number is given once, and kept over a restart; each series has its own', async () => {
  const directory = temporaryDirectory();
  const first = await open(directory);
  expect(await first.numbers('134', ['gate/1', 'gate/2', 'gate/1'])).toEqual([1, 2, 1]);
  const both = Promise.all([first.numbers('134', ['gate/3']), first.numbers('131', ['camera'])]);
  expect(await both).toEqual([[3], [1]]);
  await first.close();
  const second = await open(directory);
  expect(await second.numbers('134', ['new', 'gate/3', 'gate/2'])).toEqual([4, 3, 2]);
});

it('where numbers were lost, none of them is given to another', async () => {
  const directory = temporaryDirectory();
  const first = await open(directory);
  await first.numbers('134', ['a', 'b', 'c']);
  await first.close();
  change(directory, "DELETE FROM number WHERE name <> 'a'");
  expect(await (await open(directory)).numbers('134', ['a', 'd'])).toEqual([1, 4]);
});

it('a file that was damaged elsewhere keeps them', async () => {
  const directory = temporaryDirectory();
  const first = await open(directory);
  for (let i = 0; i < 300; i++)
    await first.append({
      ...{ id: `${i}`, lane: 'urgent', seenAt: 1, type: 'alarm.raised', device: 'd' },
      body: JSON.stringify({ id: `${i}`, pad: 'x'.repeat(500) }),
    });
  await first.numbers('134', ['a', 'b']);
  await first.close();
  change(directory, "UPDATE meta SET value = '0' WHERE key = 'clean'");
  const file = join(directory, 'journal.sqlite');
  const pages = Math.floor(statSync(file).size / 4096);
  writeSync(openSync(file, 'r+'), Buffer.alloc(4096, 0xa5), 0, 4096, Math.floor(pages / 2) * 4096);
  const second = await open(directory);
  expect(second.opened?.salvage).toBeDefined();
  expect(await second.numbers('134', ['b', 'a'])).toEqual([2, 1]);
});
