/** The alarms of a day, read from the journal's file on a connection of its own, in a thread apart. */
import { readEvent } from '../../config/catalogue/events.ts';
import { openReader } from '../journal/reader.ts';
import { type AlarmNumbers, countAlarms } from './report.ts';

export interface DayQuestion {
  readonly dataDir: string;
  /** Epoch ms. */
  readonly from: number;
  readonly to: number;
  readonly timezone: string;
}
export interface DayAnswer {
  readonly alarms: AlarmNumbers;
  /** The journal has nothing from before the day: part of it may be gone. */
  readonly isPart: boolean;
}

const AT_ONCE = 500;
/** A panel that was cut off tells of it when it is back, and an alarm is closed some days later. */
const LATER_MS = 7 * 86_400_000;
/** Of the urgent lane: a campus has some hundred in a week, a panel that floods it some million. */
const LOOKED_MAX = 500_000;

/** @throws JournalError; what SQLite says of the disk. */
export function readDay({ dataDir, from, to, timezone }: DayQuestion): DayAnswer {
  const reader = openReader(dataDir);
  try {
    const count = countAlarms(from, to, timezone);
    const first = reader.firstSince(from);
    let after = first - 1;
    for (let looked = 0; looked < LOOKED_MAX; looked += AT_ONCE) {
      const entries = reader.read('urgent', after, AT_ONCE);
      for (const { body, sequence } of entries) {
        const event = readEvent(body);
        if (event !== undefined) count.note(event, sequence);
      }
      const last = entries.at(-1);
      if (last === undefined || entries.length < AT_ONCE || last.seenAt > to + LATER_MS) break;
      if (last.seenAt > to + LATER_MS / 7 && count.isSettled()) break;
      after = last.sequence;
    }
    return { alarms: count.numbers(), isPart: !reader.hasBefore(first) };
  } finally {
    reader.close();
  }
}
