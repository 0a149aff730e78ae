/** Before the gateway starts, and before it takes up another config: whether the ports that its config asks for are free, and who has those that are not. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename } from 'node:path';
import type { Listener } from '../config/check/ports.ts';
import { say } from '../config/language.ts';
import type { Problem } from '../drivers/contract/driver.ts';

/** A port that cannot be had, in both languages. */
export interface TakenPort extends Problem {
  readonly en: string;
  readonly zh: string;
}

/**
 * Opens and closes each port. @returns those that another program has; what else is wrong with a port (no such address
 * yet, no right to it) is left to who opens it.
 */
export async function takenPorts(listeners: readonly Listener[]): Promise<TakenPort[]> {
  const unique = [...new Map(listeners.map((one) => [one.name, one])).values()];
  const found = await Promise.all(
    unique.flatMap(({ path, host, port, over }) =>
      over.map(async (way): Promise<TakenPort[]> => {
        if (!(await isTaken(way, host, port))) return [];
        const by = ownerOf(way, port);
        const named = `${host}:${port} (${way.toUpperCase()})`;
        const en = `${named} is taken by ${by ?? 'another program'}; stop it, or give another port here`;
        const zh = `${named} 已被${by === undefined ? '其他程序' : ` ${by} `}占用；请停止该程序，或在此更换端口`;
        return [{ path, message: say(en, zh), en, zh }];
      }),
    ),
  );
  return found.flat();
}

async function isTaken(way: 'tcp' | 'udp', host: string, port: number): Promise<boolean> {
  const probe = way === 'tcp' ? createServer() : createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    if ('bind' in probe) probe.bind({ address: host, port });
    else probe.listen({ host, port });
    await once(probe, 'listening');
    await new Promise<void>((resolve) => probe.close(() => resolve()));
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  }
}

/** TCP_LISTEN of tcp_states.h; UDP sockets that are bound have 07. */
const STATES = { tcp: '0A', udp: '07' } as const;

/**
 * `nginx (pid 812)`; undefined where it cannot be known: of others' processes only root sees what they have open.
 * Read from proc_net(5) and proc_pid_fd(5).
 */
function ownerOf(way: 'tcp' | 'udp', port: number): string | undefined {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set(
    [`/proc/net/${way}`, `/proc/net/${way}6`].flatMap((table) =>
      linesOf(table).flatMap((line) => {
        const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
        return local.endsWith(`:${hexPort}`) && state === STATES[way] ? [`socket:[${inode}]`] : [];
      }),
    ),
  );
  if (inodes.size === 0) return undefined;
  for (const pid of entriesOf('/proc').filter((name) => /^\d+$/.test(name)))
    for (const fd of entriesOf(`/proc/${pid}/fd`))
      if (inodes.has(linkOf(`/proc/${pid}/fd/${fd}`))) return `${programOf(pid)} (pid ${pid})`;
  return undefined;
}

/** Of a command line, characters. */
const COMMAND_MAX = 120;

/** Its name; of what Node runs, which calls each of its programs `MainThread`, what was typed: `campus-gateway run FILE`. */
function programOf(pid: string): string {
  const name = linesOf(`/proc/${pid}/comm`)[0] ?? '';
  const [program = '', ...words] = orElse(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'), '').split('\0');
  if (basename(program) !== 'node') return name;
  const at = words.findIndex((word) => word !== '' && !word.startsWith('-'));
  const script = words[at];
  if (script === undefined) return name;
  if (!['campus-gateway.js', 'campus-gateway'].includes(basename(script))) return basename(script);
  // No options: what is told goes into the log and the audit, and an option may hold a password.
  const rest = words.slice(at + 1);
  const end = rest.findIndex((word) => word === '' || word.startsWith('-'));
  const typed = ['campus-gateway', ...rest.slice(0, end < 0 ? rest.length : end)].join(' ');
  return typed.length > COMMAND_MAX ? `${typed.slice(0, COMMAND_MAX)}…` : typed;
}

/** Processes come and go, and not all may be looked at. */
function orElse<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
const linesOf = (file: string) => orElse(() => readFileSync(file, 'latin1').split('\n'), []);
const entriesOf = (directory: string) => orElse(() => readdirSync(directory), []);
const linkOf = (file: string) => orElse(() => readlinkSync(file), '');
