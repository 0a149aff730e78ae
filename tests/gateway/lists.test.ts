/** Lists that a school writes: cards, names. Whatever stands there, no more of it is held than may be. */
import { closeSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCredentials, readCredentials } from '../../gateway/access/credentials.ts';
import { readConfig } from '../../gateway/check.ts';
import { createPersons } from '../../gateway/persons/index.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';
import { run } from './terminal.ts';

const MB = 1_048_576;
const HEAD = 'number,facility,holder,groups,validFrom,validUntil,blocked,children\n';

function listOf(name: string, ...parts: readonly string[]): string {
  const file = join(temporaryDirectory(), name);
  const handle = openSync(file, 'w');
  for (const part of parts) writeSync(handle, part);
  closeSync(handle);
  return file;
}
/** Reads it to its end, and how much memory that took, MB. */
async function grownBy<T>(read: () => Promise<T>): Promise<{ readonly value: T; readonly grown: number }> {
  const before = process.memoryUsage.rss();
  const value = await read();
  return { value, grown: (process.memoryUsage.rss() - before) / MB };
}

describe('a list of cards', () => {
  it('of 600 MB without a line end is told as wrong, and held nowhere', async () => {
    const file = listOf('cards.csv', HEAD);
    truncateSync(file, 600 * MB);
    const { value, grown } = await grownBy(() => loadCredentials(file, []));
    expect(value).toEqual({
      errors: [{ line: expect.any(Number), message: expect.stringContaining('16384') }],
    });
    expect(grown).toBeLessThan(50);
  });

  it('whose quote nobody closes is told as wrong', async () => {
    const file = listOf('cards.csv', HEAD, '1,1,"t-1,', 'x,\n'.repeat(100_000));
    expect(await loadCredentials(file, [])).toMatchObject({ errors: [{ message: expect.any(String) }] });
  });

  it('that is larger than it may be is told so, in its first line', async () => {
    const long = 'x'.repeat(1000);
    const rows = Array.from({ length: 20_000 }, (_, i) => `${i},1,${long}-${i},,,,,\n`).join('');
    const file = listOf('cards.csv', HEAD, rows);
    const found = await loadCredentials(file, []);
    expect(found).toEqual({
      errors: [{ line: 1, message: expect.stringMatching(/cards\.csv is larger than 16 MB/) }],
    });
  });

  it('of another kind is wrong in each row, of which a thousand are told', async () => {
    const text = `${HEAD}${'!!,x,,,,,,\n'.repeat(100_000)}`;
    for (const found of [await loadCredentials(listOf('cards.csv', text), []), readCredentials(text, [])]) {
      const errors = 'errors' in found ? found.errors : [];
      expect(errors.length).toBe(1000);
      expect(errors[0]).toEqual({ line: 2, message: 'number "!!": letters and digits' });
    }
  });

  it('is told by the check and by the import, in the same words', async () => {
    const folder = temporaryDirectory();
    const file = join(folder, 'cards.csv');
    writeFileSync(file, HEAD);
    truncateSync(file, 600 * MB);
    const config = join(folder, 'c.yaml');
    const written = { campus: { id: '4503', name: 'x' }, access: { credentialsFile: 'cards.csv' } };
    writeFileSync(config, JSON.stringify(written));
    const checked = await grownBy(() => run('check', config));
    expect(checked.value).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/access\.credentialsFile.*cards\.csv is larger than 16 MB.*right file/),
    });
    expect(checked.grown).toBeLessThan(50);
    writeFileSync(config, JSON.stringify({ campus: { id: '4503', name: 'x' } }));
    expect(await run('credentials', 'check', config, file)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('16384'),
    });
  });
});

describe('a gateway whose list is wrong', () => {
  // 张三 in GBK, as `iconv -t GBK` writes it.
  const inGbk = Buffer.concat([
    Buffer.from(`${HEAD}7,,`),
    Buffer.from([0xd5, 0xc5, 0xc8, 0xfd]),
    Buffer.from(',g,,,,\n'),
  ]);
  const configOf = (folder: string, more: object = {}) => {
    const config = join(folder, 'c.yaml');
    const access = {
      credentialsFile: 'cards.csv',
      groups: [{ id: 'g', doors: ['d'] }],
      doors: [{ id: 'd', reader: 'r' }],
    };
    const devices = [{ id: 'r', driver: 'wiegand', connection: { serialServer: '127.0.0.1:9' } }];
    writeFileSync(config, JSON.stringify({ campus: { id: '4503', name: 'x' }, access, devices, ...more }));
    return config;
  };

  it('that is in GBK hears it from each command alike', async () => {
    const folder = temporaryDirectory();
    const file = join(folder, 'cards.csv');
    writeFileSync(file, inGbk);
    const found = await loadCredentials(file, ['g']);
    expect(found).toMatchObject({ errors: [{ line: 2, message: expect.stringContaining('not UTF-8') }] });
    for (const told of [
      await run('check', configOf(folder)),
      await run('credentials', 'check', configOf(folder), file),
    ])
      expect(told).toMatchObject({ status: 1, stderr: expect.stringContaining('iconv -f GB18030') });
  });

  it.each<[string, Buffer | undefined]>([
    ['in GBK', inGbk],
    ['of an unknown group', Buffer.from(`${HEAD}7,,t,nobody,,,,\n`)],
    ['gone', undefined],
  ])('%s runs all the same, and alarms with it; other mistakes keep it from running', (_name, content) => {
    const folder = temporaryDirectory();
    if (content !== undefined) writeFileSync(join(folder, 'cards.csv'), content);
    const config = configOf(folder);
    expect(readConfig(config)).toMatchObject({
      errors: [{ message: expect.stringContaining('credentialsFile') }],
    });
    expect(readConfig(config, { forRunning: true })).toMatchObject({
      config: { campus: { id: '4503' } },
      forgiven: [{ message: expect.stringContaining('cards.csv') }],
    });
    const other = configOf(folder, { areas: [{ id: 'a', zones: [{ device: 'none', zone: 1 }] }] });
    expect(readConfig(other, { forRunning: true })).toHaveProperty('errors');
  });
});

describe('the names for the gate screen', () => {
  it('are read by all who ask at once, and no further than they may be', async () => {
    const errors: string[] = [];
    const log = { ...silentLog, error: (fields: object) => errors.push((fields as { error: string }).error) };
    const good = listOf('persons.csv', 'id,name,class\n', 'c-1,李明,一年级2班\nc-2,王芳,\n');
    const persons = createPersons(good, log);
    const asked = await Promise.all([persons.get(['c-1']), persons.get(['c-2', 'c-9'])]);
    expect(asked).toEqual([[{ name: '李明', class: '一年级2班' }], [{ name: '王芳' }, undefined]]);
    const endless = listOf('persons.csv', 'id,name\n');
    truncateSync(endless, 600 * MB);
    const { value, grown } = await grownBy(() => createPersons(endless, log).get(['c-1']));
    expect([value, errors.length]).toEqual([[undefined], 1]);
    expect(grown).toBeLessThan(50);
    await createPersons(listOf('p.csv', 'id,name\nc-1,\n'), log).get([]);
    expect(errors[1]).toBe('row 2: id and name are needed');
  });
});
