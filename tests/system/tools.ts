/** Real parts for the system suite: mosquitto, socat, the gateway as a process of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished, type TestContext } from 'vitest';
import { freePort, stream, temporaryDirectory } from '../helpers.ts';
import { gatewayCommand, mosquittoCommand, startProcess, stopProcess } from '../processes.ts';

/** `npm run test:long -- city`: what of a city takes minutes. The check has one of each kind, which is quick. */
export const isCityRun = process.env['CITY'] === '1';

/** Skips the test where a program is missing, aloud; under REQUIRE_SYSTEM=1 fails instead. */
export function need(context: TestContext, ...programs: string[]) {
  const missing = programs.filter((program) => spawnSync('which', [program]).status !== 0);
  if (missing.length === 0) return;
  const sentence = `needs ${missing.join(', ')} (.ci/run installs what the suite needs)`;
  if (process.env['REQUIRE_SYSTEM'] === '1') throw new Error(sentence);
  process.stderr.write(`skipped: ${context.task.name}: ${sentence}\n`);
  context.skip(sentence);
}

/** Polls what no event tells: a foreign process's state. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeout = 30_000,
): Promise<void> {
  const end = performance.now() + timeout;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${timeout / 1000} s: ${what}`);
    await delay(20);
  }
}

export interface Mosquitto {
  readonly port: number;
  /** What it said, over all its starts. */
  log(): string[];
  start(): Promise<void>;
  /** SIGTERM: it saves its sessions. */
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** SIGSTOP, SIGCONT, SIGHUP. */
  signal(signal: NodeJS.Signals): void;
}

/** A real mosquitto that keeps sessions, with `set_tcp_nodelay`; `wrap` is a command before it, `ip netns exec`. */
export async function mosquitto(
  extra: readonly string[] = [],
  options: { readonly port?: number; readonly wrap?: readonly string[]; readonly listen?: string } = {},
): Promise<Mosquitto> {
  const directory = temporaryDirectory();
  const port = options.port ?? (await freePort());
  const lines = ['persistence true', `persistence_location ${directory}/`, 'log_type all', 'log_dest stderr'];
  const plain = mosquittoCommand(directory, port, [...lines, ...extra], options.listen);
  const [command = '', ...args] = [...(options.wrap ?? []), plain.command, ...plain.args];
  const logs: string[][] = [];
  let child: ChildProcess | undefined;
  const start = async () => {
    const started = await startProcess(command, args, plain.ready, (own) => {
      child = own;
    });
    logs.push(started.log);
  };
  const stop = async () => {
    if (child !== undefined) await stopProcess(child);
  };
  onTestFinished(stop);
  await start();
  return {
    port,
    log: () => logs.flat(),
    start,
    stop,
    async kill() {
      if (child !== undefined) await stopProcess(child, 'SIGKILL');
    },
    signal: (signal) => void child?.kill(signal),
  };
}

export interface Line {
  readonly topic: string;
  readonly event: {
    id: string;
    type: string;
    time: string;
    sequence: string;
    previous: string;
    subject?: string;
    data: Record<string, unknown>;
  };
}

/** A platform in one line of shell: mosquitto_sub with a session of its own; it comes back when the broker does. */
export async function subscriber(port: number, version: 'mqttv5' | 'mqttv311') {
  const lines = stream<Line>();
  const all: Line[] = [];
  let over = false;
  let child: ChildProcess | undefined;
  const args = [
    '-p',
    String(port),
    '-V',
    version,
    '-q',
    '1',
    '-c',
    '-i',
    'platform',
    '-t',
    'campus/v1/+/event/#',
    '-F',
    '%t %p',
    '-d',
  ];
  const subscribed = Promise.withResolvers<void>();
  const run = async () => {
    while (!over) {
      // By lines: into a pipe, it keeps what it says of its subscription until the first message comes.
      const own = spawn('stdbuf', ['-oL', 'mosquitto_sub', ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
      child = own;
      createInterface({ input: own.stdout }).on('line', (line) => {
        if (/^Subscribed/.test(line)) subscribed.resolve();
        if (!line.startsWith('campus/')) return;
        const space = line.indexOf(' ');
        const one = {
          topic: line.slice(0, space),
          event: JSON.parse(line.slice(space + 1)) as Line['event'],
        };
        all.push(one);
        lines.push(one);
      });
      await once(own, 'exit');
      if (!over) await delay(100);
    }
  };
  const running = run();
  onTestFinished(async () => {
    over = true;
    child?.kill('SIGKILL');
    await running;
  });
  await subscribed.promise;
  return { all, next: () => lines.next() };
}

export interface GatewayProcess {
  readonly child: ChildProcess;
  readonly log: string[];
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

/** The gateway as its users run it; resolves when it says that it runs. */
export async function gateway(
  config: object,
  directory: string,
  env: NodeJS.ProcessEnv = {},
  under: readonly string[] = [],
): Promise<GatewayProcess> {
  const { command, args, ready } = gatewayCommand(directory, config);
  const [program = command, ...rest] = [...under, command, ...args];
  const { child, log } = await startProcess(
    program,
    rest,
    ready,
    (own) => {
      onTestFinished(() => stopProcess(own, 'SIGKILL'));
    },
    env,
  );
  return {
    child,
    log,
    async stop() {
      await stopProcess(child);
      return child.exitCode;
    },
    kill: () => stopProcess(child, 'SIGKILL'),
  };
}

/** Two ends of a serial line that exist as long as socat runs. */
export async function ptyPair(): Promise<{
  a: string;
  b: string;
  unplug: () => Promise<void>;
  plug: () => Promise<void>;
}> {
  const directory = temporaryDirectory();
  const a = join(directory, 'a');
  const b = join(directory, 'b');
  let child: ChildProcess | undefined;
  const plug = async () => {
    child = spawn('socat', ['-d', '-d', `pty,raw,echo=0,link=${a}`, `pty,raw,echo=0,link=${b}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const { stderr } = child;
    if (stderr === null) throw new Error('socat has no stderr');
    const lines = createInterface({ input: stderr });
    for await (const line of lines) if (line.includes('starting data transfer loop')) break;
    stderr.resume();
  };
  const unplug = async () => {
    if (child !== undefined) await stopProcess(child);
  };
  onTestFinished(unplug);
  await plug();
  return { a, b, unplug, plug };
}
