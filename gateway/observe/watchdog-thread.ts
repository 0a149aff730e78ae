/**
 * The thread that watches the main one. It connects to the main thread's debugger only once that one stands: connecting
 * then works in a loop, in a regular expression, and where microtasks never end; and a debugger that is enabled from
 * the start makes each `await` nine times as slow (measured, Node 24.21: 0.08 to 0.72 us).
 *
 * Where the whole process was stopped or its machine slept, nobody stood: the clock tells that (`onPause`).
 */
import { spawn } from 'node:child_process';
import { write } from 'node:fs';
import { type Debugger, Session } from 'node:inspector';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock as time } from '../../drivers/contract/clock.ts';
import { BEATS, DEBUGGED, type Watched } from './watchdog.ts';

const LOOK_EVERY_MS = 250;
/** The main thread says where it is within milliseconds, or is in native code that nobody can interrupt. */
const STACK_PATIENCE_MS = 1000;
/** A log that nobody reads must not keep the process. */
const WRITE_PATIENCE_MS = 500;
const END_PATIENCE_MS = 1000;
const KILL_AFTER_S = 2;
const FRAMES_MAX = 30;

const { memory, limitMs, status } = workerData as Watched;
const cells = new Int32Array(memory);
let beats = Atomics.load(cells, BEATS);
let aliveAt = time.elapsed();

const begin = () => {
  aliveAt = time.elapsed();
};
time.onPause(begin);
const looking = time.every(LOOK_EVERY_MS, () => {
  const now = Atomics.load(cells, BEATS);
  if (now !== beats || Atomics.load(cells, DEBUGGED) === 1) {
    beats = now;
    begin();
  } else if (time.elapsed() - aliveAt >= limitMs) {
    looking.stop();
    void end();
  }
});
// Its timers alone do not keep a thread.
parentPort?.on('message', () => {});

interface Frame extends Pick<Debugger.CallFrame, 'callFrameId' | 'functionName' | 'location'> {
  readonly file: string;
}
type Frames = readonly Frame[];

async function end(): Promise<void> {
  const session = new Session();
  const frames = await pauseMain(session);
  const isSaid = await say(frames);
  const [top] = frames;
  // An exit waits for what other threads have begun: for a log that takes nothing it would wait for ever.
  if (top !== undefined && isSaid) {
    killLater();
    const expression = `process.reallyExit(${status})`;
    session.post('Debugger.evaluateOnCallFrame', { callFrameId: top.callFrameId, expression });
    await time.wait(END_PATIENCE_MS);
  }
  process.kill(process.pid, 'SIGKILL');
}

/** An exit ends this thread first, and may wait for a disk then: somebody outside has the last word. */
function killLater(): void {
  // Only while it is still the parent: the number may be another process's by then.
  const script = `sleep ${KILL_AFTER_S}; read -r _ _ _ parent _ < /proc/$$/stat; [ "$parent" = "$0" ] && kill -9 "$0"`;
  spawn('/bin/sh', ['-c', script, String(process.pid)], { stdio: 'ignore' })
    .on('error', () => {})
    .unref();
}

/** Where the main thread is, innermost first; nothing where that cannot be had. */
async function pauseMain(session: Session): Promise<Frames> {
  const paused = Promise.withResolvers<Frames>();
  const files = new Map<string, string>();
  try {
    session.connectToMainThread();
    session.on('Debugger.scriptParsed', ({ params: { scriptId, url } }) => files.set(scriptId, url));
    session.on('Debugger.paused', ({ params }) =>
      paused.resolve(
        params.callFrames.map((frame) => ({ ...frame, file: files.get(frame.location.scriptId) ?? '' })),
      ),
    );
    session.post('Debugger.enable');
    session.post('Debugger.pause');
  } catch {
    // Another watcher of the same kind: the process ends all the same.
    return [];
  }
  return await Promise.race([paused.promise, time.wait(STACK_PATIENCE_MS).then((): Frames => [])]);
}

/** One line, as the log writes them: names of functions and files, no values. @returns whether it went out. */
async function say(frames: Frames): Promise<boolean> {
  const stack = frames.slice(0, FRAMES_MAX).map(({ functionName, file, location }) => {
    const where = `${file}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1}`;
    return `at ${functionName === '' ? '<anonymous>' : functionName} (${where})`;
  });
  const line = {
    level: 60,
    time: time.wall(),
    stoodMs: Math.round(time.elapsed() - aliveAt),
    ...(stack.length > 0 ? { stack } : { stack: 'not known: the main thread is in native code' }),
    msg: `the event loop stands still; the gateway ends with status ${status}, to be started again`,
  };
  const written = Promise.withResolvers<boolean>();
  write(2, `${JSON.stringify(line)}\n`, () => written.resolve(true));
  return await Promise.race([written.promise, time.wait(WRITE_PATIENCE_MS).then(() => false)]);
}
