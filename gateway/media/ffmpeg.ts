/** The gateway's ffmpegs: what each gets, how each ends, and one that is to go on for as long as it is wanted. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

/** No questions, no noise. */
export const FFMPEG = ['-hide_banner', '-loglevel', 'error', '-nostdin'] as const;
const KILL_MS = 2000;

/** A URL with a password has no business in a log. */
export const withoutSecrets = (text: string) => text.replace(/\/\/[^@/\s]*@/g, '//');

/** Ends a process: asks, and then does not ask. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_MS);
  await exit;
  clearTimeout(timer);
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

/**
 * Runs ffmpeg until the signal aborts, again `againMs` after each end, of which `failed` hears. Resolves when it is gone.
 * `args` may reject: a camera that is away.
 */
export async function keepFfmpeg(
  args: () => Promise<readonly string[]>,
  signal: AbortSignal,
  againMs: number,
  failed: (error: Error) => void,
): Promise<void> {
  while (!signal.aborted) {
    let child: ChildProcess | undefined;
    let stop: (() => void) | undefined;
    try {
      const own = await args();
      if (signal.aborted) return;
      child = spawn('ffmpeg', [...FFMPEG, ...own], { stdio: ['ignore', 'ignore', 'pipe'] });
      const aborted = new Promise<void>((resolve) => {
        stop = resolve;
        signal.addEventListener('abort', resolve as () => void, { once: true });
      });
      await Promise.race([endOf(child), aborted]);
    } catch (error) {
      if (!signal.aborted) failed(error as Error);
    } finally {
      if (stop !== undefined) signal.removeEventListener('abort', stop);
      if (child !== undefined) await endProcess(child);
    }
    await delay(againMs, undefined, { signal }).catch(() => {});
  }
}
