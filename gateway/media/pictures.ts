/** Shows a camera's own pictures to browsers and platforms, and its sound to platforms. */
import type { Clock } from '../../drivers/contract/clock.ts';
import type { BurstLog } from '../observe/log.ts';
import type { Audience } from './audience.ts';
import type { Fragment, Head } from './mp4.ts';
import { type Producer, passThrough, type Shown } from './producer.ts';
import { unitReader } from './units.ts';
import type { Watchers } from './watchers.ts';

/** What ffmpeg says of a sound that it cannot decode, and of nothing that a camera without sound could make it say. */
const NO_SOUND = /decoder|encoder|filter|resampl|channel layout|sample rate/i;
/** So long it is not tried again: the camera may have been set up otherwise by then. */
const DEAF_MS = 3_600_000;

/** An ffmpeg ended for the sound of a camera alone: the next one is without it. */
export class SoundFault extends Error {
  readonly code = 'E_MEDIA_SOUND';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SoundFault';
  }
}

/**
 * Starts an ffmpeg. A sound that cannot be decoded does not take the pictures away: `ended` is a SoundFault, and the next
 * one comes without it.
 */
export function createPictures(
  camera: string,
  { audience, watchers }: { readonly audience: Audience; readonly watchers: Watchers },
  { sound, bursts, time }: { readonly sound: boolean; readonly bursts: BurstLog; readonly time: Clock },
): (url: string) => Promise<Producer> {
  let deafUntil = Number.NEGATIVE_INFINITY;
  /** A picture that cannot be read is lost to platforms, and to nobody else. */
  const reading = (read: () => void) => {
    try {
      read();
    } catch (error) {
      const about = { camera, error: (error as Error).message };
      bursts.warn(`units ${camera}`, about, 'a picture cannot be given to platforms');
      watchers.onGap();
    }
  };
  /** The function tells whether there are pictures among them. */
  const units = () => {
    let read: ReturnType<typeof unitReader> | undefined;
    return {
      onHead: ({ bytes }: Head) =>
        reading(() => {
          read = unitReader(bytes);
        }),
      onFragment: ({ bytes }: Fragment) =>
        reading(() => {
          for (const unit of read?.units(bytes) ?? []) watchers.onUnit(unit);
        }),
      hasPictures: () => read?.hasPictures === true,
    };
  };
  return async (url) => {
    const seen = units();
    const pictures: Shown = {
      onHead(head) {
        audience.onHead(head);
        seen.onHead(head);
        watchers.refuse(
          seen.hasPictures() ? undefined : new Error('its pictures are neither H.264 nor H.265'),
        );
      },
      onFragment(fragment) {
        audience.onFragment(fragment);
        seen.onFragment(fragment);
      },
    };
    const heard = sound && time.elapsed() >= deafUntil ? units() : undefined;
    const producer = await passThrough(url, pictures, heard, time);
    if (heard === undefined) return producer;
    const ended = producer.ended.catch((error: Error) => {
      if (!NO_SOUND.test(error.message)) throw error;
      deafUntil = time.elapsed() + DEAF_MS;
      const about = { camera, error: error.message };
      bursts.warn(
        `sound ${camera}`,
        about,
        'the sound of a camera cannot be decoded; its pictures come without it',
      );
      throw new SoundFault(error.message, { cause: error });
    });
    return { ended, stop: producer.stop };
  };
}
