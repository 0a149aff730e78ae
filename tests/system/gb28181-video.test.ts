/**
 * Cameras at platforms of GB/T 28181: from a real RTSP stream through the whole gateway to a receiver that knows nothing of
 * our muxer. Its pictures are decoded by ffmpeg, and compared with those that ffmpeg gets from the camera itself.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { startCamera } from '../../simulators/camera.ts';
import { dialRaw, withCrc } from '../drivers/dc09-port.ts';
import { createCaller, offer, PLATFORM } from '../drivers/gb28181-caller.ts';
import { startPlatform } from '../drivers/gb28181-peer.ts';
import { picturesOf, startReceiver } from '../drivers/gb28181-receiver.ts';
import { payloadOf, readPs } from '../drivers/ps-reader.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { stopProcess } from '../processes.ts';
import { gstreamer } from './gstreamer.ts';
import { gateway, need, until } from './tools.ts';

/** How long a platform looks; `npm run test:long -- gb28181`: a minute and more. */
const LOOK_MS = Number(process.env['GB28181_MS'] ?? '8000');
const OTHER = '31000000002000000001';
const CAMERA = '45030000001320000001';
const OTHERS_CAMERA = '45030100001320000001';

/** A campus with one camera, which two platforms may see. `stream`: from another address than the camera says. */
async function campus(
  stream?: string,
  more: { readonly devices?: readonly object[]; readonly [section: string]: unknown } = {},
) {
  const directory = temporaryDirectory();
  const [port, rtspPort, consolePort, sip] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const camera = await startCamera({ port, rtspPort, password: 'pw' });
  onTestFinished(() => camera.close());
  writeFileSync(join(directory, 'pw'), 'pw\n');
  const platforms = [
    await startPlatform({ asks: 'nothing' }),
    await startPlatform({ asks: 'nothing' }),
  ] as const;
  const uplink = (i: 0 | 1, serverId: string, deviceId: string) => ({
    ...{ id: `gb${i}`, protocol: 'gb28181', server: `127.0.0.1:${platforms[i].port}`, port: sip },
    ...{ serverId, deviceId, passwordFile: 'pw', video: true, reconnectSpread: '0s' },
  });
  const yard = {
    id: 'yard',
    driver: 'onvif',
    host: '127.0.0.1',
    port,
    username: 'admin',
    passwordFile: 'pw',
  };
  const running = await gateway(
    {
      campus: { id: '4503000001', name: '一中' },
      dataDir: join(directory, 'data'),
      console: { port: consolePort },
      uplinks: [uplink(0, PLATFORM, '45030000001180000007'), uplink(1, OTHER, '45030100001180000007')],
      ...more,
      devices: [{ ...yard, ...(stream !== undefined && { stream }) }, ...(more.devices ?? [])],
    },
    directory,
  );
  await until('the camera answers', () => running.log.some((line) => line.includes('yard answers')));
  for (const { heard } of platforms) await heard.find(({ method }) => method === 'REGISTER');
  const ffmpegs = () =>
    spawnSync('pgrep', ['-P', String(running.child.pid), '-c', 'ffmpeg'], { encoding: 'utf8' }).stdout.trim();
  const rtsp = stream ?? `rtsp://admin:pw@127.0.0.1:${rtspPort}/main`;
  return { camera, running, directory, consolePort, sip, ffmpegs, rtsp, platform: platforms[0] };
}

/** The camera's own stream, copied beside the gateway. */
async function reference(rtsp: string, format: 'h264' | 'hevc') {
  const file = join(temporaryDirectory(), 'reference');
  const input = ['-v', 'error', '-rtsp_transport', 'tcp', '-i', rtsp, '-map', '0:v', '-c', 'copy'];
  const child: ChildProcess = spawn('ffmpeg', [...input, '-flush_packets', '1', '-f', format, file], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  onTestFinished(() => stopProcess(child, 'SIGKILL'));
  const size = () => {
    try {
      return statSync(file).size;
    } catch {
      return 0;
    }
  };
  await until('the camera is copied', () => size() > 0);
  return async () => {
    await stopProcess(child, 'SIGINT');
    return picturesOf(readFileSync(file), format);
  };
}

/** A viewer of the console, who counts what comes. */
async function viewer(directory: string, consolePort: number) {
  const token = readFileSync(join(directory, 'data/console.operator.token'), 'utf8').trim();
  const login = await fetch(`http://127.0.0.1:${consolePort}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
  const socket = new WebSocket(`ws://127.0.0.1:${consolePort}/api/live/yard?form=mse`, {
    headers: { cookie },
  });
  onTestFinished(() => socket.terminate());
  let bytes = 0;
  socket.on('message', (data: Buffer) => {
    bytes += data.length;
  });
  await until('the console shows it', () => bytes > 10_000);
  return { bytes: () => bytes, close: () => socket.close() };
}

