/** Whether a disk can hold a journal: what it confirms, how fast, and how much of it is left. */
import {
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import { type Finding, findingsAbout } from './finding.ts';

/** Writes of a measurement. */
export const TIMES = 200;
/** An alarm is on disk within a tenth of what a person sees as at once; above it, still right, and slow. */
const SLOW_MS = 20;
/** Above it, a burst of alarms takes seconds. */
const TOO_SLOW_MS = 100;
/** A platter turns in 8.3 ms (7200/min): an fsync is on it in half a turn on average, not sooner. */
const PLATTER_LIES_MS = 2;
/** No flash writes and confirms in less; what does, confirms from its memory. Some servers' drives may, by capacitor. */
const FLASH_LIES_MS = 0.02;
/** Magic numbers of file systems that live in memory: tmpfs, ramfs (statfs(2)). */
const IN_MEMORY: Readonly<Record<number, string>> = { 16914836: 'tmpfs', 2240043254: 'ramfs' };

/** Disks of virtual machines and of files. */
const VIRTUAL = /^(vd|xvd|nbd|loop|dm-|zram)/;

export interface DiskReport {
  /** ms of one 4 KB append with fsync. */
  readonly times: readonly number[];
  readonly memory?: string | undefined;
  readonly device?: string | undefined;
  /** undefined: not known, as of a virtual disk, which says it is one whatever lies under it. */
  readonly rotational?: boolean | undefined;
  readonly writeCache?: string | undefined;
  readonly freeBytes: number;
}

export const quantile = (values: readonly number[], q: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? 0;

/** What is to be said of a disk; `bad`: it must not hold a journal. */
export function judge(report: DiskReport): readonly Finding[] {
  const { times, memory, rotational, writeCache, freeBytes } = report;
  const typical = quantile(times, 0.5);
  const worst = quantile(times, 0.99);
  const found: Finding[] = [];
  const about = findingsAbout('disk');
  const bad = (en: string, zh: string) => found.push(about.bad(en, zh));
  const note = (en: string, zh: string) => found.push(about.note(en, zh));
  if (memory !== undefined)
    bad(
      `this is memory (${memory}), not a disk: nothing survives a power cut. Put dataDir on the disk.`,
      `这是内存（${memory}）而非磁盘：断电后全部丢失。请把 dataDir 放到磁盘上。`,
    );
  else if ((rotational === true && typical < PLATTER_LIES_MS) || typical < FLASH_LIES_MS)
    bad(
      `it confirms in ${typical.toFixed(3)} ms, faster than it can write: it confirms from its cache, and a power cut loses what was confirmed. Switch its write cache off (hdparm -W0), or use a drive with power loss protection.`,
      `它在 ${typical.toFixed(3)} 毫秒内确认，快于物理写入：确认来自缓存，断电会丢失已确认的数据。请关闭写缓存（hdparm -W0），或使用带断电保护的硬盘。`,
    );
  if (typical > TOO_SLOW_MS)
    bad(
      `it is too slow: one event takes ${typical.toFixed(0)} ms. Use an SSD; SD cards and USB sticks wear out besides.`,
      `过慢：写入一个事件需 ${typical.toFixed(0)} 毫秒。请使用固态硬盘；SD 卡和 U 盘还容易损坏。`,
    );
  else if (typical > SLOW_MS || worst > 10 * SLOW_MS)
    note(
      `it is slow, and will do: typically ${typical.toFixed(1)} ms, at worst ${worst.toFixed(0)} ms an event.`,
      `较慢但可用：每个事件通常 ${typical.toFixed(1)} 毫秒，最慢 ${worst.toFixed(0)} 毫秒。`,
    );
  if (writeCache === 'write back')
    note(
      'its write cache is on: that is safe only as far as it obeys flushes. After installing, pull the plug once under load and run `campus-gateway journal verify`.',
      '写缓存已开启：只有当硬盘遵守刷写指令时才安全。安装后请在负载下断电一次，再运行 `campus-gateway journal verify`。',
    );
  if (freeBytes < 2e9)
    note(
      `only ${(freeBytes / 1e9).toFixed(1)} GB are free.`,
      `仅剩 ${(freeBytes / 1e9).toFixed(1)} GB 空间。`,
    );
  return found;
}

/** Measures a folder's disk. @throws what the file system says. */
export async function measureDisk(
  directory: string,
  clock: Clock = systemClock,
  step: () => void = () => {},
  { count, pauseMs }: { readonly count: number; readonly pauseMs: number } = { count: TIMES, pauseMs: 2 },
): Promise<DiskReport> {
  const { type, bavail, bsize } = statfsSync(directory);
  const folder = mkdtempSync(join(directory, '.doctor-'));
  const times: number[] = [];
  try {
    const file = openSync(join(folder, 'probe'), 'w');
    const page = Buffer.alloc(4096, 1);
    for (let i = 0; i < count; i++) {
      const from = clock.elapsed();
      writeSync(file, page);
      fsyncSync(file);
      times.push(clock.elapsed() - from);
      step();
      // Now and then, like events: a tight loop flatters a disk.
      await clock.wait(pauseMs);
    }
    closeSync(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { times, memory: IN_MEMORY[type], freeBytes: bavail * bsize, ...deviceOf(directory) };
}

/** What the kernel knows of the block device under a folder; nothing where there is none to see. */
function deviceOf(directory: string): Pick<DiskReport, 'device' | 'rotational' | 'writeCache'> {
  try {
    const { dev } = statSync(directory);
    // Linux's dev_t (makedev(3)).
    const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)];
    const device = realpathSync(`/sys/dev/block/${major}:${minor}`);
    const read = (name: string): string => {
      for (const place of [device, join(device, '..')]) {
        try {
          return readFileSync(join(place, 'queue', name), 'utf8').trim();
        } catch {
          // A partition has no queue of its own.
        }
      }
      return '';
    };
    const name = device.split('/').at(-1) ?? '';
    return {
      device: name,
      rotational: VIRTUAL.test(name) ? undefined : read('rotational') === '1',
      writeCache: read('write_cache'),
    };
  } catch {
    return {};
  }
}
