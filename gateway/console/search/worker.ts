/** The search's own thread: questions in, answers out, in order. Started by index.ts. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { codeOf } from '../../journal/error.ts';
import { createExporter } from './export.ts';
import { createFinder, type FinderOptions } from './finder.ts';

/** What the thread is asked. */
export type Questions = ReturnType<typeof createQuestions>;
export type Message = { readonly ask: keyof Questions; readonly argument: unknown };
export type Answer =
  | { readonly value: unknown }
  | { readonly error: { readonly code: string; readonly message: string } };

/** Behind what carries alarms: on Linux a priority is of a thread (setpriority(2), "C library/kernel differences"). */
const NICE = 10;

function createQuestions(options: FinderOptions) {
  const { find, life, sequenceOf, step, beginSweep, rebuild, state, close } = createFinder(options);
  return { find, life, sequenceOf, step, beginSweep, rebuild, state, close, write: createExporter(find) };
}

const port = parentPort;
if (port === null) throw new Error('the search runs in a worker thread');
if (process.platform === 'linux') setPriority(NICE);
const questions = createQuestions(workerData as FinderOptions);

port.on('message', ({ ask, argument }: Message) => {
  let answer: Answer;
  try {
    answer = { value: (questions[ask] as (argument: unknown) => unknown)(argument) };
  } catch (error) {
    const code = codeOf(error);
    // Its next question makes it anew.
    if (code === 'SQLITE_CORRUPT') questions.rebuild();
    answer = { error: { code, message: (error as Error).message } };
  }
  port.postMessage(answer);
  if (ask === 'close') port.unref();
});
