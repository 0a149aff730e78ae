/** Questions to the ledger's file, in a thread apart: a disk that hangs must hang nothing else. */
import { LedgerError } from './entry.ts';
import { type LedgerFile, openLedger } from './file.ts';

/** What may be asked. */
export type Questions = Omit<LedgerFile, 'close'>;
export interface Question {
  readonly dataDir: string;
  readonly ask: keyof Questions;
  readonly argument: unknown;
}
/** Errors lose their code on the way between threads. */
export type Answer =
  | { readonly value: unknown }
  | { readonly refused: LedgerError['code']; readonly message: string };

/** @throws what SQLite says of the disk. */
export function askLedger({ dataDir, ask, argument }: Question): Answer {
  try {
    const file = openLedger(dataDir);
    try {
      return { value: (file[ask] as (argument: unknown) => unknown)(argument) };
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof LedgerError) return { refused: error.code, message: error.message };
    throw error;
  }
}
