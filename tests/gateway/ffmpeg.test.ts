import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { streamInput, streamList } from '../../drivers/contract/stream.ts';
import { createPatience, endOf, endProcess, OPTIONS_FILE, startFfmpeg } from '../../gateway/media/ffmpeg.ts';
import { transcode } from '../../gateway/media/producer.ts';
import { manualClock } from '../clocks.ts';
import { eventually, temporaryDirectory } from '../helpers.ts';

const SECRET = 'rtsp://admin:S3cret@10.0.0.41/main';

/** An ffmpeg that tells what it got, and what others see of it, and then says on whose address it stumbles. */
function telling(then = 'exec sleep 20') {
  const directory = temporaryDirectory();
  const told = join(directory, 'told');
  const file = join(directory, 'ffmpeg');
  writeFileSync(
    file,
    `#!/bin/sh
{ echo "seen: $(tr '\\0' ' ' < /proc/$$/cmdline)"; echo "environment: $(tr '\\0' ' ' < /proc/$$/environ)"; echo "input: $(cat)"; [ -e /dev/fd/3 ] && echo "options: $(cat /dev/fd/3)"; echo done; } > ${told}.part
mv ${told}.part ${told}
echo "Impossible to open '${SECRET}'" >&2
${then}
`,
  );
  chmodSync(file, 0o755);
  vi.stubEnv('PATH', `${directory}${delimiter}${process.env['PATH']}`);
  return () => eventually(() => readFileSync(told, 'utf8'));
}

describe('an ffmpeg of the gateway', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('gets what is secret where nobody else can read it', async () => {
    const told = telling();
    const before = readdirSync('/dev/shm');
    const child = await startFfmpeg(
      {
        args: [...streamInput, '-fpre', OPTIONS_FILE, 'rtmp://a/'],
        input: streamList(SECRET),
        options: 'rtmp_playpath=K3Y\n',
      },
      'ignore',
    );
    onTestFinished(() => endProcess(child, manualClock()));
    const [seen = '', ...rest] = (await told()).split('\n');
    expect(seen).toContain('pipe:0');
    expect(seen).not.toMatch(/S3cret|K3Y/);
    expect(rest.find((line) => line.startsWith('environment:'))).not.toMatch(/S3cret|K3Y/);
    expect(rest.join('\n')).toContain(`file '${SECRET}'`);
    expect(rest.join('\n')).toContain('options: rtmp_playpath=K3Y');
    expect(
      readdirSync('/dev/shm').filter((name) => !before.includes(name) && name.startsWith('campus-gateway')),
    ).toEqual([]);
  });

  it('of the MPEG-1 way gets it so too, through the muxer', async () => {
    const told = telling();
    const producer = transcode(SECRET, () => {}, manualClock());
    onTestFinished(() => producer.stop());
    const [seen = '', ...rest] = (await told()).split('\n');
    expect(seen).toContain('-f concat -safe 0');
    expect(seen).toContain('-i pipe:0 -f mpegts -codec:v mpeg1video');
    expect(seen).not.toContain('S3cret');
    expect(rest.join('\n')).toContain(`file '${SECRET}'`);
  });

  it('says why it ended without the secret', async () => {
    telling('exit 1');
    const child = await startFfmpeg({ args: [], input: '' }, 'ignore');
    await expect(endOf(child)).rejects.toThrow("Impossible to open 'rtsp://10.0.0.41/main'");
  });

  it('that is not there is said', async () => {
    vi.stubEnv('PATH', temporaryDirectory());
    const child = await startFfmpeg({ args: [], input: streamList(SECRET) }, 'ignore');
    await expect(endOf(child)).rejects.toThrow('ffmpeg is not installed');
  });
});

describe('the address of a stream', () => {
  it('is one address, whatever stands in it', () => {
    expect(streamList("rtsp://a/it's", { rtsp_transport: 'udp' })).toBe(
      "ffconcat version 1.0\nfile 'rtsp://a/it'\\''s'\noption rtsp_transport udp\n",
    );
    expect(() => streamList('rtsp://a/\nfile /etc/passwd')).toThrow('line end');
  });

  it('is asked for with the same arguments by the script of the muxer', () => {
    const script = readFileSync(join(import.meta.dirname, '../../gateway/media/ffmpeg-stream.sh'), 'utf8');
    expect(script).toContain(`exec ffmpeg ${streamInput.slice(0, -2).join(' ')} "$@"`);
  });
});

describe('a stream that ends', () => {
  it('is tried again ever more slowly, and at once after it was good', () => {
    const patience = createPatience(3000);
    const waits = Array.from({ length: 6 }, () => patience.nextMs('no route to host', 100));
    expect(waits).toEqual([3000, 6000, 12_000, 24_000, 30_000, 30_000]);
    expect(patience.nextMs('Connection reset by peer', 40_000)).toBe(3000);
  });

  it('over a wrong password is tried twice, and then once a minute: cameras lock out', () => {
    for (const why of [
      'Server returned 401 Unauthorized (authorization failed)',
      'GetStreamUri: it refuses our password',
    ]) {
      const patience = createPatience(3000);
      expect(patience.nextMs(why, 100)).toBe(3000);
      expect(patience.nextMs(why, 100)).toBe(60_000);
      expect(patience.nextMs(why, 100)).toBe(60_000);
      expect(patience.nextMs('no route to host', 100)).toBe(6000);
    }
  });
});
