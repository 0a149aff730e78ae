/**
 * The physical limit of an acknowledged event: one 4 KB append with fsync on the disk of the benches. A process of
 * its own does 20 a second beside a run, so that both have the same disk in the same seconds.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { adopt, folder, quantile } from './parts.ts';

const PAUSE_MS = 50;

export interface Disk {
  /** ms. */
  readonly p50: number;
  readonly p99: number;
}

/** Runs `work`; its result, and how the disk was meanwhile. */
export async function besideDisk<T>(work: () => Promise<T>): Promise<{ result: T; disk: Disk }> {
  const child = spawn(process.execPath, [import.meta.filename, join(folder(), 'probe')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  adopt(child);
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const result = await work();
  child.stdin.end();
  await once(child, 'close');
  const times = JSON.parse(text) as number[];
  return { result, disk: { p50: quantile(times, 0.5), p99: quantile(times, 0.99) } };
}

/** Until its standard input ends; says how long each took, ms. */
async function probe(path: string): Promise<void> {
  const file = openSync(path, 'w');
  const page = Buffer.alloc(4096, 1);
  const times: number[] = [];
  let ended = false;
  process.stdin.on('end', () => {
    ended = true;
  });
  process.stdin.resume();
  while (!ended) {
    await delay(PAUSE_MS);
    const from = performance.now();
    writeSync(file, page);
    fsyncSync(file);
    times.push(performance.now() - from);
  }
  closeSync(file);
  process.stdout.write(JSON.stringify(times));
}

if (import.meta.main) await probe(process.argv[2] ?? '');
