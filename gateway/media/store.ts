/**
 * Pictures and clips beside the journal: files named by their SHA-256, kept within their own days and bytes.
 *
 * What platforms may have goes to them in the bulk lane, a piece an event: the lane's cursor makes it resumable, and
 * no alarm waits for it. The pieces hold a reference on disk; their content joins them when they are sent.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { readEvent } from '../../config/catalogue/events.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Journal } from '../journal/index.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Metrics } from '../observe/metrics.ts';
import { type EventContext, type MediaAbout, mediaEvent } from '../road/event.ts';
import type { Recorder } from '../road/recorder.ts';

export interface Media {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

export interface MediaStore {
  /**
   * Writes a picture or a clip, fsynced, and lets it go to platforms. `about`: it is told, of the alarm `event` where it
   * is of one.
   * @returns its reference. @throws what the disk says.
   */
  keep(device: string, media: Media, about?: { readonly event?: string | undefined }): Promise<string>;
  /** Where a file is; undefined: it is not there any more. */
  find(reference: string): Promise<{ readonly path: string; readonly contentType: string } | undefined>;
  /** The content of a piece of the bulk lane, base64; undefined: it is not there any more. */
  contentOf(body: string): Promise<string | undefined>;
  remove(references: readonly string[]): Promise<void>;
  /** Removes what is too old, and the oldest where there is too much. */
  sweep(): Promise<void>;
  close(): void;
}

const extensions: Readonly<Record<string, string>> = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'video/mp4': 'mp4',
};
const contentTypes = Object.fromEntries(Object.entries(extensions).map(([type, end]) => [end, type]));
/** Fits every broker that we know: the smallest limits are 128 KB, and base64 makes 4 bytes of 3. */
export const PIECE_BYTES = 48_000;
const PARTIAL_MS = 3_600_000;
const SWEEP_EVERY_MS = 600_000;

const folderOf = (directory: string, reference: string) => join(directory, reference.slice(0, 2));
const pathOf = (directory: string, reference: string, end: string) =>
  join(folderOf(directory, reference), `${reference}.${end}`);

/** Removes files, where they are there. */
export async function removeMedia(directory: string, references: readonly string[]): Promise<void> {
  for (const reference of references)
    for (const end of Object.values(extensions)) await rm(pathOf(directory, reference, end), { force: true });
}

export function createMediaStore(options: {
  readonly directory: string;
  /** ms. */
  readonly keep: number;
  /** Bytes. */
  readonly budget: number;
  /** Whether any platform may have pictures. */
  readonly wanted: boolean;
  readonly journal: Pick<Journal, 'append'>;
  readonly recordMedia: Recorder['recordMedia'];
  readonly context: () => EventContext;
  readonly clock: Pick<WallClock, 'now'>;
  readonly log: Log;
  readonly metrics: Metrics;
}): MediaStore {
  const { directory, keep, budget, wanted, journal, recordMedia, context, clock, log, metrics } = options;
  const find = async (reference: string) => {
    if (!/^[0-9a-f]{64}$/.test(reference)) return undefined;
    for (const [contentType, end] of Object.entries(extensions)) {
      const path = pathOf(directory, reference, end);
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined) return { path, contentType, bytes: found.size };
    }
    return undefined;
  };

  const write = async (reference: string, end: string, bytes: Uint8Array) => {
    const path = pathOf(directory, reference, end);
    await mkdir(folderOf(directory, reference), { recursive: true, mode: 0o750 });
    const partial = join(directory, `${randomUUID()}.partial`);
    const file = await open(partial, 'wx', 0o640);
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
    const now = new Date(clock.now());
    await utimes(path, now, now);
  };

  const announce = async (about: Omit<MediaAbout, 'part'>) => {
    for (let part = 1; part <= about.parts; part++) {
      const event = mediaEvent('media.piece', { ...about, part }, context());
      await journal.append({
        id: event.id,
        lane: 'bulk',
        seenAt: clock.now(),
        type: 'media.piece',
        device: about.device,
        body: JSON.stringify(event),
      });
    }
  };

  const files = async () => {
    const folders = await readdir(directory).catch(() => []);
    const found: { path: string; bytes: number; at: number }[] = [];
    for (const folder of folders) {
      for (const name of await readdir(join(directory, folder)).catch(() => [])) {
        const path = join(directory, folder, name);
        const { size, mtimeMs } = await stat(path).catch(() => ({ size: 0, mtimeMs: 0 }));
        found.push({ path, bytes: size, at: mtimeMs });
      }
    }
    return found.sort((a, b) => a.at - b.at);
  };
  const sweep = async () => {
    // What a power cut left half written.
    for (const name of await readdir(directory).catch(() => [])) {
      const path = join(directory, name);
      const found = name.endsWith('.partial') ? await stat(path).catch(() => undefined) : undefined;
      if (found !== undefined && found.mtimeMs < Date.now() - PARTIAL_MS) await rm(path, { force: true });
    }
    const all = await files();
    let bytes = all.reduce((sum, one) => sum + one.bytes, 0);
    const before = clock.now() - keep;
    let removed = 0;
    for (const one of all) {
      if (bytes <= budget && one.at >= before) continue;
      await rm(one.path, { force: true });
      bytes -= one.bytes;
      removed++;
    }
    metrics.mediaBytes.set(bytes);
    if (removed > 0) log.info({ removed }, 'old pictures were removed');
  };
  const timer = setInterval(
    () => void sweep().catch((error: Error) => log.error({ error: error.message }, 'old pictures stay')),
    SWEEP_EVERY_MS,
  ).unref();

  return {
    async keep(device, { contentType, bytes }, about) {
      const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
      const end = extensions[type === 'image/jpg' ? 'image/jpeg' : type];
      if (end === undefined) throw new Error(`pictures of the type ${type} are not kept`);
      const reference = createHash('sha256').update(bytes).digest('hex');
      await write(reference, end, bytes);
      metrics.mediaKept.inc();
      const whole = {
        device,
        picture: reference,
        contentType: contentTypes[end] ?? type,
        bytes: bytes.length,
        parts: Math.max(1, Math.ceil(bytes.length / PIECE_BYTES)),
        event: about?.event,
      };
      if (about !== undefined) await recordMedia(whole);
      if (wanted)
        announce(whole).catch((error: Error) =>
          log.warn({ device, picture: reference, error: error.message }, 'a picture stays on the campus'),
        );
      return reference;
    },
    find,
    async contentOf(body) {
      const { picture, part } = (readEvent(body)?.data ?? {}) as Partial<MediaAbout>;
      const found = picture === undefined ? undefined : await find(picture);
      if (found === undefined || part === undefined) return undefined;
      const file = await open(found.path, 'r').catch(() => undefined);
      if (file === undefined) return undefined;
      try {
        const buffer = Buffer.alloc(PIECE_BYTES);
        const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES, (part - 1) * PIECE_BYTES);
        return buffer.toString('base64', 0, bytesRead);
      } catch {
        return undefined;
      } finally {
        await file.close();
      }
    },
    remove: (references) => removeMedia(directory, references),
    sweep,
    close: () => clearInterval(timer),
  };
}
