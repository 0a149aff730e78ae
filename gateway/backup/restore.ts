/**
 * Puts a backup into place: on a new mini-PC, or beside what is there. Killed at any moment it can be begun again.
 *
 *   read, each file checked -> DATA/restore.partial-… -> the journal checked -> what is there set aside -> moved into place
 *
 * The journal of a backup is marked as a copy (journal-copy.ts): its first start begins a new numbering, and platforms are told.
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { EditError, editYaml } from '../../config/edit.ts';
import { say } from '../../config/language.ts';
import { JournalError } from '../journal/error.ts';
import { holdFolder } from '../journal/folder.ts';
import { openReader } from '../journal/reader.ts';
import { SCHEMA_VERSION } from '../journal/schema.ts';
import { belongHere } from '../lifecycle/belonging.ts';
import { makeFolder, PRIVATE_FILE } from '../lifecycle/private-files.ts';
import { type BackedFile, JOURNAL, type Manifest } from './manifest.ts';
import { RefusedError, readBackup, type Sink } from './read.ts';

export interface Restoring {
  readonly backup: string;
  readonly identities: readonly string[];
  /** Where the config goes: a file, or a folder, which may not be there yet; undefined: where it was. */
  readonly to: string | undefined;
  /** What is there is set aside. */
  readonly replace: boolean;
  /** Files that the config names at other places are put there. */
  readonly elsewhere: boolean;
  /** Whether a gateway has the data folder. */
  readonly isInUse: (dataDir: string) => boolean;
  /** Epoch ms. */
  readonly at: number;
}

export interface Restored {
  readonly manifest: Manifest;
  readonly configFile: string;
  readonly dataDir: string;
  /** The data folder that the config named, where the data went with the config to another place. */
  readonly dataDirBefore: string | undefined;
  /** What was there before, and where it is now. */
  readonly aside: readonly string[];
}

/** Reads all of it and writes nothing. @throws as `readBackup`. */
export const checkBackup = (backup: string, identities: readonly string[]): Promise<Manifest> =>
  readBackup(backup, identities, {
    begin() {},
    file: () => ({ write() {}, end() {} }),
  });

interface Places {
  readonly configFile: string;
  readonly dataDir: string;
  readonly staging: string;
  readonly dataDirBefore: string | undefined;
}

/** What a config that goes to another place says of its data, where it said a folder that is not there. */
const DATA_BESIDE = './data';

/** @throws Error with a sentence; then nothing that was there is another. */
export async function restoreBackup(restoring: Restoring): Promise<Restored> {
  let places: Places | undefined;
  let held: { close(): void } | undefined;
  const sink: Sink = {
    begin(manifest) {
      places = placesOf(manifest, restoring);
      refuseWhatIsThere(manifest, places, restoring);
      makeFolder(places.dataDir);
      held = hold(places.dataDir);
      makeFolder(places.staging);
    },
    file: ({ path }) => writeTo(join(places?.staging ?? '', path)),
  };
  try {
    const manifest = await readBackup(restoring.backup, restoring.identities, sink);
    if (places === undefined) throw new Error('a backup has a list');
    checkJournal(join(places.staging, JOURNAL), manifest);
    if (places.dataDirBefore !== undefined)
      nameDataBeside(join(places.staging, ownConfig(manifest)), places.dataDirBefore);
    const moves = createMoves();
    try {
      const aside = setAside(places, manifest, restoring.at, moves);
      putIntoPlace(manifest, places, moves);
      const { configFile, dataDir, dataDirBefore } = places;
      return { manifest, configFile, dataDir, dataDirBefore, aside };
    } catch (error) {
      moves.back();
      throw error;
    }
  } finally {
    if (places !== undefined) rmSync(places.staging, { recursive: true, force: true });
    held?.close();
  }
}

function placesOf(manifest: Manifest, { to }: Restoring): Places {
  const name = basename(manifest.configFile);
  // What is not there yet is a folder, unless its name is that of a config.
  const isFolder =
    to !== undefined &&
    (to.endsWith('/') || (existsSync(to) ? statSync(to).isDirectory() : !/\.ya?ml$/i.test(to)));
  const configFile = resolve(to === undefined ? manifest.configFile : isFolder ? join(to, name) : to);
  const folder = dirname(configFile);
  // Who tries a backup elsewhere means its data too: those of the gateway that runs are not to be touched.
  const isElsewhere = to !== undefined && configFile !== resolve(manifest.configFile);
  const isOutside =
    isAbsolute(manifest.dataDir) && relative(folder, manifest.dataDir).split('/', 1)[0] === '..';
  const dataDirBefore = isElsewhere && isOutside ? manifest.dataDir : undefined;
  const dataDir = resolve(folder, dataDirBefore === undefined ? manifest.dataDir : DATA_BESIDE);
  const staging = join(dataDir, `restore.partial-${process.pid}-${randomBytes(4).toString('hex')}`);
  return { configFile, dataDir, staging, dataDirBefore };
}

