/**
 * What the journal (index.ts: group commit, tails, cursors, condition) wants of the place where bytes are kept. That is
 * SQLite in a thread of its own (thread.ts), or in tests the same SQLite in the same thread, which can be made to fail
 * at any step (tests/backing.ts).
 *
 * What a backing promises
 *  - Questions are answered in their order, and each is carried out whole or not at all.
 *  - A `commit` that is answered is on disk. One that is rejected, or that a crash left without an answer, may be there
 *    all the same, whole; asked again with the same ids it is not there twice, as long as this backing lives.
 *  - Numbers rise and are never given twice.
 *  - It tells that its file was opened before it answers the question that came upon it. A file that it does not
 *    believe any more, or has not got, it tells of (`unopened`), and refuses questions, until a `trial` finds one.
 */

import type { Changes, Committed, Cursor, Held } from './batch.ts';
import type { Begun, CommandBegin, CommandEnd } from './commands.ts';
import type { CredentialChange } from './credentials.ts';
import type { Erased, ErasedRows, EraseStep, Person } from './erasure.ts';
import type { Leases, Renumbered, RenumberReason } from './identity.ts';
import type { ClassUsage, Removed, RemoveStep, Usage } from './pruning.ts';
import type { Entry, Kind } from './reading.ts';
import type { Salvage } from './recovery.ts';
import type { Looked } from './traces.ts';

/** What a backing is asked. Lanes are numbers here, times epoch ms. */
export interface Questions {
  /** One transaction, on disk when it is answered. */
  commit(changes: Changes): Committed;
  /** The events of a lane after a sequence, the oldest first. */
  read(lane: number, after: number, limit: number): readonly Entry[];
  /** The events of a lane before a sequence, the newest first. */
  readBack(lane: number, before: number, limit: number): readonly Entry[];
  /** How many events of each kind a lane has after a sequence and up to another. */
  kinds(lane: number, after: number, upTo: number): readonly Kind[];
  /** The latest event of each state key, the oldest first. */
  states(): readonly { readonly key: string; readonly sequence: number; readonly body: string }[];
  /** Removes some old events; never one that is the latest word on a state. */
  remove(step: RemoveStep): Removed;
  /** Removes marks and entries of the audit from before a time, and commands that expired before `now`. */
  forget(before: number, now: number): number;
  /** What is known of a command; undefined: nothing. */
  command(source: string, id: string): { readonly outcome: string | null } | undefined;
  /** Commands that were begun and not ended. */
  interrupted(): readonly { readonly source: string; readonly id: string }[];
  /** Notes a command before it is carried out, once. */
  begin(command: CommandBegin): Begun;
  /** Notes what became of it; gives the hash of its entry in the audit. */
  end(command: CommandEnd): string;
  /** Adds an entry, JSON, to the audit; gives its hash. With `change` only where that is new; else ''. */
  audit(at: number, body: string, change?: { readonly key: string; readonly value: string }): string;
  /** Takes a person out of some events. */
  erase(step: EraseStep): Erased;
  /** Takes a person out of the cards of platforms and the answers to commands. */
  eraseRows(person: Person): ErasedRows;
  /** Looks for texts in a stretch of the file's bytes. */
  look(traces: readonly string[], from: number): Looked;
  /** Writes the file anew, without what was deleted: takes as long as that. */
  compact(): void;
  /** Copies the WAL into the file, fsyncs that, and empties it; false: somebody who reads keeps it. */
  checkpoint(): boolean;
  /** The version of the cards that a platform sent; 0: it sent none. */
  credentialsVersion(): number;
  /** The next of them after a key, by key. */
  credentials(after: string, limit: number): readonly { readonly key: string; readonly body: string }[];
  /** All of the change, or, where it builds on another version, nothing: false. */
  changeCredentials(change: CredentialChange): boolean;
  /** Of each name its number in a series, from 1: given once, and kept. */
  numbers(series: string, names: readonly string[]): readonly number[];
  /** Numbers on under a new id, and forgets what each platform was sent last: chains begin anew. */
  renumber(reason: RenumberReason): Renumbered;
  /** A new lease. */
  renewLease(): Leases;
  /** Bytes and events of each class among the `limit` events after a sequence. */
  classes(after: number, limit: number): readonly ClassUsage[];
  usage(): Usage;
  /** Writes and fsyncs something of the size of a few alarms; opens the file anew where it was not believed. */
  trial(): void;
}
export type Question = keyof Questions;
export type AnswerTo<Name extends Question> = ReturnType<Questions[Name]>;

/** The file was opened: at the start, or anew. */
export interface OpenedFile {
  readonly journalId: string;
  readonly leases: Leases;
  /** It was found in another place than before: its numbering is a new one. */
  readonly renumbered?: Renumbered | undefined;
  /** It was put back from a backup: when, epoch ms. */
  readonly restoredAt?: number | undefined;
  /** The highest sequence of each lane, 0 where it is empty. */
  readonly lasts: readonly number[];
  readonly cursors: readonly Cursor[];
  readonly held: readonly Held[];
  readonly salvage?: Salvage | undefined;
  /** Acknowledged before, and not in the file any more. */
  readonly missing: number;
}
/** `code`: of JournalError. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** Whom a backing tells of its file. */
export interface Told {
  opened(file: OpenedFile): void;
  unopened(failure: Failure): void;
}

export interface Backing {
  /** Once: resolves after the file was opened, or was found not to be had now. Rejects where `failed` does. */
  open(told: Told): Promise<void>;
  /** @throws JournalError. */
  ask<Name extends Question>(name: Name, ...args: Parameters<Questions[Name]>): Promise<AnswerTo<Name>>;
  /** Closes the file in order, after what was asked. A disk that hangs keeps it waiting. */
  close(): Promise<void>;
  /** Ends at once; what is not answered is rejected. */
  end(): Promise<void>;
  /** Rejects when it died: nothing can be kept any more. */
  readonly failed: Promise<never>;
}
