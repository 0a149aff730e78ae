/** Installs a Debian package of the gateway, and follows its trial (packaging/debian/trial). */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { say } from '../../../config/language.ts';
import { printable } from '../../printable.ts';
import { version } from '../../version.ts';
import type { Terminal } from '../command.ts';

const PACKAGE = 'campus-gateway';
/** As packaging/debian has it. */
const STATE = '/var/lib/campus-gateway-package';
const LOOK_EVERY_MS = 1000;
/** Two minutes for the new one, two for the old one after it, and what they take to stop (TimeoutStopSec). */
const TRIAL_MAX_MS = 6 * 60_000;

interface Done {
  readonly status: number | null;
  readonly out: string;
}

/** Runs a program of Debian's to its end, in English. @throws Error with a sentence where it is not there. */
function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Done {
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8', ...env },
    maxBuffer: 64_000_000,
  });
  if (error !== undefined)
    throw new Error(
      say(
        `${program} cannot be run (${error.message}): this is for a Debian package`,
        `无法运行 ${program}（${error.message}）：仅适用于 Debian 软件包`,
      ),
    );
  return { status, out: `${stdout}${stderr}`.trim() };
}

const read = (name: string): string | undefined => {
  const file = join(STATE, name);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
};
const installed = () => run('dpkg-query', ['-W', '-f', '${Version}', PACKAGE]);

/** What runs here, for people. @returns the exit status. */
export function tellPackage({ stdout }: Terminal): number {
  const line = (en: string, zh: string) => stdout.write(`${printable(say(en, zh))}\n`);
  const { status, out } = installed();
  line(
    status === 0
      ? `installed: ${out}; this is ${version}`
      : `no Debian package is installed; this is ${version}`,
    status === 0 ? `已安装：${out}；当前程序：${version}` : `未安装 Debian 软件包；当前程序：${version}`,
  );
  const [trial, takenBack] = [read('trial'), read('taken-back')];
  if (read('unpacking') !== undefined)
    line(
      'an upgrade was cut off while it was unpacked; finish it: dpkg --configure -a, or install the package again',
      '升级在解包时中断；请执行 dpkg --configure -a 或重新安装',
    );
  if (trial !== undefined && takenBack === undefined)
    line(`on trial; before it: ${trial}`, `试运行中；之前版本：${trial}`);
  if (takenBack !== undefined) line(`taken back: ${takenBack}`, `已回退：${takenBack}`);
  return takenBack === undefined ? 0 : 1;
}

/** @throws Error with a sentence where it is none of ours, for another machine, or not newer. */
function lookAt(deb: string): string {
  const { status, out } = run('dpkg-deb', ['-f', deb, 'Package', 'Version', 'Architecture']);
  const field = (name: string) => new RegExp(`^${name}: (.+)$`, 'm').exec(out)?.[1] ?? '';
  if (status !== 0 || field('Package') !== PACKAGE)
    throw new Error(
      say(`${deb} is no Debian package of the gateway: ${out}`, `${deb} 不是本网关的 Debian 软件包：${out}`),
    );
  const own = run('dpkg', ['--print-architecture']).out;
  if (field('Architecture') !== own)
    throw new Error(
      say(
        `${deb} is for ${field('Architecture')}, and this machine is ${own}: take the other package`,
        `${deb} 适用于 ${field('Architecture')}，本机为 ${own}：请使用对应的软件包`,
      ),
    );
  const before = installed();
  const wanted = field('Version');
  if (before.status === 0 && run('dpkg', ['--compare-versions', wanted, 'le', before.out]).status === 0)
    throw new Error(
      say(
        `${before.out} is installed, and ${wanted} is not newer; to go back: apt install --allow-downgrades ./FILE`,
        `已安装 ${before.out}，${wanted} 并非更新版本；如需降级：apt install --allow-downgrades ./文件`,
      ),
    );
  return wanted;
}

/** Whether the version in the package takes the config; says what it finds. */
function takesConfig(deb: string, config: string, { stdout, stderr }: Terminal): boolean {
  const place = mkdtempSync('/var/tmp/campus-gateway-upgrade-');
  try {
    const unpacked = run('dpkg-deb', ['-x', deb, place]);
    if (unpacked.status !== 0) throw new Error(unpacked.out);
    const home = join(place, 'usr/lib/campus-gateway');
    const { status, out } = run(join(home, 'bin/node'), [
      join(home, 'gateway/campus-gateway.js'),
      'check',
      config,
    ]);
    for (const said of out.split('\n')) (status === 0 ? stdout : stderr).write(`${printable(said)}\n`);
    return status === 0;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** @returns the exit status. @throws Error with a sentence where it cannot be installed. */
export async function installAndWatch(deb: string, config: string, terminal: Terminal): Promise<number> {
  const { stdout, stderr, clock } = terminal;
  const line = (en: string, zh: string) => stdout.write(`${printable(say(en, zh))}\n`);
  if (process.getuid?.() !== 0) throw new Error(say('this is for root: sudo', '需要 root 权限：请使用 sudo'));
  const path = resolve(deb);
  const wanted = lookAt(path);
  line(`${wanted} reads ${config}`, `${wanted} 检查 ${config}`);
  if (!takesConfig(path, config, terminal)) {
    const sentence = say(
      'nothing was installed: mend the config for it first',
      '未安装：请先按新版本要求修改配置',
    );
    stderr.write(`${sentence}\n`);
    return 1;
  }
  line(`${wanted} is installed`, `正在安装 ${wanted}`);
  const options = ['-y', '--no-remove', '-o', 'Dpkg::Options::=--force-confold'];
  const done = run('apt-get', ['install', ...options, path], { DEBIAN_FRONTEND: 'noninteractive' });
  if (done.status !== 0) {
    stderr.write(`${done.out}\n`);
    throw new Error(say('it could not be installed: see above', '安装失败：见上'));
  }
  if (read('trial') === undefined) {
    line(
      'installed; nothing ran before it that it could be held against',
      '已安装；之前没有运行中的版本可供对比',
    );
    return 0;
  }
  line(
    'on trial: healthy for half a minute within two minutes, or it is taken back',
    '试运行：两分钟内须持续正常半分钟，否则自动回退',
  );
  for (const until = clock.elapsed() + TRIAL_MAX_MS; read('trial') !== undefined; ) {
    if (clock.elapsed() > until)
      throw new Error(
        say(
          'the trial has not ended; look at it: systemctl status campus-gateway campus-gateway-trial',
          '试运行尚未结束；请查看：systemctl status campus-gateway campus-gateway-trial',
        ),
      );
    await clock.wait(LOOK_EVERY_MS);
  }
  const takenBack = read('taken-back');
  if (takenBack === undefined) line(`${wanted} is healthy`, `${wanted} 运行正常`);
  else stderr.write(`${printable(say(`taken back: ${takenBack}`, `已回退：${takenBack}`))}\n`);
  return takenBack === undefined ? 0 : 1;
}
