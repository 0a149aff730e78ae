/**
 * The one thread that owns the journal's file: requests in, answers out, in order.
 *
 * An error of the disk (EIO, read-only) makes the open file suspect: an fsync that failed once may succeed the next
 * time although the data is gone, so the file is closed, opened anew, read through and written to before another
 * commit is believed. What was acknowledged before and is missing then is told. A full disk makes nothing suspect:
 * SQLite rolls back and the next commit tries again.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import type { EraseStep } from './erasure.ts';
import { codeOf, isDamage, isSuspect, JournalError } from './error.ts';
import { type Doubt, openOrSalvage, type Salvage } from './recovery.ts';
import type {
  Back,
  Changes,
  CommandBegin,
  CommandEnd,
  CredentialChange,
  Cursor,
  Held,
  RemoveStep,
  Store,
} from './store.ts';
import { type FlatEntries, flattenAppended, unflattenEntries } from './wire.ts';

export type Request =
  | { readonly do: 'commit'; readonly entries: FlatEntries; readonly changes: Omit<Changes, 'entries'> }
  | { readonly do: 'read' | 'readBack'; readonly lane: number; readonly from: number; readonly limit: number }
  | { readonly do: 'states' }
  | { readonly do: 'remove'; readonly step: RemoveStep }
  | { readonly do: 'forget'; readonly before: number; readonly now: number }
  | { readonly do: 'command'; readonly source: string; readonly id: string }
  | { readonly do: 'interrupted' }
  | { readonly do: 'begin'; readonly command: CommandBegin }
  | { readonly do: 'end'; readonly command: CommandEnd }
  | {
      readonly do: 'audit';
      readonly at: number;
      readonly body: string;
      readonly change?: { readonly key: string; readonly value: string };
    }
  | { readonly do: 'erase'; readonly step: EraseStep }
  | { readonly do: 'checkpoint' }
  | { readonly do: 'credentials'; readonly after: string; readonly limit: number }
  | { readonly do: 'credentialsVersion' }
  | { readonly do: 'changeCredentials'; readonly change: CredentialChange }
  | { readonly do: 'classes'; readonly after: number; readonly limit: number }
  | { readonly do: 'usage' }
  | { readonly do: 'trial' }
  | { readonly do: 'close' };

/** The file was opened: at the start, or anew. */
export interface OpenedFile {
  readonly journalId: string;
  readonly lasts: readonly number[];
  readonly cursors: readonly Cursor[];
  readonly held: readonly Held[];
  readonly salvage?: Salvage | undefined;
  /** Acknowledged before, and not in the file any more. */
  readonly missing: number;
}
export interface Failure {
  readonly code: string;
  readonly message: string;
}
export type Answer =
  | { readonly value: unknown }
  | { readonly error: Failure }
  /** Between answers: the file was opened. */
  | { readonly opened: OpenedFile }
  /** Instead of `opened`, at the start: not now; requests go on trying. */
  | { readonly unopened: Failure };

const REOPEN_EVERY_MS = 1000;

const failure = (error: unknown): Failure => ({
  code: codeOf(error) || 'E_JOURNAL',
  message: (error as Error).message,
});

const port = parentPort;
if (port === null) throw new Error('the journal worker runs in a worker thread');
const say = (answer: Answer) => port.postMessage(answer);
const { directory, lanes } = workerData as { directory: string; lanes: number };

let lock: Database.Database | undefined;
let store: Store | undefined;
/** The open file is not believed, or there is none; why, and when to try again. */
let trouble: { error: unknown; retryAt: number } | undefined;
let openedBefore = false;
/** The highest number that was told, or was there when the file was opened first. */
let acknowledged = 0;
/** What a commit that failed left in the file all the same. */
let back: Back = new Map();
let doubt: Doubt | undefined;

/** @throws JournalError E_JOURNAL_IN_USE, E_JOURNAL_NEWER, or why the file cannot be had now. */
function open(): Store {
  mkdirSync(directory, { recursive: true, mode: 0o750 });
  lock ??= takeLock();
  const opened = openOrSalvage(directory, doubt);
  try {
    // What the WAL holds is written again into the file, and something new to the disk, and both are fsynced.
    if (doubt !== undefined) {
      opened.store.checkpoint();
      opened.store.trial();
    }
  } catch (error) {
    opened.store.close();
    throw error;
  }
  store = opened.store;
  if (openedBefore) back = store.after(acknowledged);
  else acknowledged = store.last();
  openedBefore = true;
  say({
    opened: {
      journalId: store.journalId,
      lasts: store.lasts(lanes),
      cursors: store.cursors(),
      held: store.held(),
      salvage: opened.salvage,
      missing: Math.max(0, acknowledged - store.last()),
    },
  });
  return store;
}

