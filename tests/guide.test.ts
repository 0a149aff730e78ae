/** The pages for people: what they link to is there, what they show as config is right, what they tell to type exists. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../gateway/check.ts';
import { temporaryDirectory } from './helpers.ts';
import { commandsIn, helpOf } from './pages.ts';

const root = join(import.meta.dirname, '..');
const guide = join(root, 'docs/guide');
const pagesOf = (language: string) => readdirSync(join(guide, language)).sort();
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...readdirSync(join(root, 'docs/city'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/city/${name}`),
  ...['en', 'zh'].flatMap((language) => pagesOf(language).map((name) => `docs/guide/${language}/${name}`)),
];
const entry = join(root, 'gateway/campus-gateway.js');
const read = (page: string) => readFileSync(join(root, page), 'utf8');

/** The anchors of a page, as GitHub makes them of its headings. */
const anchorsOf = (text: string) =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- ]/gu, '')
      .replaceAll(' ', '-'),
  );

describe('the guide', () => {
  it('has the same pages in English and in Chinese', () => {
    expect(pagesOf('zh')).toEqual(pagesOf('en'));
  });

  it.each(['en', 'zh'])('leads from its first page to each page (%s)', (language) => {
    const index = readFileSync(join(guide, language, 'README.md'), 'utf8');
    for (const name of pagesOf(language))
      if (name !== 'README.md') expect(index, name).toContain(`(${name})`);
  });

  const examples = ['en', 'zh'].flatMap((language) =>
    pagesOf(language)
      .filter((name) => name.startsWith('device-'))
      .map((name) => `docs/guide/${language}/${name}`),
  );
  it.each(examples)('%s shows a config that check calls good', (page) => {
    const [, block = ''] = /```yaml\n(.*?)```/s.exec(read(page)) ?? [];
    expect(block).toContain('devices:');
    const folder = temporaryDirectory();
    mkdirSync(join(folder, 'secrets'));
    for (const [, file = ''] of block.matchAll(/(?:password|key)File: (\S+)/g))
      writeFileSync(join(folder, file), '000102030405060708090a0b0c0d0e0f\n', { mode: 0o600 });
    writeFileSync(join(folder, 'cards.csv'), 'number,holder,groups\n0040856634,t-1,teachers\n');
    const file = join(folder, 'campus.yaml');
    writeFileSync(file, `campus: { id: "4503000001", name: T }\n${block}`);
    const loaded = readConfig(file);
    expect('errors' in loaded ? loaded.errors : []).toEqual([]);
  });

  it.each(['en', 'zh'] as const)(
    'shows what a school says of itself, and what check says of that (%s)',
    (language) => {
      const page = read(`docs/guide/${language}/school.md`);
      const file = join(temporaryDirectory(), 'campus.yaml');
      writeFileSync(file, /```yaml\n(.*?)```/s.exec(page)?.[1] ?? '');
      const said = spawnSync(process.execPath, [entry, 'check', file, '--explain'], {
        encoding: 'utf8',
        env: { ...process.env, CAMPUS_LANG: language },
      });
      expect(said.status).toBe(0);
      expect(said.stderr).toMatch(language === 'zh' ? /个人信息将离开校园/ : /personal data leave/);
      const shown = [...page.matchAll(/^> (.*?)(?:<br>)?$/gm)].map(([, line = '']) => line);
      expect(shown.length).toBe(3);
      for (const line of shown) expect(said.stdout.split('\n').map((one) => one.trim())).toContain(line);
    },
  );
});

describe.each(pages)('%s', (page) => {
  it('links to what is there', () => {
    const text = read(page);
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? join(root, page) : resolve(root, dirname(page), path);
      expect(existsSync(file), `${target} (${relative(root, file)})`).toBe(true);
      if (anchor !== undefined && file.endsWith('.md'))
        expect(anchorsOf(readFileSync(file, 'utf8')), target).toContain(decodeURIComponent(anchor));
    }
  });

  it('tells to type commands and options that there are', async () => {
    for (const { line, command, options } of commandsIn(read(page))) {
      const help = await helpOf(command);
      expect(help.status, line).toBe(0);
      for (const option of options) expect(help.stdout, `${line}: ${option}`).toContain(option);
    }
  });
});
