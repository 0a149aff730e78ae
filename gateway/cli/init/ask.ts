/** Questions on a terminal, each answered by a line. */
import { say } from '../../../config/language.ts';
import type { Terminal } from '../command.ts';

/** Who was asked went: Ctrl-C, Ctrl-D, or an end of the input. */
export class AbandonedError extends Error {
  readonly code = 'E_ABANDONED';
}

export interface Asker {
  /** `check` gives a sentence where the answer will not do: then it is asked again. An empty line is `usual`. */
  ask(question: string, usual?: string, check?: (answer: string) => string | undefined): Promise<string>;
  /** Not shown as it is typed. */
  askSecret(question: string): Promise<string>;
  confirm(question: string, usual: boolean): Promise<boolean>;
  /** One of several, by number or by name. */
  choose<T extends string>(
    question: string,
    choices: readonly (readonly [T, string])[],
    usual: T,
  ): Promise<T>;
  tell(sentence: string): void;
  close(): void;
}

interface Line {
  /** undefined: there is no more. */
  next(hidden: boolean): Promise<string | undefined>;
  close(): void;
}

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const isBackspace = (key: string) => key === '\u007f' || key === '\b';

/**
 * Lines of a terminal or a pipe. A terminal shows and mends what is typed by itself; while a secret is typed it is raw, and
 * shows nothing.
 */
function readLines({ stdin }: Terminal): Line {
  const early: string[] = [];
  let typed = '';
  let isRaw = false;
  let isOver = false;
  let waiting: ((line: string | undefined) => void) | undefined;
  const give = (line: string | undefined) => {
    const to = waiting;
    waiting = undefined;
    if (to !== undefined) to(line);
    else if (line !== undefined) early.push(line);
  };
  const end = () => {
    if (typed !== '') give(typed);
    typed = '';
    isOver = true;
    give(undefined);
  };
  const hear = (chunk: string | Buffer) => {
    for (const key of String(chunk)) {
      if (isRaw && (key === CTRL_C || key === CTRL_D)) return end();
      if (isRaw && isBackspace(key)) typed = [...typed].slice(0, -1).join('');
      else if (key === '\n' || (isRaw && key === '\r')) {
        const line = typed;
        typed = '';
        setRaw(false);
        give(line);
      } else typed += key;
    }
  };
  const setRaw = (raw: boolean) => {
    const { isTTY, setRawMode } = stdin as Partial<NodeJS.ReadStream>;
    if (raw === isRaw || isTTY !== true) return;
    isRaw = raw;
    setRawMode?.call(stdin, raw);
  };
  stdin.setEncoding('utf8');
  stdin.on('data', hear);
  stdin.on('end', end);
  process.on('SIGINT', end);
  return {
    async next(hidden) {
      const line = early.shift();
      if (line !== undefined || isOver) return line;
      setRaw(hidden);
      return await new Promise((resolve) => {
        waiting = resolve;
      });
    },
    close() {
      setRaw(false);
      stdin.off('data', hear);
      stdin.off('end', end);
      stdin.pause();
      process.off('SIGINT', end);
    },
  };
}

/** @throws AbandonedError, by each question. */
export function createAsker(terminal: Terminal): Asker {
  const { stderr } = terminal;
  const lines = readLines(terminal);
  const answer = async (prompt: string, hidden = false): Promise<string> => {
    // Nothing is shown from before the question on: who types fast would see the beginning.
    const next = lines.next(hidden);
    stderr.write(prompt);
    const line = await next;
    if (hidden) stderr.write('\n');
    if (line === undefined)
      throw new AbandonedError(
        say('nothing was written: it was not answered to the end', '未写入任何内容：问题未回答完'),
      );
    return line.trim();
  };
  const asker: Asker = {
    async ask(question, usual, check = () => undefined) {
      for (;;) {
        const given = await answer(
          `${question}${usual === undefined || usual === '' ? '' : ` [${usual}]`}: `,
        );
        const said = given === '' && usual !== undefined ? usual : given;
        const wrong =
          said === '' && usual === undefined ? say('an answer is needed', '此项必填') : check(said);
        if (wrong === undefined) return said;
        stderr.write(`  ${wrong}\n`);
      }
    },
    async askSecret(question) {
      for (;;) {
        const given = await answer(`${question}: `, true);
        if (given !== '') return given;
        stderr.write(`  ${say('an answer is needed', '此项必填')}\n`);
      }
    },
    async confirm(question, usual) {
      const word = await asker.ask(question, usual ? 'y' : 'n', (said) =>
        /^(y|yes|n|no|是|否)$/i.test(said) ? undefined : say('y or n', '请输入 y 或 n'),
      );
      return /^(y|yes|是)$/i.test(word);
    },
    async choose(question, choices, usual) {
      const list = choices.map(([, words], i) => `  ${i + 1}  ${words}\n`).join('');
      const index = (said: string) =>
        /^\d+$/.test(said) ? Number(said) - 1 : choices.findIndex(([name]) => name === said);
      const at = choices.findIndex(([name]) => name === usual);
      stderr.write(`${question}\n${list}`);
      const said = await asker.ask(say('number', '序号'), String(at + 1), (one) =>
        choices[index(one)] === undefined
          ? say(`a number from 1 to ${choices.length}`, `1 到 ${choices.length}`)
          : undefined,
      );
      return (choices[index(said)] ?? choices[at])?.[0] ?? usual;
    },
    tell: (sentence) => void stderr.write(`${sentence}\n`),
    close: () => lines.close(),
  };
  return asker;
}
