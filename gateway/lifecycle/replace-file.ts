/** Files of people that are written anew: all of the new one or all of the old one is there, whatever happens, and whoever could
 * not read the old one cannot. Those of the gateway alone: replaced-file.ts. */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { belong } from './belonging.ts';
import { PRIVATE_FILE } from './private-files.ts';

/**
 * Puts a file in the place of another, with its owner and mode; where there is none, with `mode`, and readable by those who
 * have its folder (belonging.ts). What a symbolic link names is replaced, not the link. @throws what the disk says; the old file is as it was.
 */
export function replaceFile(file: string, contents: string | Uint8Array, mode = PRIVATE_FILE): void {
  const before = statSync(file, { throwIfNoEntry: false });
  const target = before === undefined ? file : realpathSync(file);
  const partial = `${target}.new`;
  // One that a torn write left has a mode of its own.
  rmSync(partial, { force: true });
  const handle = openSync(partial, 'wx', PRIVATE_FILE);
  try {
    writeFileSync(handle, contents);
    if (before === undefined) {
      fchmodSync(handle, mode);
      belong(handle, dirname(resolve(target)));
    } else keepReaders(handle, before);
    fsyncSync(handle);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  } finally {
    closeSync(handle);
  }
  renameSync(partial, target);
  syncFolder(dirname(target));
}

/** Root puts a file there that the gateway's own user reads. */
function keepReaders(handle: number, { uid, gid, mode }: Stats): void {
  if (process.getuid?.() === 0) fchownSync(handle, uid, gid);
  fchmodSync(handle, mode & 0o777);
}

/** A rename is on disk once its folder is. Some file systems know no such thing. */
function syncFolder(folder: string): void {
  try {
    const handle = openSync(folder, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch {
    // The file itself is there, old or new.
  }
}
