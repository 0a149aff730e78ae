/** A loop that stands for real, in a process of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { temporaryDirectory } from '../helpers.ts';

const from = (path: string) => JSON.stringify(import.meta.resolve(`../../${path}`));
/** A process that is watched, says `ready`, and does `work`. */
const program = (work: string, limitMs: number) => `
  import { watchLoop } from ${from('gateway/observe/watchdog.ts')};
  import { systemClock } from ${from('drivers/contract/clock.ts')};
  import { execFileSync } from 'node:child_process';
  import { writeSync } from 'node:fs';
  const log = { error: (fields) => console.log('log', fields.error) };
  const watchdog = watchLoop(systemClock, log, { limitMs: ${limitMs} });
  const hold = setInterval(() => {}, 1000);
  const finish = async () => { clearInterval(hold); await watchdog[Symbol.asyncDispose](); };
  function readTheList() { ${work} }
  console.log('ready');
  await systemClock.wait(1000);
  readTheList();`;

interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly errors: readonly string[];
}

/** `log`: a descriptor in place of what is read here. */
async function start(work: string, limitMs: number, args: readonly string[] = [], log?: number) {
  const all = [...args, '--input-type=module', '-e', program(work, limitMs)];
  const child: ChildProcess = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', log ?? 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const errors: string[] = [];
  const { stdout, stderr } = child;
  if (stderr !== null) createInterface({ input: stderr }).on('line', (line) => errors.push(line));
  const ended = once(child, 'close').then(([status, signal]): Ended => ({ status, signal, errors }));
  if (stdout !== null) await once(createInterface({ input: stdout }), 'line');
  return { child, ended };
}
const told = ({ errors }: Ended) =>
  JSON.parse(errors.find((line) => line.startsWith('{')) ?? 'null') as {
    msg: string;
    stack: string[];
    stoodMs: number;
  };

describe('a loop that stands', { timeout: 30_000 }, () => {
  it.each([
    ['in a loop', 'for (;;) {}'],
    ['in a regular expression', `/^(a+)+$/.test('a'.repeat(50) + 'b')`],
    ['in microtasks without end', 'const again = () => Promise.resolve().then(again); again();'],
    ['in a wait', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);'],
  ])('%s says where, and ends the process with 4', async (_name, work) => {
    const ended = await (await start(work, 500)).ended;
    expect([ended.status, ended.signal]).toEqual([4, null]);
    const { msg, stack, stoodMs } = told(ended);
    expect(msg).toContain('the event loop stands still');
    expect(stack[0]).toMatch(/^at (readTheList|again) \(\S+eval1\]:\d+:\d+\)$/);
    expect(stoodMs).toBeGreaterThanOrEqual(500);
  });

  it('in native code, which nobody can interrupt, is killed, and says that', async () => {
    const ended = await (await start(`execFileSync('sleep', ['20']);`, 500)).ended;
    expect(ended.signal).toBe('SIGKILL');
    expect(told(ended).stack).toContain('native code');
  });

  it('because nobody reads its log is ended all the same', async () => {
    const fifo = join(temporaryDirectory(), 'log');
    execFileSync('mkfifo', [fifo]);
    const log = openSync(fifo, 'r+');
    onTestFinished(() => closeSync(log));
    const { ended } = await start(`for (;;) try { writeSync(2, 'x'.repeat(65536)); } catch {}`, 500, [], log);
    expect(await ended).toMatchObject({ status: 4, signal: null });
  });
});

describe('what is no stall', { timeout: 30_000 }, () => {
  it('of the loop alone: the process is stopped for longer than the limit, and goes on', async () => {
    const { child, ended } = await start('setTimeout(finish, 1500);', 1000);
    await systemClock.wait(300);
    child.kill('SIGSTOP');
    await systemClock.wait(5000);
    child.kill('SIGCONT');
    expect(await ended).toEqual({ status: 0, signal: null, errors: [] });
  });

  it('work that is shorter than the limit, again and again', async () => {
    const busy = 'for (const end = performance.now() + 700; performance.now() < end;) {}';
    const work = `let n = 0; const one = () => { ${busy} if (++n < 4) setTimeout(one, 0); else finish(); }; one();`;
    expect(await (await start(work, 2000)).ended).toEqual({ status: 0, signal: null, errors: [] });
  });

  it('a process under a debugger, which may hold it', async () => {
    const work = 'for (const end = performance.now() + 2500; performance.now() < end;) {} finish();';
    expect(await (await start(work, 500, ['--inspect=127.0.0.1:0'])).ended).toMatchObject({
      status: 0,
      signal: null,
    });
  });
});
