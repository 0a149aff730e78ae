import { cpSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { journalFolder } from '../../gateway/journal/folder.ts';
import { isLease, isOwnLease, type Place, readMachine } from '../../gateway/journal/identity.ts';
import type { Journal } from '../../gateway/journal/index.ts';
import { createStore } from '../../gateway/journal/store.ts';
import { openHere } from '../backing.ts';
import { temporaryDirectory } from '../helpers.ts';

const open = async (directory: string): Promise<Journal> => {
  const journal = await openHere(directory);
  onTestFinished(() => journal.close().catch(() => {}));
  return journal;
};
const append = (journal: Journal, id: string) =>
  journal.append({ id, lane: 'urgent', seenAt: 0, type: 'alarm.raised', device: 'd', body: '{}' });

/** A journal with two events, of which the platform has the first; closed. */
async function filled() {
  const directory = temporaryDirectory();
  const journal = await open(directory);
  await append(journal, 'a');
  await append(journal, 'b');
  journal.advance('police', 'urgent', { sequence: 1, sent: 1 });
  const { id } = journal;
  await journal.close();
  return { directory, id };
}

describe('a numbering', () => {
  it('stays with its folder, over restarts and where the folder is moved', async () => {
    const { directory, id } = await filled();
    const again = await open(directory);
    expect([again.id, again.knownAs.renumbered]).toEqual([id, undefined]);
    expect(again.position('police', 'urgent')).toEqual({ sequence: 1, sent: 1 });
    await again.close();
    const moved = `${directory}-moved`;
    onTestFinished(() => rmSync(moved, { recursive: true }));
    renameSync(directory, moved);
    expect((await open(moved)).id).toBe(id);
  });

  it('does not go with a copy, while the first goes on', async () => {
    const { directory, id } = await filled();
    const copy = join(temporaryDirectory(), 'data');
    cpSync(directory, copy, { recursive: true });
    const [first, second] = [await open(directory), await open(copy)];
    expect(first.id).toBe(id);
    expect(second.id).not.toBe(id);
    expect(second.knownAs.renumbered).toEqual({ reason: 'folder-copied', before: id, journal: second.id });
    // No event is lost: what waited waits, and its chain begins anew. Numbers go on.
    expect(second.position('police', 'urgent')).toEqual({ sequence: 1, sent: 0 });
    expect((await append(second, 'c')).sequence).toBe(3);
    await second.close();
    expect((await open(copy)).id).toBe(second.id);
  });

  it('does not go with a backup that was put back', async () => {
    const { directory, id } = await filled();
    const backup = join(temporaryDirectory(), 'backup');
    cpSync(directory, backup, { recursive: true });
    rmSync(directory, { recursive: true });
    cpSync(backup, directory, { recursive: true });
    // A real one takes longer than a tick of the kernel's clock; where it does not, no time of birth is told from none.
    const file = join(directory, 'journal.sqlite');
    for (let at = statSync(file); at.birthtimeMs === at.ctimeMs; at = statSync(file)) utimesSync(file, 0, 0);
    expect((await open(directory)).id).not.toBe(id);
  });

  it('does not go with a disk into another box; a box without an id says nothing', async () => {
    const { directory, id } = await filled();
    const at = (machine: string) => {
      const folder = journalFolder(directory, systemClock, machine);
      const { store, renumbered } = folder.open(undefined);
      store.close();
      folder.close();
      return renumbered?.reason;
    };
    // The tests' own machine has an id, or has none.
    at('one');
    const before = new Database(join(directory, 'journal.sqlite'));
    before.exec("UPDATE meta SET value = json_set(value, '$.machine', '') WHERE key = 'place'");
    before.close();
    expect(['one', 'one', '', 'one', 'two', 'two'].map(at)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      'machine-changed',
      undefined,
    ]);
    expect((await open(directory)).id).not.toBe(id);
  });

  it('begins anew on request, once for all who ask at the same moment, with every chain at its start', async () => {
    const journal = await open((await filled()).directory);
    const { id } = journal;
    const seen: string[] = [];
    journal.knownAs.onRenumbered(({ before }) => {
      // Who sends goes on at once, and finds the chains at their start.
      seen.push(`${before === id} ${journal.position('police', 'urgent').sent}`);
      journal.advance('police', 'urgent', { sequence: 2, sent: 2 });
    });
    const [one, two] = await Promise.all([journal.knownAs.renumber(), journal.knownAs.renumber()]);
    expect([one.journal, one.reason, two]).toEqual([journal.id, 'other-gateway', one]);
    expect(seen).toEqual(['true 0']);
    expect(journal.position('police', 'urgent')).toEqual({ sequence: 2, sent: 2 });
  });
});

