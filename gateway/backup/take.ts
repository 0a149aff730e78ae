/**
 * Makes a backup of a data folder and its config, whether a gateway runs on them or not. In a thread of its own, for the
 * daemon (index.ts), or as a command.
 *
 *   copies beside the journal -> tar -> gzip -> age -> OUT.partial -> fsync -> OUT
 *
 * All is copied first, and its hashes stand at the beginning: what is packed is what the manifest says. At any crash OUT is
 * there whole, or not at all.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, link, open, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { hostname, setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isMainThread } from 'node:worker_threads';
import { createGzip } from 'node:zlib';
import { create } from 'tar';
import { say } from '../../config/language.ts';
import { openReader } from '../journal/reader.ts';
import { createPrivate, makeFolder, PRIVATE_FILE } from '../lifecycle/private-files.ts';
import { version } from '../version.ts';
import { sealFor } from './age.ts';
import { configFiles, dataFiles, type Source } from './contents.ts';
import { copyDatabase } from './journal-copy.ts';
import { clearAway } from './leftovers.ts';
import { type BackedFile, FORMAT, JOURNAL, MANIFEST, type Manifest } from './manifest.ts';

export interface Taking {
  /** Absolute. */
  readonly configFile: string;
  /** The file with the text that goes in as the config; undefined: itself. A wrong one would be none to be restored. */
  readonly configText?: string | undefined;
  readonly dataDir: string;
  readonly campus: { readonly id: string; readonly name: string };
  /** The file that it becomes, absolute. One of that name is replaced. */
  readonly out: string;
  /** Public keys; none: it is not encrypted. */
  readonly recipients: readonly string[];
  readonly clips: boolean;
  /** Where backups lie: they are not in one. */
  readonly without?: string | undefined;
  /** Free disk that the copies may not touch, bytes. */
  readonly lowDisk: number;
  /** Epoch ms. */
  readonly at: number;
}

export interface Taken {
  readonly file: string;
  readonly bytes: number;
  readonly files: number;
  /** The highest number of the journal in it. */
  readonly last: number;
  readonly environment: readonly string[];
  readonly left: Manifest['left'];
}

/** One at a time in a process. @throws Error with a sentence for people; what the disk says. */
export async function takeBackup(taking: Taking): Promise<Taken> {
  const { dataDir, out, at, recipients } = taking;
  if (!isMainThread) stepBack();
  await clearAway(dataDir);
  const staging = join(dataDir, `backup.partial-${process.pid}-${randomBytes(4).toString('hex')}`);
  const partial = `${out}.partial`;
  try {
    const { sources, ...known } = look(taking);
    await refuseWithoutRoom(taking, sources);
    makeFolder(staging);
    const files = await copyAll(sources, staging, at);
    const manifest: Manifest = {
      ...{ format: FORMAT, version, at: new Date(at).toISOString(), campus: taking.campus, host: hostname() },
      ...{ configFile: taking.configFile, ...known, files, journal: ofJournal(join(staging, JOURNAL)) },
    };
    await writeFile(join(staging, MANIFEST), JSON.stringify(manifest), { mode: PRIVATE_FILE });
    makeFolder(dirname(out));
    // One that was left over may be readable by others.
    await rm(partial, { force: true });
    createPrivate(partial);
    const names = [MANIFEST, ...files.map(({ path }) => path)];
    const packed = create({ cwd: staging, portable: true, noDirRecurse: true, strict: true }, names);
    const sealed = recipients.length === 0 ? [] : [sealFor(recipients)];
    await pipeline([packed, createGzip(), ...sealed, createWriteStream(partial)] as never);
    await settle(partial, out);
    const { environment, left, journal } = manifest;
    const { size: bytes } = await stat(out);
    return { file: out, bytes, files: files.length, last: journal.last, environment, left };
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    throw error;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** What is urgent goes first. On Linux it is of this thread alone. */
function stepBack() {
  try {
    setPriority(0, 10);
  } catch {
    // The unit of the package lets nobody change that.
  }
}

function look({ configFile, configText, dataDir, clips, without }: Taking) {
  const config = configFiles(configFile, configText);
  const data = dataFiles(dataDir, { clips, without });
  if (!data.files.some(({ path }) => path === JOURNAL))
    throw new Error(
      say(
        `there is no journal in ${dataDir}: is it the data folder of this config?`,
        `${dataDir} 中没有事件日志：该目录是此配置的数据目录吗？`,
      ),
    );
  const sources = [...config.files, ...data.files];
  return { sources, dataDir: config.dataDir, environment: [...config.environment], left: [...data.left] };
}

async function refuseWithoutRoom({ dataDir, lowDisk }: Taking, sources: readonly Source[]): Promise<void> {
  const sizes = await Promise.all(
    sources
      .filter(({ path }) => path.endsWith('.sqlite'))
      .map(({ file }) => stat(file).then(({ size }) => size)),
  );
  const needed = sizes.reduce((sum, size) => sum + size, 0);
  const { bavail, bsize } = await statfs(dataDir);
  if (bavail * bsize - needed >= lowDisk) return;
  const [free, most] = [inMegabytes(bavail * bsize), inMegabytes(needed + lowDisk)];
  throw new Error(
    say(
      `the disk of ${dataDir} has ${free} MB free, and a copy of the journal would leave less than \`retention.lowDisk\`: make room, ${most} MB in all`,
      `${dataDir} 所在磁盘可用 ${free} MB，复制事件日志后将低于 \`retention.lowDisk\`：请腾出空间，共需 ${most} MB`,
    ),
  );
}
const inMegabytes = (bytes: number) => Math.ceil(bytes / 1_000_000);

/** Copies; pictures, which nobody writes into, only get a second name. */
async function copyAll(sources: readonly Source[], staging: string, at: number): Promise<BackedFile[]> {
  const files: BackedFile[] = [];
  for (const { file, path, mode } of sources) {
    const to = join(staging, path);
    makeFolder(dirname(to));
    try {
      if (path.endsWith('.sqlite')) await copyDatabase(file, to, path === JOURNAL ? at : undefined);
      else if (/^data\/(media|clips)\//.test(path)) await link(file, to).catch(() => copyFile(file, to));
      else await copyFile(file, to);
    } catch (error) {
      // Retention took it meanwhile, or it was replaced. Of the config all must be there.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && path.startsWith('data/')) continue;
      throw error;
    }
    files.push({ path, mode, ...(await hashOf(to)) });
  }
  return files;
}

async function hashOf(file: string): Promise<Pick<BackedFile, 'bytes' | 'sha256'>> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

function ofJournal(file: string): Manifest['journal'] {
  const reader = openReader(file);
  try {
    return { id: reader.journalId, last: reader.last(), schema: reader.version };
  } finally {
    reader.close();
  }
}

/** On disk, under its name. */
async function settle(partial: string, out: string): Promise<void> {
  for (const [path, then] of [
    [partial, () => rename(partial, out)],
    [dirname(out), async () => {}],
  ] as const) {
    const handle = await open(path, 'r');
    await handle.sync().finally(() => handle.close());
    await then();
  }
}
