/**
 * The journal: every event is on disk here before anyone is told that it was taken.
 *
 * What it promises
 *  1. `append` resolves after the commit that holds the event was fsynced, and rejects if it was not. Nothing in
 *     between: an event is on disk with a number, or it is not there.
 *  2. Numbers rise and are never used twice. Within a lane, events are read in the order they were appended.
 *  3. What an uplink has not acknowledged is read again after a restart: at least once, the same `id`.
 *  4. The event loop never waits for the disk: SQLite runs in a worker thread, which alone touches the file.
 *
 * Group commit: appends that arrive while a commit runs form the next one. One event a commit costs one fsync;
 * a thousand at once cost one fsync too.
 *
 * What a crash leaves
 *  - before the commit returned: SQLite rolls the WAL back; the device got no acknowledgement and sends again.
 *  - after the commit, before the acknowledgement: the event is here; the device sends again; `repeat` finds it.
 *  - after the acknowledgement, before the broker has it: the cursor is behind it; the uplink sends it.
 *  - after the broker has it, before the cursor is written: it is sent once more, with the same `id`.
 *
 * The newest events of each lane are also kept in memory (`tail`), so that an uplink that keeps up never reads
 * from disk what was just written.
 */
import { Worker } from 'node:worker_threads';
import { type Lane, lanes } from '../event.ts';
import { type Appended, type Cursor, type Entry, JournalError, type NewEntry } from './store.ts';
import type { Answer, Request } from './worker.ts';

export { type Appended, type Entry, JournalError } from './store.ts';

export interface AppendRequest extends Omit<NewEntry, 'lane'> {
  readonly lane: Lane;
}

export interface Position {
  readonly sequence: number;
  readonly sent: number;
}

export interface Journal {
  append(entry: AppendRequest): Promise<Appended>;
  /** The events of a lane after a sequence, oldest first, at most `limit`. At once where they are in memory. */
  read(lane: Lane, after: number, limit: number): readonly Entry[] | Promise<readonly Entry[]>;
  /** Where an uplink stands in a lane; the start for one that is new. */
  position(uplink: string, lane: Lane): Position;
  /** Moves an uplink's cursor. Written with the next commit, or within 200 ms: losing it costs only duplicates. */
  advance(uplink: string, lane: Lane, position: Position): void;
  /** The latest event of each state key, oldest first. */
  states(): Promise<readonly { key: string; sequence: number; body: string }[]>;
  /** Removes events seen before a time that all these uplinks have dealt with; how many. */
  retain(before: number, uplinks: readonly string[]): Promise<number>;
  /** Calls back after each commit with the lanes that got events. */
  onAppended(listener: (lanes: ReadonlySet<Lane>) => void): void;
  /** Rejects when the worker died: nothing can be kept any more. */
  readonly failed: Promise<never>;
  /** Writes the cursors and closes the file. */
  close(): Promise<void>;
}

const TAIL_EVENTS = 1024;
const MAX_BATCH = 1024;
const CURSOR_FLUSH_MS = 200;
const EXPIRE_STEP = 500;

interface Pending {
  readonly entry: NewEntry;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: Error) => void;
}

/**
 * @throws JournalError E_JOURNAL_IN_USE, E_JOURNAL_NEWER; or what SQLite says of the file.
 */
