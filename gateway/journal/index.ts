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
 * What a crash leaves
 *  - before the commit returned: SQLite rolls the WAL back; the device got no acknowledgement and sends again.
 *  - after the commit, before the acknowledgement: the event is here; the device sends again; `repeat` finds it.
 *  - after the acknowledgement, before the broker has it: the cursor is behind it; the uplink sends it.
 *  - after the broker has it, before the cursor is written: it is sent once more, with the same `id`.
 *
 * What a disk can do
 *  - it is full: appends are rejected until there is room; nothing else changes.
 *  - it fails (EIO, read-only): the open file is trusted no more, and opened anew (keeper.ts).
 *  - it hangs: appends wait. Who cannot wait (an alarm) is sent from memory meanwhile (record.ts).
 *  - it has damaged the file: what can be read is saved into a new one (recovery.ts).
 * `condition` tells which; while it is not good, a trial write a second finds out when it is.
 *
 * Who owns what
 *   group-commit.ts  what waits for the disk        keeper.ts   the file: believed, distrusted, opened anew
 *   tail.ts          the newest events, in memory   store.ts    the open file; batch.ts, reading.ts, pruning.ts,
 *   progress.ts      cursors, marks, holds                      commands.ts, credentials.ts, numbers.ts, audit.ts: its tables
 *   condition.ts     how the disk is                recovery.ts a damaged file
 * On the left the event loop's side; on the right what runs in the thread. Between them: backing.ts, a contract.
 */
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { type Lane, lanes } from '../../drivers/contract/lane.ts';
import { signal } from '../lifecycle/signal.ts';
import type { Backing, Failure, OpenedFile, Questions } from './backing.ts';
import type { Appended, Held, NewEntry, Stage } from './batch.ts';
import type { Begun, CommandBegin, CommandEnd } from './commands.ts';
import { type Condition, type DiskWatch, watchDisk } from './condition.ts';
import type { CredentialChange } from './credentials.ts';
import { type ErasedPerson, erasePerson } from './erasing.ts';
import type { Person } from './erasure.ts';
import { JournalError } from './error.ts';
import { createGroupCommit } from './group-commit.ts';
import { createKnownAs, type KnownAs } from './known-as.ts';
import { createProgressBook, type Position, type ProgressBook } from './progress.ts';
import type { ClassUsage, Removed, RemoveStep, Usage } from './pruning.ts';
import type { Entry, Kind } from './reading.ts';
import { createTails } from './tail.ts';
import { journalThread } from './thread.ts';

export type { OpenedFile } from './backing.ts';
export type { Appended, Held, Stage } from './batch.ts';
export type { Condition } from './condition.ts';
export { JournalError } from './error.ts';
export type { Renumbered } from './identity.ts';
export type { KnownAs } from './known-as.ts';
export type { Position } from './progress.ts';
export type { Removed, RemoveStep, Usage } from './pruning.ts';
export type { Entry, Kind } from './reading.ts';
export type { Salvage } from './recovery.ts';

export interface AppendRequest extends Omit<NewEntry, 'lane'> {
  readonly lane: Lane;
}

/** An uplink and the types of events that it wants. */
export interface Interest {
  readonly id: string;
  readonly types: readonly string[];
}

