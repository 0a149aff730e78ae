/**
 * Who answers for the journal's file: believes it, loses faith in it, and opens it anew.
 *
 * An error of the disk (EIO, read-only) makes the open file suspect: an fsync that failed once may succeed the next
 * time although the data is gone, so the file is closed, opened anew, read through and written to before another
 * commit is believed. What was acknowledged before and is missing then is told. A full disk makes nothing suspect:
 * SQLite rolls back and the next commit tries again.
 *
 * It knows no time: who asks for a `trial` says when a file that could not be had is tried again.
 */
import type { AnswerTo, Failure, Question, Questions, Told } from './backing.ts';
import type { Changes, Committed } from './batch.ts';
import { codeOf, isDamage, isSuspect } from './error.ts';
import type { Renumbered } from './identity.ts';
import type { Doubt, Salvage } from './recovery.ts';
import type { Store } from './store.ts';

export interface Opened {
  readonly store: Store;
  readonly renumbered?: Renumbered | undefined;
  readonly salvage?: Salvage;
}

/** Where the file is: what was open before is closed by then. @throws what keeps it from being opened now. */
export type OpenFile = (doubt: Doubt | undefined) => Opened;

export interface Keeper {
  /** Opens the file, or tells why not. */
  start(): void;
  /** Answers, or throws: JournalError, or what SQLite says. */
  answer<Name extends Question>(name: Name, args: Parameters<Questions[Name]>): AnswerTo<Name>;
  /** Marks the file as closed in order, and closes it. */
  close(): void;
}

export const failureOf = (error: unknown): Failure => ({
  code: codeOf(error) || 'E_JOURNAL',
  message: (error as Error).message,
});

export function createKeeper(openFile: OpenFile, told: Told): Keeper {
  let store: Store | undefined;
  /** The open file is not believed, or there is none: why. */
  let trouble: { readonly error: unknown } | undefined;
  let doubt: Doubt | undefined;
  let openedBefore = false;
  /** The highest number that was told, or was there when the file was opened first. */
  let acknowledged = 0;
  /** What commits that failed left in the file all the same, until it is asked for again. */
  let back = new Map<string, number>();

  const open = (): Store => {
    const { store: found, salvage, renumbered } = openFile(doubt);
    try {
      // What the WAL holds is written again into the file, and something new to the disk, and both are fsynced.
      if (doubt !== undefined) {
        found.checkpoint();
        found.trial();
      }
    } catch (error) {
      found.close();
      throw error;
    }
    const last = found.last();
    if (openedBefore) {
      const stillThere = [...back].filter(([id, sequence]) => found.isAt(sequence, id));
      back = new Map([...stillThere, ...found.after(acknowledged)]);
    } else acknowledged = last;
    openedBefore = true;
    const missing = Math.max(0, acknowledged - last);
    const [lasts, cursors, held] = [found.lasts(), found.cursors(), found.held()];
    const restoredAt = found.restoredAt();
    const own = { journalId: found.journalId(), leases: found.leases(), renumbered, restoredAt };
    told.opened({ ...own, lasts, cursors, held, salvage, missing });
    return found;
  };
  const distrust = (error: unknown) => {
    if (doubt !== 'damage') doubt = isDamage(error) ? 'damage' : 'disk';
    trouble = { error };
  };
  const reopen = (): Store => {
    try {
      store?.close();
    } catch {
      // Its last checkpoint failed too; the WAL is on disk as far as anything is.
    }
    store = undefined;
    try {
      store = open();
      trouble = undefined;
      doubt = undefined;
      return store;
    } catch (error) {
      // A damage that the quick check did not see: the thorough one will.
      const again = isDamage(error) && doubt !== 'damage';
      distrust(error);
      if (again) return reopen();
      told.unopened(failureOf(error));
      throw error;
    }
  };
  /** Runs on the believed file; once more on the file opened anew, where the disk failed under it. */
  const run = <T>(work: (file: Store) => T): T => {
    if (store === undefined || trouble !== undefined) throw trouble?.error;
    try {
      return work(store);
    } catch (error) {
      if (!isSuspect(error)) throw error;
      distrust(error);
    }
    try {
      return work(reopen());
    } catch (error) {
      // The second time, too, it may have been kept: what is open now is believed no more than what was.
      if (isSuspect(error)) distrust(error);
      throw error;
    }
  };
  const commit = (changes: Changes): Committed => {
    const done = run((file) => file.commit(changes, back));
    for (const one of done.entries) {
      if ('refused' in one) continue;
      acknowledged = Math.max(acknowledged, one.sequence);
      if (one.repeated) back.delete(one.id);
    }
    return done;
  };

  return {
    start() {
      try {
        reopen();
      } catch {
        // It was told.
      }
    },
    answer<Name extends Question>(name: Name, args: Parameters<Questions[Name]>) {
      if (name === 'trial' && trouble !== undefined) reopen();
      if (name === 'commit') return commit(...(args as Parameters<Questions['commit']>)) as AnswerTo<Name>;
      return run((file) => (file[name] as (...given: typeof args) => AnswerTo<Name>)(...args));
    },
    close() {
      if (trouble === undefined) store?.markClean(true);
      store?.close();
    },
  };
}
