/** Backups and restoring, on real files, a journal that is written to meanwhile, and age's format. */
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../config/load.ts';
import { isRecipient } from '../../config/sections/backup.ts';
import { readKeyFile } from '../../gateway/backup/age.ts';
import { copyDatabase } from '../../gateway/backup/journal-copy.ts';
import { readBackup } from '../../gateway/backup/read.ts';
import { whyNotNow } from '../../gateway/commands/command.ts';
import type { Journal } from '../../gateway/journal/index.ts';
import { openVersions } from '../../gateway/reload/versions.ts';
import { openHere } from '../backing.ts';
import { temporaryDirectory } from '../helpers.ts';
import { run } from './terminal.ts';

const open = async (directory: string): Promise<Journal> => {
  const journal = await openHere(directory);
  onTestFinished(() => journal.close().catch(() => {}));
  return journal;
};
const append = (journal: Journal, id: string) =>
  journal.append({ id, lane: 'urgent', seenAt: 0, type: 'alarm.raised', device: 'd', body: '{}' });

/** A campus with two alarms, of which its platform has the first; the gateway has it open. */
async function campus(more = '') {
  const directory = temporaryDirectory();
  const file = join(directory, 'campus.yaml');
  writeFileSync(file, `campus: { id: "4503000001", name: 一中 }\ndataDir: data\n${more}`);
  const dataDir = join(directory, 'data');
  const journal = await open(dataDir);
  await append(journal, 'a');
  await append(journal, 'b');
  journal.advance('police', 'urgent', { sequence: 1, sent: 1 });
  await append(journal, 'c');
  const key = join(directory, 'backup.key');
  const made = await run('backup', 'keys', '--to', key);
  const recipient = /age1\w+/.exec(made.stdout)?.[0] ?? '';
  const out = join(directory, 'usb.tar.gz.age');
  const take = (...rest: string[]) => run('backup', file, '--to', out, '--recipient', recipient, ...rest);
  const restore = (...rest: string[]) => run('restore', out, '--key', key, ...rest);
  return { directory, file, dataDir, journal, key, recipient, out, take, restore };
}

