/**
 * Eight cameras live to two platforms of GB/T 28181: what that takes beside eight ffmpegs that pull the same cameras once
 * and send each twice (`-c copy`, MPEG-TS over RTP, by UDP), and how soon the first picture is there.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { tellAims } from './aims.ts';
import { childrenCpu } from './live.ts';
import { clock } from './load.ts';
import { adopt, folder, gatewayIn, quantile, startCameras, stop, tell, usage } from './parts.ts';
import { openReceiver, type SipPlatform, type Stream, sipPlatform } from './sip-platform.ts';

const CAMERAS = 8;
const SECONDS = 20;
const PICTURES = 10;

/** Camera `i`, as the gateway numbers them. */
const idOf = (i: number) => `45030000011320${String(i + 1).padStart(6, '0')}`;

/** @returns the streams, and ms to each one's first picture. */
async function watchAll(platform: SipPlatform): Promise<{ streams: Stream[]; first: number[] }> {
  const streams: Stream[] = [];
  const first: number[] = [];
  for (let i = 0; i < CAMERAS; i++) {
    const stream = await platform.watch(idOf(i));
    first.push(await stream.firstPicture);
    streams.push(stream);
  }
  return { streams, first };
}

const secondsOf = (ms: readonly number[]) =>
  `p50 ${(quantile(ms, 0.5) / 1000).toFixed(2)} s, at most ${(Math.max(...ms) / 1000).toFixed(2)} s`;

/** Percent of a core, over so many seconds. */
async function shareOf(cpu: () => number): Promise<number> {
  const before = cpu();
  await delay(SECONDS * 1000);
  return ((cpu() - before) / SECONDS) * 100;
}

/** @returns percent of a core, and ms from each one's start to its first packet. */
async function throughFfmpeg(rtspPorts: readonly number[]): Promise<{ share: number; first: number[] }> {
  const ffmpegs: ChildProcess[] = [];
  const first: number[] = [];
  const receivers = await Promise.all(Array.from({ length: CAMERAS * 2 }, openReceiver));
  for (const [i, port] of rtspPorts.entries()) {
    const ways = receivers.slice(i * 2, i * 2 + 2);
    const outputs = ways.map((way) => `[f=rtp_mpegts]rtp://127.0.0.1:${way.port}`).join('|');
    const from = ['-nostdin', '-loglevel', 'error', '-rtsp_transport', 'tcp', '-i'];
    const started = clock();
    const child = spawn(
      'ffmpeg',
      [...from, `rtsp://127.0.0.1:${port}/main`, '-map', '0:v', '-c', 'copy', '-f', 'tee', outputs],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    adopt(child);
    ffmpegs.push(child);
    first.push((await (ways[0] as (typeof ways)[0]).began) - started);
  }
  const share = await shareOf(() => ffmpegs.reduce((sum, child) => sum + usage(child).cpu, 0));
  await Promise.all(ffmpegs.map((child) => stop(child, 'SIGKILL')));
  for (const { socket } of receivers) socket.close();
  return { share, first };
}

export async function streams(password: string): Promise<void> {
  const directory = folder();
  const servers = ['34020000002000000001', '34020000002000000002'];
  const platforms = await Promise.all(servers.map(sipPlatform));
  const ports = await Promise.all(Array.from({ length: CAMERAS * 2 + 2 }, freePort));
  const sip = ports.splice(0, 2);
  const cameras = Array.from({ length: CAMERAS }, (_, i) => ({
    port: ports[i * 2],
    rtspPort: ports[i * 2 + 1],
  }));
  const simulated = await startCameras(cameras);
  const child = await gatewayIn(directory, {
    campus: { id: '45000001', name: 'bench' },
    dataDir: join(directory, 'data'),
    uplinks: platforms.map(({ port }, i) => ({
      ...{ id: `gb${i}`, protocol: 'gb28181', server: `127.0.0.1:${port}`, port: sip[i] },
      ...{
        serverId: servers[i],
        deviceId: '45030000011180000007',
        passwordFile: password,
      },
      ...{ events: ['alarm.*'], video: true },
    })),
    devices: cameras.map(({ port }, i) => ({ id: `cam-${i}`, driver: 'onvif', host: '127.0.0.1', port })),
  });
  await Promise.all(platforms.map(({ registered }) => registered));
  await delay(5000);

  const [cold, warm] = [
    await watchAll(platforms[0] as SipPlatform),
    await watchAll(platforms[1] as SipPlatform),
  ];
  tell(`\nfirst picture after the ACK, the camera's stream opened for it: ${secondsOf(cold.first)}`);
  tell(`first picture after the ACK, the stream runs already:           ${secondsOf(warm.first)}`);
  const all = [...cold.streams, ...warm.streams];
  const packets = () => all.reduce((sum, one) => sum + one.packets(), 0);
  const [pid, before] = [child.pid ?? 0, packets()];
  const parts = { own: usage(child).cpu, ffmpegs: childrenCpu(pid) };
  await delay(SECONDS * 1000);
  const share = (now: number, then: number) => ((now - then) / SECONDS) * 100;
  const own = share(usage(child).cpu, parts.own);
  const ffmpegs = share(childrenCpu(pid), parts.ffmpegs);
  const perSecond = (packets() - before) / SECONDS;
  tell(
    `${CAMERAS} cameras to 2 platforms (640x360, ${PICTURES} pictures a second), PS over RTP: gateway ${own.toFixed(1)} % of a core, its ffmpegs ${ffmpegs.toFixed(1)} %, ${perSecond.toFixed(0)} packets/s, RSS ${usage(child).rss.toFixed(0)} MB`,
  );
  for (const one of all) one.stop();
  await delay(8000);
  const peer = await throughFfmpeg(cameras.map(({ rtspPort }) => rtspPort ?? 0));
  tell(
    `${CAMERAS} ffmpegs, each to 2 receivers by -c copy, TS over RTP: ${peer.share.toFixed(1)} % of a core; first packet after their start: ${secondsOf(peer.first)}`,
  );
  tell(
    `the gateway and its ffmpegs take ${((own + ffmpegs) / peer.share).toFixed(2)} x that; the first picture, the camera's stream opened for it, ${(quantile(cold.first, 0.5) / quantile(peer.first, 0.5)).toFixed(2)} x`,
  );
  tellAims([
    { what: 'first picture, p50', measured: quantile(cold.first, 0.5) / 1000, unit: ' s', atMost: 1.5 },
    { what: 'CPU / ffmpeg copying', measured: (own + ffmpegs) / peer.share, atMost: 4 },
  ]);
  await Promise.all([stop(child), stop(simulated, 'SIGKILL')]);
  for (const platform of platforms) platform.close();
}