export interface Journal {
  /**
   * Opens it, once. A disk that refuses is no error here: its `condition` is not good, and it goes on trying.
   * @throws JournalError E_JOURNAL_IN_USE, E_JOURNAL_NEWER.
   */
  start(): Promise<void>;
  /** @throws JournalError; E_JOURNAL_EVENT: it is none that can be kept, whatever the disk does. */
  append(entry: AppendRequest): Promise<Appended>;
  /** The events of a lane after a sequence, oldest first, at most `limit`. At once where they are in memory. */
  read(lane: Lane, after: number, limit: number): readonly Entry[] | Promise<readonly Entry[]>;
  /** The events of a lane before a sequence, newest first. */
  readBack(lane: Lane, before: number, limit: number): Promise<readonly Entry[]>;
  /** How many events of each kind a lane has after a sequence and up to another; some thousand at once, not more. */
  kinds(lane: Lane, after: number, upTo: number): Promise<readonly Kind[]>;
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
   * Takes a person out of all events, of the cards of platforms and of answers to commands, on disk and in memory; `step` hears how many events were looked at.
   * @throws JournalError: part of it may be done; begin again.
   */
  erase(person: Person, step?: (looked: number) => void): Promise<ErasedPerson>;
  /** The version of the cards that a platform sent; 0: it sent none. */
  credentialsVersion(): Promise<number>;
  /** The next of them after a key, by key. */
  credentials(
    after: string,
    limit: number,
  ): Promise<readonly { readonly key: string; readonly body: string }[]>;
  /** All of a change, or, where it builds on another version, nothing: false. @throws JournalError. */
  changeCredentials(change: CredentialChange): Promise<boolean>;
  /**
   * Of each name its number in a series, from 1: given once, and kept over restarts. What a platform knows it by.
   * @throws JournalError.
   */
  numbers(series: string, names: readonly string[]): Promise<readonly number[]>;
  /** Bytes and events of each class among the `limit` events after a sequence. */
  classes(after: number, limit: number): Promise<readonly ClassUsage[]>;
  usage(): Promise<Usage>;
  readonly condition: Condition;
  /** By what platforms know it. */
  readonly knownAs: KnownAs;
  /** The id of this numbering; empty while the file could not be opened yet. */
  readonly id: string;
  /** The file as it was opened last; undefined while it could not be opened yet. */
  readonly opened: OpenedFile | undefined;
  /** Calls back after each commit with the lanes that got events; as those below, until the function it gives is called. */
  onAppended(listener: (lanes: ReadonlySet<Lane>) => void): () => void;
  onCondition(listener: (condition: Condition) => void): () => void;
  /** Calls back when the file was opened anew: with `salvage` or `missing`, or late, numbers are not what they were. */
  onOpened(listener: (opened: OpenedFile) => void): () => void;
  /** Rejects when the backing died: nothing can be kept any more. */
  readonly failed: Promise<never>;
  /** Writes the cursors and closes the file. */
  close(): Promise<void>;
}

/** A clean end writes the WAL into the file; a disk that hangs gets no longer. */
const CLOSE_TIMEOUT_MS = 5000;
/** These no waiting mends. */
const FATAL = ['E_JOURNAL_IN_USE', 'E_JOURNAL_NEWER'];
const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

export interface JournalOptions {
  readonly time?: Clock;
  readonly log?: Log;
}

/**
 * Opens a folder's journal: made and started.
 * @throws JournalError E_JOURNAL_IN_USE, E_JOURNAL_NEWER.
 */
export async function openJournal(directory: string, options: JournalOptions = {}): Promise<Journal> {
  const journal = createJournal(journalThread(directory), options);
  await journal.start();
  return journal;
}

