/**
 * What the gateway writes is its user's alone: files 0600, folders 0700.
 *
 * Three things together, for each fails alone. The umask (campus-gateway.js) is for what others create in our name:
 * SQLite's WAL, ffmpeg's pieces. The mode at creation holds where no umask was set. And the chmod here is for what is
 * there already: of a version that wrote 0644, of a restored backup, of systemd, whose StateDirectory= is 0755.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { belong, belongHere } from './belonging.ts';

export const PRIVATE_FILE = 0o600;
export const PRIVATE_FOLDER = 0o700;
/** Bits of group and others (stat(2)). */
export const OTHERS = 0o077;
/** A folder that many share, such as /tmp (stat(2)). */
const STICKY = 0o1000;

/** Names in the data folder that are the gateway's, whatever else somebody put there. */
const ours =
  /^(journal\.|notify\.|lock\.sqlite|card\.key$|console\.|enrolment\.|config-versions$|walk-tests?(\.json.*)?$|media$|clips$|ledger\.|backups$|before-)/;

/** Makes an empty file that only we can read, where there is none. @throws what the disk says. */
export function createPrivate(file: string): void {
  try {
    writePrivate(file, '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    closeSync(openSync(file, 'a', PRIVATE_FILE));
  }
}

/**
 * Writes a file that only we can read; made by root, only those whose folder it lies in. `flag` as of open(2): by default it may
 * not be there yet. @throws what the disk says.
 */
export function writePrivate(file: string, content: string | Uint8Array, flag: 'wx' | 'w' = 'wx'): void {
  const isNew = flag === 'wx' || !existsSync(file);
  const handle = openSync(file, flag, PRIVATE_FILE);
  try {
    if (isNew) belong(handle, dirname(resolve(file)));
    writeFileSync(handle, content);
  } finally {
    closeSync(handle);
  }
}

/**
 * Makes a folder, and those above it, where there is none: made by root, each is of those who have the one above it.
 * @returns the outermost that was made.
 */
export function makeFolder(folder: string): string | undefined {
  const path = resolve(folder);
  if (existsSync(path)) return undefined;
  const outermost = makeFolder(dirname(path));
  mkdirSync(path, { mode: PRIVATE_FOLDER });
  belongHere(path);
  return outermost ?? path;
}

/**
 * Takes group's and others' rights off a data folder and what the gateway wrote into it.
 * @returns what stays readable by others: it belongs to somebody else, or the disk refuses.
 */
export function makePrivate(directory: string): readonly string[] {
  const open: string[] = [];
  const user = process.getuid?.();
  const tighten = (path: string, found: Stats) => {
    if (found.isSymbolicLink() || (found.mode & OTHERS) === 0) return;
    try {
      if (found.uid !== user) throw new Error('it is not ours');
      chmodSync(path, found.mode & ~OTHERS & 0o7777);
    } catch {
      open.push(path);
    }
  };
  const walk = (path: string, only?: RegExp) => {
    const found = attempt(() => lstatSync(path));
    if (found === undefined) return;
    // Pictures are many: those in a folder that is private were looked at before it became so.
    if (found.isDirectory() && (only !== undefined || (found.mode & OTHERS) !== 0))
      for (const name of attempt(() => readdirSync(path)) ?? [])
        if (only === undefined || only.test(name)) walk(join(path, name));
    // Others live in a folder with a sticky bit.
    if (only === undefined || (found.mode & STICKY) === 0) tighten(path, found);
  };
  walk(directory, ours);
  return open;
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