describe('a backup', () => {
  it('is taken beside a gateway that goes on, and restored with all its numbers under a new numbering', async () => {
    const { file, dataDir, journal, take, restore } = await campus(
      'access: { personsFile: lists/persons.csv }\n',
    );
    mkdirSync(join(file, '../lists'));
    writeFileSync(join(file, '../lists/persons.csv'), 'holder,name,class\nc-1,李明,一年级2班\n', {
      mode: 0o640,
    });
    writeFileSync(join(dataDir, 'console.accounts'), '{}');
    writeFileSync(join(dataDir, 'console.sessions'), 'who is logged in');
    expect(await take()).toMatchObject({ status: 0, stderr: '' });
    // What came after it is on the dead machine alone.
    await append(journal, 'd');
    const place = join(temporaryDirectory(), 'new');
    // A folder that is not there, however its name is written.
    expect(await restore('--to', place)).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(join(place, 'campus.yaml'))).toEqual(readFileSync(file));
    expect(readFileSync(join(place, 'lists/persons.csv'), 'utf8')).toContain('李明');
    expect(readdirSync(join(place, 'data')).sort()).toEqual([
      'console.accounts',
      'journal.sqlite',
      'lock.sqlite',
    ]);
    const modes = ['campus.yaml', 'data', 'data/journal.sqlite', 'data/console.accounts'].map(
      (name) => statSync(join(place, name)).mode & 0o777,
    );
    expect(modes).toEqual([0o640, 0o700, 0o600, 0o600]);
    const again = await open(join(place, 'data'));
    expect(again.knownAs.renumbered).toEqual({ reason: 'restored', before: journal.id, journal: again.id });
    expect(again.id).not.toBe(journal.id);
    // What waited waits, its chain begins anew, and the number of `d` is given to another event under another numbering.
    expect(again.position('police', 'urgent')).toEqual({ sequence: 1, sent: 0 });
    expect((await again.read('urgent', 1, 9)).map(({ id, sequence }) => [id, sequence])).toEqual([
      ['b', 2],
      ['c', 3],
    ]);
    expect((await append(again, 'e')).sequence).toBe(4);
    const { id } = again;
    await again.close();
    const third = await open(join(place, 'data'));
    expect([third.id, third.knownAs.renumbered]).toEqual([id, undefined]);
    expect(third.knownAs.restoredAt).toBeGreaterThan(0);
  });

  it('goes into a folder where that is meant, which is made: one that ends in /, and that of the daily backups', async () => {
    const { directory, dataDir, file } = await campus();
    for (const to of [join(dataDir, 'backups'), `${join(directory, 'stick')}/`]) {
      // The config and the journal: a backup holds no other one.
      const made = await run('backup', file, '--to', to, '--plain');
      expect(made).toMatchObject({ status: 0, stdout: expect.stringContaining(': 2 files') });
      // A stick that is not plugged in: told once, as it is made.
      const warning = to.endsWith('/') ? `${to} was not there and was made, on the disk of ${dataDir}` : '';
      expect(made.stderr.slice(0, warning.length)).toBe(warning);
      expect(made.stderr === '').toBe(warning === '');
      expect(readdirSync(to)).toEqual([expect.stringMatching(/^campus-4503000001-\w+\.tar\.gz$/)]);
    }
    expect(statSync(join(dataDir, 'backups')).mode & 0o777).toBe(0o700);
  });

  it('is refused whole where a byte of it is another, or its end is missing', async () => {
    const { take, restore, out, key } = await campus();
    await take();
    const whole = readFileSync(out);
    const place = temporaryDirectory();
    const refused = async () => {
      const check = await run('backup', 'check', out, '--key', key);
      const restored = await restore('--to', join(place, 'campus.yaml'));
      expect(readdirSync(place).filter((name) => name !== 'data')).toEqual([]);
      return [check.status, restored.status, restored.stderr];
    };
    const sentence = expect.stringContaining('was cut or changed, and nothing of it was taken');
    for (const at of [whole.length - 1, Math.floor(whole.length / 2), 250]) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 1;
      writeFileSync(out, changed);
      expect(await refused(), String(at)).toEqual([1, 3, sentence]);
    }
    writeFileSync(out, whole);
    truncateSync(out, whole.length - 40);
    expect(await refused()).toEqual([1, 3, sentence]);
    writeFileSync(out, whole);
    expect((await run('backup', 'check', out, '--key', key)).stdout).toMatch(/^whole: 一中 .* number 3$/m);
  });

  it('is for who has a key; another one does not open it, and without a recipient there is none', async () => {
    const { take, file, out, directory } = await campus();
    const other = join(directory, 'other.key');
    await run('backup', 'keys', '--to', other);
    expect(statSync(other).mode & 0o777).toBe(0o600);
    await take();
    expect(await run('restore', out, '--key', other, '--to', join(directory, 'x/'))).toMatchObject({
      ...{ status: 3, stderr: expect.stringContaining('this key does not open') },
    });
    expect((await run('backup', 'keys', '--to', other)).status).toBe(3);
    const without = await run('backup', file, '--to', out);
    expect(without).toMatchObject({ status: 2, stderr: expect.stringContaining('give --recipient') });
    const slip = await run('backup', file, '--to', out, '--recipient', `age1${'q'.repeat(58)}`);
    expect(slip).toMatchObject({ status: 2, stderr: expect.stringContaining('a public key') });
  });
});

