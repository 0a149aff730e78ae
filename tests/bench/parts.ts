/** Parts of the benches: real processes, and numbers of what happened. */
import type { ChildProcess } from 'node:child_process';
import { closeSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type MqttClient } from 'mqtt';
import { freePort } from '../free-port.ts';
import { gatewayCommand, mosquittoCommand, startProcess } from '../processes.ts';

export { stopProcess as stop } from '../processes.ts';

const children = new Set<ChildProcess>();
const folders = new Set<string>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), 'campus-bench-'));
  folders.add(directory);
  return directory;
}

const start = async ({ command, args, ready }: ReturnType<typeof gatewayCommand>): Promise<ChildProcess> =>
  (await startProcess(command, args, ready, (child) => children.add(child))).child;

/** A mosquitto; more lines, from its own folder, make a bridge of it. */
export async function mosquitto(
  extra: (directory: string) => readonly string[] = () => [],
): Promise<{ port: number; child: ChildProcess }> {
  const port = await freePort();
  return { port, child: await mosquittoAt(port, extra) };
}

export function mosquittoAt(
  port: number,
  extra: (directory: string) => readonly string[] = () => [],
): Promise<ChildProcess> {
  const directory = folder();
  return mosquittoIn(directory, port, extra(directory));
}

export const mosquittoIn = (directory: string, port: number, extra: readonly string[]) =>
  start(mosquittoCommand(directory, port, extra));

export function gateway(config: object): Promise<ChildProcess> {
  const directory = folder();
  return gatewayIn(directory, { ...config, dataDir: join(directory, 'data') });
}

export const gatewayIn = (directory: string, config: object) => start(gatewayCommand(directory, config));

export async function client(port: number): Promise<MqttClient> {
  const one = connect({ host: '127.0.0.1', port, protocolVersion: 5, reconnectPeriod: 0 });
  await new Promise<void>((resolve) => one.once('connect', () => resolve()));
  (one.stream as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true);
  return one;
}

/** Cameras in a process of their own: what they cost is not what is measured. */
export async function startCameras(
  cameras: readonly { readonly port: number | undefined; readonly rtspPort: number | undefined }[],
): Promise<ChildProcess> {
  const simulator = new URL('../../simulators/camera.ts', import.meta.url).href;
  const program = `
    import { startCamera } from ${JSON.stringify(simulator)};
    for (const one of ${JSON.stringify(cameras)}) await startCamera({ ...one, id: String(one.port), rate: 10 });
    console.error('ready');
  `;
  return await start({
    command: process.execPath,
    args: ['--input-type=module', '-e', program],
    ready: /ready/,
  });
}

/** Resident memory, MB, and CPU seconds used so far, of a process. */
export function usage(child: ChildProcess): { rss: number; cpu: number } {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return {
    rss: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024,
    cpu: (Number(stat[11]) + Number(stat[12])) / 100,
  };
}

/**
 * ms of one 4 KB append with fsync on the disk of the benches, 100 a second like the paced load: the physical limit
 * of an acknowledged event. (In a tight loop a disk answers faster than to one event now and then.)
 */
export async function fsyncTime(): Promise<number[]> {
  const file = openSync(join(folder(), 'fsync'), 'w');
  const page = Buffer.alloc(4096, 1);
  const times: number[] = [];
  for (let i = 0; i < 300; i++) {
    await delay(10);
    const from = performance.now();
    writeSync(file, page);
    fsyncSync(file);
    times.push(performance.now() - from);
  }
  closeSync(file);
  return times;
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

export const ms = (value: number) => `${value.toFixed(2)} ms`;
export const tell = (line = '') => process.stdout.write(`${line}\n`);