/**
 * Expects that these are pictures of the camera, one behind the other, and none is missing; a test picture may come more
 * than once. @returns how many were compared.
 */
function expectRun(pictures: readonly string[], of: readonly string[]): number {
  const starts = of.flatMap((one, i) => (one === pictures[0] ? [i] : []));
  const alike = starts.map((start) => {
    const common = Math.min(pictures.length, of.length - start);
    const differs = pictures.findIndex((one, i) => i < common && one !== of[start + i]);
    return { common, same: differs < 0 ? common : differs };
  });
  const best = alike.toSorted((one, other) => other.same - one.same)[0];
  expect(best, 'the first picture is one of the camera').toBeDefined();
  expect(best?.same).toBe(best?.common);
  return best?.same ?? 0;
}

const looks = { timeout: 60_000 + 2 * LOOK_MS };

describe('a camera at a platform of GB/T 28181', looks, () => {
  it('is seen by two platforms and the console through one pull, each picture as it was; BYE leaves nothing', async (context) => {
    need(context, 'ffmpeg', 'pgrep');
    const { camera, sip, ffmpegs, directory, consolePort, rtsp } = await campus();
    const stop = await reference(rtsp, 'h264');
    const [first, second] = await Promise.all([createCaller(sip), createCaller(sip, 'TCP', OTHER)]);
    const [byUdp, byTcp] = await Promise.all([startReceiver('udp'), startReceiver('passive')]);
    const one = first.call(CAMERA);
    expect((await one.invite(offer(byUdp.port))).start).toMatch(/200/);
    const acked = performance.now();
    one.ack();
    await until('a picture came', () => byUdp.received.stamps.length > 1);
    const cold = performance.now() - acked;
    const shown = await viewer(directory, consolePort);
    const two = second.call(OTHERS_CAMERA);
    expect((await two.invite(offer(byTcp.port, { setup: 'passive' }))).start).toMatch(/200/);
    const again = performance.now();
    two.ack();
    await until('a picture came', () => byTcp.received.stamps.length > 1);
    const warm = performance.now() - again;
    const before = shown.bytes();
    await delay(LOOK_MS);
    expect(shown.bytes()).toBeGreaterThan(before);
    expect(ffmpegs()).toBe('1');
    // One is the copy that the test makes itself.
    expect(camera.viewers()).toBe(2);
    await delay(500);
    for (const call of [one, two]) expect((await call.bye()).start).toMatch(/200/);
    shown.close();
    await until('no ffmpeg is left', () => ffmpegs() === '0');
    await until('the camera has nobody left but the test', () => camera.viewers() === 1);
    await delay(500);
    const camerasOwn = await stop();
    for (const { received } of [byUdp, byTcp]) {
      expect(received.wrong).toEqual([]);
      const pictures = await picturesOf(received.bytes, 'mpeg');
      // 15 a second.
      expect(expectRun(pictures, camerasOwn)).toBeGreaterThan((LOOK_MS / 1000 - 1) * 15);
    }
    process.stdout.write(
      `gb28181: from ACK to the first picture ${cold.toFixed(0)} ms; of a camera that somebody looks at ${warm.toFixed(0)} ms\n`,
    );
  });

  it.each([
    ['h264', 'h264', 0x1b],
    ['h265', 'hevc', 0x24],
  ] as const)('comes as %s with its sound in G.711A', async (codec, format, type) => {
    const context = { task: { name: codec }, skip() {} } as never;
    const { sip, ffmpegs, rtsp } = await campus(await gstreamer(context, codec, 'g711a'));
    const stop = await reference(rtsp, format);
    const caller = await createCaller(sip);
    const receiver = await startReceiver('udp');
    const call = caller.call(CAMERA);
    await call.invite(offer(receiver.port));
    call.ack();
    await until('pictures came', () => receiver.received.stamps.length > 100);
    await call.bye();
    await until('no ffmpeg is left', () => ffmpegs() === '0');
    await delay(500);
    expect(receiver.received.wrong).toEqual([]);
    expect(expectRun(await picturesOf(receiver.received.bytes, 'mpeg'), await stop())).toBeGreaterThan(30);
    const packs = readPs(receiver.received.bytes);
    const map = packs.findLast((pack) => pack.map !== undefined)?.map;
    expect([map?.get(0xe0), map?.get(0xc0)]).toEqual([type, 0x90]);
    // 8000 bytes a second of a tone: not silence, which is one byte again and again.
    const sound = payloadOf(packs, 0xc0);
    expect(sound.length).toBeGreaterThan(8000);
    expect(new Set(sound).size).toBeGreaterThan(16);
  });

  it('is over with the gateway', async (context) => {
    need(context, 'ffmpeg', 'pgrep');
    const { camera, sip, running } = await campus();
    const caller = await createCaller(sip);
    const receiver = await startReceiver('udp');
    const call = caller.call(CAMERA);
    await call.invite(offer(receiver.port));
    call.ack();
    await until('a picture came', () => receiver.received.stamps.length > 1);
    const stopped = running.stop();
    await call.asked('BYE');
    expect(await stopped).toBe(0);
    await until('the camera has nobody left', () => camera.viewers() === 0);
  });
});

