/** Programs that nobody here wrote: what they need, what they print, what they answer. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { onTestFinished, type TestContext } from 'vitest';
import { stream } from '../helpers.ts';
import { stopProcess } from '../processes.ts';

/** Skips aloud where Debian's Python has no such module; under REQUIRE_SYSTEM=1 fails. */
export function needPython(context: TestContext, module: string) {
  if (spawnSync('/usr/bin/python3', ['-c', `import ${module}`]).status === 0) return;
  const sentence = `needs Python's ${module} (.ci/run installs what the suite needs)`;
  if (process.env['REQUIRE_SYSTEM'] === '1') throw new Error(sentence);
  process.stderr.write(`skipped: ${context.task.name}: ${sentence}\n`);
  context.skip(sentence);
}

/** A program that answers each line by a line. */
export function conversation(command: string, args: readonly string[]) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  onTestFinished(() => stopProcess(child, 'SIGKILL'));
  const said = stream<string>();
  createInterface({ input: child.stdout }).on('line', said.push);
  return async (line: string): Promise<string> => {
    child.stdin.write(`${line}\n`);
    return await said.next();
  };
}

/** Runs a program to its end. @returns what it printed, on either side, and whether it was content. */
export async function outcome(command: string, args: readonly string[]) {
  const run = promisify(execFile)(command, args, { timeout: 15_000 });
  const { stdout, stderr, code } = await run.then(
    (done) => ({ ...done, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  return { text: stdout + stderr, good: code === 0 };
}
