/** Logging: JSON lines, with a priority for journald, or pretty on a terminal; and the rule that a burst is logged once. */
import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { printable, printableValue } from '../printable.ts';
import { isJournal } from './journald.ts';

/** How a line looks: for programs, for journald, for people. */
export type LogForm = 'json' | 'journal' | 'pretty';

/** To standard error, so that standard output stays the command's own. */
export function createLog(level: string): Logger {
  if (process.stderr.isTTY)
    return logTo(pretty({ destination: 2, sync: true, ignore: 'pid,hostname' }), level, 'pretty');
  return logTo(pino.destination(2), level, isJournal(process.env['JOURNAL_STREAM'], 2) ? 'journal' : 'json');
}

/** What journald takes from a line's start (sd-daemon(3)): `journalctl -p warning` finds what is one. */
const priorityOf = (line: string): string => {
  const level = Number(/^\{"level":(\d+)/.exec(line)?.[1] ?? 30);
  if (level >= 60) return '<2>';
  if (level >= 50) return '<3>';
  if (level >= 40) return '<4>';
  return level >= 30 ? '<6>' : '<7>';
};

/** `pretty`: the stream shows what the JSON says, so that escapes within it are undone once. */
export function logTo(stream: DestinationStream, level: string, form: LogForm): Logger {
  // Fields that may hold secrets or a child's data are cut, whoever logs them.
  const redact = ['*.password', '*.key', '*.credential', 'credential', 'password', 'key'];
  const streamWrite = (line: string) => {
    if (form === 'pretty') return `${JSON.stringify(printableValue(JSON.parse(line)))}\n`;
    return `${form === 'journal' ? priorityOf(line) : ''}${printable(line.trimEnd())}\n`;
  };
  return pino({ level, redact, base: null, hooks: { streamWrite } }, stream);
}

const BURST_MS = 10_000;
const MAX_KINDS = 1000;
const OTHERS = 'others';

export interface BurstLog {
  /** Logs the first of its kind; the others of the same ten seconds only as a number. */
  warn(kind: string, fields: object, sentence: string): void;
  close(): void;
}

export function burstLog(log: Pick<Log, 'warn'>, time: Clock): BurstLog {
  const bursts = new Map<string, { more: number; fields: object; sentence: string }>();
  // Runs only while there is a burst: most logs never have one.
  let timer: Timer | undefined;
  let closed = false;
  const stop = () => {
    timer?.stop();
    timer = undefined;
  };
  const sum = () => {
    for (const [kind, burst] of bursts) {
      if (burst.more > 0)
        log.warn({ ...burst.fields, more: burst.more }, `${burst.sentence} (${burst.more} more in 10 s)`);
      // A burst that goes on is summed up again; one that ended is forgotten.
      if (burst.more === 0) bursts.delete(kind);
      else burst.more = 0;
    }
    if (bursts.size === 0) stop();
  };
  return {
    warn(kind, fields, sentence) {
      // Kinds are few; where something makes many after all, they are one more.
      const known = bursts.has(kind) || bursts.size < MAX_KINDS ? kind : OTHERS;
      const burst = bursts.get(known);
      if (burst !== undefined) {
        burst.more++;
        return;
      }
      bursts.set(known, { more: 0, fields, sentence });
      if (!closed) timer ??= time.every(BURST_MS, sum);
      log.warn(fields, sentence);
    },
    close() {
      closed = true;
      stop();
      sum();
    },
  };
}