it('is of the config in force where somebody made the file wrong, as are the journal and what is asked', async () => {
  const { directory, file, dataDir, take, restore } = await campus();
  const versions = openVersions(dataDir);
  const at = '2026-11-29T00:00:00Z';
  await versions.keep(readFileSync(file), { at, by: 'start' });
  // Kept of what stood there, and never in force.
  await versions.keep(Buffer.from('campus: { id: "4503000001", name: 二中 }\n'), { at, by: 'file' });
  const good = readFileSync(file, 'utf8');
  writeFileSync(file, `${good}evnts: 1\nfoo: [\n`);
  const note = expect.stringMatching(/^\S+campus\.yaml is wrong \(line \d+, .*config in force, v1\n$/);
  expect(await take()).toMatchObject({ status: 0, stderr: note });
  const place = join(directory, 'new');
  expect(await restore('--to', `${place}/`)).toMatchObject({ status: 0 });
  expect(readFileSync(join(place, 'campus.yaml'), 'utf8')).toBe(good);
  for (const what of ['audit', 'inspect'])
    expect(await run('journal', what, file)).toMatchObject({ status: 0, stderr: note });
  expect((await run('health', file)).stderr).toMatch(/config in force, v1\nno gateway answers at /);
  // What writes wants a right one, and what is not there is a slip.
  expect(await run('journal', 'lower', file, '--to', '1')).toMatchObject({ status: 1 });
  expect((await run('health', join(directory, 'camps.yaml'))).stderr).toMatch(/there is no such file/);
});

describe('what is restored', () => {
  it('goes elsewhere with its data for a drill, and leaves those that the config names alone', async () => {
    const { directory, dataDir, file, take, restore } = await campus();
    const text = readFileSync(file, 'utf8').replace(/^dataDir: .*$/m, '');
    writeFileSync(file, `${text}\ndataDir: ${dataDir} # of the package\n`);
    await take();
    const place = join(directory, 'drill');
    expect(await restore('--to', `${place}/`)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`the config said dataDir: ${dataDir}, which is outside of --to`),
    });
    expect(readFileSync(join(place, 'campus.yaml'), 'utf8')).toBe(
      `${text}\ndataDir: ./data # of the package\n`,
    );
    expect(readdirSync(join(place, 'data'))).toContain('journal.sqlite');
    expect(readdirSync(dataDir).filter((name) => /^(before|restore)/.test(name))).toEqual([]);
    // What is offered to be set aside is of the drill before.
    const again = await restore('--to', `${place}/`);
    expect(again).toMatchObject({ status: 3, stderr: expect.stringContaining('--replace') });
    expect(again.stderr).not.toContain(dataDir);
  });

  it('touches nothing that is there, unless it is told to set it aside', async () => {
    const { take, restore, file, dataDir, journal, directory } = await campus();
    await take();
    expect(await restore()).toMatchObject({ status: 3, stderr: expect.stringContaining('a gateway runs') });
    await journal.close();
    expect(await restore()).toMatchObject({ status: 3, stderr: expect.stringContaining('there is already') });
    writeFileSync(file, '# another one\n');
    const done = await restore('--replace');
    expect(done.status).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain('一中');
    const [aside = ''] = readdirSync(dataDir).filter((name) => name.startsWith('before-'));
    expect(readdirSync(join(dataDir, aside))).toContain('journal.sqlite');
    const [config = ''] = readdirSync(directory).filter((name) => name.startsWith('campus.yaml.before-'));
    expect(readFileSync(join(directory, config), 'utf8')).toBe('# another one\n');
    // Within the same second, as a script does it.
    for (let n = 0; n < 2; n++) expect(await restore('--replace')).toMatchObject({ status: 0 });
    expect(readdirSync(dataDir).filter((name) => name.startsWith('before-'))).toHaveLength(3);
  });

  it('does not write outside of the folders of the config and of the data, unless it is told to', async () => {
    const far = join(temporaryDirectory(), 'persons.csv');
    writeFileSync(far, 'holder,name,class\n');
    const { take, restore } = await campus(`access: { personsFile: ${far} }\nuplinks: []\n`);
    await take();
    chmodSync(far, 0o600);
    writeFileSync(far, 'mine\n');
    const place = temporaryDirectory();
    const refused = await restore('--to', `${place}/`);
    expect(refused).toMatchObject({ status: 3, stderr: expect.stringContaining('--elsewhere') });
    expect(readdirSync(place)).toEqual([]);
    expect((await restore('--to', `${place}/`, '--elsewhere')).status).toBe(3);
    expect(readFileSync(far, 'utf8')).toBe('mine\n');
    expect((await restore('--to', `${place}/`, '--elsewhere', '--replace')).status).toBe(0);
    expect(readFileSync(far, 'utf8')).toBe('holder,name,class\n');
  });
});

