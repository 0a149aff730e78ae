/** The command line inside this process, with what it says. */
import { Readable } from 'node:stream';
import type { Terminal } from '../../gateway/cli/command.ts';
import { fastClock } from '../clocks.ts';

/** The simulated devices answer in the machine's own time: room for them. */
export const clock = fastClock(8);

export const run = (...args: string[]) => runTyping('', ...args);

/** The same, with what somebody types, or a pipe brings. */
export async function runTyping(typed: string, ...args: string[]) {
  const said = { stdout: '', stderr: '' };
  const into = (name: 'stdout' | 'stderr') => ({
    isTTY: false,
    write(text: string | Uint8Array) {
      said[name] += text;
      return true;
    },
  });
  const terminal: Terminal = {
    stdout: into('stdout'),
    stderr: into('stderr'),
    stdin: Readable.from([typed]),
    clock,
  };
  const { runCommandLine } = await import('../../gateway/cli.ts');
  return { status: await runCommandLine(args, terminal), ...said };
}
