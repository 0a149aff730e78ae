/**
 * Simulators in a process of their own, which a flood or a fault of theirs ends and not the gateway's. It begins when
 * somebody looks, and ends when nothing is simulated and nobody has looked for a while.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Clock, type Timer, within } from '../../../drivers/contract/clock.ts';
import type { Log } from '../../../drivers/contract/driver.ts';
import type { SimulatorAction, Simulators, SimulatorsView } from '../../console/contract/simulators.ts';
import type { Ask, Begin, Told } from './child.ts';

/** Modules are read from a slow disk at the first question. */
const ANSWER_MS = 20_000;
const IDLE_MS = 300_000;
const LOOK_MS = 60_000;
/** 20 simulated cameras with a viewer each take 60 MB. */
const HEAP_MB = 128;
/** Alarms go before what only plays: the lowest but one of nice(1). */
const NICE = 18;

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));

export function remoteSimulators(
  begin: Begin,
  { time, log }: { readonly time: Clock; readonly log: Log },
): Simulators {
  const waiting = new Map<number, (answer: object) => void>();
  let child: ChildProcess | undefined;
  let asked = 0;
  let lastAskedAt = 0;
  let runs = false;
  let looking: Timer | undefined;

  const ended = (own: ChildProcess, reason: string) => {
    if (child !== own) return;
    child = undefined;
    runs = false;
    looking?.stop();
    for (const answer of waiting.values()) answer(new Error(reason));
    waiting.clear();
  };
  const start = (): ChildProcess => {
    const cache = getCompileCacheDir();
    const own = fork(CHILD, [], {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${HEAP_MB}`],
      env: { ...process.env, ...(cache !== undefined && { NODE_COMPILE_CACHE: cache }) },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    own.on('message', ({ ask, answer }: Told) => {
      waiting.get(ask)?.(answer);
      waiting.delete(ask);
    });
    own.on('error', ({ message }) => ended(own, message));
    own.on('exit', (status, signal) => {
      if (child === own)
        log.warn({ status, signal }, 'the process of the simulators ended; none is simulated now');
      ended(own, 'the process of the simulators ended');
    });
    try {
      if (own.pid !== undefined) setPriority(own.pid, NICE);
    } catch {}
    own.send({ devices: begin.devices, others: begin.others } satisfies Begin);
    looking = time.every(LOOK_MS, () => {
      if (!runs && waiting.size === 0 && time.elapsed() - lastAskedAt > IDLE_MS) void stop();
    });
    return own;
  };
  const stop = async () => {
    const own = child;
    if (own === undefined) return;
    ended(own, 'the simulators were stopped');
    const gone = new Promise<void>((resolve) => own.once('exit', () => resolve()));
    own.kill('SIGKILL');
    await gone;
  };
  const ask = async (action?: SimulatorAction): Promise<object> => {
    child ??= start();
    const number = ++asked;
    lastAskedAt = time.elapsed();
    const answer = new Promise<object>((resolve) => {
      waiting.set(number, resolve);
    });
    child.send({ ask: number, ...(action !== undefined && { action }) } satisfies Ask);
    const late = () => new Error('the simulators do not answer');
    const given = await within(answer, ANSWER_MS, time, late).finally(() => waiting.delete(number));
    if (given instanceof Error) throw given;
    return given;
  };
  return {
    async view() {
      const view = (await ask()) as SimulatorsView;
      runs = view.devices.some(({ state }) => state === 'running');
      return view;
    },
    perform: (action) =>
      ask(action).then(
        (outcome) => outcome as Awaited<ReturnType<Simulators['perform']>>,
        ({ message }: Error) => ({ done: false, reason: message }),
      ),
    [Symbol.asyncDispose]: stop,
  };
}