/** The config's own name in a backup. */
const ownConfig = ({ configFile }: Manifest) => `config/${basename(configFile)}`;

/** @throws RefusedError where its text cannot be changed in place. */
function nameDataBeside(file: string, before: string): void {
  try {
    const edits = editYaml(readFileSync(file, 'utf8'));
    edits.set(['dataDir'], DATA_BESIDE);
    writeFileSync(file, edits.apply().text, { flush: true });
  } catch (error) {
    if (!(error instanceof EditError)) throw error;
    throw new RefusedError(
      say(
        `the config says dataDir: ${before}, which is outside of --to and cannot be changed in its text (${error.message}), and nothing was put into place: restore without --to, on a machine where no gateway runs`,
        `配置中 dataDir 为 ${before}，不在 --to 之内，且无法在原文中修改（${error.message}），未恢复任何内容：请在没有网关运行的主机上不带 --to 恢复`,
      ),
    );
  }
}

const inUse = (dataDir: string) =>
  new RefusedError(
    say(
      `a gateway runs on ${dataDir}: stop it (systemctl stop campus-gateway), then restore`,
      `有网关正在使用 ${dataDir}：请先停止（systemctl stop campus-gateway）再恢复`,
    ),
  );

/** A backup of gigabytes takes minutes: no gateway begins on the folder meanwhile. */
function hold(dataDir: string): { close(): void } {
  try {
    const held = holdFolder(dataDir);
    // The gateway's own user takes it next.
    if (existsSync(join(dataDir, 'lock.sqlite-journal'))) belongHere(join(dataDir, 'lock.sqlite-journal'));
    return held;
  } catch (error) {
    throw error instanceof JournalError ? inUse(dataDir) : error;
  }
}

function refuseWhatIsThere(
  { files }: Manifest,
  { configFile, dataDir }: Places,
  { replace, elsewhere, isInUse }: Restoring,
): void {
  if (isInUse(dataDir)) throw inUse(dataDir);
  const outside = files.filter(({ path }) => path.startsWith('elsewhere/')).map(({ path }) => targetOf(path));
  if (outside.length > 0 && !elsewhere)
    throw new RefusedError(
      say(
        `the config names files outside of its folder: ${outside.join(', ')}; to put them there too, give --elsewhere`,
        `配置引用了其目录以外的文件：${outside.join('、')}；如需一并恢复到原处，请加 --elsewhere`,
      ),
    );
  const there = [configFile, join(dataDir, 'journal.sqlite'), ...outside].filter((one) => existsSync(one));
  if (there.length > 0 && !replace)
    throw new RefusedError(
      say(
        `there is already ${there.join(', ')}; to set aside what is there, give --replace`,
        `已存在 ${there.join('、')}；如需先将现有内容移到一旁，请加 --replace`,
      ),
    );
}

/** Of what lies elsewhere. */
const targetOf = (path: string) => path.replace(/^elsewhere/, '');

function writeTo(file: string) {
  makeFolder(dirname(file));
  const descriptor = openSync(file, 'wx', PRIVATE_FILE);
  return {
    write(chunk: Buffer) {
      for (let at = 0; at < chunk.length; ) at += writeSync(descriptor, chunk, at);
    },
    end() {
      fsyncSync(descriptor);
      closeSync(descriptor);
    },
  };
}

function checkJournal(file: string, { journal, version }: Manifest): void {
  if (journal.schema > SCHEMA_VERSION)
    throw new RefusedError(
      say(
        `the journal of this backup was written by version ${version}: install that version or a later one, then restore`,
        `此备份中的事件日志由版本 ${version} 写入：请安装该版本或更新的版本后再恢复`,
      ),
    );
  const reader = openReader(file);
  try {
    const [problem] = reader.integrity();
    if (problem === undefined && reader.journalId === journal.id && reader.last() === journal.last) return;
    throw new RefusedError(
      say(
        `the journal of this backup is damaged (${problem ?? 'it is another one'}), and nothing was put into place: use another backup`,
        `此备份中的事件日志已损坏（${problem ?? '不是同一日志'}），未恢复任何内容：请改用其他备份`,
      ),
    );
  } finally {
    reader.close();
  }
}

