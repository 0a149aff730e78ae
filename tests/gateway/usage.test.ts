/** What each command says of itself, in both languages: a word that stands in one alone would be looked for in vain. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Command } from '../../gateway/cli/command.ts';
import { wordsOf } from '../../gateway/cli/completion.ts';
import { optionsOf } from '../../gateway/cli/mistakes.ts';

type Said = Pick<Command, 'name' | 'usage'>;

/** A command says what it is in the language that is spoken when it is loaded. */
function saidIn(language: 'en' | 'zh'): readonly Said[] {
  const cli = join(import.meta.dirname, '../../gateway/cli.ts');
  const script = `import(${JSON.stringify(cli)}).then(async ({ loadCommands }) => {
    const said = (await loadCommands()).map(({ name, usage }) => ({ name, usage }));
    process.stdout.write(JSON.stringify(said));
  });`;
  const env = { ...process.env, CAMPUS_LANG: language };
  return JSON.parse(spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', env }).stdout) as Said[];
}

it('each command has the same words and options in English and in Chinese', () => {
  const [english, chinese] = [saidIn('en'), saidIn('zh')];
  expect(english.length).toBeGreaterThan(25);
  // The last examples begin with a command; what stands before is the usage.
  const linesOf = ({ name, usage }: Said) =>
    usage.split('\n').filter((line) => line.startsWith(`campus-gateway ${name}`)).length;
  const examplesOf = ({ usage }: Said) =>
    usage.split('\n').filter((line) => /^ {2}(sudo )?campus-gateway /.test(line));
  const inBoth = (of: (said: Said) => unknown) =>
    expect(chinese.map((one) => [one.name, of(one)])).toEqual(english.map((one) => [one.name, of(one)]));
  inBoth((one) => [...optionsOf(one.usage)].sort());
  inBoth((one) => [...wordsOf(one)].sort());
  inBoth(linesOf);
  inBoth((one) => examplesOf(one).length);
  for (const { name, usage } of chinese) expect(usage, name).toMatch(/[\u4e00-\u9fff]{6}/);
});
