/** PostgreSQL from Debian's package, as a process of its own on a free port, in a folder of its own. It is as durable as it comes. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { freePort } from '../helpers.ts';
import { startProcess, stopProcess } from '../processes.ts';

export interface Postgres {
  /** With a user that may all, and an empty database. */
  readonly url: string;
  /** SIGINT: a fast shutdown. SIGKILL to it and to all of its children: what a power cut leaves. */
  stop(signal?: 'SIGINT' | 'SIGKILL'): Promise<void>;
  start(): Promise<void>;
}

const LIB = '/usr/lib/postgresql';
/** The folder of the newest version's programs; undefined: it is not installed. */
const programs = (): string | undefined => {
  if (!existsSync(LIB)) return undefined;
  const newest = readdirSync(LIB).toSorted((one, other) => Number(other) - Number(one))[0];
  return newest && join(LIB, newest, 'bin');
};
export const hasPostgres = (): boolean => programs() !== undefined;

const idOf = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));

/** `settings`: `name=value`, beside those of a test. `atEnd`: what ends it, then; `afterAll` for one that a file shares. */
export async function postgres(
  settings: readonly string[] = [],
  atEnd: (end: () => Promise<void>) => void = onTestFinished,
): Promise<Postgres> {
  const bin = programs();
  if (bin === undefined) throw new Error('postgresql is not installed');
  const port = await freePort();
  // It does not run as root: its own user owns the folder.
  const directory = mkdtempSync('/tmp/postgres-');
  const user = { uid: idOf('-u'), gid: idOf('-g') };
  chownSync(directory, user.uid, user.gid);
  chmodSync(directory, 0o700);
  const data = join(directory, 'data');
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync', '--locale=C.UTF-8'],
    {
      ...user,
      cwd: directory,
      stdio: 'ignore',
    },
  );
  const args = [
    '-D',
    data,
    ...[
      `port=${port}`,
      'listen_addresses=127.0.0.1',
      `unix_socket_directories=${directory}`,
      ...settings,
    ].flatMap((one) => ['-c', one]),
  ];
  let child: Awaited<ReturnType<typeof startProcess>>['child'] | undefined;
  const start = async () => {
    await startProcess(
      'setpriv',
      ['--reuid', 'postgres', '--regid', 'postgres', '--clear-groups', join(bin, 'postgres'), ...args],
      /ready to accept connections/,
      (made) => {
        child = made;
      },
    );
  };
  const stop = async (signal: 'SIGINT' | 'SIGKILL' = 'SIGINT') => {
    if (child === undefined) return;
    if (signal === 'SIGKILL') {
      const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
      spawn('pkill', ['-9', '-P', String(child.pid)], { stdio: 'ignore' });
      child.kill('SIGKILL');
      await ended;
    } else await stopProcess(child, signal);
    child = undefined;
  };
  atEnd(async () => {
    await stop();
    rmSync(directory, { recursive: true, force: true });
  });
  await start();
  return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, start, stop };
}