/** What is moved, so that a disk that refuses one of it gets all of it back. */
function createMoves() {
  const done: (readonly [from: string, to: string])[] = [];
  return {
    move(from: string, to: string) {
      move(from, to);
      done.push([from, to]);
    },
    /** @throws what the disk says: then somebody has to look. */
    back() {
      for (const [from, to] of done.splice(0).reverse()) move(to, from);
    },
  };
}
type Moves = ReturnType<typeof createMoves>;

/** A time as in a name, that nothing is called by yet: two restores may be of one second. */
function freeStamp(at: number, configFile: string, dataDir: string): string {
  const second = new Date(at).toISOString().replace(/[-:]/g, '').replace(/\..*/, 'Z');
  for (let n = 1; ; n++) {
    const stamp = n === 1 ? second : `${second}-${n}`;
    if (!existsSync(`${configFile}.before-${stamp}`) && !existsSync(join(dataDir, `before-${stamp}`)))
      return stamp;
  }
}

/** Moves what is there to `before-TIME`, beside it: the config first, for without it no gateway begins on half of a campus. */
function setAside(
  { configFile, dataDir, staging }: Places,
  { files }: Manifest,
  at: number,
  { move: moveAside }: Moves,
): string[] {
  const stamp = freeStamp(at, configFile, dataDir);
  const aside: string[] = [];
  const others = files
    .filter(({ path }) => !path.startsWith('data/'))
    .map(({ path }) => placeOf(path, configFile, dataDir));
  for (const file of new Set([configFile, ...others])) {
    if (!existsSync(file)) continue;
    moveAside(file, `${file}.before-${stamp}`);
    aside.push(`${file}.before-${stamp}`);
  }
  const old = readdirSync(dataDir).filter(
    (name) => name !== basename(staging) && !/^(lock\.sqlite|before-)/.test(name),
  );
  // The backups themselves stay where they are: one of them may be read just now.
  const moved = old.filter(
    (name) =>
      name !== 'backups' && join(dataDir, name) !== dirname(configFile) && !name.endsWith(`.before-${stamp}`),
  );
  // Also where a restoring ended between the journal and its WAL: beside another journal, SQLite would put it into that.
  if (moved.some((name) => name.startsWith('journal.sqlite'))) {
    settleJournal(join(dataDir, 'journal.sqlite'));
    const folder = join(dataDir, `before-${stamp}`);
    makeFolder(folder);
    for (const name of moved)
      if (existsSync(join(dataDir, name))) moveAside(join(dataDir, name), join(folder, name));
    aside.push(folder);
  }
  return aside;
}

/** What a killed gateway left in the WAL goes into the journal, so that it is moved as one file. */
function settleJournal(file: string): void {
  try {
    const db = new Database(file, { fileMustExist: true });
    try {
      db.pragma('wal_checkpoint(TRUNCATE)');
    } finally {
      db.close();
    }
  } catch {
    // It is damaged, or not there: then it is moved as it is.
  }
}

/** Where a file of the backup goes. `configFile`: the config itself may have got another name. */
function placeOf(path: string, configFile: string, dataDir: string): string {
  if (path.startsWith('data/')) return join(dataDir, path.slice('data/'.length));
  if (path.startsWith('config/')) return join(dirname(configFile), path.slice('config/'.length));
  return targetOf(path);
}

/** The journal, and the config last: where it is, all is. */
function putIntoPlace(
  manifest: Manifest,
  { configFile, dataDir, staging }: Places,
  { move: moveIn }: Moves,
): void {
  const { files } = manifest;
  const own = ownConfig(manifest);
  const turnOf = ({ path }: BackedFile) => (path === own ? 2 : Number(path === JOURNAL));
  const sorted = files.toSorted((a, b) => turnOf(a) - turnOf(b));
  for (const { path, mode } of sorted) {
    const to = path === own ? configFile : placeOf(path, configFile, dataDir);
    makeFolder(dirname(to));
    moveIn(join(staging, path), to);
    chmodSync(to, mode);
    belongHere(to);
  }
  for (const folder of new Set([dirname(configFile), dataDir])) syncPath(folder);
}

function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

/** Over the border of a file system too: the config lies on another one than the data. */
function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    copyFileSync(from, `${to}.new`);
    syncPath(`${to}.new`);
    renameSync(`${to}.new`, to);
    rmSync(from);
  }
}
