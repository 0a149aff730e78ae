/**
 * A disk for tests: the journal's real store in this thread, in memory or in a folder, that crashes, refuses and hangs
 * as the test says. No worker and no timer: with a manual clock a whole life of a journal is one schedule.
 */
import Database from 'better-sqlite3';
import { type Clock, systemClock } from '../drivers/contract/clock.ts';
import type { AnswerTo, Backing, Question, Questions, Told } from '../gateway/journal/backing.ts';
import { JournalError } from '../gateway/journal/error.ts';
import { journalFolder } from '../gateway/journal/folder.ts';
import { createJournal, type Journal, type JournalOptions } from '../gateway/journal/index.ts';
import { createKeeper, failureOf, type OpenFile } from '../gateway/journal/keeper.ts';
import { journalFile } from '../gateway/journal/recovery.ts';
import { createStore, type Store } from '../gateway/journal/store.ts';

const WRITES = [
  'commit',
  'begin',
  'end',
  'audit',
  'changeCredentials',
  'remove',
  'forget',
  'erase',
  'checkpoint',
  'trial',
] as const satisfies readonly Question[];
/** What touches the disk: a write, or the opening of the file. */
export type DiskStep = (typeof WRITES)[number] | 'open';

/**
 * - `crash`: the process is gone, before the step or after it; nobody hears how it went.
 * - `error`: what SQLite says instead. `kept`: the step is on disk all the same, as after an fsync that failed; only
 *   with a code after which the file is not believed: SQLITE_IOERR_...
 */
export type DiskFault =
  | { readonly crash: 'before' | 'after' }
  | { readonly error: `SQLITE_${string}`; readonly kept?: boolean };

export interface DiskOptions {
  readonly time: Pick<Clock, 'wall'>;
  /** A folder as a gateway has it: locked, opened, salvaged. None: in memory. */
  readonly directory?: string;
  /** What goes wrong with a step; undefined: nothing. */
  readonly fault?: (step: DiskStep) => DiskFault | undefined;
  /** What a question, and all behind it, waits for before it is carried out: a slow disk, or one that hangs. */
  readonly hold?: (name: Question | 'open' | 'close') => Promise<unknown> | undefined;
  /** The process on it crashed. */
  readonly onCrash?: () => void;
}

export interface DiskEvent {
  readonly sequence: number;
  readonly id: string;
  readonly type: string;
  readonly lane: number;
  readonly body: string;
}

export interface TestDisk {
  /** A backing on it, as a new process has it. @throws Error while another lives. */
  attach(): Backing;
  /** Whether no process is on it. */
  isFree(): boolean;
  /** The process on it is gone: what it asked is neither carried out, if it was not, nor answered. */
  crash(): void;
  /** The events on it, by sequence, as another program reads them. */
  events(): readonly DiskEvent[];
  close(): void;
}

export function createDisk(options: DiskOptions): TestDisk {
  const { time, directory, onCrash } = options;
  const place = directory === undefined ? inMemory(time) : inFolder(directory, time);
  let living: Life | undefined;

  const bury = () => {
    if (living === undefined) return;
    living.end();
    living = undefined;
    place.leave();
  };
  const crash = () => {
    if (living === undefined) return;
    bury();
    onCrash?.();
  };
  /** Carries a step out, or does what the fault says. */
  const suffer: Suffer = (step, work) => {
    const wrong = options.fault?.(step);
    if (wrong === undefined) return work();
    const isDone = 'crash' in wrong ? wrong.crash === 'after' : wrong.kept === true;
    // To open a file leaves nothing on the disk.
    if (isDone && step !== 'open') work();
    if ('error' in wrong) throw new JournalError(wrong.error, `a test disk: ${step}`);
    crash();
    throw new Error(`crashed: ${step}`);
  };
  const open: OpenFile = (doubt) => {
    const opened = suffer('open', () => place.open(doubt));
    return { ...opened, store: withFaults(opened.store, suffer) };
  };
  return {
    crash,
    isFree: () => living === undefined,
    attach() {
      if (living !== undefined) throw new Error('another process is on this disk');
      const life = createLife(open, options.hold);
      living = life;
      return backingOf(life, () => living === life && bury());
    },
    events: () =>
      place.read((db) =>
        db.prepare<[], DiskEvent>('SELECT sequence, id, type, lane, body FROM event ORDER BY sequence').all(),
      ),
    close() {
      bury();
      place.close();
    },
  };
}

