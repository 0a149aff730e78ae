/**
 * The plan of the campus beside the journal: the places, and the picture that they lie on, each file whole or not there.
 *
 *   console.plan.json         version, which picture, the places
 *   console.plan.SHA256.png   the picture; named by its content, so that the other file names one that is there
 *
 * A new picture is written first, then the file that names it, and the old one goes last: a power cut leaves the plan as
 * it was, or as it is now. What cannot be read is set aside, never deleted, and the plan begins anew.
 */
import { createHash } from 'node:crypto';
import { chmod, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Log } from '../../drivers/contract/driver.ts';
import { loadBytesOf } from '../../drivers/files.ts';
import { PRIVATE_FILE, PRIVATE_FOLDER } from '../lifecycle/private-files.ts';
import { PLACES_MAX, type Place, placeSchema } from './contract/plan.ts';
import { type PictureHead, readPictureHead } from './picture-head.ts';

/** Of a picture, bytes: a drawing of A1 at 150 dpi as PNG, with room. It must come within the 10 s of a request. */
export const PLAN_PICTURE_MAX = 8_388_608;
/** Pixels: what Chromium and Firefox decode on a machine with 4 GB (their own limits are higher). */
const SIDE_MAX = 12_000;
const PIXELS_MAX = 60_000_000;
/** 1000 places of 400 bytes at most. */
const FILE_MAX = 1_048_576;

export interface SavedPlan {
  readonly version: number;
  readonly picture: (PictureHead & { readonly id: string }) | null;
  readonly places: readonly Place[];
}

/**
 * `not-a-picture`: none of the types, or cut off. `too-many-pixels`: no browser would show it well. `changed-meanwhile`:
 * somebody else saved. `no-picture`: places need something to lie on.
 */
export class PlanError extends Error {
  readonly code: 'not-a-picture' | 'too-many-pixels' | 'changed-meanwhile' | 'no-picture';
  constructor(code: PlanError['code'], options?: ErrorOptions) {
    super(code, options);
    this.name = 'PlanError';
    this.code = code;
  }
}

export interface PlanStore {
  load(): Promise<SavedPlan>;
  /** The file of the picture of this id; undefined: it is not that of the plan. */
  pictureFile(id: string): Promise<{ readonly path: string; readonly contentType: string } | undefined>;
  /** The places stay where they are. @throws PlanError, what the disk says. */
  savePicture(bytes: Buffer): Promise<SavedPlan>;
  /** The places go with it. @throws what the disk says. */
  removePicture(): Promise<SavedPlan>;
  /** @throws PlanError, what the disk says. */
  savePlaces(version: number, places: readonly Place[]): Promise<SavedPlan>;
}

const saved = z.strictObject({
  version: z.int().min(0),
  picture: z
    .strictObject({
      id: z.string().regex(/^[0-9a-f]{64}$/),
      contentType: z.enum(['image/png', 'image/jpeg', 'image/webp']),
      width: z.int(),
      height: z.int(),
    })
    .nullable(),
  places: z.array(placeSchema).max(PLACES_MAX),
});

const EMPTY: SavedPlan = { version: 0, picture: null, places: [] };
const NAME = 'console.plan.json';
const ends = { 'image/png': 'png', 'image/jpeg': 'jpg', 'image/webp': 'webp' } as const;
const isPicture = /^console\.plan\.[0-9a-f]{64}\.(png|jpg|webp)$/;
const pictureName = ({ id, contentType }: NonNullable<SavedPlan['picture']>) =>
  `console.plan.${id}.${ends[contentType]}`;

/** Reads and writes one at a time, so that what one saves stands on what the other saved. */
export function createPlanStore(dataDir: string, log: Log): PlanStore {
  const file = join(dataDir, NAME);
  let known: SavedPlan | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const result = last.then(run);
    last = result.catch(() => {});
    return result;
  };

  const read = async (): Promise<SavedPlan> => {
    if (known !== undefined) return known;
    const text = await loadBytesOf(file, FILE_MAX).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    known = text === undefined ? EMPTY : (parsed(text.toString()) ?? (await setAside()));
    return known;
  };
  const setAside = async (): Promise<SavedPlan> => {
    const aside = `${file}.unreadable`;
    await rename(file, aside);
    log.error(
      { file, aside },
      'the plan of the campus cannot be read: it is set aside, and an empty one begins',
    );
    return EMPTY;
  };
  const write = async (next: SavedPlan): Promise<SavedPlan> => {
    await writeWhole(dataDir, NAME, Buffer.from(`${JSON.stringify(next)}\n`));
    known = next;
    return next;
  };
  /** What an earlier plan, or a power cut, left. It stays where the disk refuses: the plan is good all the same. */
  const sweep = async ({ picture }: SavedPlan) => {
    const kept = picture === null ? undefined : pictureName(picture);
    for (const name of await readdir(dataDir).catch(() => []))
      if (isPicture.test(name) && name !== kept)
        await rm(join(dataDir, name), { force: true }).catch(() => {});
  };
  return {
    load: () => inTurn(read),
    async pictureFile(id) {
      const { picture } = await inTurn(read);
      if (picture === null || picture.id !== id) return undefined;
      return { path: join(dataDir, pictureName(picture)), contentType: picture.contentType };
    },
    savePicture: (bytes) =>
      inTurn(async () => {
        const head = readPictureHead(bytes);
        if (head === undefined) throw new PlanError('not-a-picture');
        const { width, height } = head;
        if (width > SIDE_MAX || height > SIDE_MAX || width * height > PIXELS_MAX)
          throw new PlanError('too-many-pixels');
        const before = await read();
        const picture = { id: createHash('sha256').update(bytes).digest('hex'), ...head };
        await writeWhole(dataDir, pictureName(picture), bytes);
        const next = await write({ ...before, version: before.version + 1, picture });
        await sweep(next);
        return next;
      }),
    removePicture: () =>
      inTurn(async () => {
        const before = await read();
        const next = await write({ version: before.version + 1, picture: null, places: [] });
        await sweep(next);
        return next;
      }),
    savePlaces: (version, places) =>
      inTurn(async () => {
        const before = await read();
        if (before.version !== version) throw new PlanError('changed-meanwhile');
        if (before.picture === null && places.length > 0) throw new PlanError('no-picture');
        return await write({ ...before, version: version + 1, places });
      }),
  };
}

function parsed(text: string): SavedPlan | undefined {
  try {
    return saved.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Whole and fsynced, readable by the gateway's user alone, or not at all. @throws what the disk says. */
async function writeWhole(directory: string, name: string, bytes: Uint8Array): Promise<void> {
  const partial = join(directory, `${name}.new`);
  await mkdir(directory, { recursive: true, mode: PRIVATE_FOLDER });
  const handle = await open(partial, 'w', PRIVATE_FILE);
  try {
    // One that was left over may be readable by others.
    await chmod(partial, PRIVATE_FILE);
    await handle.writeFile(bytes);
    await handle.sync();
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    throw error;
  } finally {
    await handle.close();
  }
  await rename(partial, join(directory, name));
  const folder = await open(directory, 'r');
  await folder.sync().finally(() => folder.close());
}
