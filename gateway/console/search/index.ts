/**
 * The search, from the side of the event loop. Questions go to a thread of its own, with a read connection of its own to the
 * journal (worker.ts), one at a time: neither an alarm nor the disk of the journal waits for them. Between them the index
 * follows the journal, in small steps and for part of the time only.
 */
import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../../drivers/contract/clock.ts';
import type { Log } from '../../../drivers/contract/driver.ts';
import type { Journal } from '../../journal/index.ts';
import type { Part } from '../../lifecycle/part.ts';
import type { Chunk, Writing } from './export.ts';
import type { FinderOptions, Life, Page, Query } from './finder.ts';
import type { Answer, Message, Questions } from './worker.ts';

export type { Writing } from './export.ts';
export type { FoundEvent, Life, Page, Query } from './finder.ts';

/**
 * - `E_SEARCH_BUSY`: too many questions wait, or too many of who asks.
 * - `E_SEARCH_LATE`: no answer in time; the thread was ended, the next question begins another.
 * - `E_SEARCH_ENDED`: the thread ended under it, or the gateway stops.
 * - `E_SEARCH_JOURNAL`: the journal or the index cannot be read now.
 */
export class SearchError extends Error {
  readonly code: 'E_SEARCH_BUSY' | 'E_SEARCH_LATE' | 'E_SEARCH_ENDED' | 'E_SEARCH_JOURNAL';
  constructor(code: SearchError['code'], message: string) {
    super(message);
    this.name = 'SearchError';
    this.code = code;
  }
}

/** Each of them rejects with a SearchError. `asker`: who asks; nobody fills the queue alone. */
export interface Search extends Part {
  find(query: Query, asker?: string): Promise<Page>;
  life(sequence: number, asker?: string): Promise<Life | undefined>;
  sequenceOf(id: string, asker?: string): Promise<number | undefined>;
  /** The next stretch of an export, as text; who may have so few at once is not counted. */
  write(writing: Writing): Promise<Chunk>;
  state(): Promise<{ readonly events: number; readonly behind: number }>;
  start(): void;
}

export interface SearchOptions extends FinderOptions {
  readonly journal: Pick<Journal, 'onAppended' | 'onOpened'>;
  readonly time: Clock;
  readonly log: Log;
}

/** Twenty consoles have a question each, and an export or two. */
const WAITING_MAX = 64;
/** Of one who asks, whatever waits of others: a guard is answered soon while somebody else asks without end. */
const WAITING_EACH_MAX = 8;
/** A thread starts, and a question over a million events has its time, on a slow disk too. */
const DEADLINE_MS = 20_000;
/** New events are put into the index this often; who asks in between gets them with the answer. */
const FOLLOW_EVERY_MS = 1000;
/** Between two steps of 50 ms: the index takes half of one core at most, and lets go of it for what is urgent. */
const REST_MS = 50;
/** What retention removed leaves the index this often. */
const SWEEP_EVERY_MS = 3_600_000;

/** As the journal's thread: the compile cache spares the TypeScript stripper, 20 MB of it. */
const BOOT = `require('node:module').enableCompileCache();
import(${JSON.stringify(new URL('./worker.ts', import.meta.url).href)});`;

