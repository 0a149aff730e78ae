/** What there is only once a gateway has run: who asks for it before is told so, and where it was looked for. */
import { statSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import { say } from '../../config/language.ts';
import { findJournal, type JournalReader, openReader } from '../journal/reader.ts';

/** @throws what the system says of a path that is closed to who asks. */
function isThere(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

const notYet = (where: string, folder: string, what: readonly [en: string, zh: string]) =>
  new Error(
    say(
      `no gateway has run with ${where} yet: ${folder} ${what[0]}; start it first, or look at the name`,
      `尚无网关使用过 ${where}：${folder} ${what[1]}；请先启动网关，或检查名称`,
    ),
  );

/** The folder of records of a config. @throws Error with a sentence where it is not there. */
export function needDataFolder({ file, dataDir }: { readonly file: string; readonly dataDir: string }): void {
  if (!isThere(dataDir)) throw notYet(file, dataDir, ['is not there', '不存在']);
}

/** @param where what was typed; `path`: the folder or the file that it means. @throws Error with a sentence. */
export function needJournal(where: string, path: string): void {
  const file = findJournal(path);
  if (isThere(file)) return;
  const folder = extname(file) === '.sqlite' ? dirname(file) : file;
  throw notYet(where, folder, ['has no journal', '中没有日志']);
}

/** A journal to read. @throws Error with a sentence where there is none yet, and what the reader throws. */
export function openThere(where: string, path: string): JournalReader {
  needJournal(where, path);
  return openReader(path);
}
