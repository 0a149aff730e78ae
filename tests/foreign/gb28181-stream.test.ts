/**
 * Video for a platform with programs of Debian's that know nothing of ours: sipp calls, ffmpeg and ffprobe read the stream.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createMuxer } from '../../drivers/platforms/gb28181/stream/ps.ts';
import { createPacketizer } from '../../drivers/platforms/gb28181/stream/rtp.ts';
import { PLATFORM } from '../drivers/gb28181-caller.ts';
import { campus, GATE } from '../drivers/gb28181-campus.ts';
import { createReceived, picturesOf, probe, startReceiver } from '../drivers/gb28181-receiver.ts';
import { payloadOf, readPs } from '../drivers/ps-reader.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { stopProcess } from '../processes.ts';
import { need } from '../system/tools.ts';
import { encode, encodeSound, picturesIn, soundIn, together } from './elementary.ts';

const caller = readFileSync(new URL('sipp-caller.xml', import.meta.url), 'utf8');

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
      const seconds = size === '3840x2160' ? 1 : 3;
      const stream = encode(codec, seconds, size);
      const sound = encodeSound(seconds);
      const pictures = picturesIn(codec, stream);
      expect(pictures).toHaveLength(25 * seconds);
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

describe('sipp as a platform that looks at a camera', { timeout: 60_000 }, () => {
  beforeEach((context) => need(context, 'sipp', 'ffmpeg'));

  it.each([
    ['u1', 'udp', 'h264'],
    ['u1', 'passive', 'h265'],
    ['t1', 'udp', 'h265'],
    ['t1', 'passive', 'h264'],
  ] as const)('calls by %s, takes it by %s, and gets each picture of %s', async (by, kind, codec) => {
    const { began, port, watched } = await campus();
    const receiver = await startReceiver(kind);
    const directory = temporaryDirectory();
    const words: Readonly<Record<string, string>> = {
      CAMERA: GATE,
      PLATFORM,
      MEDIA_PORT: String(receiver.port),
      PROFILE: kind === 'udp' ? 'RTP/AVP' : 'TCP/RTP/AVP',
      SETUP: kind === 'udp' ? 'a=x-none' : 'a=setup:passive\r\n      a=connection:new',
      ANSWERED: kind === 'udp' ? 'm=video 3' : 'a=setup:active',
    };
    writeFileSync(
      join(directory, 'caller.xml'),
      Object.entries(words).reduce((text, [word, value]) => text.replaceAll(word, value), caller),
    );
    const wire = ['-i', '127.0.0.1', '-p', String(await freePort()), '-t', by, '-m', '1', '-nostdin'];
    const child = spawn('sipp', [`127.0.0.1:${port}`, '-sf', 'caller.xml', ...wire, '-timeout', '20'], {
      ...{ cwd: directory, stdio: 'ignore' },
    });
    onTestFinished(() => stopProcess(child, 'SIGKILL'));
    const ended = once(child, 'exit');
    const { sink } = await began.next();
    const stream = encode(codec, 2);
    for (const unit of together(picturesIn(codec, stream), soundIn(encodeSound(2)))) {
      expect(sink(unit)).toBe(true);
      await delay(2);
    }
    expect(await ended).toEqual([0, null]);
    expect(watched[0]?.isClosed).toBe(true);
    expect(receiver.received.wrong).toEqual([]);
    expect(await picturesOf(receiver.received.bytes, 'mpeg')).toEqual(
      await picturesOf(stream, codec === 'h264' ? 'h264' : 'hevc'),
    );
  });
});
