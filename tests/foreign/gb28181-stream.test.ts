/** The program stream over RTP, read by ffmpeg and ffprobe (Debian): they know nothing of our muxer. */
import { beforeEach, describe, expect, it } from 'vitest';
import { createMuxer } from '../../drivers/platforms/gb28181/stream/ps.ts';
import { createPacketizer } from '../../drivers/platforms/gb28181/stream/rtp.ts';
import { createReceived, picturesOf, probe } from '../drivers/gb28181-receiver.ts';
import { payloadOf, readPs } from '../drivers/ps-reader.ts';
import { need } from '../system/tools.ts';
import { encode, encodeSound, picturesIn, soundIn, together } from './elementary.ts';

describe('ffmpeg', { timeout: 60_000 }, () => {
  beforeEach((context) => need(context, 'ffmpeg'));

  it.each([
    ['h264', 'h264', '640x360', false],
    ['h264', 'h264', '640x360', true],
    ['h265', 'hevc', '640x360', true],
    // Key pictures of several PES.
    ['h264', 'h264', '3840x2160', false],
  ] as const)(
    'decodes each picture of %s as it was (%s, %s, with sound: %s)',
    async (codec, format, size, hasSound) => {
      const stream = encode(codec, 3, size);
      const sound = encodeSound(3);
      const pictures = picturesIn(codec, stream);
      expect(pictures).toHaveLength(75);
      if (size === '3840x2160') expect(pictures[0]?.bytes.length).toBeGreaterThan(2 * 65_536);
      const mux = createMuxer();
      const received = createReceived();
      const pack = createPacketizer({
        ssrc: 77,
        payloadType: 96,
        sequence: 65_500,
        offset: 2 ** 32 - 9000,
        isFramed: false,
      });
      for (const unit of hasSound ? together(pictures, soundIn(sound)) : pictures) {
        const { bytes, scr } = mux(unit);
        for (const packet of pack(bytes, scr).list) received.take(packet);
      }
      expect(received.wrong).toEqual([]);
      expect([...received.ssrcs]).toEqual([77]);
      const { streams, packets } = await probe(received.bytes);
      // Of G.711A in a program stream this ffprobe knows nothing: the sound is parted by hand.
      expect(streams[0]).toMatchObject({ codec_name: format, id: '0x1e0' });
      expect(packets.filter(({ codec_type }) => codec_type === 'video').map(({ pts }) => pts)).toEqual(
        pictures.map((_, i) => 9000 + 3600 * i),
      );
      const packs = readPs(received.bytes);
      expect(packs[0]?.map?.get(0xe0)).toBe(codec === 'h264' ? 0x1b : 0x24);
      if (hasSound) expect(packs.findLast(({ map }) => map !== undefined)?.map?.get(0xc0)).toBe(0x90);
      expect(payloadOf(packs, 0xc0).equals(hasSound ? sound : Buffer.alloc(0))).toBe(true);
      expect(await picturesOf(received.bytes, 'mpeg')).toEqual(await picturesOf(stream, format));
    },
  );
});
