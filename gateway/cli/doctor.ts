import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import type { Finding, Grade, Subject } from '../doctor/finding.ts';
import { printable } from '../printable.ts';
import { type Command, loadedOrErrors, progress, type Terminal, UsageError } from './command.ts';

const SIGNS: Readonly<Record<Grade, string>> = { good: '✓', note: '!', bad: '✗' };
const HEADS: Readonly<Record<Subject, readonly [en: string, zh: string]>> = {
  clock: ['clock', '时钟'],
  disk: ['disk', '磁盘'],
  files: ['files', '文件'],
  memory: ['memory', '内存'],
  watchdog: ['watchdog', '看门狗'],
  video: ['video', '视频'],
  ports: ['ports', '端口'],
  names: ['names', '主机名'],
  platforms: ['platforms', '平台'],
  devices: ['devices', '设备'],
  contacts: ['contacts', '联系人'],
};

const english = `campus-gateway doctor [FILE] [--disk DIR] [--json]

With FILE: looks at the clock and who keeps it right, the disk, the rights of files, memory, the watchdog, ffmpeg, ports that
are taken, and names; then at each platform (TLS and its certificate, the login, the right to each topic by publishing there
and reading it back, receipts, registering) and each device (whether it answers, its password, its clock, its firmware). A
refused password is not tried again. Where the gateway runs, platforms and devices are not touched: it is asked how they are.
With DIR: writes and fsyncs 200 times in a new file there, and says whether that disk can be believed and is quick enough.
--json: each finding as a line: about, is (good, note, bad), en, zh.

Exit status 1 where something is wrong (✗): alarms would be lost, or late.

  campus-gateway doctor /etc/campus-gateway/campus.yaml
  campus-gateway doctor --disk /var/lib/campus-gateway`;
const chinese = `campus-gateway doctor [FILE] [--disk DIR] [--json]

给出 FILE 时检查：时钟及其同步、磁盘、文件权限、内存、看门狗、ffmpeg、被占用的端口、主机名；然后检查每个平台（TLS 及证书、登录、
通过发布并读回检查每个主题的权限、回执、注册）和每台设备（是否应答、密码、时钟、固件）。被拒绝的密码不再尝试。网关正在运行时不接触平台
和设备，而是向网关询问。
给出 DIR 时：在其中的新文件里写入并 fsync 200 次，说明该磁盘是否可信、是否够快。
--json：每项结论一行：about、is（good、note、bad）、en、zh。

发现问题（✗，报警会丢失或延误）时退出状态为 1。

  campus-gateway doctor /etc/campus-gateway/campus.yaml
  campus-gateway doctor --disk /var/lib/campus-gateway`;

export const doctor: Command = {
  name: 'doctor',
  summary: [
    'Find out what is wrong with this machine, its platforms and its devices, and what to do',
    '体检：检查主机、平台和设备，并给出处理建议',
  ],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { disk: { type: 'string' }, json: { type: 'boolean', default: false } },
    });
    const [file] = positionals;
    if (values.disk === undefined && file === undefined) throw new UsageError('FILE, --disk DIR');
    const found: Finding[] = [];
    if (values.disk !== undefined) found.push(...(await examineDisk(values.disk, terminal, values.json)));
    if (file !== undefined) {
      const loaded = await loadedOrErrors(file, terminal);
      if (loaded === undefined) return 1;
      const { examineAll } = await import('./doctor/examine.ts');
      const bar = progress(terminal, say('looking', '检查中'), undefined, 1);
      found.push(...(await examineAll(loaded, terminal.clock, () => bar.step())));
      bar.end();
    }
    tell(found, values.json, terminal);
    return found.some(({ is }) => is === 'bad') ? 1 : 0;
  },
};

function tell(found: readonly Finding[], json: boolean, { stdout }: Terminal): void {
  if (json) {
    for (const one of found) stdout.write(`${JSON.stringify(one)}\n`);
    return;
  }
  for (const { about, is, en, zh } of found)
    stdout.write(`${printable(`${SIGNS[is]} ${say(...HEADS[about])}${say(': ', '：')}${say(en, zh)}`)}\n`);
  const count = (grade: Grade) => found.filter(({ is }) => is === grade).length;
  stdout.write(
    say(
      `${count('good')} good, ${count('note')} to look at (!), ${count('bad')} wrong (✗)\n`,
      `${count('good')} 项正常，${count('note')} 项需留意（!），${count('bad')} 项异常（✗）\n`,
    ),
  );
}

/** Measures a disk, shows what came out, and judges it. */
async function examineDisk(
  directory: string,
  terminal: Terminal,
  json: boolean,
): Promise<readonly Finding[]> {
  const { stdout, clock } = terminal;
  const [{ judge, measureDisk, quantile, TIMES }, { openData }, { nearest, serviceUser }, { findingsAbout }] =
    await Promise.all([
      import('../doctor/disk.ts'),
      import('../secrets.ts'),
      import('../service-user.ts'),
      import('../doctor/finding.ts'),
    ]);
  // A gateway that has never run has none yet: it will be made on the disk of what is above it.
  const there = nearest(directory);
  const instead =
    there === resolve(directory)
      ? []
      : [
          findingsAbout('disk').note(
            `${directory} is not there yet, the gateway makes it at its first start: the disk of ${there} was measured`,
            `${directory} 尚不存在，网关首次启动时会创建：已测量 ${there} 所在磁盘`,
          ),
        ];
  const bar = progress(terminal, say('writes', '写入'), TIMES);
  const report = await measureDisk(there, clock, bar.step);
  bar.end();
  const { times, device, rotational, writeCache } = report;
  const about = [
    device,
    rotational === undefined
      ? device === undefined
        ? undefined
        : say('virtual', '虚拟盘')
      : rotational
        ? say('a platter', '机械盘')
        : say('flash', '闪存'),
    writeCache === '' ? undefined : writeCache,
  ];
  if (!json)
    stdout.write(
      `${there}: ${about.filter((word) => word !== undefined).join(', ')}\n` +
        `fsync: p50 ${quantile(times, 0.5).toFixed(2)} ms, p99 ${quantile(times, 0.99).toFixed(2)} ms, ${say('at most', '最长')} ${Math.max(...times).toFixed(2)} ms\n`,
    );
  const open = openData(directory, serviceUser(directory)).map(({ file, mode, run }) =>
    findingsAbout('files').note(
      `${file} (mode ${mode}) can be read by other users of this machine; run: ${run}`,
      `${file}（权限 ${mode}）可被本机其他用户读取；请执行：${run}`,
    ),
  );
  return [...instead, ...judge(report), ...open];
}