describe.runIf(process.getuid?.() === 0)('made by root', () => {
  const rightsOf = (path: string) => {
    const { uid, gid, mode } = statSync(path);
    return [uid, gid, (mode & 0o777).toString(8)];
  };

  it('what is restored is read by those who have the folders, and they enter those that are new', async () => {
    const { directory, file, dataDir, take, journal, restore } = await campus(
      'access: { personsFile: lists/persons.csv }\n',
    );
    mkdirSync(join(directory, 'lists'), { mode: 0o700 });
    writeFileSync(join(directory, 'lists/persons.csv'), 'holder,name,class\n', { mode: 0o600 });
    mkdirSync(join(dataDir, 'config-versions'), { mode: 0o700 });
    writeFileSync(join(dataDir, 'config-versions/v1.yaml'), '', { mode: 0o600 });
    chmodSync(file, 0o600);
    expect(await take()).toMatchObject({ status: 0 });
    await journal.close();
    const place = temporaryDirectory();
    chownSync(place, 0, 65_534);
    mkdirSync(join(place, 'data'), { mode: 0o700 });
    chownSync(join(place, 'data'), 65_534, 65_534);
    expect(await restore('--to', `${place}/`)).toMatchObject({ status: 0 });
    expect(rightsOf(join(place, 'lists'))).toEqual([0, 65_534, '750']);
    for (const name of ['campus.yaml', 'lists/persons.csv'])
      expect(rightsOf(join(place, name))).toEqual([0, 65_534, '640']);
    expect(rightsOf(join(place, 'data/config-versions'))).toEqual([65_534, 65_534, '700']);
    for (const name of ['config-versions/v1.yaml', 'journal.sqlite', 'lock.sqlite'])
      expect(rightsOf(join(place, 'data', name))).toEqual([65_534, 65_534, '600']);
  });

  it('a backup in a folder of the gateway’s user is that user’s, and so is the folder', async () => {
    const { dataDir, file, recipient } = await campus();
    chownSync(dataDir, 65_534, 65_534);
    const out = join(dataDir, 'backups/today.tar.gz.age');
    expect(await run('backup', file, '--to', out, '--recipient', recipient)).toMatchObject({ status: 0 });
    expect(rightsOf(out)).toEqual([65_534, 65_534, '600']);
    expect(rightsOf(join(dataDir, 'backups'))).toEqual([65_534, 65_534, '700']);
  });
});