function distrust(error: unknown, retryAt: number) {
  if (doubt !== 'damage') doubt = isDamage(error) ? 'damage' : 'disk';
  trouble = { error, retryAt };
}

/** The file, believed. */
function ready(): Store {
  if (store !== undefined && trouble === undefined) return store;
  if (trouble !== undefined && performance.now() < trouble.retryAt) throw trouble.error;
  try {
    store?.close();
  } catch {
    // Its last checkpoint failed too; the WAL is on disk as far as anything is.
  }
  store = undefined;
  try {
    const opened = open();
    trouble = undefined;
    doubt = undefined;
    return opened;
  } catch (error) {
    // A damage that the quick check did not see: the thorough one will.
    const again = isDamage(error) && doubt !== 'damage';
    distrust(error, again ? 0 : performance.now() + REOPEN_EVERY_MS);
    if (again) return ready();
    throw error;
  }
}

/** Runs on the believed file; once more on the file opened anew, where the disk failed under it. */
function run<T>(work: (file: Store) => T): T {
  const file = ready();
  try {
    return work(file);
  } catch (error) {
    if (!isSuspect(error)) throw error;
    distrust(error, 0);
    return work(ready());
  }
}

function serve(request: Request): unknown {
  switch (request.do) {
    case 'commit': {
      const entries = unflattenEntries(request.entries);
      const done = run((file) => file.commit({ ...request.changes, entries }, back));
      for (const { sequence } of done) acknowledged = Math.max(acknowledged, sequence);
      return flattenAppended(done);
    }
    case 'read':
      return run((file) => file.read(request.lane, request.from, request.limit));
    case 'readBack':
      return run((file) => file.readBack(request.lane, request.from, request.limit));
    case 'states':
      return run((file) => file.states());
    case 'remove':
      return run((file) => file.remove(request.step));
    case 'forget':
      return run((file) => file.forget(request.before, request.now));
    case 'command':
      return run((file) => file.command(request.source, request.id));
    case 'interrupted':
      return run((file) => file.interrupted());
    case 'begin':
      return run((file) => file.begin(request.command));
    case 'end':
      return run((file) => file.end(request.command));
    case 'audit':
      return run((file) => file.audit(request.at, request.body, request.change));
    case 'erase':
      return run((file) => file.erase(request.step));
    case 'checkpoint':
      return run((file) => file.checkpoint());
    case 'credentials':
      return run((file) => file.credentials(request.after, request.limit));
    case 'credentialsVersion':
      return run((file) => file.credentialsVersion());
    case 'changeCredentials':
      return run((file) => file.changeCredentials(request.change));
    case 'classes':
      return run((file) => file.classes(request.after, request.limit));
    case 'usage':
      return run((file) => file.usage());
    case 'trial':
      return run((file) => file.trial());
    case 'close':
      try {
        if (trouble === undefined) store?.markClean(true);
        store?.close();
      } finally {
        lock?.close();
        port?.unref();
      }
      return undefined;
  }
}

/** One gateway a folder. A lock of SQLite's ends with its process, however that ends. */
function takeLock(): Database.Database {
  const own = new Database(join(directory, 'lock.sqlite'), { timeout: 0 });
  try {
    own.pragma('locking_mode = EXCLUSIVE');
    own.exec('BEGIN EXCLUSIVE');
    return own;
  } catch (error) {
    own.close();
    if (codeOf(error) !== 'SQLITE_BUSY') throw error;
    throw new JournalError(
      'E_JOURNAL_IN_USE',
      `${directory} is in use by another gateway; stop it, or set another dataDir`,
    );
  }
}

try {
  ready();
} catch (error) {
  say({ unopened: failure(error) });
}
port.on('message', (request: Request) => {
  let answer: Answer;
  try {
    answer = { value: serve(request) };
  } catch (error) {
    answer = { error: failure(error) };
  }
  say(answer);
});
