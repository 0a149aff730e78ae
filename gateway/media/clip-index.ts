/**
 * Which clips are kept, of which camera and when. It stands on disk beside each of them, survives restarts, and goes with
 * them. Clips from before it was kept are not in it.
 */
import { z } from 'zod';
import type { Clip } from '../../drivers/contract/media.ts';
import { findMedia, loadAbouts, writeAbout } from './files.ts';

/** Epoch ms. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const about = z.strictObject({
  camera: z.string(),
  from: z.number(),
  to: z.number(),
  event: z.string().optional(),
});
type AboutClip = z.output<typeof about>;

export function createClipIndex(directory: string) {
  let loading: Promise<Map<string, AboutClip>> | undefined;
  const load = async () => {
    const known = new Map<string, AboutClip>();
    for (const [reference, found] of await loadAbouts(directory)) {
      const { data } = about.safeParse(found);
      if (data !== undefined) known.set(reference, data);
    }
    return known;
  };
  const all = () => {
    loading ??= load();
    return loading;
  };
  return {
    /**
     * Keeps what a clip is of, at `at`, and then the clip by `write`: what is beside nothing goes by its age, and a clip of
     * nothing would not be found. @throws what the disk says.
     */
    async keep(reference: string, clip: AboutClip, at: number, write: () => Promise<void>): Promise<void> {
      await writeAbout(directory, reference, clip, at);
      await write();
      (await all()).set(reference, clip);
    },
    /** Those of a camera that overlap this time, epoch ms, the oldest first. */
    async find(camera: string, from: number, to: number): Promise<readonly Clip[]> {
      const known = await all();
      const found: Clip[] = [];
      for (const [id, clip] of known) {
        if (clip.camera !== camera || clip.from > to || clip.to < from) continue;
        const file = await findMedia(directory, id);
        if (file === undefined) known.delete(id);
        else found.push({ id, ...clip, bytes: file.bytes });
      }
      return found.sort((a, b) => a.from - b.from);
    },
  };
}
