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
 * What a disk can do
 *  - it is full: appends are rejected until there is room; nothing else changes.
 *  - it fails (EIO, read-only): the worker trusts the open file no more, and opens it anew (worker.ts).
 *  - it hangs: appends wait. Who cannot wait (an alarm) is sent from memory meanwhile (record.ts).
 *  - it has damaged the file: what can be read is saved into a new one (recovery.ts).
 * `condition` tells which; while it is not good, a trial write a second finds out when it is.
 *
 * The newest events of each lane are also kept in memory (`tail`), so that an uplink that keeps up never reads
 * from disk what was just written.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type Lane, lanes } from '../../drivers/contract/lane.ts';
import type { Erased, Person } from './erasure.ts';
import { JournalError } from './error.ts';
import type {
  Appended,
  Begun,
  CommandBegin,
  CommandEnd,
  CredentialChange,
  Cursor,
  Entry,
  Held,
  Mark,
  NewEntry,
  Removed,
  RemoveStep,
  Stage,
  Usage,
} from './store.ts';
import { type FlatAppended, flattenEntries, unflattenAppended } from './wire.ts';
import type { Answer, Failure, OpenedFile, Request } from './worker.ts';

export { JournalError } from './error.ts';
export type { Salvage } from './recovery.ts';
export type { Appended, Entry, Held, Removed, RemoveStep, Stage, Usage } from './store.ts';
export type { OpenedFile } from './worker.ts';

export interface AppendRequest extends Omit<NewEntry, 'lane'> {
  readonly lane: Lane;
}

/** An uplink and the types of events that it wants. */
export interface Interest {
  readonly id: string;
  readonly types: readonly string[];
}

export interface Position {
  readonly sequence: number;
  readonly sent: number;
}

/** Whether events can be put on disk; if not, why (a code of JournalError) and since when (epoch ms). */
export type Condition =
  | { readonly good: true }
  | { readonly good: false; readonly code: string; readonly reason: string; readonly since: number };

export interface Journal {
  append(entry: AppendRequest): Promise<Appended>;
  /** The events of a lane after a sequence, oldest first, at most `limit`. At once where they are in memory. */
  read(lane: Lane, after: number, limit: number): readonly Entry[] | Promise<readonly Entry[]>;
  /** The events of a lane before a sequence, newest first. */
  readBack(lane: Lane, before: number, limit: number): Promise<readonly Entry[]>;
  /** The last number given in a lane. */
  last(lane: Lane): number;
  /** Where an uplink stands in a lane; the start for one that is new. */
  position(uplink: string, lane: Lane): Position;
  /** Moves an uplink's cursor. Written with the next commit, or within 200 ms: losing it costs only duplicates. */
  advance(uplink: string, lane: Lane, position: Position): void;
  /** Notes that all of a lane up to a sequence has come this far with a platform. Written like `advance`. */
  mark(uplink: string, lane: Lane, stage: Stage, sequence: number): void;
  /** What the brokers refuse, by uplink and topic. */
  held(uplink: string): readonly Held[];
  hold(held: Held): void;
  release(uplink: string, topic: string): void;
  /** The latest event of each state key, oldest first. */
  states(): Promise<readonly { key: string; sequence: number; body: string }[]>;
  /** Removes some old events; the steps of retention.ts. */
  remove(
    step: Omit<RemoveStep, 'lane' | 'cursors'> & { lane: Lane; uplinks: readonly Interest[] },
  ): Promise<Removed>;
  /** Removes marks and audit entries from before a time, and old commands that expired before `now`; epoch ms. */
  forget(before: number, now: number): Promise<number>;
  /** What is known of a command: its outcome, null while there is none; undefined: it never came. */
  command(source: string, id: string): Promise<{ readonly outcome: string | null } | undefined>;
  /** The commands that were begun and not ended. */
  interrupted(): Promise<readonly { readonly source: string; readonly id: string }[]>;
  /** Notes a command before it is carried out, once. @throws JournalError: it must not be carried out. */
  begin(command: CommandBegin): Promise<Begun>;
  /** Notes what became of a command. @returns the hash of its entry in the audit. @throws JournalError. */
  end(command: CommandEnd): Promise<string>;
  /** Adds an entry, JSON, to the audit. @returns its hash. @throws JournalError. */
  audit(at: number, body: string): Promise<string>;
  /** The same, where `value` is not what `key` was the last time; else nothing, and ''. */
  auditChange(key: string, at: number, body: string, value: string): Promise<string>;
  /**
   * Takes a person out of all events, on disk and in memory; `step` hears how many events were looked at.
   * @throws JournalError: part of it may be done; begin again.
   */
  erase(person: Person, step?: (looked: number) => void): Promise<Pick<Erased, 'events' | 'pictures'>>;
  /** The version of the cards that a platform sent; 0: it sent none. */
  credentialsVersion(): Promise<number>;
  /** The next of them after a key, by key. */
  credentials(
    after: string,
    limit: number,
  ): Promise<readonly { readonly key: string; readonly body: string }[]>;
  /** All of a change, or, where it builds on another version, nothing: false. @throws JournalError. */
  changeCredentials(change: CredentialChange): Promise<boolean>;
  classes(
    after: number,
    limit: number,
  ): Promise<readonly { last: number; class: string; events: number; bytes: number }[]>;
  usage(): Promise<Usage>;
  readonly condition: Condition;
  /** The file as it was opened last; undefined while it could not be opened yet. */
  readonly opened: OpenedFile | undefined;
  /** The id of this numbering; empty while the file could not be opened yet. */
  readonly id: string;
  /** Calls back after each commit with the lanes that got events. */
  onAppended(listener: (lanes: ReadonlySet<Lane>) => void): void;
  onCondition(listener: (condition: Condition) => void): void;
  /** Calls back when the file was opened anew: with `salvage` or `missing`, or late, numbers are not what they were. */
  onOpened(listener: (opened: OpenedFile) => void): void;
  /** Rejects when the worker died: nothing can be kept any more. */
  readonly failed: Promise<never>;
  /** Writes the cursors and closes the file. */
  close(): Promise<void>;
}

