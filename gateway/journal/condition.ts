/** How the disk is, learned from each write; while it is not good, a trial write a second finds out when it is. */
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Failure } from './backing.ts';
import { isUnfit } from './error.ts';

/** Whether events can be put on disk; if not, why (a code of JournalError) and since when (epoch ms). */
export type Condition =
  | { readonly good: true }
  | { readonly good: false; readonly code: string; readonly reason: string; readonly since: number };

export interface DiskWatch {
  now(): Condition;
  /** The file cannot be had. */
  noteFailure(failure: Failure): void;
  /** The same promise: how it ends tells how the disk is. */
  watch<T>(writing: Promise<T>): Promise<T>;
  /** Tries nothing any more. */
  close(): void;
}

const TRIAL_EVERY_MS = 1000;

/** @param trial a write; @param onChange hears of each change. */
export function watchDisk(options: {
  readonly trial: () => Promise<void>;
  readonly onChange: (condition: Condition) => void;
  readonly time: Clock;
}): DiskWatch {
  const { trial, onChange, time } = options;
  let condition: Condition = { good: true };
  let trials: Timer | undefined;
  let trying = false;
  let closed = false;

  const become = (failure: Failure | undefined) => {
    if ((failure === undefined) === condition.good) return;
    condition =
      failure === undefined
        ? { good: true }
        : { good: false, code: failure.code, reason: failure.message, since: time.wall() };
    trials?.stop();
    if (failure !== undefined && !closed) trials = time.every(TRIAL_EVERY_MS, () => void tryOnce());
    onChange(condition);
  };
  const watch = async <T>(writing: Promise<T>): Promise<T> => {
    try {
      const value = await writing;
      become(undefined);
      return value;
    } catch (error) {
      if (!isUnfit(error)) become({ code: (error as Failure).code, message: (error as Failure).message });
      throw error;
    }
  };
  /** One at a time: on a disk that hangs they would queue up. */
  const tryOnce = async () => {
    if (trying) return;
    trying = true;
    await watch(trial()).catch(() => {});
    trying = false;
  };
  return {
    now: () => condition,
    noteFailure: become,
    watch,
    close() {
      closed = true;
      trials?.stop();
    },
  };
}
