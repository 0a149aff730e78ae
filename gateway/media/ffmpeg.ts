/**
 * The gateway's ffmpegs: what each gets, how each ends, and one that is to go on for as long as it is wanted. Everybody on
 * the machine can read a command line: addresses with passwords or keys go over pipes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../drivers/contract/clock.ts';

/** No questions, no noise. */
const FFMPEG = ['-hide_banner', '-loglevel', 'error', '-nostdin'] as const;
const KILL_MS = 2000;
/** Of what ffmpeg says last, characters: looked at, and kept. */
const WORDS_LOOKED_AT = 2000;
const WORDS_KEPT = 300;

export interface FfmpegRun {
  readonly args: readonly string[];
  /** Its standard input: where a stream is, as `streamList` says it. */
  readonly input?: string;
  /** What it reads as OPTIONS_FILE, and may not be seen either: options of its output. */
  readonly options?: string;
  /** It writes to SECOND_PIPE too, which is `stdio[3]` then; without `options`. */
  readonly second?: boolean;
}

/** Where a run finds its `options`, as an argument of `-fpre`. */
export const OPTIONS_FILE = '/dev/fd/3';
export const SECOND_PIPE = 'pipe:3';

/** A URL with a password has no business in a log. */
export const withoutSecrets = (text: string) => text.replace(/\/\/[^@/\s]*@/g, '//');

/** Writes what is to be read, and forgets it: one who has ended before it read says so by its end. */
export function giveInput({ stdin }: ChildProcess, input: string): void {
  stdin?.on('error', () => {});
  stdin?.end(input);
}

/**
 * Starts ffmpeg. Node's own pipes are sockets, which cannot be opened by a name, as ffmpeg opens its file of options: it
 * gets a file that has no name any more, in memory where there is such a place.
 * @throws Error where that file cannot be made.
 */
export async function startFfmpeg(
  { args, input, options, second = false }: FfmpegRun,
  stdout: 'pipe' | 'ignore',
): Promise<ChildProcess> {
  const file = options === undefined ? undefined : await namelessFile(options);
  try {
    const child = spawn('ffmpeg', [...FFMPEG, ...args], {
      stdio: [
        input === undefined ? 'ignore' : 'pipe',
        stdout,
        'pipe',
        ...(file === undefined ? [] : [file.fd]),
        ...(second ? (['pipe'] as const) : []),
      ],
    });
    if (input !== undefined) giveInput(child, input);
    return child;
  } finally {
    await file?.close();
  }
}

async function namelessFile(text: string): Promise<FileHandle> {
  const path = join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), `campus-gateway-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await rm(path);
    await file.writeFile(text);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

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
    const last = chunk.toString().trim().split('\n').at(-1) ?? '';
    words = withoutSecrets(last.slice(0, WORDS_LOOKED_AT)).slice(0, WORDS_KEPT);
  });
  return new Promise((_, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new Error('ffmpeg is not installed: apt install ffmpeg') : error),
    );
    child.on('close', (status) => reject(new Error(words || `ffmpeg ended (${status})`)));
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

/** What a camera says to a wrong password, by ffmpeg and by the driver. */
const REFUSED = /\b40[13]\b|unauthori[sz]ed|refuses our password/i;
/** Cameras lock out who tries a wrong one too often: two tries, and then one a minute. */
const REFUSALS = 2;
const REFUSED_MS = 60_000;
const AGAIN_MAX_MS = 30_000;
/** What ran for so long was good. */
const GOOD_MS = 30_000;

/** How long to wait until a stream is tried again: ever longer, and a minute where it refuses our password. */
export function createPatience(firstMs: number, mostMs = AGAIN_MAX_MS) {
  let failures = 0;
  let refusals = 0;
  return {
    /** After it ended. `why`: its last words. */
    nextMs(why: string, ranMs: number): number {
      if (ranMs > GOOD_MS) failures = 0;
      refusals = REFUSED.test(why) ? refusals + 1 : 0;
      if (refusals >= REFUSALS) return REFUSED_MS;
      return Math.min(firstMs * 2 ** failures++, mostMs);
    },
  };
}

/**
 * Runs ffmpeg until the signal aborts, again after each end, of which `onEnd` hears: `againMs` later, then ever more slowly. Resolves when it is gone.
 * `run` may reject: a camera that is away.
 */
export async function keepFfmpeg(
  run: () => Promise<FfmpegRun>,
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
  const patience = createPatience(againMs);
  while (!signal.aborted) {
    const startedAt = time.elapsed();
    let why = '';
    await runUntil(run, signal, time).catch((error: Error) => {
      why = error.message;
      if (!signal.aborted) onEnd(error);
    });
    await time.wait(patience.nextMs(why, time.elapsed() - startedAt), signal);
  }
}

/** Runs ffmpeg once; resolves when the signal aborted and it is gone. @throws Error when it ends by itself. */
async function runUntil(run: () => Promise<FfmpegRun>, signal: AbortSignal, time: Clock): Promise<void> {
  const given = await run();
  if (signal.aborted) return;
  const child = await startFfmpeg(given, 'ignore');
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
