/**
 * A process whose event loop stands does nothing and looks alive. A thread of its own watches it: where the loop gives
 * no sign of life for `limitMs`, it says where the loop stands, and ends the process, for its supervisor to start it
 * again (watchdog-thread.ts).
 */
import { url as debuggerUrl } from 'node:inspector';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';

/** Exit status of a process whose loop stood; where not even that can be done, it is killed (SIGKILL). */
export const STALLED_STATUS = 4;
/** Longer than any work that a loop may rightly do at once; a panel gives up on its ACK sooner. */
export const STALL_LIMIT_MS = 10_000;
const BEAT_EVERY_MS = 500;
/** Of the memory that both threads see: how often the loop turned; whether a debugger may hold it. */
export const BEATS = 0;
export const DEBUGGED = 1;

export interface Watched {
  readonly memory: SharedArrayBuffer;
  readonly limitMs: number;
  readonly status: number;
}

/** As the journal's thread: with a compile cache it needs no TypeScript stripper, which takes 20 MB. */
const BOOT = `require('node:module').enableCompileCache();
import(${JSON.stringify(new URL('./watchdog-thread.ts', import.meta.url).href)});`;

/** Of this process: one is enough. A thread that fails is logged, and the process goes on unwatched. */
export function watchLoop(
  time: Clock,
  log: Log,
  { limitMs = STALL_LIMIT_MS }: { readonly limitMs?: number } = {},
): AsyncDisposable {
  const memory = new SharedArrayBuffer(8);
  const cells = new Int32Array(memory);
  const beat = () => {
    Atomics.add(cells, BEATS, 1);
    Atomics.store(cells, DEBUGGED, debuggerUrl() === undefined ? 0 : 1);
  };
  beat();
  const beating = time.every(BEAT_EVERY_MS, beat);
  const watched: Watched = { memory, limitMs, status: STALLED_STATUS };
  const thread = new Worker(BOOT, {
    eval: true,
    // Of this process's own, some would change how the line above is read.
    execArgv: [],
    workerData: watched,
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 },
  });
  thread.unref();
  thread.on('error', ({ message }: Error) =>
    log.error({ error: message }, 'the watchdog ended; nobody sees whether the gateway stands still'),
  );
  return {
    async [Symbol.asyncDispose]() {
      beating.stop();
      await thread.terminate();
    },
  };
}
