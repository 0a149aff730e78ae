/**
 * Reads a backup to its end and checks each file of it. What comes out is nothing until all of it was found right: a backup
 * that was cut or changed is refused whole.
 *
 * age says who can read it, not who made it: the names in it are looked at as a stranger's (manifest.ts), and what puts them
 * into place (restore.ts) writes into the folders of the config and of the data only, unless it is told otherwise.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { say } from '../../config/language.ts';
import { AGE_MAGIC, openWith } from './age.ts';
import { type BackedFile, FORMAT, MANIFEST, type Manifest, manifestSchema } from './manifest.ts';

/** Where the files go while they are read. */
export interface Sink {
  /** Before the first file. @throws: nothing more is read. */
  begin(manifest: Manifest): void;
  file(of: BackedFile): { write(chunk: Buffer): void; end(): void };
}

const MANIFEST_MAX = 268_435_456;
const GZIP_MAGIC = [0x1f, 0x8b];

/** Whether it is encrypted. @throws Error with a sentence where it is no backup. */
export async function isSealed(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  const head = Buffer.alloc(AGE_MAGIC.length);
  try {
    await handle.read(head, 0, head.length, 0);
  } finally {
    await handle.close();
  }
  if (head.toString('latin1') === AGE_MAGIC) return true;
  if (GZIP_MAGIC.every((byte, i) => head[i] === byte)) return false;
  throw new Error(
    say(
      `${file} is no backup: give a file that \`campus-gateway backup\` made`,
      `${file} 不是备份文件：请给出 \`campus-gateway backup\` 生成的文件`,
    ),
  );
}

/**
 * @param identities private keys; of a plain backup none are needed.
 * @throws Error with a sentence: it is damaged, no key fits, or it is of another format.
 */
export async function readBackup(file: string, identities: readonly string[], sink: Sink): Promise<Manifest> {
  const sealed = await isSealed(file);
  const contents = createContents(sink);
  const feed = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) contents.write(chunk);
  };
  const opened = sealed ? [openWith(identities)] : [];
  try {
    await pipeline([createReadStream(file), ...opened, createGunzip(), feed] as never);
    return contents.end();
  } catch (error) {
    if (error instanceof RefusedError) throw error;
    const { message, syscall } = error as NodeJS.ErrnoException;
    // Of this machine's disks it says nothing about the backup.
    if (syscall !== undefined)
      throw new Error(
        say(
          `${file} could not be unpacked here, and nothing was put into place: look at the disk, or make room (${message})`,
          `无法在本机解开 ${file}，未恢复任何内容：请检查磁盘或腾出空间（${message}）`,
        ),
      );
    throw new Error(
      /no identity matched/.test(message)
        ? say(
            `this key does not open ${file}: give the private key of one of its recipients`,
            `该密钥无法打开 ${file}：请给出其接收方之一的私钥`,
          )
        : say(
            `${file} was cut or changed, and nothing of it was taken: use another backup (${message})`,
            `${file} 不完整或被改动，未采用其任何内容：请改用其他备份（${message}）`,
          ),
    );
  }
}

/** Said as it is. */
export class RefusedError extends Error {}

/** Files one after another, out of the pieces of an archive. All in one turn: what throws ends it. */
function createContents(sink: Sink) {
  let manifest: Manifest | undefined;
  let text: Buffer[] | undefined = [];
  const waiting = new Map<string, BackedFile>();
  let wrong: Error | undefined;

  const beManifest = (entry: ReadEntry) => {
    const parts = text ?? [];
    if (entry.size > MANIFEST_MAX) throw new Error('its list is too long');
    entry.on('data', (chunk: Buffer) => parts.push(chunk));
    entry.on('end', () =>
      guard(() => {
        text = undefined;
        manifest = readManifest(Buffer.concat(parts).toString());
        for (const one of manifest.files) waiting.set(one.path, one);
        sink.begin(manifest);
      }),
    );
  };
  const beFile = (entry: ReadEntry) => {
    const of = waiting.get(entry.path);
    if (of === undefined || entry.type !== 'File' || entry.size !== of.bytes)
      throw new Error(`${entry.path} is not as its list says`);
    waiting.delete(of.path);
    const hash = createHash('sha256');
    const to = sink.file(of);
    entry.on('data', (chunk: Buffer) =>
      guard(() => {
        hash.update(chunk);
        to.write(chunk);
      }),
    );
    entry.on('end', () =>
      guard(() => {
        to.end();
        if (hash.digest('hex') !== of.sha256) throw new Error(`${of.path} is not as its list says`);
      }),
    );
  };
  const guard = (run: () => void) => {
    if (wrong !== undefined) return;
    try {
      run();
    } catch (error) {
      wrong = error as Error;
    }
  };
  const parser = new Parser({ strict: true });
  parser.on('error', (error: Error) => {
    wrong ??= error;
  });
  parser.on('entry', (entry: ReadEntry) => {
    guard(() => {
      if (text !== undefined && entry.path === MANIFEST) beManifest(entry);
      else if (manifest === undefined) throw new Error('its list is not at its beginning');
      else beFile(entry);
    });
    entry.resume();
  });
  const check = () => {
    if (wrong !== undefined) throw wrong;
  };
  return {
    write(chunk: Buffer) {
      parser.write(chunk);
      check();
    },
    end(): Manifest {
      parser.end();
      check();
      if (manifest === undefined || waiting.size > 0) throw new Error('it ends too early');
      return manifest;
    },
  };
}

function readManifest(text: string): Manifest {
  const written = JSON.parse(text) as { readonly format?: unknown; readonly version?: unknown };
  if (typeof written.format === 'number' && written.format > FORMAT)
    throw new RefusedError(
      say(
        `the backup was made by version ${String(written.version)}, whose backups this one does not know: install that version or a later one`,
        `备份由版本 ${String(written.version)} 生成，本版本无法读取：请安装该版本或更新的版本`,
      ),
    );
  return manifestSchema.parse(written);
}
