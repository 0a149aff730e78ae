/** Asks the ledger's file and the journal's, each in a thread apart that goes when nobody needs it. */
import type { Clock } from '../../drivers/contract/clock.ts';
import { type CertificatesFound, readCertificates } from '../certificates.ts';
import { createIsolated, type Isolated, IsolatedError } from '../lifecycle/isolated.ts';
import { LedgerError } from './entry.ts';
import { type Answer, askLedger, type Question, type Questions } from './jobs.ts';
import { type DayAnswer, type DayQuestion, readDay } from './report-job.ts';

export interface Asking {
  /** Rejects with a LedgerError, IsolatedError, or what the disk says. */
  ask<Name extends keyof Questions>(
    name: Name,
    argument: Parameters<Questions[Name]>[0],
  ): Promise<Awaited<ReturnType<Questions[Name]>>>;
  readDay(question: DayQuestion): Promise<DayAnswer>;
  readCertificates(file: string, now: number): Promise<CertificatesFound>;
  close(): Promise<void>;
}

/** The command line may hold the file for some seconds, on a slow disk. */
const LEDGER_MS = 30_000;
/** A day of alarms without end, on a slow disk. */
const DAY_MS = 120_000;
const HEAP_MB = 192;

const moduleOf = (name: string) => new URL(name, import.meta.url).href;

/** `isolated`: where it is done; by default a thread for the ledger and one for what takes long. */
export function createAsking(
  dataDir: string,
  time: Clock,
  isolated: { readonly quick: Isolated; readonly slow: Isolated } = {
    quick: createIsolated({ time, deadlineMs: LEDGER_MS, heapMb: HEAP_MB }),
    slow: createIsolated({ time, deadlineMs: DAY_MS, heapMb: HEAP_MB }),
  },
): Asking {
  const { quick, slow } = isolated;
  return {
    async ask(ask, argument) {
      const input: Question = { dataDir, ask, argument };
      const answer = (await quick.run({
        ...{ module: moduleOf('./jobs.ts'), name: askLedger.name, input },
      })) as Answer;
      if ('refused' in answer) throw new LedgerError(answer.refused, answer.message);
      return answer.value as never;
    },
    readDay: async (input) =>
      (await slow.run({ module: moduleOf('./report-job.ts'), name: readDay.name, input })) as DayAnswer,
    readCertificates: async (file, now) =>
      (await slow.run({
        ...{ module: moduleOf('../certificates.ts'), name: readCertificates.name },
        input: { file, others: [], now },
      })) as CertificatesFound,
    async close() {
      await Promise.all([quick.close(), slow.close()]);
    },
  };
}

/** Whether it may be had a moment later. */
export const isBusy = (error: unknown): boolean => error instanceof IsolatedError;
