/** What live pictures cost: eight cameras passed through, beside the same eight transcoded to MPEG-1, in one run. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';
import { freePort } from '../free-port.ts';
import { folder, gatewayIn, startCameras, stop, tell, usage } from './parts.ts';

const CAMERAS = 8;
const SECONDS = 15;
const TICKS = 100;

/** CPU seconds of a process's children so far. */
export function childrenCpu(pid: number): number {
  let sum = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      if (Number(fields[1]) === pid) sum += (Number(fields[11]) + Number(fields[12])) / TICKS;
    } catch {
      // It ended while we looked.
    }
  }
  return sum;
}

export async function live(): Promise<void> {
  const directory = folder();
  const ports = await Promise.all(Array.from({ length: CAMERAS * 2 + 1 }, freePort));
  const consolePort = ports.pop() ?? 0;
  const cameras = Array.from({ length: CAMERAS }, (_, i) => ({
    port: ports[i * 2],
    rtspPort: ports[i * 2 + 1],
  }));
  const simulated = await startCameras(cameras);
  const child = await gatewayIn(directory, {
    campus: { id: '45000001', name: 'bench' },
    dataDir: join(directory, 'data'),
    console: { port: consolePort },
    devices: cameras.map(({ port }, i) => ({ id: `cam-${i}`, driver: 'onvif', host: '127.0.0.1', port })),
  });
  const base = `http://127.0.0.1:${consolePort}`;
  const token = readFileSync(join(directory, 'data/console.operator.token'), 'utf8').trim();
  const login = await fetch(`${base}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
  await delay(3000);

  const measure = async (form: 'mse' | 'jsmpeg') => {
    const sockets = cameras.map(
      (_, i) =>
        new WebSocket(`ws://127.0.0.1:${consolePort}/api/live/cam-${i}?form=${form}`, {
          headers: { cookie },
        }),
    );
    let bytes = 0;
    const seen = new Set<number>();
    for (const [i, socket] of sockets.entries())
      socket.on('message', (data: Buffer) => {
        seen.add(i);
        bytes += data.length;
      });
    for (let waited = 0; seen.size < CAMERAS && waited < 300; waited++) await delay(100);
    await delay(2000);
    const [own, ffmpegs, got] = [usage(child).cpu, childrenCpu(child.pid ?? 0), bytes];
    await delay(SECONDS * 1000);
    const share = (now: number, then: number) => ((now - then) / SECONDS) * 100;
    const gateway = share(usage(child).cpu, own);
    const all = share(childrenCpu(child.pid ?? 0), ffmpegs);
    tell(
      `${form.padEnd(7)} ${seen.size} of ${CAMERAS} cameras: ffmpegs ${all.toFixed(1)} % of a core, gateway ${gateway.toFixed(1)} %, ${(((bytes - got) * 8) / SECONDS / 1e6).toFixed(1)} Mbit/s, gateway RSS ${usage(child).rss.toFixed(0)} MB`,
    );
    for (const socket of sockets) socket.close();
    await delay(4000);
    return gateway + all;
  };
  const through = await measure('mse');
  const transcoded = await measure('jsmpeg');
  tell(
    `MPEG-1 costs ${(transcoded / through).toFixed(1)} x what passing through does (640x360, 10 pictures a second)`,
  );
  await Promise.all([stop(simulated, 'SIGKILL'), stop(child)]);
}
