/** A gateway without devices before a view library: pictures on disk, and one uplink over GA/T 1400. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { noMedia } from '../../drivers/contract/media.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { createMediaStore } from '../../gateway/media/store.ts';
import type { UplinkContext } from '../../gateway/uplink/context.ts';
import { campus } from '../gateway/campus.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';

export const DEVICE_ID = '45030000001200000007';

/** A JPEG of this many pixels and bytes: its markers by ITU-T T.81 (B.2), and nothing that could be shown. */
export function jpeg(bytes = 200, [width, height] = [640, 360], fill = 0): Buffer {
  const frame = Buffer.from('ffc0000b0800000000010111 00'.replace(' ', ''), 'hex');
  frame.writeUInt16BE(height, 5);
  frame.writeUInt16BE(width, 7);
  const head = Buffer.concat([Buffer.from('ffd8', 'hex'), frame, Buffer.from('ffda0008010100003f00', 'hex')]);
  const tail = Buffer.from('ffd9', 'hex');
  const scan = Buffer.alloc(Math.max(0, bytes - head.length - tail.length), fill);
  return Buffer.concat([head, scan, tail]);
}

export async function viewCampus(
  url: string,
  more: object = {},
  { directory = temporaryDirectory(), ...context }: Partial<UplinkContext> & { directory?: string } = {},
) {
  const holder: { picture?: typeof noMedia.picture } = {};
  const picture = async (reference: string) => holder.picture?.(reference);
  const options = {
    protocol: 'gat1400',
    url,
    deviceId: DEVICE_ID,
    password: 'secret',
    pictures: true,
    ...more,
  };
  const whole = await campus(0, options, directory, { ...context, media: { ...noMedia, picture } });
  const { recorder, journal, clock, metrics, uplink } = whole;
  const { time = systemClock, log = silentLog } = context;
  const media = createMediaStore({
    ...{
      journal,
      clock,
      metrics,
      time,
      log,
      campusId: '45',
      directory: join(directory, 'media'),
      wanted: false,
    },
    ...{ keep: 86_400_000, budget: 100_000_000, recordMedia: recorder.recordMedia },
  });
  onTestFinished(async () => await media[Symbol.asyncDispose]());
  holder.picture = media.load;
  /** Somebody passes a terminal, which takes a picture. */
  const face = async (number: string, picture: Buffer | string = jpeg(), device = 'gate') =>
    recorder.record({
      ...{ device, kind: 'credential', state: 'raised', credential: { format: 'face', number } },
      access: { door: 'gate', decision: 'granted', holder: number },
      picture:
        typeof picture === 'string'
          ? picture
          : await media.keep(device, { contentType: 'image/jpeg', bytes: picture }),
    } as Observation);
  const behind = () => journal.last('normal') - journal.position('police', 'normal').sequence;
  return { ...whole, uplink, media, face, behind };
}
