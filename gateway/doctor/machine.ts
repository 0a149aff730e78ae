/** The machine itself: its clock, memory, watchdog, disk, files, and the program that pictures need. Changes nothing. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Viewer } from '../service-user.ts';
import { judge, measureDisk, quantile } from './disk.ts';
import { fileFindings } from './files.ts';
import { type Finding, findingsAbout } from './finding.ts';

/** What of a config is looked at: plain values, for a thread apart. */
export interface OfMachine {
  /** Absolute. */
  readonly file: string;
  readonly dataDir: string;
  readonly timezone: string;
  /** Bytes: free disk below which the gateway calls it low. */
  readonly lowDisk: number;
  /** Whether something of the config needs ffmpeg. */
  readonly needsVideo: boolean;
  /** A gateway runs on this disk: it is measured seldom and little. */
  readonly gently: boolean;
  /** By whose eyes files are looked at; undefined: by ours. */
  readonly viewer?: Viewer | undefined;
}

const run = promisify(execFile);
const PROGRAM_MS = 5000;
const output = async (program: string, args: readonly string[]): Promise<string | undefined> =>
  await run(program, args, { timeout: PROGRAM_MS, env: { ...process.env, LC_ALL: 'C' } }).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
const textOf = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

/** This program is of after this: a clock that says less is wrong, whatever it says of itself. */
const BUILT_MS = Date.UTC(2026, 10, 1);
/** The clocks of a campus are to be right within 5 s (GB/T 29315); a battery's clock is no worse than a minute. */
const NTP_OFF_S = 5;
const RTC_OFF_S = 60;

/** chronyc's words: `System time     : 0.000012 seconds fast of NTP time`, `Leap status     : Normal`. */
export function readChrony(
  text: string,
): { readonly synchronised: boolean; readonly offS: number } | undefined {
  const off = /^System time\s*:\s*([\d.]+) seconds (fast|slow)/m.exec(text);
  const leap = /^Leap status\s*:\s*(.+)$/m.exec(text)?.[1]?.trim();
  if (off === null || leap === undefined) return undefined;
  return { synchronised: leap !== 'Not synchronised', offS: Number(off[1]) * (off[2] === 'slow' ? -1 : 1) };
}

/** Who keeps the clock right: chrony, else what systemd knows. undefined: nobody says. */
async function ntpState(): Promise<{ readonly synchronised: boolean; readonly offS?: number } | undefined> {
  const chrony = readChrony((await output('chronyc', ['-n', 'tracking'])) ?? '');
  if (chrony !== undefined) return chrony;
  if (existsSync('/run/systemd/timesync/synchronized')) return { synchronised: true };
  const told = await output('timedatectl', ['show', '-p', 'NTPSynchronized', '--value']);
  return told === undefined ? undefined : { synchronised: told.trim() === 'yes' };
}