/** Makes a journal over a backing; nothing is opened before its `start`. */
export function createJournal(
  backing: Backing,
  { time = systemClock, log = SILENT }: JournalOptions = {},
): Journal {
  const { ask } = backing;
  const appended = signal<[ReadonlySet<Lane>]>('lanes that got events', log);
  const conditions = signal<[Condition]>("the journal's condition", log);
  const openings = signal<[OpenedFile]>("the journal's file", log);
  const tails = createTails();
  const progress = createProgressBook();
  const disk = watchDisk({ trial: () => ask('trial'), onChange: conditions.tell, time });
  const commits = createGroupCommit({
    commit: (changes) => disk.watch(ask('commit', changes)),
    progress,
    onKept(kept) {
      for (const entry of kept) tails.push(entry);
      appended.tell(new Set(kept.map(({ lane }) => lanes[lane] as Lane)));
    },
    onLost: (reason) => log.error({ reason }, 'where an uplink stands could not be noted: no table takes it'),
    time,
  });
  const askWatched: Backing['ask'] = (...asked) => disk.watch(ask(...asked));
  const { knownAs, accept: acceptIdentity } = createKnownAs(askWatched, progress.restart, log);
  let file: OpenedFile | undefined;
  let fatal: Failure | undefined;
  let closing: Promise<void> | undefined;

  const accept = (opened: OpenedFile) => {
    // Reopened with all its numbers in place: memory knows the same and more.
    const same = file !== undefined && opened.salvage === undefined && opened.missing === 0;
    if (!same) {
      tails.reset(opened.lasts);
      progress.reset(opened);
    }
    // A commit whose fsync failed may be whole in the file all the same: then the disk knows more than memory does.
    const grown = tails.grow(opened.lasts);
    file = opened;
    acceptIdentity(opened);
    openings.tell(opened);
    if (grown.length > 0) appended.tell(new Set(grown));
  };
  const reject = (failure: Failure) => {
    if (file === undefined && FATAL.includes(failure.code)) fatal = failure;
    else disk.noteFailure(failure);
  };
  const close = async () => {
    // The file that was not believed gets its last chance.
    if (!disk.now().good) void ask('trial').catch(() => {});
    disk.close();
    const end = commits.finish().then(() => backing.close().catch(() => {}));
    const patience = new AbortController();
    await Promise.race([end, time.wait(CLOSE_TIMEOUT_MS, patience.signal)]);
    patience.abort();
    await backing.end();
  };

  return {
    failed: backing.failed,
    knownAs,
    get id() {
      return knownAs.id;
    },
    get condition() {
      return disk.now();
    },
    get opened() {
      return file;
    },
    async start() {
      await backing.open({ opened: accept, unopened: reject });
      if (fatal === undefined) return;
      await backing.end();
      throw new JournalError(fatal.code as JournalError['code'], fatal.message);
    },
    append: ({ lane, ...rest }) => commits.append({ ...rest, lane: lanes.indexOf(lane) }),
    read(lane, after, limit) {
      // Where the file could not be opened yet there is nothing to read.
      if (file === undefined) return [];
      const index = lanes.indexOf(lane);
      return tails.read(index, after, limit) ?? ask('read', index, after, limit);
    },
    last: (lane) => tails.last(lanes.indexOf(lane)),
    ...progressOf(progress, commits.flushSoon, time),
    ...questionsTo(ask, disk.watch),
    remove({ lane, uplinks, ...step }) {
      const cursors = uplinks.map(({ id, types }) => {
        const { sequence } = progress.position(id, lane);
        return { uplink: id, sequence, types };
      });
      return ask('remove', { ...step, lane: lanes.indexOf(lane), cursors });
    },
    async erase(person, step = () => {}) {
      // What is in memory was read before.
      return await erasePerson(askWatched, person, step, { time, log }).finally(tails.forget);
    },
    onAppended: appended.on,
    onCondition: conditions.on,
    onOpened: openings.on,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** What changes where an uplink stands is written soon. */
function progressOf(
  { position, held, ...progress }: ProgressBook,
  flushSoon: () => void,
  time: Pick<Clock, 'wall'>,
): Pick<Journal, 'position' | 'advance' | 'mark' | 'held' | 'hold' | 'release'> {
  return {
    position,
    held,
    advance(...to) {
      progress.advance(...to);
      flushSoon();
    },
    mark(...to) {
      progress.mark(...to, time.wall());
      flushSoon();
    },
    hold(one) {
      progress.hold(one);
      flushSoon();
    },
    release(uplink, topic) {
      progress.release(uplink, topic);
      flushSoon();
    },
  };
}

/** What only the file knows. From what is written here, too, is learned how the disk is. */
function questionsTo(
  ask: Backing['ask'],
  watch: DiskWatch['watch'],
): Omit<
  Pick<Journal, keyof Questions & keyof Journal> & Pick<Journal, 'auditChange'>,
  'read' | 'remove' | 'erase'
> {
  return {
    readBack: (lane, before, limit) => ask('readBack', lanes.indexOf(lane), before, limit),
    kinds: (lane, after, upTo) => ask('kinds', lanes.indexOf(lane), after, upTo),
    states: () => ask('states'),
    forget: (before, now) => ask('forget', before, now),
    command: (source, id) => ask('command', source, id),
    interrupted: () => ask('interrupted'),
    begin: (command) => watch(ask('begin', command)),
    end: (command) => watch(ask('end', command)),
    audit: (at, body) => watch(ask('audit', at, body)),
    auditChange: (key, at, body, value) => watch(ask('audit', at, body, { key: `audited-${key}`, value })),
    credentialsVersion: () => ask('credentialsVersion'),
    credentials: (after, limit) => ask('credentials', after, limit),
    changeCredentials: (change) => watch(ask('changeCredentials', change)),
    numbers: (series, names) => watch(ask('numbers', series, names)),
    classes: (after, limit) => ask('classes', after, limit),
    usage: () => ask('usage'),
  };
}