it.each(['nonsense', '{"count":-1}', 'null', '{"machine":7}'])(
  'a journal of which the notes on itself are %s opens, and takes events',
  async (nonsense) => {
    const directory = temporaryDirectory();
    await (await open(directory)).close();
    const db = new Database(join(directory, 'journal.sqlite'));
    const { changes } = db
      .prepare("UPDATE meta SET value = ? WHERE key IN ('leases', 'place')")
      .run(nonsense);
    db.close();
    expect(changes).toBe(2);
    const journal = await open(directory);
    await expect(append(journal, 'id')).resolves.toMatchObject({ repeated: false });
  },
);

describe('a lease', () => {
  it('is another at each start and each renewal, and is known again after both', async () => {
    const { directory } = await filled();
    const first = await open(directory);
    const leases = [first.knownAs.lease];
    await first.knownAs.renewLease();
    leases.push(first.knownAs.lease);
    await first.close();
    const second = await open(directory);
    leases.push(second.knownAs.lease);
    expect(new Set(leases).size).toBe(3);
    for (const lease of leases) expect([isLease(lease), second.knownAs.isOwn(lease)]).toEqual([true, true]);
    expect(first.knownAs.isOwn(second.knownAs.lease)).toBe(false);
  });

  it('of a machine that was copied, or set back, is told from the other one’s', () => {
    const word = (n: number, c: string) => `${n}.${c.repeat(16)}`;
    const before = [word(7, 'a'), word(8, 'a')];
    const one = { count: 9, recent: [...before, word(9, 'b')] };
    const other = { count: 10, recent: [...before, word(9, 'c'), word(10, 'c')] };
    expect(other.recent.map((lease) => isOwnLease(one, lease))).toEqual([true, true, false, false]);
    expect(one.recent.map((lease) => isOwnLease(other, lease))).toEqual([true, true, false]);
    // Set back to when there were 8.
    expect(isOwnLease({ count: 8, recent: before }, word(9, 'b'))).toBe(false);
    // So old that only its count is known.
    expect(isOwnLease(one, word(3, 'a'))).toBe(true);
    expect(isOwnLease({ count: 0, recent: [] }, word(1, 'a'))).toBe(false);
  });

  it('is not read out of what is none', () => {
    for (const text of ['', '1', '1.', '1.xyz', `1.${'a'.repeat(17)}`, 7, null, {}])
      expect(isLease(text)).toBe(false);
  });
});

describe('the id of the machine', () => {
  it('is read where there is one, and never shown as it is', () => {
    const file = (text: string) => {
      const path = join(temporaryDirectory(), 'machine-id');
      writeFileSync(path, text);
      return path;
    };
    const id = '0123456789abcdef0123456789abcdef';
    const read = readMachine(['/nowhere', file(`${id}\n`)]);
    expect(read).toMatch(/^[0-9a-f]{64}$/);
    expect(read).not.toContain(id);
    // systemd writes `uninitialized` at the first boot of an image.
    expect(readMachine([file('uninitialized\n')])).toBe('');
    expect(readMachine(['/nowhere'])).toBe('');
  });
});

describe('a file of the same number on the disk', () => {
  const bind = (...places: readonly Partial<Place>[]) => {
    const db = new Database(':memory:');
    const store = createStore(db, 'memory', systemClock);
    const reasons = places.map((place) => store.bind({ machine: '', file: '', made: '', ...place })?.reason);
    db.close();
    return reasons;
  };

  it('is another where it was made at another time', () => {
    expect(bind({ file: '7', made: '1' }, { file: '7', made: '1' }, { file: '7', made: '2' })).toEqual([
      undefined,
      undefined,
      'folder-copied',
    ]);
  });

  it('is the same where a system tells now and then, or never, when it was made', () => {
    const told = { file: '7', made: '1' };
    expect(bind({ file: '7' }, told, { file: '7' }, told, { file: '7' })).toEqual(Array(5).fill(undefined));
    expect(bind(told, { file: '8' }, { file: '8', made: '3' })).toEqual([
      undefined,
      'folder-copied',
      undefined,
    ]);
  });
});