/**
 * As `openJournal`, without a thread, which takes a test longer than all that it asks. For tests of what stands on a
 * journal: that the thread answers as this does is tested in backing.test.ts.
 */
export async function openHere(directory: string, options: JournalOptions = {}): Promise<Journal> {
  const { time = systemClock } = options;
  const journal = createJournal(createDisk({ time, directory }).attach(), options);
  await journal.start();
  return journal;
}

/** Where the bytes are. */
interface Place {
  readonly open: OpenFile;
  /** The process that had it is gone. */
  leave(): void;
  read<T>(work: (db: Database.Database) => T): T;
  close(): void;
}

/** What is in memory lives as long as its connection: it outlives the stores on it. */
function inMemory(time: Pick<Clock, 'wall'>): Place {
  const db = new Database(':memory:');
  return {
    open(doubt) {
      const store: Store = { ...createStore(db, 'memory', time), close() {} };
      if (doubt !== undefined || !store.isClean()) store.check(doubt === 'damage');
      store.markClean(false);
      return { store };
    },
    leave() {},
    read: (work) => work(db),
    close: () => void db.close(),
  };
}

function inFolder(directory: string, time: Pick<Clock, 'wall'>): Place {
  let folder = journalFolder(directory, time);
  return {
    open: (doubt) => folder.open(doubt),
    leave() {
      folder.close();
      folder = journalFolder(directory, time);
    },
    read(work) {
      const db = new Database(journalFile(directory), { readonly: true });
      try {
        return work(db);
      } finally {
        db.close();
      }
    },
    close() {},
  };
}

type Suffer = <T>(step: DiskStep, work: () => T) => T;

function withFaults(store: Store, suffer: Suffer): Store {
  const worse: Record<string, unknown> = {};
  for (const name of WRITES) {
    const work = store[name] as (...args: unknown[]) => unknown;
    worse[name] = (...args: unknown[]) => suffer(name, () => work(...args));
  }
  return { ...store, ...worse };
}

/** A process on the disk, from its start to its end or its crash: what it asks is carried out in turn. */
interface Life {
  start(told: Told): Promise<void>;
  ask<Name extends Question>(name: Name, args: Parameters<Questions[Name]>): Promise<AnswerTo<Name>>;
  close(): Promise<void>;
  /** Carries nothing out any more. */
  end(): void;
  /** Rejects what is not answered. */
  rejectAll(error: Error): void;
}

function createLife(open: OpenFile, hold: DiskOptions['hold']): Life {
  const waiting = new Set<PromiseWithResolvers<never>>();
  let turn: Promise<unknown> = Promise.resolve();
  let over = false;
  let file: Store | undefined;
  let told: Told | undefined;
  const keeper = createKeeper(
    (doubt) => {
      const opened = open(doubt);
      file = opened.store;
      return opened;
    },
    { opened: (one) => told?.opened(one), unopened: (failure) => told?.unopened(failure) },
  );

  const carryOut = (answer: PromiseWithResolvers<never>, work: () => unknown) => {
    try {
      const value = work() as never;
      if (!over) answer.resolve(value);
    } catch (error) {
      const { code, message } = failureOf(error);
      if (!over) answer.reject(new JournalError(code as JournalError['code'], message));
    }
    if (!over) waiting.delete(answer);
  };
  const inTurn = (name: Question | 'open' | 'close', work: () => unknown): Promise<never> => {
    const answer = Promise.withResolvers<never>();
    waiting.add(answer);
    turn = turn.then(async () => {
      await hold?.(name);
      if (!over) carryOut(answer, work);
    });
    return answer.promise;
  };
  return {
    start(listener) {
      told = listener;
      return inTurn('open', keeper.start);
    },
    ask: (name, args) => inTurn(name, () => keeper.answer(name, args)),
    close: () => inTurn('close', keeper.close),
    end() {
      if (over) return;
      over = true;
      told = undefined;
      file?.close();
    },
    rejectAll(error) {
      for (const answer of waiting) answer.reject(error);
      waiting.clear();
    },
  };
}

function backingOf(life: Life, leave: () => void): Backing {
  const error = new JournalError('E_JOURNAL_WRITE', 'the journal is closed');
  let ended = false;
  return {
    failed: new Promise<never>(() => {}),
    open: life.start,
    ask: (name, ...args) => (ended ? Promise.reject(error) : life.ask(name, args)),
    close: life.close,
    async end() {
      ended = true;
      leave();
      life.rejectAll(error);
    },
  };
}
