/** The backing of a gateway: SQLite in a worker thread (worker.ts), so that the event loop never waits for the disk. */
import { Worker } from 'node:worker_threads';
import type { AnswerTo, Backing, Question, Questions, Told } from './backing.ts';
import type { Changes, Committed } from './batch.ts';
import { JournalError } from './error.ts';
import { type Answer, type FlatCommitted, flattenEntries, type Message, unflattenCommitted } from './wire.ts';

/**
 * A thread has no compile cache unless it asks for one, and then no need of the TypeScript stripper either, which
 * takes 20 MB.
 */
const BOOT = `require('node:module').enableCompileCache();
import(${JSON.stringify(new URL('./worker.ts', import.meta.url).href)});`;

/** Of a folder's journal; the thread starts with `open`. */
export function journalThread(directory: string): Backing {
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  /** Of what was asked and is not answered, the oldest first. */
  const waiting: PromiseWithResolvers<unknown>[] = [];
  let worker: Worker | undefined;
  let closing = false;
  let over = new JournalError('E_JOURNAL_WRITE', 'the journal is not open');

  const stop = (error: Error) => {
    worker = undefined;
    over = error as JournalError;
    for (const answer of waiting.splice(0)) answer.reject(error);
  };
  const fail = (error: Error) => {
    if (worker === undefined) return;
    stop(error);
    if (!closing) failed.reject(error);
  };
  const post = <T>(message: Message): Promise<T> => {
    if (worker === undefined) return Promise.reject(over);
    const answer = Promise.withResolvers<unknown>();
    worker.postMessage(message);
    waiting.push(answer);
    return answer.promise as Promise<T>;
  };
  const commit = async ({ entries, ...progress }: Changes): Promise<Committed> =>
    unflattenCommitted(await post<FlatCommitted>({ commit: flattenEntries(entries), progress }), entries);
  const start = (told: Told, tried: () => void) => {
    const own = new Worker(BOOT, {
      eval: true,
      workerData: { directory },
      // It handles short-lived strings only; V8's default for a large machine would hold on to 50 MB of them.
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    });
    own.on('error', fail);
    own.on('exit', (status) =>
      fail(new JournalError('E_JOURNAL_WRITE', `the journal's thread ended (${status})`)),
    );
    own.on('message', (answer: Answer) => {
      if ('opened' in answer) told.opened(answer.opened);
      else if ('unopened' in answer) told.unopened(answer.unopened);
      else if ('value' in answer) waiting.shift()?.resolve(answer.value);
      else {
        const { code, message } = answer.error;
        waiting.shift()?.reject(new JournalError(code as JournalError['code'], message));
      }
      tried();
    });
    return own;
  };

  return {
    failed: failed.promise,
    async open(told) {
      const tried = Promise.withResolvers<void>();
      worker = start(told, tried.resolve);
      await Promise.race([tried.promise, failed.promise]);
    },
    ask<Name extends Question>(name: Name, ...args: Parameters<Questions[Name]>) {
      const answer: Promise<unknown> =
        name === 'commit' ? commit(...(args as [Changes])) : post({ ask: name as 'read', args });
      return answer as Promise<AnswerTo<Name>>;
    },
    async close() {
      closing = true;
      await post({ close: true });
    },
    async end() {
      const own = worker;
      closing = true;
      stop(new JournalError('E_JOURNAL_WRITE', 'the journal is closed'));
      await own?.terminate();
    },
  };
}
