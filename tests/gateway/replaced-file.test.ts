/** Files beside the journal that are replaced as a whole. */
import { lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { replaceFile } from '../../gateway/lifecycle/replaced-file.ts';
import { temporaryDirectory } from '../helpers.ts';

it('writes into no other file where somebody left a link under the name of what it writes', async () => {
  const folder = temporaryDirectory();
  const other = join(folder, 'of-root');
  const file = join(folder, 'v1.yaml');
  writeFileSync(other, 'as it was', { mode: 0o644 });
  symlinkSync(other, `${file}.new`);
  await replaceFile(file, 'new');
  expect(readFileSync(other, 'utf8')).toBe('as it was');
  expect(statSync(other).mode & 0o777).toBe(0o644);
  expect([readFileSync(file, 'utf8'), lstatSync(file).isFile()]).toEqual(['new', true]);
});
