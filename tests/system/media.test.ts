/** Pictures, clips and streams: real mosquitto, real streams, ffprobe and other programs' servers as witnesses. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startCamera } from '../../simulators/camera.ts';
import { startPanel } from '../../simulators/panel.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { stopProcess } from '../processes.ts';
import { gstreamer } from './gstreamer.ts';
import { gateway, mosquitto, need, until } from './tools.ts';

const PREFIX = 'campus/v1/4503000001';

interface Body {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly data: {
    kind?: string;
    event?: string;
    picture?: string;
    contentType?: string;
    part?: number;
    parts?: number;
    content?: string;
  };
}

/** A campus with a panel and a camera; a platform that gets its pictures and may command it. */
async function campus(own: { camera?: object; media?: object; rules?: object[] } = {}) {
  const broker = await mosquitto(['max_inflight_messages 0']);
  const directory = temporaryDirectory();
  const [panelPort, port, rtspPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const did: string[] = [];
  const camera = await startCamera({ port, rtspPort, password: 'pw', did: (what) => void did.push(what) });
  onTestFinished(() => camera.close());
  writeFileSync(join(directory, 'pw'), 'pw\n');
  const platform = await connectAsync(`mqtt://127.0.0.1:${broker.port}`, { protocolVersion: 5 });
  onTestFinished(() => platform.endAsync(true).then(() => {}));
  const events: (Body & { at: number })[] = [];
  const replies = new Map<string, { done: boolean; reason?: string; result?: object }>();
  const files = new Map<string, Buffer[]>();
  platform.on('message', (topic, payload) => {
    const body = JSON.parse(payload.toString());
    if (topic.startsWith('replies/')) return void replies.set(body.id, body);
    events.push({ ...body, at: Date.now() });
    const { picture, part, content } = (body as Body).data;
    if (topic.includes('/media/') && picture !== undefined && part !== undefined) {
      const pieces = files.get(picture) ?? [];
      pieces[part - 1] = Buffer.from(content ?? '', 'base64');
      files.set(picture, pieces);
    }
  });
  await platform.subscribeAsync([`${PREFIX}/event/#`, `${PREFIX}/media/#`, 'replies/+'], { qos: 1 });
  const running = await gateway(
    {
      campus: { id: '4503000001', name: '一中' },
      dataDir: join(directory, 'data'),
      uplinks: [
        {
          id: 'police',
          url: `mqtt://127.0.0.1:${broker.port}`,
          pictures: true,
          replyTopics: ['replies/+'],
          commands: [
            { actions: ['snapshot', 'clip', 'push-stream', 'stop-stream', 'preset'], targets: ['yard'] },
          ],
        },
      ],
      devices: [
        {
          id: 'panel',
          driver: 'dc09',
          listen: { port: panelPort },
          accounts: [{ account: '1234', zones: [{ zone: 9, kind: 'panic' }] }],
        },
        {
          id: 'yard',
          driver: 'onvif',
          host: '127.0.0.1',
          port,
          username: 'admin',
          passwordFile: 'pw',
          ...own.camera,
        },
      ],
      media: own.media ?? {},
      rules: own.rules ?? [],
    },
    directory,
  );
  const panel = startPanel({ host: '127.0.0.1', port: panelPort, account: '1234' });
  onTestFinished(() => panel.close());
  await until('the camera answers', () => running.log.some((line) => line.includes('yard answers')));
  const command = async (action: string, wanted: object) => {
    const id = randomUUID();
    const now = Date.now();
    await platform.publishAsync(
      `${PREFIX}/command/yard`,
      JSON.stringify({
        id,
        action,
        arguments: wanted,
        issuedAt: new Date(now).toISOString(),
        expiresAt: new Date(now + 60_000).toISOString(),
      }),
      { qos: 1, properties: { responseTopic: `replies/${id}` } },
    );
    await until(`${action} is answered`, () => replies.has(id));
    return replies.get(id);
  };
  const whole = async (picture: string): Promise<Buffer> => {
    const complete = () => {
      const last = events.find(({ data }) => data.picture === picture && data.parts !== undefined);
      return last !== undefined && files.get(picture)?.filter(Boolean).length === last.data.parts;
    };
    await until('all pieces came', complete);
    return Buffer.concat(files.get(picture) ?? []);
  };
  const kept = (event: string | undefined, contentType: string) =>
    events.find(
      ({ type, data }) =>
        type === 'cn.campus.media.kept' && data.event === event && data.contentType === contentType,
    );
  return { camera, panel, events, command, whole, kept, did, directory, running, rtspPort };
}

const probe = (file: string) =>
  JSON.parse(
    spawnSync(
      'ffprobe',
      [
        '-v',
        'error',
        '-show_entries',
        'stream=codec_name,codec_tag_string,width,height:format=duration',
        '-of',
        'json',
        file,
      ],
      { encoding: 'utf8' },
    ).stdout,
  ) as {
    streams: { codec_name: string; codec_tag_string: string; width: number }[];
    format: { duration: string };
  };

describe('the stream of a simulated camera', () => {
  it.each([
    ['the right', 'pw', 0],
    ['a wrong', 'other', 1],
  ])('is one to ffprobe with %s password', async (_name, password, status) => {
    const [port, rtspPort] = await Promise.all([freePort(), freePort()]);
    const camera = await startCamera({ port, rtspPort, password: 'pw' });
    onTestFinished(() => camera.close());
    const child = spawn(
      'ffprobe',
      [
        '-v',
        'error',
        '-show_entries',
        'stream=codec_name,width,height',
        '-of',
        'csv=p=0',
        `rtsp://admin:${password}@127.0.0.1:${rtspPort}/main`,
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    expect(await once(child, 'close')).toEqual([status, null]);
    expect(said.trim()).toBe(status === 0 ? 'h264,640,360' : '');
  });
});

describe('an alarm', { timeout: 120_000 }, () => {
  it('brings a picture and a clip of it, after it, whole, bound to it', async (context) => {
    need(context, 'mosquitto', 'ffmpeg');
    const { panel, events, whole, kept, did, directory } = await campus({
      media: { clips: ['yard'] },
      rules: [
        {
          id: 'look',
          when: { kinds: ['panic'] },
          do: [
            { target: 'yard', action: 'snapshot', arguments: { preset: 'gate' } },
            { target: 'yard', action: 'clip', arguments: { before: 4, after: 3 } },
          ],
        },
      ],
    });
    const clips = join(directory, 'data/clips');
    const segments = () =>
      readdirSync(clips, { recursive: true }).filter((name) => String(name).endsWith('.ts'));
    await until('some seconds are kept', () => segments().length >= 4);
    await panel.do('press 9');
    const isAlarm = ({ type }: Body) => type === 'cn.campus.alarm.raised';
    await until('the alarm came', () => events.some(isAlarm));
    const alarm = events.find(isAlarm)!;
    await until('its picture is told', () => kept(alarm.id, 'image/jpeg') !== undefined);
    const picture = kept(alarm.id, 'image/jpeg')!;
    const bytes = await whole(picture.data.picture!);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(picture.data.picture);
    const file = join(directory, 'got.jpg');
    writeFileSync(file, bytes);
    expect(probe(file).streams[0]).toMatchObject({ codec_name: 'mjpeg', width: 640 });
    expect(did).toContain('preset gate');
    // The alarm was there before its picture was even taken.
    expect(events.indexOf(alarm)).toBeLessThan(events.indexOf(picture));

    await until('its clip is told', () => kept(alarm.id, 'video/mp4') !== undefined, 40_000);
    const clip = await whole(kept(alarm.id, 'video/mp4')!.data.picture!);
    const movie = join(directory, 'got.mp4');
    writeFileSync(movie, clip);
    const { streams, format } = probe(movie);
    expect(streams[0]).toMatchObject({ codec_name: 'h264', width: 640 });
    expect(Number(format.duration)).toBeGreaterThan(5);
    // What platforms find it by: its camera, and a time with the alarm in it.
    const { picture: reference = '' } = kept(alarm.id, 'video/mp4')!.data;
    const about = join(directory, 'data/media', reference.slice(0, 2), `${reference}.json`);
    const { from, to, ...rest } = JSON.parse(readFileSync(about, 'utf8')) as { from: number; to: number };
    expect(rest).toEqual({ camera: 'yard', event: alarm.id });
    expect([
      from < alarm.at,
      alarm.at < to,
      Math.abs((to - from) / 1000 - Number(format.duration)) < 3,
    ]).toEqual([true, true, true]);
    process.stdout.write(
      `alarm to picture kept ${picture.at - alarm.at} ms; clip ${Number(format.duration).toFixed(1)} s, ${clip.length} bytes, not transcoded\n`,
    );
  });

  it.for([
    ['h264', 'h264', 'avc1'],
    // Apple plays no other kind of H.265 (HLS authoring specification, 1.10).
    ['h265', 'hevc', 'hvc1'],
  ] as const)(
    'has its %s from a camera that is not ours: GStreamer’s server',
    async ([codec, name, tag], context) => {
      need(context, 'mosquitto', 'ffmpeg');
      const stream = await gstreamer(context, codec);
      const { command, kept, whole, events, directory } = await campus({
        camera: { stream },
        media: { clips: ['yard'] },
      });
      const segments = () =>
        readdirSync(join(directory, 'data/clips'), { recursive: true }).filter((name) =>
          String(name).endsWith('.ts'),
        );
      await until('some seconds are kept', () => segments().length >= 3);
      expect(await command('clip', { before: 3, after: 1 })).toMatchObject({ done: true });
      await until('the clip is told', () => kept(undefined, 'video/mp4') !== undefined, 30_000);
      const movie = join(directory, 'gst.mp4');
      writeFileSync(movie, await whole(kept(undefined, 'video/mp4')!.data.picture!));
      expect(probe(movie).streams[0]).toMatchObject({ codec_name: name, codec_tag_string: tag, width: 320 });
      expect(events.some(({ type }) => type === 'cn.campus.command.done')).toBe(true);
    },
  );
});

const commandLines = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    });

describe('a stream for a platform', { timeout: 90_000 }, () => {
  it.each([
    ['rtmp', 'flv'],
    ['srt', 'mpegts'],
  ])(
    'goes out over %s for as long as was asked, to whom the config names and nobody else',
    async (scheme, format) => {
      const target = await freePort();
      const { command, directory, camera, running } = await campus({
        media: { pushTo: [`${scheme}://127.0.0.1:${target}`], pushes: 1 },
      });
      const url = `${scheme}://127.0.0.1:${target}${scheme === 'rtmp' ? '/live/K3YofYard' : '?pkt_size=1316&passphrase=K3YofYard1'}`;
      expect(await command('push-stream', { url: 'rtmp://10.0.0.9/live', for: 5 })).toMatchObject({
        done: false,
        reason: expect.stringContaining('pushTo does not allow'),
      });
      const lookalike = url.replace('127.0.0.1', '127.0.0.1.example.com');
      expect(await command('push-stream', { url: lookalike, for: 5 })).toMatchObject({ done: false });
      // The platform's media server: an ffmpeg of its own that listens.
      const file = join(directory, 'pushed.mkv');
      const listen = scheme === 'rtmp' ? ['-listen', '1', '-i', url] : ['-i', `${url}&mode=listener`];
      const server = spawn('ffmpeg', ['-v', 'error', '-f', format, ...listen, '-c', 'copy', '-y', file], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      onTestFinished(() => stopProcess(server, 'SIGKILL'));
      let said = '';
      server.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      const ended = once(server, 'exit');
      expect(await command('push-stream', { url, for: 4 })).toMatchObject({ done: true });
      // Renewed: the same again is no second one, and another is one too many.
      expect(await command('push-stream', { url, for: 6 })).toMatchObject({ done: true });
      expect(await command('push-stream', { url: `${url}x`, for: 5 })).toMatchObject({ done: false });
      // What everybody on the machine can read of the gateway's ffmpegs.
      await until('the camera is looked at', () => camera.viewers() > 0);
      const seen = commandLines().filter((line) => line.includes('pipe:0') && line.includes(String(target)));
      expect(seen.length).toBeGreaterThan(0);
      expect(seen.join('\n')).not.toMatch(/K3YofYard|admin:pw/);
      await ended;
      // The server knows the key, or the passphrase: ffmpeg complains of another.
      expect(said).not.toMatch(/Unexpected stream|App field/);
      expect(probe(file).streams[0]).toMatchObject({ codec_name: 'h264', width: 640 });
      await until('nobody looks at the camera', () => camera.viewers() === 0);
      expect(await command('stop-stream', {})).toMatchObject({ done: false });
      expect(running.log.join('\n')).not.toMatch(/admin:pw|K3YofYard/);
    },
  );
});
