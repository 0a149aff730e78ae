import { readdirSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { watchDescriptors } from '../../gateway/observe/descriptors.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { manualClock } from '../clocks.ts';
import { silentLog } from '../helpers.ts';

function watch(limit: number, count?: () => Promise<number>) {
  const time = manualClock();
  const said: string[] = [];
  const note = (level: string) => (fields: object) =>
    void said.push(`${level} ${(fields as { open?: number }).open}`);
  const log = { ...silentLog, error: note('error'), info: note('info') };
  const metrics = createMetrics();
  const watching = watchDescriptors({ time, log, metrics }, limit, count);
  onTestFinished(() => watching.stop());
  return { said, metrics, look: () => time.advance(10_000) };
}

describe('the descriptors of the process', () => {
  it('are told once when they are few, once when they are there again', async () => {
    const open = [50, 95, 99, 90, 20, 91];
    const { said, look } = watch(100, async () => open.shift() ?? 0);
    for (let i = 0; i < 6; i++) await look();
    expect(said).toEqual(['error 95', 'info 90', 'error 91']);
  });

  it('are counted as none where the system says so', async () => {
    const none = () =>
      Promise.reject(Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' }));
    const { said, metrics, look } = watch(100, none);
    await look();
    await look();
    expect(said).toEqual(['error undefined']);
    expect(await metrics.registry.metrics()).toContain(
      'campus_connections_turned_total{listener="any",why="no descriptor"} 2',
    );
  });

  it('are those that the kernel lists', async () => {
    const { said, look } = watch(1);
    await look();
    while (said.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const listed = readdirSync('/proc/self/fd').length;
    expect(Math.abs(Number(said[0]?.split(' ')[1]) - listed)).toBeLessThan(10);
  });
});
