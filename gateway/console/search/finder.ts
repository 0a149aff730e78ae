/**
 * Finds events: an index (index-file.ts) that follows the journal says which, and the journal, which it only reads, what
 * they are. So what was erased or removed is not found, whatever the index still holds. Synchronous: it runs in the
 * search's own thread (worker.ts), and each call looks at a bounded number of events.
 */
import { statfsSync, statSync } from 'node:fs';
import type { Event } from '../../../config/catalogue/events.ts';
import { codeOf } from '../../journal/error.ts';
import { type JournalReader, openReader } from '../../journal/reader.ts';
import { journalFile } from '../../journal/recovery.ts';
import { eventIn } from './event-in.ts';
import {
  type Found,
  type Indexed,
  type IndexFile,
  indexFileOf,
  openIndex,
  positionOf,
  removeIndex,
} from './index-file.ts';
import { type Criteria, questionOf, termsOfEvent } from './terms.ts';

export interface Query extends Criteria {
  /** When it happened, epoch ms: from there on, and before. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** `next` of the page before: what is older than its events. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface FoundEvent {
  readonly sequence: number;
  readonly lane: number;
  readonly type: string;
  readonly device: string;
  /** Epoch ms. */
  readonly seenAt: number;
  readonly storedAt: number | null;
  /** JSON. */
  readonly body: string;
}
export interface Page {
  /** The newest first. */
  readonly events: readonly FoundEvent[];
  /** Where to go on; undefined: that was all. */
  readonly next?: number | undefined;
  /** Events that the index has not seen yet, and that are in no page. */
  readonly behind: number;
}

/** How an event came to be known, and to whom. Times: epoch ms. */
export interface Life extends FoundEvent {
  readonly reached: readonly {
    readonly uplink: string;
    readonly stage: 'broker' | 'platform';
    readonly at: number;
  }[];
  readonly cursors: readonly { readonly uplink: string; readonly sequence: number }[];
  readonly held: readonly { readonly uplink: string; readonly reason: string; readonly since: number }[];
  /** What was said of it later, the oldest first. */
  readonly later: readonly FoundEvent[];
}

export interface FinderOptions {
  /** The data folder: the journal is there, and the index. */
  readonly directory: string;
  /** Bytes of free disk under which the index does not grow: the journal needs them. */
  readonly lowDisk: number;
}

/** Events that one step puts into the index: some 50 ms on a small machine. */
const STEP = 500;
/** Of very many larger steps write less: FTS5 merges what each of them wrote. */
const MANY = 10_000;
const LARGE_STEP = 2000;
/** What is stored is found at once: a question waits for so many events at most. */
const CATCH_UP = 2000;
/** Entries whose events are gone that one question passes over; more is a page that goes on. */
const GONE_MAX = 5000;
/** What is said of one event later: acknowledged, confirmed, closed, pictures and clips. */
const LATER_MAX = 50;
const LAST = Number.MAX_SAFE_INTEGER;

export type Finder = ReturnType<typeof createFinder>;

export function createFinder({ directory, lowDisk }: FinderOptions) {
  const opened = openBoth(directory, indexFileOf(directory));
  /** Up to where a round that looks for removed events has come. */
  let swept = Number.POSITIVE_INFINITY;

  const hasRoom = () => {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize >= lowDisk;
  };
  /** Puts the next events in. @returns whether there may be more. */
  const follow = ({ reader, index }: Both, step: number): boolean => {
    const rows = reader.after(lastOf(index), step);
    const last = rows.at(-1)?.sequence;
    if (last === undefined || !hasRoom()) return false;
    try {
      index.put(rows.map(indexedOf), last);
    } catch (error) {
      // What is not in it is told as behind.
      if (codeOf(error) === 'SQLITE_FULL') return false;
      throw error;
    }
    return rows.length === step;
  };
  const sweep = ({ reader, index }: Both) => {
    const entries = index.following(swept, STEP);
    const last = entries.at(-1)?.sequence ?? Number.POSITIVE_INFINITY;
    if (entries.length > 0) {
      const there = new Set(reader.sequences(swept + 1, last));
      index.remove(entries.filter(({ sequence }) => !there.has(sequence)));
    }
    swept = last;
  };
  /** What is stored is found at once. */
  const upToDate = (): Both => {
    const both = opened.get();
    // Of more the steps between the questions take care.
    if (behind(both) <= CATCH_UP) for (let put = 0; put <= CATCH_UP && follow(both, STEP); put += STEP);
    return both;
  };
  return {
    find: (query: Query): Page => find(upToDate(), query),
    /** Of an event, by its number. undefined: there is none. */
    life(sequence: number): Life | undefined {
      const both = upToDate();
      const event = both.reader.at(sequence);
      return event && lifeOf(both, event);
    },
    /** The number of an event, by its id. */
    sequenceOf(id: string): number | undefined {
      const { reader, index } = upToDate();
      const isIt = ({ sequence }: Found) => eventIn(reader.at(sequence)?.body ?? '')?.id === id;
      return index.byId(id).find(isIt)?.sequence;
    },
    /** Works on for some 50 ms. @returns whether there is more to do. */
    step(): boolean {
      const both = opened.get();
      if (follow(both, behind(both) > MANY ? LARGE_STEP : STEP)) return true;
      if (swept === Number.POSITIVE_INFINITY) return false;
      sweep(both);
      return true;
    },
    /** The next steps look which events were removed from the journal. */
    beginSweep() {
      swept = 0;
    },
    /** Numbers are not what they were: begins anew. */
    rebuild: opened.rebuild,
    state(): { readonly events: number; readonly behind: number } {
      const both = opened.get();
      return { events: both.index.count(), behind: behind(both) };
    },
    close: opened.close,
  };
}

