/** Lists that a school writes, read a little at a time, and no further than they may be long. */
import { createReadStream } from 'node:fs';
import { type Options, parse } from 'csv-parse';
import { FileTooLargeError } from '../drivers/files.ts';

/** A row has 100 bytes. What has no line ends, or a quote that nobody closes, is one row without end. */
export const CSV_ROW_MAX = 16_384;
/** Rows between which others get a turn: 50,000 at once would hold an alarm up for half a second. */
const ROWS_A_TURN = 200;
const CHUNK = 16_384;

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** GBK, as a Chinese Windows writes it: its names would be nonsense, and its numbers right. */
export class NotUtf8Error extends Error {
  readonly code = 'E_NOT_UTF8';
  constructor(file: string) {
    super(`${file} is not UTF-8`);
    this.name = 'NotUtf8Error';
  }
}

/** @param most bytes. @throws NotUtf8Error; FileTooLargeError after the last row that is read; CsvError where it is none; what the system says. */
export async function* csvRows(file: string, most: number, options: Options): AsyncGenerator<unknown> {
  // One byte more than it may have: then it is too large.
  const source = createReadStream(file, { highWaterMark: CHUNK, end: most });
  const parser = parse({ ...options, max_record_size: CSV_ROW_MAX });
  source.on('error', (error) => parser.destroy(error));
  const decoder = new TextDecoder('utf-8', { fatal: true });
  source.on('data', (chunk: Buffer | string) => {
    try {
      decoder.decode(chunk as Buffer, { stream: true });
    } catch {
      parser.destroy(new NotUtf8Error(file));
    }
  });
  source.pipe(parser);
  try {
    let rows = 0;
    for await (const row of parser) {
      yield row;
      if (++rows % ROWS_A_TURN === 0) await nextTurn();
    }
  } catch (error) {
    // Its last row is torn where reading stopped.
    throw source.bytesRead > most ? new FileTooLargeError(file, most) : error;
  } finally {
    source.destroy();
  }
  if (source.bytesRead > most) throw new FileTooLargeError(file, most);
}
