/**
 * A machine like this one, to install on: the file system of this one under an overlay, a network of its own with the
 * loopback alone. What is done there is gone when the test ends.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished, type TestContext } from 'vitest';
import { stopProcess } from '../processes.ts';
import { need } from './tools.ts';

export interface Said {
  readonly status: number | null;
  /** Both of its outputs. */
  readonly said: string;
}

export interface OtherMachine {
  /** Runs a line of shell there, as root, without a terminal. */
  sh(line: string): Said;
  /** The same, which goes on until the test ends or it is stopped. */
  begin(line: string): ChildProcess;
  /** A program of this machine's, which sees that one's files under `root`. */
  beside(command: readonly string[]): ChildProcess;
  readonly root: string;
}

const LAY = `set -e
ip link set lo up
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/all"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/all"
mount -t proc proc "$1/all/proc"
mount --rbind /dev "$1/all/dev"
mount -t tmpfs tmpfs "$1/all/run"`;

/**
 * Skips, aloud, where there is no right to that; under REQUIRE_SYSTEM=1 fails. `place`: an empty folder. `like`: the file
 * system of another machine in place of this one's.
 */
export async function otherMachine(context: TestContext, place: string, like = '/'): Promise<OtherMachine> {
  need(context, 'unshare', 'nsenter', 'ip', 'dpkg');
  const holder = spawn('unshare', ['-m', '-n', 'sh', '-c', 'echo here; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => stopProcess(holder, 'SIGKILL'));
  const here = await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit').then(() => undefined)]);
  const enter = ['-t', String(holder.pid), '-m', '-n'];
  const laid =
    here && spawnSync('nsenter', [...enter, 'sh', '-c', LAY, 'sh', place, like], { encoding: 'utf8' });
  if (laid?.status !== 0) {
    const sentence = `needs the right to lay an overlay: ${laid?.stderr ?? 'unshare'}`;
    if (process.env['REQUIRE_SYSTEM'] === '1') throw new Error(sentence);
    context.skip(sentence);
  }
  const there = (line: string) => [
    ...enter,
    'chroot',
    `${place}/all`,
    'sh',
    '-c',
    `cd /root; { ${line}\n} 2>&1`,
  ];
  const options = { stdio: ['ignore', 'pipe', 'inherit'] as ['ignore', 'pipe', 'inherit'], env: {} };
  return {
    sh(line) {
      const { PATH, TERM } = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', TERM: 'dumb' };
      const env = { PATH, TERM, LC_ALL: 'C.UTF-8', CAMPUS_LANG: 'en' };
      const { status, stdout } = spawnSync('nsenter', there(line), { ...options, env, encoding: 'utf8' });
      return { status, said: stdout };
    },
    root: `${place}/all`,
    beside([program = '', ...args]) {
      const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit'];
      const child = spawn('nsenter', [...enter, program, ...args], { stdio });
      onTestFinished(() => stopProcess(child, 'SIGKILL'));
      return child;
    },
    begin(line) {
      const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', CAMPUS_LANG: 'en' };
      const child = spawn('nsenter', there(`exec ${line}`), { ...options, env });
      onTestFinished(() => stopProcess(child, 'SIGKILL'));
      return child;
    },
  };
}

/** Lets this machine's file be seen there, too: /tmp is part of the overlay. */
export const filesOf = (deb: string): string[] =>
  execFileSync('dpkg-deb', ['--contents', deb], { encoding: 'utf8', maxBuffer: 1e8 }).trim().split('\n');
