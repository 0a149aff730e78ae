/** What cameras see: pictures and clips that are kept, live pictures, streams for platforms. */
import { join } from 'node:path';
import type { Registry } from '../../config/catalogue/actions.ts';
import { wantsOf } from '../../config/catalogue/filter.ts';
import type { Config } from '../../config/schema.ts';
import type { CameraMedia } from '../../drivers/contract/media.ts';
import type { Transport } from '../../drivers/contract/transport.ts';
import type { Commands } from '../commands/index.ts';
import type { Part } from '../lifecycle/part.ts';
import { createParts } from '../lifecycle/parts.ts';
import { openClip } from './clip-file.ts';
import { createClips } from './clips.ts';
import { createLive, type Live } from './live.ts';
import { playClip } from './playing.ts';
import { createPushes, type Pushes } from './push.ts';
import { createMediaStore, type MediaStore, type MediaStoreOptions } from './store.ts';

export interface MediaContext
  extends Pick<MediaStoreOptions, 'journal' | 'recordMedia' | 'clock' | 'time' | 'log' | 'metrics'> {
  readonly commands: Pick<Commands, 'askPart'>;
  readonly registry: Registry;
  readonly transports: readonly Transport[];
  /** The devices that take pictures. */
  readonly cameras: readonly string[];
}

export interface Media extends Part, Pick<MediaStore, 'keep' | 'find' | 'contentOf' | 'remove'> {
  readonly view: Live['view'];
  /** For platforms. */
  readonly ofCameras: CameraMedia;
  /** The streams that are on their way to platforms. */
  readonly pushes: Pushes['list'];
}

/** What platforms want of media: pieces of pictures and clips, and sound. */
export const mediaNeeds = (uplinks: Config['uplinks'], transports: MediaContext['transports']) => ({
  pieces: uplinks.some((uplink) => wantsOf(uplink)('media.piece')),
  sound: uplinks.some(({ protocol, options }) => {
    const transport = transports.find(({ name }) => name === protocol);
    return transport?.watches?.(options).audio === true;
  }),
});

/** Serves `clip`, `push-stream` and `stop-stream`. */
export function createMedia(
  config: Pick<Config, 'campus' | 'dataDir' | 'media' | 'uplinks'>,
  context: MediaContext,
): Media {
  const { keep, budget, viewers, clips, pushTo, pushes: max } = config.media;
  /** With its password, so past commands and their audit. @throws Error. */
  const streamUrl = async (camera: string): Promise<string> => {
    const { done, reason, result } = await context.commands.askPart('stream', camera, {});
    if (!done) throw new Error(reason);
    return String(result?.['url']);
  };
  const { pieces, sound } = mediaNeeds(config.uplinks, context.transports);
  const parts = createParts();
  const store = parts.add(
    createMediaStore({
      ...context,
      campusId: config.campus.id,
      directory: join(config.dataDir, 'media'),
      ...{ keep, budget },
      wanted: pieces,
    }),
  );
  const live = parts.add(createLive({ ...context, streamUrl, sound, maxViewers: viewers }));
  const directory = join(config.dataDir, 'clips');
  parts.add(createClips({ ...context, directory, cameras: clips, streamUrl, keep: store.keep }));
  const pushes = parts.add(createPushes({ ...context, streamUrl, allowed: pushTo, max }));
  return {
    keep: store.keep,
    find: store.find,
    contentOf: store.contentOf,
    remove: store.remove,
    view: live.view,
    ofCameras: {
      watch: live.watch,
      refresh: async (camera) => (await context.commands.askPart('key-picture', camera, {})).done,
      async presets(camera) {
        const { done, reason, result } = await context.commands.askPart('presets', camera, {});
        if (!done) throw new Error(reason);
        return result?.['presets'] as Awaited<ReturnType<CameraMedia['presets']>>;
      },
      clips: store.clips,
      play: ({ id }, sink, how) =>
        playClip(
          async () => {
            const found = await store.find(id);
            if (found === undefined) throw new Error('the clip is not kept any more');
            return await openClip(found.path);
          },
          sink,
          how,
          context.time,
        ),
      picture: store.load,
    },
    pushes: pushes.list,
    start: parts.start,
    [Symbol.asyncDispose]: parts.close,
  };
}
