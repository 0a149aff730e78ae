import { say } from '../../config/language.ts';
import { writePrivate } from '../lifecycle/private-files.ts';

/** Writes what was asked for into a file of its own; nothing is written over. @throws Error with a sentence; what the disk says. */
export function writeNewFile(file: string, content: string | Uint8Array): void {
  try {
    writePrivate(file, content);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new Error(
      say(`${file} is there already: name another file, or remove it`, `${file} 已存在：请换文件名或先删除`),
    );
  }
}