interface Both {
  readonly reader: JournalReader;
  readonly index: IndexFile;
}

const lastOf = (index: IndexFile) => Number(index.get('last') ?? 0);
const behind = ({ reader, index }: Both) => Math.max(0, reader.last() - lastOf(index));

function find(both: Both, { from = 0, to, before, limit, ...criteria }: Query): Page {
  const { reader, index } = both;
  const question = questionOf(criteria);
  if (question === null) return { events: [], behind: behind(both) };
  const start = positionOf(from);
  let end = Math.min(before ?? LAST, to === undefined ? LAST : positionOf(to));
  const events: FoundEvent[] = [];
  const gone: Found[] = [];
  let isMore = true;
  while (isMore && events.length < limit && gone.length < GONE_MAX) {
    // One more than is wanted tells whether it goes on.
    const wanted = limit - events.length;
    const found = index.find(question, start, end, wanted + 1);
    isMore = found.length > wanted;
    for (const one of found.slice(0, wanted)) {
      const event = reader.at(one.sequence);
      if (event === undefined) gone.push(one);
      else events.push(event);
      end = one.position;
    }
  }
  if (gone.length > 0) index.remove(gone);
  return { events, next: isMore ? end : undefined, behind: behind(both) };
}

function lifeOf(both: Both, event: FoundEvent): Life {
  const { reader } = both;
  const { sequence, lane } = event;
  const id = eventIn(event.body)?.id;
  const later = id && find(both, { about: id, mayNamePersons: false, limit: LATER_MAX });
  return {
    ...event,
    reached: reader.reached(lane, sequence),
    cursors: reader.cursors().filter((cursor) => cursor.lane === lane),
    held: reader
      .held()
      .filter((held) => held.lane === lane && held.first <= sequence && sequence <= held.last),
    later: later ? later.events.toReversed() : [],
  };
}

/** The journal and the index, opened when they are needed first, and again where the journal is another file. */
function openBoth(directory: string, file: string) {
  let open: { readonly reader: JournalReader; readonly inode: bigint; index: IndexFile } | undefined;
  const inodeOf = () => statSync(journalFile(directory), { bigint: true }).ino;

  const fresh = (reader: JournalReader) => {
    removeIndex(file);
    const index = openIndex(file);
    index.set('journal', reader.journalId);
    // What was erased before is not in the journal any more.
    index.set('audit', String(reader.lastAudit()));
    return index;
  };
  const openAll = () => {
    const inode = inodeOf();
    const reader = openReader(directory);
    try {
      const index = openIndex(file);
      const isOwn = index.get('journal') === reader.journalId && lastOf(index) <= reader.last();
      if (!isOwn) index.close();
      return { reader, inode, index: isOwn ? index : fresh(reader) };
    } catch (error) {
      reader.close();
      throw error;
    }
  };
  const close = () => {
    open?.index.close();
    open?.reader.close();
    open = undefined;
  };
  /** Somebody was erased from the journal: what the index holds of them goes with all the rest. */
  const forgetErased = ({ reader, index }: NonNullable<typeof open>): boolean => {
    const entries = reader.auditAfter(Number(index.get('audit') ?? 0), STEP);
    const last = entries.at(-1);
    if (last === undefined) return false;
    if (entries.some(({ body }) => isErasure(body))) return true;
    index.set('audit', String(last.number));
    return false;
  };
  const get = () => {
    if (open !== undefined && inodeOf() !== open.inode) close();
    open ??= openAll();
    if (forgetErased(open)) rebuild();
    return open;
  };
  function rebuild() {
    if (open === undefined) return removeIndex(file);
    open.index.close();
    open.index = fresh(open.reader);
  }
  return { get, rebuild, close };
}

/** By the command line, or by a command that was carried out. */
function isErasure(body: string): boolean {
  try {
    const { kind, action, done, unknown } = JSON.parse(body) as Readonly<Record<string, unknown>>;
    return kind === 'erase' || (action === 'erase' && (done === true || unknown === true));
  } catch {
    return false;
  }
}

/** One that cannot be read any more is found by its type and its device: that it is there is known. */
function indexedOf({
  sequence,
  id,
  seenAt,
  type,
  device,
  body,
}: FoundEvent & { readonly id: string }): Indexed {
  const event: Pick<Event, 'data' | 'subject' | 'time'> = eventIn(body) ?? { data: {}, time: '' };
  const time = Date.parse(event.time);
  return { ...termsOfEvent(event, type, device), sequence, id, time: Number.isNaN(time) ? seenAt : time };
}