export async function openJournal(directory: string): Promise<Journal> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { directory, lanes: lanes.length },
    // It handles short-lived strings only; V8's default for a large machine would hold on to 50 MB of them.
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  });
  const answers: PromiseWithResolvers<unknown>[] = [];
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const fail = (error: Error) => {
    failed.reject(error);
    for (const answer of answers.splice(0)) answer.reject(error);
  };
  worker.on('error', fail);
  worker.on('exit', (status) =>
    fail(new JournalError('E_JOURNAL_WRITE', `the journal's thread ended (${status})`)),
  );
  worker.on('message', (answer: Answer) => {
    const waiting = answers.shift();
    if ('value' in answer) waiting?.resolve(answer.value);
    else waiting?.reject(new JournalError(answer.error.code as JournalError['code'], answer.error.message));
  });
  const expect = () => {
    const answer = Promise.withResolvers<unknown>();
    answers.push(answer);
    return answer.promise;
  };
  const ask = <T>(request: Request): Promise<T> => {
    const answer = expect() as Promise<T>;
    worker.postMessage(request);
    return answer;
  };

  let opened: { lasts: number[]; cursors: Cursor[] };
  try {
    opened = (await expect()) as typeof opened;
  } catch (error) {
    await worker.terminate();
    throw error;
  }

  const tails = opened.lasts.map((last) => new Tail(last));
  const positions = new Map(opened.cursors.map((cursor) => [`${cursor.uplink}\n${cursor.lane}`, cursor]));
  const moved = new Set<string>();
  const listeners: ((lanes: ReadonlySet<Lane>) => void)[] = [];
  let pending: Pending[] = [];
  let committing: Promise<void> | undefined;
  let running = false;
  let flushTimer: NodeJS.Timeout | undefined;

  /** Commits what waits until nothing waits. */
  const commitAll = async () => {
    running = true;
    while (pending.length > 0 || moved.size > 0) {
      const batch = pending.slice(0, MAX_BATCH);
      pending = pending.slice(MAX_BATCH);
      const cursors = [...moved].map((key) => positions.get(key) as Cursor);
      moved.clear();
      try {
        const done = await ask<Appended[]>({
          do: 'commit',
          entries: batch.map(({ entry }) => entry),
          cursors,
        });
        settle(batch, done);
      } catch (error) {
        for (const { uplink, lane } of cursors) moved.add(`${uplink}\n${lane}`);
        for (const { reject } of batch) reject(error as Error);
        // Cursors alone can wait for a better moment; events that arrive meanwhile try at once.
        if (pending.length === 0) break;
      }
    }
    // Here, not in a `finally` of the promise: an append between the two would wait for ever.
    running = false;
  };
  const settle = (batch: readonly Pending[], done: readonly Appended[]) => {
    const touched = new Set<Lane>();
    for (const [i, { entry, resolve }] of batch.entries()) {
      const appended = done[i] as Appended;
      if (!appended.repeated) {
        const { id, lane, seenAt, type, device, body } = entry;
        tails[lane]?.push({ sequence: appended.sequence, id, lane, seenAt, type, device, body });
        touched.add(lanes[lane] as Lane);
      }
      resolve(appended);
    }
    if (touched.size > 0) for (const listener of listeners) listener(touched);
  };
  const wake = () => {
    if (!running) committing = commitAll();
  };
  const position = (uplink: string, lane: Lane): Position => {
    const { sequence, sent } = positions.get(`${uplink}\n${lanes.indexOf(lane)}`) ?? { sequence: 0, sent: 0 };
    return { sequence, sent };
  };

  return {
    failed: failed.promise,
    append({ lane, ...rest }) {
      return new Promise((resolve, reject) => {
        pending.push({ entry: { ...rest, lane: lanes.indexOf(lane) }, resolve, reject });
        wake();
      });
    },
    read(lane, after, limit) {
      const index = lanes.indexOf(lane);
      return tails[index]?.read(after, limit) ?? ask<Entry[]>({ do: 'read', lane: index, after, limit });
    },
    position,
    advance(uplink, lane, to) {
      const index = lanes.indexOf(lane);
      const key = `${uplink}\n${index}`;
      positions.set(key, { uplink, lane: index, ...to });
      moved.add(key);
      flushTimer ??= setTimeout(() => {
        flushTimer = undefined;
        wake();
      }, CURSOR_FLUSH_MS);
    },
    states: () => ask({ do: 'states' }),
    async retain(before, uplinks) {
      let removed = 0;
      for (const [lane, name] of lanes.entries()) {
        const upTo = uplinks.map((uplink) => position(uplink, name).sequence);
        for (let step = EXPIRE_STEP; step === EXPIRE_STEP; removed += step) {
          step = await ask<number>({
            do: 'expire',
            lane,
            upTo: Math.min(Number.MAX_SAFE_INTEGER, ...upTo),
            before,
            limit: EXPIRE_STEP,
          });
        }
      }
      return removed;
    },
    onAppended(listener) {
      listeners.push(listener);
    },
    async close() {
      clearTimeout(flushTimer);
      wake();
      await committing;
      worker.removeAllListeners('exit');
      await ask({ do: 'close' }).catch(() => {});
      await worker.terminate();
    },
  };
}

/** The newest events of a lane, in memory. */
class Tail {
  #entries: Entry[] = [];
  /** Everything in the lane after this sequence is in memory. */
  #complete: number;

  constructor(last: number) {
    this.#complete = last;
  }

  push(entry: Entry) {
    this.#entries.push(entry);
    if (this.#entries.length >= 2 * TAIL_EVENTS) {
      const dropped = this.#entries.length - TAIL_EVENTS;
      this.#complete = this.#entries[dropped - 1]?.sequence ?? this.#complete;
      this.#entries = this.#entries.slice(dropped);
    }
  }

  /** undefined: the disk must tell. */
  read(after: number, limit: number): readonly Entry[] | undefined {
    if (after < this.#complete) return undefined;
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle]?.sequence ?? 0) <= after) low = middle + 1;
      else high = middle;
    }
    return this.#entries.slice(low, low + limit);
  }
}
