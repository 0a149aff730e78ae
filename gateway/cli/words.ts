/** A word that is none of those that are known. Loaded when there is one: whoever types rightly has no use for it. */
import { near } from '../../config/explain.ts';
import { say } from '../../config/language.ts';
import { type Command, UsageError } from './command.ts';
import { wordsOf } from './completion.ts';

/** Of a shorter word everything would be near. */
const SHORTEST = 3;

/** `; did you mean X?`, or else `; there are: a, b`. */
export function meant(word: string, names: readonly string[]): string {
  if (names.length === 0) return say('; there are none', '；目前没有');
  const nearest = word.length < SHORTEST ? '' : near(word, names);
  return nearest || say(`; there are: ${names.join(', ')}`, `；可用：${names.join('、')}`);
}

/** `; did you mean X?` of the word that stands behind a command, where that has words of its own and this is none. */
export function meantBehind(command: Pick<Command, 'name' | 'usage'>, args: readonly string[]): string {
  const word = args.find((one) => !one.startsWith('-'));
  const known = wordsOf(command);
  return word === undefined || known.includes(word) ? '' : near(word, known);
}

/** Of a word after the command: `campus-gateway journal inspct`. */
export const noSuchWord = (command: string, word: string, names: readonly string[]): UsageError =>
  new UsageError(say(`there is no ${command} ${word}`, `没有 ${command} ${word}`) + meant(word, names));
