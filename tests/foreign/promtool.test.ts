/** What /metrics answers, to Prometheus' own lint. */
import { spawnSync } from 'node:child_process';
import { expect, it, onTestFinished } from 'vitest';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { watchProcess } from '../../gateway/observe/process.ts';
import { need } from '../system/tools.ts';

it('promtool finds nothing wrong with any metric', async (context) => {
  need(context, 'promtool');
  const { registry } = createMetrics();
  const watching = watchProcess(registry);
  onTestFinished(() => watching.close());
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: await registry.metrics(),
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});