describe('a copy of a journal', () => {
  it('is restored where a restoring was killed between a journal and its WAL: that is of the other one', async () => {
    const { journal, take, restore, dataDir } = await campus();
    await take();
    await append(journal, 'd');
    const place = temporaryDirectory();
    mkdirSync(join(place, 'data'));
    copyFileSync(join(dataDir, 'journal.sqlite-wal'), join(place, 'data/journal.sqlite-wal'));
    expect(await restore('--to', `${place}/`)).toMatchObject({ status: 0, stderr: '' });
    const again = await open(join(place, 'data'));
    expect(again.knownAs.renumbered).toMatchObject({ reason: 'restored', before: journal.id });
    expect((await append(again, 'e')).sequence).toBe(4);
  });

  it('is put back as it was where the disk refuses one of its files', async () => {
    const { file, dataDir, journal, take, restore } = await campus(
      'access: { personsFile: lists/persons.csv }\n',
    );
    const lists = join(file, '../lists');
    mkdirSync(lists);
    writeFileSync(join(lists, 'persons.csv'), 'holder,name,class\nc-1,李明,一年级2班\n');
    await take();
    await append(journal, 'd');
    await journal.close();
    rmSync(lists, { recursive: true });
    writeFileSync(lists, 'somebody put a file here');
    const there = () => readdirSync(join(dataDir)).filter((name) => !/^(lock|before-)/.test(name));
    const [config, before] = [readFileSync(file), there()];
    expect(await restore('--replace')).toMatchObject({ status: 3 });
    expect([readFileSync(file), there()]).toEqual([config, before]);
    const again = await open(dataDir);
    expect([again.id, (await append(again, 'e')).sequence]).toEqual([journal.id, 5]);
  });

  it('is not called damaged where the disk that it is unpacked on is full', async () => {
    const { take, out, key } = await campus();
    await take();
    const full = openSync('/dev/full', 'w');
    onTestFinished(() => closeSync(full));
    const sink = {
      begin() {},
      file: () => ({ write: (chunk: Buffer) => void writeSync(full, chunk), end() {} }),
    };
    await expect(readBackup(out, readKeyFile(key), sink)).rejects.toThrow(
      /could not be unpacked here.*make room \(ENOSPC/,
    );
  });

  it('is of one moment, however much is written while it is made', async () => {
    const directory = temporaryDirectory();
    const [from, to] = [join(directory, 'a.sqlite'), join(directory, 'b.sqlite')];
    const writer = new Database(from);
    onTestFinished(() => void writer.close());
    writer.pragma('journal_mode = WAL');
    writer.exec(
      'CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB); INSERT INTO t (b) VALUES (zeroblob(20000000))',
    );
    writer.exec('CREATE TABLE pair (x, y); INSERT INTO pair VALUES (0, 0)');
    let n = 0;
    let over = false;
    const write = () => {
      if (over) return;
      n++;
      writer.exec(`UPDATE pair SET x = ${n}, y = ${n}; INSERT INTO t (b) VALUES (zeroblob(100000))`);
      setImmediate(write);
    };
    write();
    await copyDatabase(from, to);
    over = true;
    expect(n).toBeGreaterThan(2);
    const copy = new Database(to, { readonly: true });
    const { x, y } = copy.prepare<[], { x: number; y: number }>('SELECT x, y FROM pair').get() ?? {
      x: -1,
      y: -2,
    };
    copy.close();
    expect(x).toBe(y);
    expect(readdirSync(directory).filter((name) => name.startsWith('b.'))).toEqual(['b.sqlite']);
  });
});

describe('a command from before a backup was put back', () => {
  it('is refused, for it may have been carried out; what moves nothing is not', () => {
    const hour = 3_600_000;
    const command = { id: 'c', issuedAt: 0, expiresAt: 2 * hour } as never as Parameters<typeof whyNotNow>[0];
    expect(whyNotNow({ ...command, action: 'unlock' }, hour, hour)).toContain('send it anew');
    expect(whyNotNow({ ...command, action: 'unlock', issuedAt: hour }, hour, hour)).toBeUndefined();
    expect(whyNotNow({ ...command, action: 'unlock' }, hour)).toBeUndefined();
    expect(whyNotNow({ ...command, action: 'acknowledge' }, hour, hour)).toBeUndefined();
  });
});

describe('the section `backup` of the config', () => {
  it('knows a public key by its checksum, and where backups go', () => {
    // Made by age-keygen of Debian.
    const key = 'age10x5nq20rnf2ggpuvmufrkhkfyaw4c8ar77dqcmdqz4kqgk99p9fquk0zsu';
    expect(isRecipient(key)).toBe(true);
    expect(isRecipient(key.replace('x5nq', 'x5np'))).toBe(false);
    const directory = temporaryDirectory();
    const file = join(directory, 'campus.yaml');
    const base = 'campus: { id: "4503000001", name: x }\ndataDir: d\n';
    writeFileSync(file, `${base}backup: { recipients: [${key}] }\n`);
    const loaded = loadConfig(file);
    expect('config' in loaded && loaded.config.backup).toMatchObject({
      ...{ folder: join(directory, 'd/backups'), at: '02:30', keep: 14, clips: false },
    });
    writeFileSync(file, `${base}backup: { recipients: [${key.replace('x5nq', 'x5np')}] }\n`);
    expect(loadConfig(file)).toMatchObject({
      errors: [{ line: 3, message: expect.stringContaining('backup keys') }],
    });
  });
});
