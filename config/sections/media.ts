/** Pictures and clips; they lie beside the journal. */
import { z } from 'zod';
import { duration } from '../../drivers/contract/options.ts';
import { size } from './values.ts';

export const media = z
  .strictObject({
    keep: duration().prefault('30d').describe('How long pictures and clips stay on disk'),
    budget: size().prefault('2GB').describe('What they may take; over it, the oldest go'),
    clips: z
      .array(z.string())
      .default([])
      .describe('Cameras whose last 90 s are kept, without sound, so that `clip` has what was before'),
    viewers: z
      .int()
      .min(1)
      .max(64)
      .default(8)
      .describe(
        'How many browsers may look at one camera at once, and how many streams of it may go to platforms: neither takes from the other',
      ),
    pushTo: z
      .array(z.string().regex(/^(rtmps?|srt|rtsp):\/\/[^\s/]+/, 'rtmp://HOST/, rtmps://, srt:// or rtsp://'))
      .default([])
      .describe(
        'The media servers of platforms, or folders there, to which `push-stream` may send; none by default',
      ),
    pushes: z.int().min(1).max(16).default(2).describe('How many streams may be on their way at once'),
  })
  .prefault({})
  .describe('Pictures and clips; they lie beside the journal');
