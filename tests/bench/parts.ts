/** Parts of the benches: real processes, and numbers of what happened. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { freePort } from '../free-port.ts';
import { gatewayCommand, mosquittoCommand, type Program, startProcess } from '../processes.ts';

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

/** Ends with the bench. */
export const adopt = (child: ChildProcess) => void children.add(child);

/** Resolves when it says that it is there. */
export const start = async ({ command, args, ready, env }: Program): Promise<ChildProcess> =>
  (await startProcess(command, args, ready, adopt, env)).child;

/** A mosquitto; more lines, from its own folder, make a bridge of it. Its own 20 in flight would be the limit. */
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
  return mosquittoIn(directory, port, ['max_inflight_messages 256', ...extra(directory)]);
}

export const mosquittoIn = (directory: string, port: number, extra: readonly string[]) =>
  start(mosquittoCommand(directory, port, extra));

export function gateway(config: object): Promise<ChildProcess> {
  const directory = folder();
  return gatewayIn(directory, { ...config, dataDir: join(directory, 'data') });
}

export const gatewayIn = (directory: string, config: object) => start(gatewayCommand(directory, config));

/** `heard` is there before the first message of a session that was kept. */
export async function client(
  port: number,
  options: IClientOptions = {},
  heard?: (payload: Buffer) => void,
): Promise<MqttClient> {
  const one = connect({
    host: '127.0.0.1',
    port,
    protocolVersion: 5,
    reconnectPeriod: 0,
    ...options,
  });
  if (heard !== undefined) one.on('message', (_topic, payload) => heard(payload));
  await new Promise<void>((resolve, reject) => {
    one.once('connect', () => resolve());
    one.once('error', reject);
  });
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

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

export const ms = (value: number) => `${value.toFixed(2)} ms`;
export const tell = (line = '') => process.stdout.write(`${line}\n`);
