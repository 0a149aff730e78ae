/**
 * Foreign bytes of unbounded shape are read in a thread apart, so that no panic button waits for them. One thread, one
 * job at a time; a job that does not answer within its deadline takes the thread with it, and the next gets a new one.
 */
import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Job } from '../../drivers/contract/driver.ts';
import type { Part } from './part.ts';

export interface Isolated extends Part {
  /**
   * Calls an exported function of a module with a copy of `input`; resolves with a copy of what it gives.
   * @throws IsolatedError E_LATE, E_BUSY, E_ENDED; Error with the message of what the function threw.
   */
  run(job: Job): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * - `E_LATE`: the job did not answer in time; its thread was ended.
 * - `E_BUSY`: too many jobs wait.
 * - `E_ENDED`: the thread ended under it, for want of memory, or the gateway stops.
 */
export class IsolatedError extends Error {
  readonly code: 'E_LATE' | 'E_BUSY' | 'E_ENDED';
  constructor(code: IsolatedError['code'], message: string) {
    super(message);
    this.name = 'IsolatedError';
    this.code = code;
  }
}

const DEADLINE_MS = 2000;
/** A slow disk may take long over the thread's own files. */
const BOOT_MS = 20_000;
const WAITING_MAX = 64;
/** A thread that nobody needs gives its memory back. */
const IDLE_MS = 60_000;
/** A body is at most 4 MB; what takes more than this to read is made to. */
const HEAP_MB = 40;

/** As the journal's thread: the compile cache spares the TypeScript stripper, 20 MB of it. */
const BOOT = `require('node:module').enableCompileCache();
const { parentPort } = require('node:worker_threads');
parentPort.on('message', async ({ module, name, input }) => {
  try {
    const exported = await import(module);
    parentPort.postMessage({ begun: true });
    parentPort.postMessage({ value: await exported[name](input) });
  } catch (error) {
    parentPort.postMessage({ error: String(error?.message ?? error) });
  }
});`;

type Said = { readonly begun: true } | { readonly value: unknown } | { readonly error: string };

interface Waiting {
  readonly job: Job;
  readonly answer: PromiseWithResolvers<unknown>;
}

/** `deadlineMs`: of a job, from when the thread has its module and begins. `heapMb`: what the thread may take, MB. */
export function createIsolated({
  time,
  deadlineMs = DEADLINE_MS,
  heapMb = HEAP_MB,
}: {
  readonly time: Clock;
  readonly deadlineMs?: number;
  readonly heapMb?: number;
}): Isolated {
  const waiting: Waiting[] = [];
  let current: Waiting | undefined;
  let worker: Worker | undefined;
  let patience: Timer | undefined;
  let closed = false;

  const end = (): Promise<unknown> => {
    patience?.stop();
    const own = worker;
    worker = undefined;
    return own?.terminate() ?? Promise.resolve();
  };
  const settle = (how: (answer: PromiseWithResolvers<unknown>) => void) => {
    const done = current;
    current = undefined;
    patience?.stop();
    if (done !== undefined) how(done.answer);
    next();
  };
  const fail = (code: IsolatedError['code'], message: string) => {
    void end();
    settle(({ reject }) => reject(new IsolatedError(code, message)));
  };
  const allow = (ms: number) => {
    patience?.stop();
    patience = time.after(ms, () => fail('E_LATE', `no answer within ${ms / 1000} s`));
  };
  const start = (): Worker => {
    const own = new Worker(BOOT, {
      eval: true,
      resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 4 },
    });
    // Of a thread that was ended meanwhile nothing counts.
    const ended = (why: string) => own === worker && fail('E_ENDED', why);
    own.on('error', ({ message }: Error) => ended(message));
    own.on('exit', (status) => ended(`the thread ended (${status})`));
    own.on('message', (said: Said) => {
      if (own !== worker) return;
      if ('begun' in said) allow(deadlineMs);
      else if ('value' in said) settle(({ resolve }) => resolve(said.value));
      else settle(({ reject }) => reject(new Error(said.error)));
    });
    own.unref();
    return own;
  };
  const next = () => {
    if (current !== undefined || closed) return;
    current = waiting.shift();
    if (current === undefined) {
      if (worker !== undefined) patience = time.after(IDLE_MS, () => void end());
      return;
    }
    worker ??= start();
    allow(BOOT_MS);
    worker.postMessage(current.job);
  };
  const close = async () => {
    closed = true;
    const error = new IsolatedError('E_ENDED', 'the gateway stops');
    for (const { answer } of waiting.splice(0)) answer.reject(error);
    const terminated = end();
    settle(({ reject }) => reject(error));
    await terminated;
  };
  return {
    run(job) {
      if (closed) return Promise.reject(new IsolatedError('E_ENDED', 'the gateway stops'));
      if (waiting.length >= WAITING_MAX)
        return Promise.reject(new IsolatedError('E_BUSY', 'too many jobs wait'));
      const answer = Promise.withResolvers<unknown>();
      waiting.push({ job, answer });
      if (current === undefined) patience?.stop();
      next();
      return answer.promise;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
