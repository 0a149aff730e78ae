/** What a command of the command line is, and the few things that all of them need. */
import { say } from '../../config/language.ts';
import type { ConfigError, LoadedConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { type Clock, systemClock, type Timer } from '../../drivers/contract/clock.ts';
import type { ReadOptions } from '../check.ts';
import { isJournal } from '../observe/journald.ts';
import { printable, printableOutput } from '../printable.ts';
import { tooMany } from './mistakes.ts';

/** Takes texts, never bytes: nobody could make those safe to look at. */
interface Output extends Pick<NodeJS.WriteStream, 'isTTY'> {
  write(text: string): boolean;
}

/** What a person types, or a pipe. */
export type Input = NodeJS.ReadableStream & { readonly isTTY?: boolean };

/** Where a command speaks, and its time. Tests give their own. */
export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: Input;
  readonly clock: Clock;
}
/** Each line as an error for journald (sd-daemon(3)). */
export const asErrors = (to: Output): Output => ({
  isTTY: to.isTTY,
  write: (text) => to.write(text.replace(/^(?=.)/gm, '<3>')),
});

export const terminalOfProcess: Terminal = {
  stdout: process.stdout,
  // Of a service: why it ended, among what the journal calls errors.
  stderr: isJournal(process.env['JOURNAL_STREAM'], 2) ? asErrors(process.stderr) : process.stderr,
  // Made when it is looked at: what reads nothing leaves it closed.
  get stdin() {
    return process.stdin;
  },
  clock: systemClock,
};

/** A terminal that foreign texts cannot move: fields are escaped where they are put into lines, this catches the rest. */
export function printing(terminal: Terminal): Terminal {
  const { stdout, stderr, clock } = terminal;
  const guard = (stream: Output): Output => ({
    isTTY: stream.isTTY,
    write: (text: string) => stream.write(printableOutput(text)),
  });
  return {
    stdout: guard(stdout),
    stderr: guard(stderr),
    get stdin() {
      return terminal.stdin;
    },
    clock,
  };
}

/**
 * One file a command: what it is, its options, its examples. What it does is loaded when it is run: `--help` has no
 * use for the simulators, nor a daemon of years.
 */
export interface Command {
  readonly name: string;
  /** English and Chinese. */
  readonly summary: readonly [en: string, zh: string];
  /** Usage, options and examples. */
  readonly usage: string;
  /** @returns the exit status. @throws UsageError, or an Error with a sentence for what could not run. */
  run(args: string[], terminal: Terminal): Promise<number>;
}

export class UsageError extends Error {
  readonly code = 'E_USAGE';
}

/** No more words than a command takes. @throws UsageError. */
export function atMost(count: number, words: readonly string[]): void {
  const more = words[count];
  if (more !== undefined) throw new UsageError(tooMany(more));
}

/** npm passes a terminal's Ctrl-C on to us, who got it already: so soon, it is no second one. */
const SECOND_AFTER_MS = 500;

/**
 * Resolves at Ctrl-C or SIGTERM (`asked`), or `ms` after `running` resolved (`timed`). A second Ctrl-C ends the process
 * at once.
 */
export function untilStopped(
  { clock }: Terminal,
  ms?: number,
  running: Promise<void> = Promise.resolve(),
): Promise<'asked' | 'timed'> {
  return new Promise((resolve) => {
    let timer: Timer | undefined;
    let over = false;
    if (ms !== undefined)
      void running.then(() => {
        if (!over) timer = clock.after(ms, stop);
      });
    function stop(signal?: NodeJS.Signals) {
      over = true;
      timer?.stop();
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
      const first = clock.elapsed();
      process.on('SIGINT', () => {
        if (clock.elapsed() - first > SECOND_AFTER_MS) process.exit(130);
      });
      resolve(signal === undefined ? 'timed' : 'asked');
    }
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}

/** Loads a config, or prints all its errors to standard error. */
export async function configOrErrors(
  file: string | undefined,
  terminal: Terminal,
): Promise<Config | undefined> {
  return (await loadedOrErrors(file, terminal))?.config;
}

/** The same, with what is to be said of a config that is right. */
export async function loadedOrErrors(
  file: string | undefined,
  terminal: Terminal,
  options: ReadOptions = {},
): Promise<LoadedConfig | undefined> {
  if (file === undefined) throw new UsageError(say('which config file?', '请给出配置文件'));
  const { readConfig } = await import('../check.ts');
  const loaded = readConfig(file, options);
  if ('config' in loaded) return loaded;
  await tellErrors(loaded.errors, file, terminal);
  return undefined;
}

/** What is wrong with a config, and how much of it there is. */
export async function tellErrors(
  errors: readonly ConfigError[],
  file: string,
  { stderr }: Terminal,
): Promise<void> {
  const { formatError } = await import('../../config/load.ts');
  for (const error of errors) stderr.write(`${printable(formatError(error))}\n`);
  const count = errors.length;
  stderr.write(say(`${count} error${count === 1 ? '' : 's'} in ${file}\n`, `${file} 中有 ${count} 处错误\n`));
}

const PROGRESS_EVERY_MS = 200;

/**
 * A line on standard error that tells how far long work is, where that is a terminal. `total` undefined: unknown. `each`:
 * after so many steps the time is looked at.
 */
export function progress({ stderr, clock }: Terminal, words: string, total: number | undefined, each = 256) {
  let done = 0;
  let shownAt = 0;
  const show = () => {
    const share = total === undefined || total === 0 ? '' : ` ${Math.floor((done / total) * 100)} %`;
    stderr.write(`\r${words} ${done}${share}   `);
  };
  return {
    step(count = 1) {
      const before = done;
      done += count;
      const same = Math.floor(before / each) === Math.floor(done / each);
      if (!stderr.isTTY || same || clock.elapsed() - shownAt < PROGRESS_EVERY_MS) return;
      shownAt = clock.elapsed();
      show();
    },
    end() {
      if (!stderr.isTTY) return;
      show();
      stderr.write('\n');
    },
  };
}
