/**
 * What stands of alarms from before, read from the journal's file on a connection of its own; the board has it done in
 * a thread apart, because a disk that hangs must hang nothing else.
 */
import { readEvent } from '../../config/catalogue/events.ts';
import { openReader } from '../journal/reader.ts';
import { type BookContent, concernsAlarms, createAlarmBook } from './alarm-book.ts';

export interface HistoryQuestion {
  readonly dataDir: string;
  /** Epoch ms: what was raised before, and is not active, is history. */
  readonly since: number;
  /** What is active now: the key of each thing, and the number of the event that says so. */
  readonly raised: readonly (readonly [key: string, sequence: number])[];
}
export interface History {
  readonly content: BookContent;
  /** It knows of all events up to this one. */
  readonly upTo: number;
}

const AT_ONCE = 500;
/** Of the urgent lane the newest: a campus has some thousand in a month, and a panel that floods it some million. */
const LOOKED_MAX = 200_000;

/** @throws JournalError; what SQLite says of the disk. */
export async function readAlarmHistory({ dataDir, since, raised }: HistoryQuestion): Promise<History> {
  const reader = openReader(dataDir);
  try {
    const isRaised = new Set(raised.map(([key]) => key));
    const after = await beginningOf(reader, since);
    const book = createAlarmBook((key) => isRaised.has(key));
    const apply = ({ body, sequence }: { readonly body: string; readonly sequence: number }) => {
      const event = readEvent(body);
      if (event !== undefined && concernsAlarms(event)) book.apply(event, sequence);
    };
    // What is active and older than all that is looked at.
    for (const [, sequence] of raised)
      if (sequence <= after)
        for (const entry of reader.read('urgent', sequence - 1, 1))
          if (entry.sequence === sequence) apply(entry);
    let upTo = after;
    for (let more = true; more; ) {
      const entries = reader.read('urgent', upTo, AT_ONCE);
      for (const entry of entries) apply(entry);
      upTo = entries.at(-1)?.sequence ?? upTo;
      more = entries.length === AT_ONCE;
    }
    book.forgetBefore(since);
    const ids = book.content.things.flatMap(({ raisings }) => raisings.map(({ sequence = 0 }) => sequence));
    for (const entry of picturesAfter(reader, ids.length === 0 ? upTo : Math.min(...ids))) apply(entry);
    return { content: book.content, upTo };
  } finally {
    reader.close();
  }
}

type Reader = ReturnType<typeof openReader>;

/** The last number of the urgent lane before all that is looked at. */
async function beginningOf(reader: Reader, since: number): Promise<number> {
  let before = Number.MAX_SAFE_INTEGER;
  for (let looked = 0; looked < LOOKED_MAX; looked += AT_ONCE) {
    const entries = await reader.readBack('urgent', before, AT_ONCE);
    const last = entries.at(-1);
    if (last === undefined) return 0;
    before = last.sequence;
    if (last.seenAt < since) break;
  }
  return before - 1;
}

/** Of events after a number, those that tell of a picture or a clip. */
function* picturesAfter(reader: Reader, after: number) {
  for (let from = after; ; ) {
    const entries = reader.ofType('normal', 'media.kept', from, AT_ONCE);
    yield* entries;
    const last = entries.at(-1);
    if (last === undefined || entries.length < AT_ONCE) return;
    from = last.sequence;
  }
}
