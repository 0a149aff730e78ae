/** Real processes, for the system suite and the benches: start one until it says that it is there, and stop it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';

export interface Started {
  readonly child: ChildProcess;
  /** Its standard error, by lines, as long as it runs. */
  readonly log: string[];
}

/**
 * Starts a program; resolves with the line of its standard error that says that it is there. `spawned` is told of
 * the child before, so that whoever cleans up knows it whatever happens.
 * @throws Error with its last lines, where it ends first.
 */
export async function startProcess(
  command: string,
  args: readonly string[],
  ready: RegExp,
  spawned: (child: ChildProcess) => void,
  env: NodeJS.ProcessEnv = {},
): Promise<Started> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  spawned(child);
  const log: string[] = [];
  const { stderr } = child;
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: stderr }).on('line', (line) => {
      log.push(line);
      if (ready.test(line)) resolve();
    });
    child.once('exit', (status) =>
      reject(new Error(`${command} ended (${status}): ${log.slice(-3).join('; ')}`)),
    );
  });
  return { child, log };
}

/** Resolves when it has ended. */
export async function stopProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}

/** Writes the config of a mosquitto with `set_tcp_nodelay`; its arguments, and what it says when it is there. */
export function mosquittoCommand(
  directory: string,
  port: number,
  extra: readonly string[],
  listen = '127.0.0.1',
) {
  const file = join(directory, 'mosquitto.conf');
  const lines = [
    `listener ${port} ${listen}`,
    'allow_anonymous true',
    'user root',
    'set_tcp_nodelay true',
    'max_queued_messages 0',
    ...extra,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return { command: 'mosquitto', args: ['-c', file], ready: /mosquitto version .* running/ };
}

/** Writes a config for the gateway; its arguments, and what it says when it runs. */
export function gatewayCommand(directory: string, config: object) {
  const file = join(directory, 'campus.yaml');
  writeFileSync(file, stringify(config));
  const entry = join(import.meta.dirname, '../gateway/campus-gateway.js');
  return { command: process.execPath, args: [entry, 'run', file], ready: /the gateway runs/ };
}
