/** The commands that pages for people tell to type. */
import { run } from './gateway/terminal.ts';

export interface Typed {
  /** As it stands in the page. */
  readonly line: string;
  /** Of campus-gateway: `check`, `simulate panel`. */
  readonly command: string;
  readonly args: readonly string[];
  readonly options: readonly string[];
}

/** A line of a shell in its words; quotes hold words together, what follows a pipe or `>` is left out. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [whole, quoted] of line.matchAll(/"([^"]*)"|[^\s"]+/g)) {
    if (/^([|;&]+|\d?>.*|#.*)$/.test(whole)) break;
    words.push(quoted ?? whole);
  }
  return words;
}

/** Those of campus-gateway in the blocks of `sh`, a backslash at a line's end carries it on. */
export function commandsIn(page: string): Typed[] {
  const blocks = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) => block);
  return blocks
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .flatMap((line) => {
      const words = wordsOf(line.trim()).filter((word) => word !== 'sudo' && word !== 'npx');
      if (words[0] !== 'campus-gateway') return [];
      const [, command = '', ...args] = words;
      const options = args.filter((arg) => arg.startsWith('--')).map((arg) => arg.split('=')[0] ?? arg);
      return [{ line: line.trim(), command, args, options }];
    });
}

const helps = new Map<string, ReturnType<typeof run>>();
/** What `--help` says of a command, asked once. */
export function helpOf(command: string): ReturnType<typeof run> {
  const found = helps.get(command) ?? run(...command.split(' '), '--help');
  helps.set(command, found);
  return found;
}