async function clockFindings({ timezone }: OfMachine, now: number): Promise<Finding[]> {
  const { good, note, bad } = findingsAbout('clock');
  const found: Finding[] = [];
  const ntp = await ntpState();
  if (now < BUILT_MS)
    found.push(
      bad(
        `the clock says ${new Date(now).toISOString()}, which is before this program was made: set it, and install chrony`,
        `时钟显示 ${new Date(now).toISOString()}，早于本程序的发布时间：请校准时钟并安装 chrony`,
      ),
    );
  if (ntp === undefined)
    found.push(
      note(
        'nobody here says whether the clock is right: install chrony (apt install chrony), and name the school’s or the platform’s time server in it',
        '无法得知时钟是否准确：请安装 chrony（apt install chrony）并配置学校或平台的时间服务器',
      ),
    );
  else if (!ntp.synchronised)
    found.push(
      bad(
        'the clock is not synchronised: alarms bear a wrong time. Look at `chronyc sources`; let UDP 123 through the firewall',
        '时钟未同步：报警时间将不准确。请查看 `chronyc sources`，并在防火墙放行 UDP 123',
      ),
    );
  else if (Math.abs(ntp.offS ?? 0) > NTP_OFF_S)
    found.push(
      bad(
        `the clock is ${ntp.offS?.toFixed(1)} s off: run \`chronyc makestep\``,
        `时钟偏差 ${ntp.offS?.toFixed(1)} 秒：请运行 \`chronyc makestep\``,
      ),
    );
  else found.push(good('the clock is synchronised by NTP', '时钟已通过 NTP 同步'));
  const rtc = Number(textOf('/sys/class/rtc/rtc0/since_epoch'));
  if (!(rtc > 0))
    found.push(
      note(
        'this machine has no clock that runs without power: after an outage the first alarms bear a wrong time until NTP answers. Use one with an RTC and a battery',
        '本机没有断电时仍走时的时钟（RTC）：断电恢复后、NTP 应答前的报警时间会不准确。请选用带 RTC 电池的主机',
      ),
    );
  else if (Math.abs(rtc - now / 1000) > RTC_OFF_S)
    found.push(
      note(
        `the clock that runs without power is ${Math.round(rtc - now / 1000)} s off: run \`hwclock --systohc --utc\`, and change its battery where it stays so`,
        `断电时钟（RTC）偏差 ${Math.round(rtc - now / 1000)} 秒：请运行 \`hwclock --systohc --utc\`；若再次偏差请更换电池`,
      ),
    );
  const own = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (own !== timezone)
    found.push(
      note(
        `the machine’s time zone is ${own}, the campus’s ${timezone}: its own logs bear other times. Run \`timedatectl set-timezone ${timezone}\``,
        `主机时区为 ${own}，校园时区为 ${timezone}：系统日志的时间会不同。请运行 \`timedatectl set-timezone ${timezone}\``,
      ),
    );
  return found;
}

const GB = 1e9;
/** Of what is left for the gateway when all is busy, bytes: it takes 150 MB, its threads as much for a while. */
const LOW_MEMORY = 300e6;

/** What the kernel says to who may not read /proc/meminfo (sysinfo(2)). Free is what not even the page cache uses. */
export interface Memory {
  readonly total: number;
  readonly free: number;
}

/** `meminfo`: undefined within the unit, whose /proc has processes alone (ProcSubset=pid). */
export function memoryFindings(meminfo: string | undefined, { total: all, free }: Memory): Finding[] {
  const { good, note, bad } = findingsAbout('memory');
  const kB = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(meminfo ?? '')?.[1]) * 1024;
  const isHidden = !(kB('MemTotal') > 0);
  // What is free is available; what is more than that, the page cache knows.
  const [total, available] = isHidden ? [all, free] : [kB('MemTotal'), kB('MemAvailable')];
  if (isHidden && available < LOW_MEMORY)
    return [
      note(
        `of ${(total / GB).toFixed(1)} GB of memory it cannot be seen from within the service how much can be had: run \`sudo campus-gateway doctor FILE\` at the machine`,
        `内存共 ${(total / GB).toFixed(1)} GB，在服务内无法看到可用内存：请在主机上运行 \`sudo campus-gateway doctor 配置文件\``,
      ),
    ];
  const [en, zh] = [
    `${(available / GB).toFixed(1)} of ${(total / GB).toFixed(1)} GB of memory are free`,
    `可用内存 ${(available / GB).toFixed(1)} GB，共 ${(total / GB).toFixed(1)} GB`,
  ];
  if (available < LOW_MEMORY / 3)
    return [
      bad(
        `${en}: the kernel will end programs. Stop others, or add memory`,
        `${zh}：内核将终止程序。请停止其他程序或增加内存`,
      ),
    ];
  if (available < LOW_MEMORY)
    return [note(`${en}: stop what else runs here, or add memory`, `${zh}：请停止其他程序或增加内存`)];
  return [good(en, zh)];
}

