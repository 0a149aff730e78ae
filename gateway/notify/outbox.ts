/**
 * What is to be told, over restarts: `notify.log` in the data folder, lines of JSON that are only added to: `{"add": …}`,
 * `{"done": id, "at": ms}`. A last line that a power cut left in half is passed over. It is read and written beside the
 * event loop, and what cannot be written stays in memory: who rings must not wait for this file, nor for a disk that fails.
 */
import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { PRIVATE_FILE } from '../lifecycle/private-files.ts';
import { type BurstLog, burstLog } from '../observe/log.ts';
import type { Entry } from './entry.ts';

export interface Outbox {
  /** Reads what is there, once. @returns whether there was a file. Never rejects. */
  load(): Promise<boolean>;
  /** By id, oldest first. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** It is there, or was settled of late. */
  isKnown(id: string): boolean;
  add(entry: Entry): void;
  /** It was told, or need not be any more. */
  settle(id: string): void;
  /** Resolves when all is written, or the disk refuses. */
  close(): Promise<void>;
}

/** Settled ids that are remembered, for as long: a start looks no further back into the journal (index.ts). */
const SETTLED_MAX = 2000;
const SETTLED_MS = 3_600_000;
/** Lines after which the file is written anew, with what counts. */
const LINES_MAX = 5000;
const AGAIN_MS = 10_000;

type Line = { readonly add: Entry } | { readonly done: string; readonly at: number };

function readLine(text: string): Line | undefined {
  try {
    const line = JSON.parse(text) as Partial<{ add: Entry; done: string; at: number }> | null;
    if (typeof line?.add?.id === 'string' && typeof line.add.fact?.type === 'string')
      return { add: line.add };
    return typeof line?.done === 'string' ? { done: line.done, at: Number(line.at) } : undefined;
  } catch {
    return undefined;
  }
}

const lineOf = (line: Line) => `${JSON.stringify(line)}\n`;

/** `always`: there is a file from the first start on, by which the next one knows that it is not the first. */
export function openOutbox(
  directory: string,
  { time, log, always }: { readonly time: Clock; readonly log: Log; readonly always: boolean },
): Outbox {
  const file = join(directory, 'notify.log');
  const entries = new Map<string, Entry>();
  /** By id, epoch ms. */
  const settled = new Map<string, number>();
  const note = (line: Line) => {
    if ('add' in line) {
      entries.set(line.add.id, line.add);
      return;
    }
    entries.delete(line.done);
    settled.delete(line.done);
    settled.set(line.done, line.at);
    for (const [id, at] of settled) {
      if (settled.size <= SETTLED_MAX && time.wall() - at <= SETTLED_MS) break;
      settled.delete(id);
    }
  };
  const writer = createWriter(file, {
    time,
    log,
    all: () => [
      ...[...settled].map(([done, at]) => lineOf({ done, at })),
      ...[...entries.values()].map((add) => lineOf({ add })),
    ],
  });
  const put = (line: Line) => {
    note(line);
    writer.add(lineOf(line));
  };
  return {
    entries,
    async load() {
      const found = await readFile(file, 'utf8').catch(({ code, message }: NodeJS.ErrnoException) => {
        if (code !== 'ENOENT')
          log.warn({ file, error: message }, 'what people were to be told cannot be read');
        return undefined;
      });
      const early = [...entries.values()];
      entries.clear();
      for (const text of found?.split('\n') ?? []) {
        const line = readLine(text);
        if (line !== undefined) note(line);
      }
      for (const one of early) if (!settled.has(one.id)) entries.set(one.id, one);
      writer.begin(found !== undefined || always);
      return found !== undefined;
    },
    isKnown: (id) => entries.has(id) || settled.has(id),
    add: (entry) => put({ add: entry }),
    settle: (id) => put({ done: id, at: time.wall() }),
    close: writer.close,
  };
}

/** Writes lines in the order in which they come, many at once. `all`: every line that counts, as memory has it. */
function createWriter(
  file: string,
  { time, log, all }: { readonly time: Clock; readonly log: Log; readonly all: () => readonly string[] },
) {
  const bursts: BurstLog = burstLog(log, time);
  let handle: FileHandle | undefined;
  let waiting: string[] = [];
  let lines = 0;
  let writing: Promise<void> | undefined;
  let again: Timer | undefined;
  let isBegun = false;

  /** All that counts, in a new file that takes the place of the old one. */
  const rewrite = async () => {
    await handle?.close();
    handle = undefined;
    // What comes from now on is added to the new file.
    waiting = [];
    const kept = all();
    const next = await open(`${file}.new`, 'w', PRIVATE_FILE);
    try {
      await next.writeFile(kept.join(''));
      await next.sync();
    } finally {
      await next.close();
    }
    await rename(`${file}.new`, file);
    lines = kept.length;
    handle = await open(file, 'a', PRIVATE_FILE);
  };
  const writeSome = async () => {
    // The first time, and when it has become long: the file says what memory has.
    if (handle === undefined || lines > LINES_MAX) return await rewrite();
    const some = waiting;
    waiting = [];
    await handle.appendFile(some.join(''));
    await handle.datasync();
    lines += some.length;
  };
  const write = async () => {
    try {
      while (waiting.length > 0) await writeSome();
    } catch (error) {
      // How much of it is there is not known: the next try writes all.
      await handle?.close().catch(() => {});
      handle = undefined;
      waiting.push('');
      throw error;
    }
  };
  const flush = () => {
    if (!isBegun || writing !== undefined || again !== undefined || waiting.length === 0) return;
    writing = write()
      .catch((error: Error) => {
        bursts.warn('write', { file, error: error.message }, 'what people are to be told is in memory only');
        again = time.after(AGAIN_MS, () => {
          again = undefined;
          flush();
        });
      })
      .finally(() => {
        writing = undefined;
        flush();
      });
  };
  return {
    add(line: string) {
      // What waits while the disk refuses is written anew as a whole: these only say that something does.
      if (waiting.length < LINES_MAX) waiting.push(line);
      flush();
    },
    /** Nothing is written before. `anew`: the file that is there is written anew. */
    begin(anew: boolean) {
      isBegun = true;
      if (anew) waiting.push('');
      flush();
    },
    /** Resolves when all is written, or the disk refuses. */
    async close() {
      again?.stop();
      again = undefined;
      flush();
      await writing;
      (again as Timer | undefined)?.stop();
      isBegun = false;
      bursts.close();
      await handle?.close().catch(() => {});
    },
  };
}
