/**
 * Pictures and clips beside the journal, kept within their own days and bytes.
 *
 * What platforms may have goes to them in the bulk lane, a piece an event: the lane's cursor makes it resumable, and
 * no alarm waits for it. The pieces hold a reference on disk; their content joins them when they are sent.
 */
import { createHash } from 'node:crypto';
import { readEvent } from '../../config/catalogue/events.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Clip } from '../../drivers/contract/media.ts';
import type { Journal } from '../journal/index.ts';
import type { Part } from '../lifecycle/part.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Metrics } from '../observe/metrics.ts';
import { type MediaAbout, mediaEvent } from '../road/event.ts';
import type { Recorder } from '../road/recorder.ts';
import { createClipIndex, type Span } from './clip-index.ts';
import {
  findMedia,
  keptTypeOf,
  loadMedia,
  readPiece,
  removeMedia,
  removeOldMedia,
  removePartial,
  writeMedia,
} from './files.ts';

/** A picture or a clip. */
export interface Content {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

export interface About {
  readonly event?: string | undefined;
  /** When a clip begins and ends, epoch ms. */
  readonly span?: Span | undefined;
}

export interface MediaStore extends Part {
  start(): void;
  /**
   * Writes a picture or a clip, fsynced, and lets it go to platforms. `about`: it is told, of the alarm `event` where it
   * is of one.
   * @returns its reference. @throws what the disk says.
   */
  keep(device: string, content: Content, about?: About): Promise<string>;
  /** The clips that are kept of a camera and overlap this time, epoch ms, the oldest first. */
  clips(camera: string, from: number, to: number): Promise<readonly Clip[]>;
  /** Where a file is, and its length in bytes; undefined: it is not there any more. */
  find(
    reference: string,
  ): Promise<{ readonly path: string; readonly contentType: string; readonly bytes: number } | undefined>;
  /** What is in a file; undefined: it is not there any more. @throws what the disk says. */
  load(reference: string): Promise<{ readonly contentType: string; readonly bytes: Buffer } | undefined>;
  /** The content of a piece of the bulk lane, base64; undefined: it is not there any more. */
  contentOf(body: string): Promise<string | undefined>;
  remove(references: readonly string[]): Promise<void>;
  /** Removes what is too old, and the oldest where there is too much. */
  sweep(): Promise<void>;
}

export interface MediaStoreOptions {
  readonly campusId: string;
  readonly directory: string;
  /** ms. */
  readonly keep: number;
  /** Bytes. */
  readonly budget: number;
  /** Whether any platform may have pictures. */
  readonly wanted: boolean;
  readonly journal: Pick<Journal, 'append'>;
  readonly recordMedia: Recorder['recordMedia'];
  readonly clock: Pick<WallClock, 'now' | 'synchronised'>;
  readonly time: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Fits every broker that we know: the smallest limits are 128 KB, and base64 makes 4 bytes of 3. */
export const PIECE_BYTES = 48_000;
const PARTIAL_MS = 3_600_000;
const SWEEP_EVERY_MS = 600_000;

export function createMediaStore(options: MediaStoreOptions): MediaStore {
  const { directory, wanted, recordMedia, clock, time, log, metrics } = options;
  const index = createClipIndex(directory);
  let timer: Timer | undefined;
  const sweep = async () => {
    await removePartial(directory, time.wall() - PARTIAL_MS);
    const before = clock.now() - options.keep;
    const { removed, bytes } = await removeOldMedia(directory, { before, budget: options.budget });
    metrics.mediaBytes.set(bytes);
    if (removed > 0) log.info({ removed }, 'old pictures were removed');
  };
  return {
    async keep(device, { contentType: given, bytes }, about) {
      const contentType = keptTypeOf(given);
      if (contentType === undefined) throw new Error(`pictures of the type ${given} are not kept`);
      const reference = createHash('sha256').update(bytes).digest('hex');
      const at = clock.now();
      const write = () => writeMedia(directory, { reference, contentType, bytes, at });
      if (about?.span === undefined) await write();
      else await index.keep(reference, { camera: device, ...about.span, event: about.event }, at, write);
      metrics.mediaKept.inc();
      const whole = {
        device,
        picture: reference,
        contentType,
        bytes: bytes.length,
        parts: Math.max(1, Math.ceil(bytes.length / PIECE_BYTES)),
        event: about?.event,
      };
      if (about !== undefined) await recordMedia(whole);
      if (wanted)
        appendPieces(whole, options).catch((error: Error) =>
          log.warn({ device, picture: reference, error: error.message }, 'a picture stays on the campus'),
        );
      return reference;
    },
    clips: index.find,
    find: (reference) => findMedia(directory, reference),
    async load(reference) {
      const found = await findMedia(directory, reference);
      const bytes = found && (await loadMedia(found.path));
      return bytes && { contentType: found.contentType, bytes };
    },
    async contentOf(body) {
      const { picture, part } = (readEvent(body)?.data ?? {}) as Partial<MediaAbout>;
      const found = picture === undefined ? undefined : await findMedia(directory, picture);
      if (found === undefined || part === undefined) return undefined;
      const piece = await readPiece(found.path, (part - 1) * PIECE_BYTES, PIECE_BYTES);
      return piece?.toString('base64');
    },
    remove: (references) => removeMedia(directory, references),
    sweep,
    start() {
      timer = time.every(SWEEP_EVERY_MS, () => {
        sweep().catch((error: Error) => log.error({ error: error.message }, 'old pictures stay'));
      });
    },
    async [Symbol.asyncDispose]() {
      timer?.stop();
    },
  };
}

/** The pieces of a picture to the bulk lane, by reference. @throws what the journal throws. */
async function appendPieces(
  about: Omit<MediaAbout, 'part'>,
  { journal, campusId, clock }: Pick<MediaStoreOptions, 'journal' | 'campusId' | 'clock'>,
): Promise<void> {
  for (let part = 1; part <= about.parts; part++) {
    const now = clock.now();
    const event = mediaEvent(
      'media.piece',
      { ...about, part },
      { campusId, now, synchronised: clock.synchronised() },
    );
    await journal.append({
      id: event.id,
      lane: 'bulk',
      seenAt: now,
      type: 'media.piece',
      device: about.device,
      body: JSON.stringify(event),
    });
  }
}
