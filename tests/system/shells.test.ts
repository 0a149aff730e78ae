/** What shells complete, asked of the shells themselves; the man page, read by man. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../helpers.ts';
import { need } from './tools.ts';

const root = join(import.meta.dirname, '../..');
const env = { ...process.env, CAMPUS_LANG: 'en', LC_ALL: 'C.UTF-8', MANWIDTH: '120' };
const run = (command: string, args: readonly string[], cwd = root) => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
};

/** What a person types, and what may stand in the place of its last word. */
const typed: readonly (readonly [string[], string[]])[] = [
  [['cre'], ['credentials']],
  [
    ['points', ''],
    ['export', 'import', 'replace'],
  ],
  [['check', '--e'], ['--explain']],
  [['check', 'camp'], ['campus.yaml']],
  [['backup', 'camp'], ['campus.yaml']],
  [['backup', 'ke'], ['keys']],
];

const folderWith = (shell: string) => {
  const folder = temporaryDirectory();
  writeFileSync(join(folder, 'campus.yaml'), '');
  writeFileSync(
    join(folder, 'completion'),
    run(process.execPath, ['gateway/campus-gateway.js', 'completion', shell]),
  );
  return folder;
};

it.each(typed)('bash completes %j', (words, wanted) => {
  const folder = folderWith('bash');
  const script = `source ./completion; COMP_WORDS=(campus-gateway "$@"); COMP_CWORD=$#; _campus_gateway; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const offered = run('bash', ['--norc', '-c', script, 'bash', ...words], folder);
  expect(offered.trim().split('\n').sort()).toEqual(wanted);
});

it('zsh completes the same', (context) => {
  need(context, 'zsh');
  const folder = folderWith('zsh');
  // Its own functions that offer words, as far as they are asked: what they would offer is printed.
  const script = `
compdef() { }
compadd() { [[ $1 != -- ]] || shift; print -l -- \${(M)@:#\${words[CURRENT]}*}; }
_files() { compadd -- *(N); }
_describe() { compadd -- \${(P)2%%:*}; }
source ./completion
words=(campus-gateway "$@"); CURRENT=$#words; [[ -n $1 ]] && _campus_gateway`;
  for (const [words, wanted] of typed)
    expect(
      run('zsh', ['-f', '-c', script, 'zsh', ...words], folder)
        .trim()
        .split('\n')
        .sort(),
      words.join(' '),
    ).toEqual(wanted);
});

it('man shows each command, and finds nothing to complain of', (context) => {
  need(context, 'man');
  const folder = temporaryDirectory();
  const page = join(folder, 'campus-gateway.1');
  writeFileSync(page, run(process.execPath, ['docs/generate/man-page.ts']));
  const shown = run('man', ['-l', '--warnings=w', '-P', 'cat', page]);
  expect(shown).toMatch(/^ {3}points\n {7}Exchange the point list/m);
  expect(shown).toContain('campus-gateway points import  LIST CONFIG [--dry-run] [--remove]');
  expect(shown).toContain('EXIT STATUS');
});
