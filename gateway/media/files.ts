/**
 * Pictures and clips as files: named by their SHA-256, in a folder for each of its first two digits. Beside a clip is what it
 * is of, as JSON; the two come and go together.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { loadBytesOf } from '../../drivers/files.ts';
import { PRIVATE_FILE, PRIVATE_FOLDER } from '../lifecycle/private-files.ts';

/** A picture or a clip is no larger, bytes: 20 s of a camera at 25 Mbit/s. */
export const MEDIA_MAX = 67_108_864;

const extensions: Readonly<Record<string, string>> = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'video/mp4': 'mp4',
};

/** How the name of what a clip is of ends, and the bytes that it has at most. */
const ABOUT = 'json';
const ABOUT_MAX = 4096;

const folderOf = (directory: string, reference: string) => join(directory, reference.slice(0, 2));
const pathOf = (directory: string, reference: string, end: string) =>
  join(folderOf(directory, reference), `${reference}.${end}`);

/** One of the types that are kept; undefined: it is none of them. */
export function keptTypeOf(contentType: string): string | undefined {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const known = type === 'image/jpg' ? 'image/jpeg' : type;
  return Object.hasOwn(extensions, known) ? known : undefined;
}

/** Where a file is; undefined: it is not there any more. */
export async function findMedia(
  directory: string,
  reference: string,
): Promise<{ readonly path: string; readonly contentType: string; readonly bytes: number } | undefined> {
  if (!/^[0-9a-f]{64}$/.test(reference)) return undefined;
  for (const [contentType, end] of Object.entries(extensions)) {
    const path = pathOf(directory, reference, end);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined) return { path, contentType, bytes: found.size };
  }
  return undefined;
}

/** Whole and fsynced, or not at all. `contentType`: one that is kept; `at`: when, epoch ms. @throws what the disk says. */
export async function writeMedia(
  directory: string,
  {
    reference,
    contentType,
    bytes,
    at,
  }: {
    readonly reference: string;
    readonly contentType: string;
    readonly bytes: Uint8Array;
    readonly at: number;
  },
): Promise<void> {
  await writeWhole(directory, { reference, end: extensions[contentType] ?? '', bytes, at });
}

/** What a clip is of, to be written before it. @throws what the disk says. */
export const writeAbout = (directory: string, reference: string, about: object, at: number): Promise<void> =>
  writeWhole(directory, { reference, end: ABOUT, bytes: Buffer.from(JSON.stringify(about)), at });

/** What `writeAbout` wrote of all clips, by reference; of those alone that can be read. */
export async function loadAbouts(directory: string): Promise<ReadonlyMap<string, unknown>> {
  const found = new Map<string, unknown>();
  for (const folder of await readdir(directory).catch(() => []))
    for (const name of await readdir(join(directory, folder)).catch(() => [])) {
      const [, reference] = /^([0-9a-f]{64})\.json$/.exec(name) ?? [];
      if (reference === undefined) continue;
      const bytes = await loadBytesOf(join(directory, folder, name), ABOUT_MAX).catch(() => '');
      const about = parsed(bytes.toString());
      if (about !== undefined) found.set(reference, about);
    }
  return found;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function writeWhole(
  directory: string,
  {
    reference,
    end,
    bytes,
    at,
  }: {
    readonly reference: string;
    readonly end: string;
    readonly bytes: Uint8Array;
    readonly at: number;
  },
): Promise<void> {
  const path = pathOf(directory, reference, end);
  await mkdir(folderOf(directory, reference), { recursive: true, mode: PRIVATE_FOLDER });
  const partial = join(directory, `${randomUUID()}.partial`);
  const file = await open(partial, 'wx', PRIVATE_FILE);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await rename(partial, path);
  // Old ones go by this time, which must be of the gateway's clock.
  const when = new Date(at);
  await utimes(path, when, when);
}

/** All of a file; undefined: it went meanwhile. @throws what the disk says. */
export async function loadMedia(path: string): Promise<Buffer | undefined> {
  try {
    return await loadBytesOf(path, MEDIA_MAX);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** `length` bytes of a file from `from` on, fewer at its end; undefined: it cannot be read. */
export async function readPiece(path: string, from: number, length: number): Promise<Buffer | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await file.read(buffer, 0, length, from);
    return buffer.subarray(0, bytesRead);
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}

/** Removes files, where they are there. */
export async function removeMedia(directory: string, references: readonly string[]): Promise<void> {
  for (const reference of references)
    for (const end of [...Object.values(extensions), ABOUT])
      await rm(pathOf(directory, reference, end), { force: true });
}

/** Removes what a power cut left half written before `before`, epoch ms. */
export async function removePartial(directory: string, before: number): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    const path = join(directory, name);
    const found = name.endsWith('.partial') ? await stat(path).catch(() => undefined) : undefined;
    if (found !== undefined && found.mtimeMs < before) await rm(path, { force: true });
  }
}

/**
 * Removes what is from before `before`, epoch ms, and the oldest as long as all take more than `budget` bytes.
 * @returns how many, and the bytes that stay.
 */
export async function removeOldMedia(
  directory: string,
  { before, budget }: { readonly before: number; readonly budget: number },
): Promise<{ readonly removed: number; readonly bytes: number }> {
  const all = await listMedia(directory);
  let bytes = all.reduce((sum, one) => sum + one.bytes, 0);
  let removed = 0;
  for (const one of all) {
    if (bytes <= budget && one.at >= before) continue;
    for (const path of one.paths) await rm(path, { force: true });
    bytes -= one.bytes;
    removed++;
  }
  return { removed, bytes };
}

/** A picture or a clip with what is beside it, the oldest first. */
async function listMedia(directory: string) {
  const found = new Map<string, { paths: string[]; bytes: number; at: number }>();
  for (const folder of await readdir(directory).catch(() => [])) {
    for (const name of await readdir(join(directory, folder)).catch(() => [])) {
      const path = join(directory, folder, name);
      const { size, mtimeMs } = await stat(path).catch(() => ({ size: 0, mtimeMs: 0 }));
      const [reference = ''] = name.split('.', 1);
      const one = found.get(reference) ?? { paths: [], bytes: 0, at: 0 };
      one.paths.push(path);
      one.bytes += size;
      one.at = Math.max(one.at, mtimeMs);
      found.set(reference, one);
    }
  }
  return [...found.values()].sort((a, b) => a.at - b.at);
}