describe('what is kept around an alarm', { timeout: 90_000 }, () => {
  it('is listed, played as it was recorded, and downloaded, each picture of the clip', async (context) => {
    need(context, 'ffmpeg');
    const panelPort = await freePort();
    const { sip, directory, platform } = await campus(undefined, {
      devices: [
        { id: 'panel', driver: 'dc09', listen: { port: panelPort }, accounts: [{ account: '1234' }] },
      ],
      media: { clips: ['yard'] },
      rules: [
        {
          id: 'keep',
          when: { kinds: ['panic'] },
          do: [{ target: 'yard', action: 'clip', arguments: { before: 3, after: 2 } }],
        },
      ],
    });
    const files = (folder: string, end: string) => {
      const path = join(directory, 'data', folder);
      const names = existsSync(path) ? readdirSync(path, { recursive: true }).map(String) : [];
      return names.filter((name) => name.endsWith(end)).map((name) => join(path, name));
    };
    await until('some seconds are kept', () => files('clips', '.ts').length >= 4);
    const { send, answers } = await dialRaw(panelPort);
    send(withCrc('"SIA-DCS"0001L0#1234[#1234|NPA001]'));
    expect(await answers.next()).toContain('"ACK"');
    await until('the clip is kept', () => files('media', '.mp4').length === 1, 40_000);
    const [file = ''] = files('media', '.mp4');
    const own = await picturesOf(readFileSync(file), 'mp4');
    expect(own.length).toBeGreaterThan(4 * 15);

    const caller = await createCaller(sip);
    const asking = caller.call(CAMERA);
    const day = '<StartTime>2020-01-01T00:00:00</StartTime><EndTime>2099-01-01T00:00:00</EndTime>';
    const query = `<Query><CmdType>RecordInfo</CmdType><SN>5</SN><DeviceID>${CAMERA}</DeviceID>${day}</Query>`;
    asking.say('MESSAGE', ['Content-Type: Application/MANSCDP+xml'], query);
    const { body } = await platform.heard.find((one) => one.body.includes('RecordInfo'));
    expect(body).toContain('<SumNum>1</SumNum>');
    expect(body).toContain(`<FileSize>${statSync(file).size}</FileSize>`);

    const now = Math.ceil(Date.now() / 1000);
    const lines = [`u=${CAMERA}:0`, `t=${now - 600} ${now + 5}`];
    const took: number[] = [];
    for (const [name, kind] of [
      ['Playback', 'udp'],
      ['Download', 'passive'],
    ] as const) {
      const receiver = await startReceiver(kind);
      const call = caller.call(CAMERA);
      const setup = kind === 'passive' ? ({ setup: 'passive' } as const) : {};
      expect((await call.invite(offer(receiver.port, { name, lines, ...setup }))).start).toMatch(/200/);
      const from = performance.now();
      call.ack();
      expect((await call.asked('MESSAGE')).body).toContain('<NotifyType>121</NotifyType>');
      took.push(performance.now() - from);
      expect((await call.bye()).start).toMatch(/200/);
      expect(receiver.received.wrong).toEqual([]);
      expect(await picturesOf(receiver.received.bytes, 'mpeg')).toEqual(own);
    }
    // Pictures at 15 a second.
    expect(took[0]).toBeGreaterThan((own.length / 15 - 1) * 1000);
    expect(took[1]).toBeLessThan((own.length / 15 / 2) * 1000);
  });
});
