/**
 * Group commit: appends that arrive while a commit runs form the next one. One event a commit costs one fsync; a
 * thousand at once cost one fsync too. What became of the uplinks' progress goes with the next commit, or within
 * 200 ms: losing it costs only duplicates.
 */
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Appended, Changes, Committed, NewEntry, Refused } from './batch.ts';
import { JournalError } from './error.ts';
import type { ProgressBook } from './progress.ts';
import type { Entry } from './reading.ts';

export interface GroupCommit {
  append(entry: NewEntry): Promise<Appended>;
  /** Progress changed: it is written soon. */
  flushSoon(): void;
  /** Writes what waits, once more; resolves when that was tried. */
  finish(): Promise<void>;
}

const MAX_BATCH = 1024;
const FLUSH_AFTER_MS = 200;
/** After a commit that was refused. */
const RETRY_AFTER_MS = 1000;

interface Pending {
  readonly entry: NewEntry;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: Error) => void;
}

export interface GroupCommitOptions {
  readonly commit: (changes: Changes) => Promise<Committed>;
  readonly progress: Pick<ProgressBook, 'isChanged' | 'takeChanges' | 'putBack'>;
  /** Of each commit: the events that are new, before those who wait for them go on. */
  readonly onKept: (kept: readonly Entry[]) => void;
  /** Progress that no table takes: it is lost, and why. */
  readonly onLost: (reason: string) => void;
  readonly time: Clock;
}

export function createGroupCommit(options: GroupCommitOptions): GroupCommit {
  const { commit, progress, time } = options;
  let pending: Pending[] = [];
  let running = false;
  let committing: Promise<void> = Promise.resolve();
  let timer: Timer | undefined;
  let closed = false;

  /** False: the disk refused it. */
  const commitOnce = async (): Promise<boolean> => {
    const batch = pending.slice(0, MAX_BATCH);
    pending = pending.slice(MAX_BATCH);
    const changes = progress.takeChanges();
    try {
      const done = await commit({ ...changes, entries: batch.map(({ entry }) => entry) });
      settle(batch, done, options);
      return true;
    } catch (error) {
      progress.putBack(changes);
      for (const { reject } of batch) reject(error as Error);
      return false;
    }
  };
  /** Commits what waits until nothing waits. */
  const commitAll = async () => {
    running = true;
    // What is appended in the same breath goes along, and costs no fsync of its own.
    await undefined;
    while (pending.length > 0 || progress.isChanged()) {
      if (await commitOnce()) continue;
      // What is about progress alone waits for a better moment; events that arrived meanwhile try at once.
      if (pending.length > 0) continue;
      flushAfter(RETRY_AFTER_MS);
      break;
    }
    // Here, not in a `finally` of the promise: an append between the two would wait for ever.
    running = false;
  };
  const wake = () => {
    if (!running) committing = commitAll();
  };
  const flushAfter = (ms: number) => {
    if (closed) return;
    timer ??= time.after(ms, () => {
      timer = undefined;
      wake();
    });
  };

  return {
    append: (entry) =>
      new Promise((resolve, reject) => {
        pending.push({ entry, resolve, reject });
        wake();
      }),
    flushSoon: () => flushAfter(FLUSH_AFTER_MS),
    finish() {
      closed = true;
      timer?.stop();
      wake();
      return committing;
    },
  };
}

function settle(
  batch: readonly Pending[],
  done: Committed,
  { onKept, onLost }: Pick<GroupCommitOptions, 'onKept' | 'onLost'>,
) {
  const kept: Entry[] = [];
  for (const [i, { entry, resolve, reject }] of batch.entries()) {
    const one = done.entries[i] as Appended | Refused;
    if ('refused' in one) {
      reject(new JournalError('E_JOURNAL_EVENT', one.refused));
      continue;
    }
    const { id, lane, seenAt, type, device, body } = entry;
    if (!one.repeated) kept.push({ sequence: one.sequence, id, lane, seenAt, type, device, body });
    resolve(one);
  }
  if (kept.length > 0) onKept(kept);
  for (const reason of done.refused) onLost(reason);
}