export function createSearch(options: SearchOptions): Search {
  const { journal, time, log, directory, lowDisk } = options;
  const { ask, end } = createThread({ directory, lowDisk }, time);
  const timers: Timer[] = [];
  let isNews = true;
  let stepping: Promise<void> | undefined;
  let closed = false;

  const stepOn = async () => {
    while (!closed && (await ask('step', undefined))) await time.wait(REST_MS);
  };
  const follow = () => {
    if (!isNews || stepping !== undefined) return;
    isNews = false;
    stepping = stepOn()
      // It is tried again with the next event; who asks hears why.
      .catch((error: Error) => log.debug({ error: error.message }, 'the index of events did not go on'))
      .finally(() => {
        stepping = undefined;
      });
  };
  return {
    find: (query, asker) => ask('find', query, asker),
    life: (sequence, asker) => ask('life', sequence, asker),
    sequenceOf: (id, asker) => ask('sequenceOf', id, asker),
    write: (writing) => ask('write', writing),
    state: () => ask('state', undefined),
    start() {
      journal.onAppended(() => {
        isNews = true;
      });
      journal.onOpened(({ salvage, missing }) => {
        if (salvage !== undefined || missing > 0) ask('rebuild', undefined).catch(() => {});
        isNews = true;
      });
      timers.push(time.every(FOLLOW_EVERY_MS, follow));
      timers.push(
        time.every(SWEEP_EVERY_MS, () => {
          ask('beginSweep', undefined).catch(() => {});
          isNews = true;
        }),
      );
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      for (const timer of timers) timer.stop();
      await end();
    },
  };
}

interface Waiting extends PromiseWithResolvers<unknown> {
  readonly message: Message;
  readonly asker: string | undefined;
}
type AnswerTo<Name extends keyof Questions> = ReturnType<Questions[Name]>;
type Ask = <Name extends keyof Questions>(
  name: Name,
  argument: Parameters<Questions[Name]>[0],
  asker?: string,
) => Promise<AnswerTo<Name>>;

/** One thread, one question at a time; the first question starts it. */
function createThread(options: FinderOptions, time: Clock): { readonly ask: Ask; end(): Promise<void> } {
  const waiting: Waiting[] = [];
  let current: Waiting | undefined;
  let worker: Worker | undefined;
  let patience: Timer | undefined;
  let closed = false;

  const isTooMuch = (asker: string | undefined) =>
    waiting.length >= WAITING_MAX ||
    (asker !== undefined && waiting.filter((one) => one.asker === asker).length >= WAITING_EACH_MAX);
  const settle = (how: (answer: Waiting) => void) => {
    const done = current;
    current = undefined;
    patience?.stop();
    if (done !== undefined) how(done);
    next();
  };
  const drop = (code: SearchError['code'], message: string) => {
    const own = worker;
    worker = undefined;
    void own?.terminate();
    settle(({ reject }) => reject(new SearchError(code, message)));
  };
  const start = () => {
    const own = new Worker(BOOT, {
      eval: true,
      workerData: options,
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    });
    const ended = (why: string) => own === worker && drop('E_SEARCH_ENDED', why);
    own.on('error', ({ message }: Error) => ended(message));
    own.on('exit', (status) => ended(`the thread ended (${status})`));
    own.on('message', (answer: Answer) => {
      if (own !== worker) return;
      settle(({ resolve, reject }) =>
        'value' in answer
          ? resolve(answer.value)
          : reject(new SearchError('E_SEARCH_JOURNAL', answer.error.message)),
      );
    });
    own.unref();
    return own;
  };
  function next() {
    if (current !== undefined) return;
    current = waiting.shift();
    if (current === undefined) return;
    worker ??= start();
    patience = time.after(DEADLINE_MS, () =>
      drop('E_SEARCH_LATE', `no answer within ${DEADLINE_MS / 1000} s`),
    );
    worker.postMessage(current.message);
  }
  return {
    ask(name, argument, asker) {
      if (closed) return Promise.reject(new SearchError('E_SEARCH_ENDED', 'the gateway stops'));
      if (isTooMuch(asker))
        return Promise.reject(new SearchError('E_SEARCH_BUSY', 'too many questions wait'));
      const answer = Promise.withResolvers<unknown>();
      waiting.push({ ...answer, message: { ask: name, argument }, asker });
      next();
      return answer.promise as Promise<AnswerTo<typeof name>>;
    },
    async end() {
      closed = true;
      const error = new SearchError('E_SEARCH_ENDED', 'the gateway stops');
      for (const { reject } of waiting.splice(0)) reject(error);
      const own = worker;
      worker = undefined;
      settle(({ reject }) => reject(error));
      // Nothing in the index needs an orderly end.
      await own?.terminate();
    },
  };
}
