/** The gateway's ffmpegs: what each gets, how each ends, and one that is to go on for as long as it is wanted. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '../../drivers/contract/clock.ts';

/** No questions, no noise. */
export const FFMPEG = ['-hide_banner', '-loglevel', 'error', '-nostdin'] as const;
const KILL_MS = 2000;

/** A URL with a password has no business in a log. */
export const withoutSecrets = (text: string) => text.replace(/\/\/[^@/\s]*@/g, '//');

/** Ends a process: asks, and then does not ask. */
export async function endProcess(child: ChildProcess, time: Clock): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const late = time.after(KILL_MS, () => child.kill('SIGKILL'));
  await exit;
  late.stop();
}

/** Rejects when the process ends, with its last words; without secrets. */
export function endOf(child: ChildProcess): Promise<never> {
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words = chunk.toString().trim().split('\n').at(-1)?.slice(0, 300) ?? '';
  });
  return new Promise((_, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new Error('ffmpeg is not installed: apt install ffmpeg') : error),
    );
    child.on('close', (status) => reject(new Error(withoutSecrets(words) || `ffmpeg ended (${status})`)));
  });
}

/** Runs ffmpeg to its end, killed after `timeoutMs`. @returns its status; null: it was killed. @throws Error: there is none. */
export async function runFfmpeg(
  args: readonly string[],
  timeoutMs: number,
  time: Clock,
): Promise<number | null> {
  const child = spawn('ffmpeg', [...FFMPEG, ...args], { stdio: 'ignore' });
  const late = time.after(timeoutMs, () => child.kill('SIGKILL'));
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
  } finally {
    late.stop();
  }
}

/**
 * Runs ffmpeg until the signal aborts, again `againMs` after each end, of which `onEnd` hears. Resolves when it is gone.
 * `args` may reject: a camera that is away.
 */
export async function keepFfmpeg(
  args: () => Promise<readonly string[]>,
  {
    signal,
    againMs,
    time,
    onEnd,
  }: {
    readonly signal: AbortSignal;
    readonly againMs: number;
    readonly time: Clock;
    readonly onEnd: (error: Error) => void;
  },
): Promise<void> {
  while (!signal.aborted) {
    await runUntil(args, signal, time).catch((error: Error) => {
      if (!signal.aborted) onEnd(error);
    });
    await time.wait(againMs, signal);
  }
}

/** Runs ffmpeg once; resolves when the signal aborted and it is gone. @throws Error when it ends by itself. */
async function runUntil(
  args: () => Promise<readonly string[]>,
  signal: AbortSignal,
  time: Clock,
): Promise<void> {
  const given = await args();
  if (signal.aborted) return;
  const child = spawn('ffmpeg', [...FFMPEG, ...given], { stdio: ['ignore', 'ignore', 'pipe'] });
  const aborted = Promise.withResolvers<void>();
  const onAbort = () => aborted.resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([endOf(child), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    await endProcess(child, time);
  }
}
