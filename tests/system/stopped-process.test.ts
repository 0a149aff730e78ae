/** The clock of a process that is stopped by a signal. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PAUSE_MS, systemClock } from '../../drivers/contract/clock.ts';

describe('a process that is stopped and goes on', () => {
  it('is told of it, before its timers', async () => {
    const script = `
      const { systemClock: clock } = await import(${JSON.stringify(import.meta.resolve('../../drivers/contract/clock.ts'))});
      let silent = clock.after(1500, () => console.log('silent'));
      clock.onPause((ms) => { console.log('paused', ms); silent.stop(); silent = clock.after(1500, () => process.exit(0)); });
      console.log('ready');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const lines: string[] = [];
    const reader = createInterface({ input: child.stdout });
    reader.on('line', (line) => lines.push(line));
    await once(reader, 'line');
    child.kill('SIGSTOP');
    await systemClock.wait(PAUSE_MS + 1000);
    child.kill('SIGCONT');
    await once(child, 'exit');
    expect(lines).toEqual(['ready', expect.stringMatching(/^paused [23]\d{3}$/)]);
  });
});