async function watchdogFindings(): Promise<Finding[]> {
  const { good, note } = findingsAbout('watchdog');
  const device = existsSync('/dev/watchdog');
  const told = await output('systemctl', ['show', '-p', 'RuntimeWatchdogUSec', '--value']);
  const isArmed = told !== undefined && !/^(0|off|infinity)?$/.test(told.trim());
  if (!device)
    return [
      note(
        'there is no /dev/watchdog: a kernel that hangs stays so. Load the module of the board (iTCO_wdt, sp5100_tco), or `softdog`',
        '没有 /dev/watchdog：内核死机后不会自动重启。请加载主板的看门狗模块（iTCO_wdt、sp5100_tco）或 `softdog`',
      ),
    ];
  if (!isArmed)
    return [
      note(
        'nobody feeds /dev/watchdog: write RuntimeWatchdogSec=30s into /etc/systemd/system.conf and restart',
        '/dev/watchdog 未启用：请在 /etc/systemd/system.conf 中写入 RuntimeWatchdogSec=30s 并重启',
      ),
    ];
  return [
    good(`systemd feeds /dev/watchdog (${told?.trim()})`, `systemd 已启用 /dev/watchdog（${told?.trim()}）`),
  ];
}

async function videoFindings({ needsVideo }: OfMachine): Promise<Finding[]> {
  if (!needsVideo) return [];
  const { good, bad } = findingsAbout('video');
  const version = /^ffmpeg version (\S+)/.exec((await output('ffmpeg', ['-version'])) ?? '')?.[1];
  if (version === undefined)
    return [
      bad(
        'ffmpeg is missing, which live video and clips need: apt install ffmpeg (alarms do not need it)',
        '缺少 ffmpeg，实时视频与录像需要它：apt install ffmpeg（报警不受影响）',
      ),
    ];
  return [good(`ffmpeg ${version}`, `ffmpeg ${version}`)];
}

/** Of a disk that a gateway has: a measurement must not be felt. */
const GENTLY = { count: 30, pauseMs: 20 };

async function diskFindings(of: OfMachine, clock: Clock): Promise<Finding[]> {
  const { good, bad } = findingsAbout('disk');
  const directory = existsSync(of.dataDir) ? of.dataDir : dirname(of.dataDir);
  try {
    const report = await measureDisk(directory, clock, () => {}, of.gently ? GENTLY : undefined);
    const { times, freeBytes } = report;
    const [p50, p99] = [quantile(times, 0.5).toFixed(2), quantile(times, 0.99).toFixed(2)];
    const free = (freeBytes / GB).toFixed(1);
    const said = judge(report);
    const low =
      freeBytes < of.lowDisk
        ? [
            bad(
              `${free} GB are free, less than \`retention.lowDisk\`: old events will go. Make room, or use a larger disk`,
              `剩余 ${free} GB，低于 \`retention.lowDisk\`：旧事件将被清除。请清理空间或更换更大的磁盘`,
            ),
          ]
        : [];
    const fine =
      said.some(({ is }) => is === 'bad') || low.length > 0
        ? []
        : [
            good(
              `an event is on disk within ${p50} ms (99 %: ${p99} ms); ${free} GB are free`,
              `事件写入磁盘耗时 ${p50} 毫秒（99 %：${p99} 毫秒）；剩余 ${free} GB`,
            ),
          ];
    return [...fine, ...low, ...said];
  } catch (error) {
    const { message } = error as Error;
    return [bad(`${directory} takes nothing: ${message}`, `${directory} 无法写入：${message}`)];
  }
}

/** All of it. Never rejects. */
export async function examineMachine(of: OfMachine, clock: Clock): Promise<readonly Finding[]> {
  const [time, watchdog, video, disk] = await Promise.all([
    clockFindings(of, clock.wall()),
    watchdogFindings(),
    videoFindings(of),
    diskFindings(of, clock),
  ]);
  const memory = memoryFindings(textOf('/proc/meminfo'), { total: totalmem(), free: freemem() });
  return [
    ...time,
    ...disk,
    ...fileFindings(of.file, of.dataDir, of.viewer),
    ...memory,
    ...watchdog,
    ...video,
  ];
}

export const isThere = (file: string): boolean => statSync(file, { throwIfNoEntry: false }) !== undefined;