const TAIL_EVENTS = 1024;
const MAX_BATCH = 1024;
/** Events that a step of erasing looks at; appends wait for one step at most. */
const ERASE_STEP = 200;
const CURSOR_FLUSH_MS = 200;
const TRIAL_EVERY_MS = 1000;
/** A clean end writes the WAL into the file; a disk that hangs gets no longer. */
const CLOSE_TIMEOUT_MS = 5000;
/** These no waiting mends. */
const FATAL = ['E_JOURNAL_IN_USE', 'E_JOURNAL_NEWER'];

/**
 * A thread has no compile cache unless it asks for one, and then no need of the TypeScript stripper either, which
 * takes 20 MB.
 */
const BOOT = `require('node:module').enableCompileCache();
import(${JSON.stringify(new URL('./worker.ts', import.meta.url).href)});`;

interface Pending {
  readonly entry: NewEntry;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Opens a folder's journal. A disk that refuses is no error here: the journal is there, its `condition` is not good,
 * and it goes on trying.
 * @throws JournalError E_JOURNAL_IN_USE, E_JOURNAL_NEWER.
 */
export async function openJournal(directory: string): Promise<Journal> {
  const worker = new Worker(BOOT, {
    eval: true,
    workerData: { directory, lanes: lanes.length },
    // It handles short-lived strings only; V8's default for a large machine would hold on to 50 MB of them.
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  });
  const answers: PromiseWithResolvers<unknown>[] = [];
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const fail = (error: Error) => {
    failed.reject(error);
    first.reject(error);
    for (const answer of answers.splice(0)) answer.reject(error);
  };
  worker.on('error', fail);
  worker.on('exit', (status) =>
    fail(new JournalError('E_JOURNAL_WRITE', `the journal's thread ended (${status})`)),
  );
  let over = false;
  const ask = <T>(request: Request): Promise<T> => {
    if (over) return Promise.reject(new JournalError('E_JOURNAL_WRITE', 'the journal is closed'));
    const answer = Promise.withResolvers<unknown>();
    answers.push(answer);
    worker.postMessage(request);
    return answer.promise as Promise<T>;
  };

  let file: OpenedFile | undefined;
  let tails: Tail[] = [];
  const positions = new Map<string, Cursor>();
  const marks = new Map<string, Mark>();
  const helds = new Map<string, Held>();
  const moved = new Set<string>();
  const changedHolds = new Map<string, { uplink: string; topic: string }>();
  const appendedListeners: ((lanes: ReadonlySet<Lane>) => void)[] = [];
  const conditionListeners: ((condition: Condition) => void)[] = [];
  const openedListeners: ((opened: OpenedFile) => void)[] = [];
  let condition: Condition = { good: true };
  let trials: NodeJS.Timeout | undefined;
  let pending: Pending[] = [];
  let committing: Promise<void> | undefined;
  let running = false;
  let closing: Promise<void> | undefined;
  let flushTimer: NodeJS.Timeout | undefined;
  const keyOf = (uplink: string, part: string | number) => `${uplink}\n${part}`;

  const accept = (opened: OpenedFile) => {
    // Reopened with all its numbers in place: memory knows the same and more.
    const same = file !== undefined && opened.salvage === undefined && opened.missing === 0;
    if (!same) {
      tails = opened.lasts.map((last) => new Tail(last));
      positions.clear();
      for (const cursor of opened.cursors) positions.set(keyOf(cursor.uplink, cursor.lane), cursor);
      helds.clear();
      for (const held of opened.held) helds.set(keyOf(held.uplink, held.topic), held);
      moved.clear();
      changedHolds.clear();
    }
    // A commit whose fsync failed may be whole in the file all the same: then the disk knows more than memory does.
    const grown = lanes.filter((_, i) => (opened.lasts[i] ?? 0) > (tails[i]?.last() ?? 0));
    for (const lane of grown) tails[lanes.indexOf(lane)] = new Tail(opened.lasts[lanes.indexOf(lane)] ?? 0);
    file = opened;
    first.resolve();
    for (const listener of openedListeners) listener(opened);
    if (grown.length > 0) for (const listener of appendedListeners) listener(new Set(grown));
  };
  const setCondition = (failure: Failure | undefined) => {
    if ((failure === undefined) === condition.good) return;
    condition =
      failure === undefined
        ? { good: true }
        : { good: false, code: failure.code, reason: failure.message, since: Date.now() };
    clearInterval(trials);
    if (failure !== undefined && closing === undefined)
      trials = setInterval(() => void watched(ask({ do: 'trial' })).catch(() => {}), TRIAL_EVERY_MS).unref();
    for (const listener of conditionListeners) listener(condition);
  };
  /** Learns from a write how the disk is. */
  const watched = async <T>(writing: Promise<T>): Promise<T> => {
    try {
      const value = await writing;
      setCondition(undefined);
      return value;
    } catch (error) {
      setCondition({ code: (error as JournalError).code, message: (error as Error).message });
      throw error;
    }
  };

  const first = Promise.withResolvers<void>();
  worker.on('message', (answer: Answer) => {
    if ('opened' in answer) accept(answer.opened);
    else if ('unopened' in answer) {
      const { code, message } = answer.unopened;
      if (FATAL.includes(code)) first.reject(new JournalError(code as JournalError['code'], message));
      else {
        setCondition(answer.unopened);
        first.resolve();
      }
    } else if ('value' in answer) answers.shift()?.resolve(answer.value);
    else {
      const { code, message } = answer.error;
      answers.shift()?.reject(new JournalError(code as JournalError['code'], message));
    }
  });
  try {
    await first.promise;
  } catch (error) {
    worker.removeAllListeners('exit');
    await worker.terminate();
    throw error;
  }

  /** Commits what waits until nothing waits. */
  const commitAll = async () => {
    running = true;
    while (pending.length > 0 || moved.size > 0 || marks.size > 0 || changedHolds.size > 0) {
      const batch = pending.slice(0, MAX_BATCH);
      const entries = batch.map(({ entry }) => entry);
      pending = pending.slice(MAX_BATCH);
      const cursors = [...moved].flatMap((key) => positions.get(key) ?? []);
      const noted = [...marks.values()];
      const holds = [...changedHolds.entries()];
      moved.clear();
      marks.clear();
      changedHolds.clear();
      try {
        const done = await watched(
          ask<FlatAppended>({
            do: 'commit',
            entries: flattenEntries(entries),
            changes: {
              cursors,
              marks: noted,
              held: holds.map(([key, topic]) => helds.get(key) ?? { ...topic, ended: true }),
            },
          }),
        );
        settle(batch, unflattenAppended(done, entries));
      } catch (error) {
        for (const { uplink, lane } of cursors) moved.add(keyOf(uplink, lane));
        for (const one of noted) marks.set(`${one.uplink}\n${one.lane}\n${one.stage}`, one);
        for (const [key, topic] of holds) changedHolds.set(key, topic);
        for (const { reject } of batch) reject(error as Error);
        // What is about cursors alone waits for a better moment; events that arrive meanwhile try at once.
        if (pending.length === 0) {
          if (closing === undefined) flushSoon(TRIAL_EVERY_MS);
          break;
        }
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
    if (touched.size > 0) for (const listener of appendedListeners) listener(touched);
  };
  const wake = () => {
    if (!running) committing = commitAll();
  };
  const flushSoon = (ms = CURSOR_FLUSH_MS) => {
    flushTimer ??= setTimeout(() => {
      flushTimer = undefined;
      wake();
    }, ms);
  };
  const position = (uplink: string, lane: Lane): Position => {
    const { sequence, sent } = positions.get(keyOf(uplink, lanes.indexOf(lane))) ?? { sequence: 0, sent: 0 };
    return { sequence, sent };
  };
  const setHold = (uplink: string, topic: string, held: Held | undefined) => {
    const key = keyOf(uplink, topic);
    if (held === undefined) helds.delete(key);
    else helds.set(key, held);
    changedHolds.set(key, { uplink, topic });
    flushSoon();
  };

  const close = async () => {
    clearTimeout(flushTimer);
    clearInterval(trials);
    wake();
    worker.removeAllListeners('exit');
    const patience = new AbortController();
    const end = committing?.then(() => ask({ do: 'close' }).catch(() => {}));
    await Promise.race([
      end,
      delay(CLOSE_TIMEOUT_MS, undefined, { signal: patience.signal }).catch(() => {}),
    ]);
    patience.abort();
    over = true;
    for (const answer of answers.splice(0))
      answer.reject(new JournalError('E_JOURNAL_WRITE', 'the journal is closed'));
    await worker.terminate();
  };

  return {
    failed: failed.promise,
    get condition() {
      return condition;
    },
    get opened() {
      return file;
    },
    get id() {
      return file?.journalId ?? '';
    },
    append({ lane, ...rest }) {
      return new Promise((resolve, reject) => {
        pending.push({ entry: { ...rest, lane: lanes.indexOf(lane) }, resolve, reject });
        wake();
      });
    },
    read(lane, after, limit) {
      const index = lanes.indexOf(lane);
      // Where the file could not be opened yet there is nothing to read.
      if (file === undefined) return [];
      return (
        tails[index]?.read(after, limit) ?? ask<Entry[]>({ do: 'read', lane: index, from: after, limit })
      );
    },
    readBack: (lane, before, limit) =>
      ask<Entry[]>({ do: 'readBack', lane: lanes.indexOf(lane), from: before, limit }),
    last: (lane) => tails[lanes.indexOf(lane)]?.last() ?? 0,
    position,
    advance(uplink, lane, to) {
      const index = lanes.indexOf(lane);
      const key = keyOf(uplink, index);
      positions.set(key, { uplink, lane: index, ...to });
      moved.add(key);
      flushSoon();
    },
    mark(uplink, lane, stage, sequence) {
      const index = lanes.indexOf(lane);
      marks.set(`${uplink}\n${index}\n${stage}`, { uplink, lane: index, stage, sequence, at: Date.now() });
      flushSoon();
    },
    held: (uplink) => [...helds.values()].filter((held) => held.uplink === uplink),
    hold: (held) => setHold(held.uplink, held.topic, held),
    release: (uplink, topic) => setHold(uplink, topic, undefined),
    states: () => ask({ do: 'states' }),
    remove({ lane, uplinks, ...step }) {
      const cursors = uplinks.map(({ id, types }) => {
        const { sequence } = position(id, lane);
        return { uplink: id, sequence, types };
      });
      return ask({ do: 'remove', step: { ...step, lane: lanes.indexOf(lane), cursors } });
    },
    forget: (before, now) => ask({ do: 'forget', before, now }),
    command: (source, id) => ask({ do: 'command', source, id }),
    interrupted: () => ask({ do: 'interrupted' }),
    begin: (command) => watched(ask<Begun>({ do: 'begin', command })),
    end: (command) => watched(ask<string>({ do: 'end', command })),
    audit: (at, body) => watched(ask<string>({ do: 'audit', at, body })),
    auditChange: (key, at, body, value) =>
      watched(ask<string>({ do: 'audit', at, body, change: { key: `audited-${key}`, value } })),
    async erase(person, step = () => {}) {
      let events = 0;
      const pictures: string[] = [];
      for (let after = 0; ; ) {
        const done = await watched(ask<Erased>({ do: 'erase', step: { person, after, limit: ERASE_STEP } }));
        events += done.events;
        pictures.push(...done.pictures);
        step(done.looked);
        if (done.looked < ERASE_STEP) break;
        after = done.last;
      }
      // What is in memory was read before; what the WAL holds of before goes with it.
      tails = tails.map((tail) => new Tail(tail.last()));
      await watched(ask({ do: 'checkpoint' }));
      return { events, pictures };
    },
    credentialsVersion: () => ask({ do: 'credentialsVersion' }),
    credentials: (after, limit) => ask({ do: 'credentials', after, limit }),
    changeCredentials: (change) => watched(ask<boolean>({ do: 'changeCredentials', change })),
    classes: (after, limit) => ask({ do: 'classes', after, limit }),
    usage: () => ask({ do: 'usage' }),
    onAppended: (listener) => void appendedListeners.push(listener),
    onCondition: (listener) => void conditionListeners.push(listener),
    onOpened: (listener) => void openedListeners.push(listener),
    close() {
      closing ??= close();
      return closing;
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

  /** The last number given. */
  last(): number {
    return this.#entries.at(-1)?.sequence ?? this.#complete;
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
