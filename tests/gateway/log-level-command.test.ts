/** `campus-gateway log-level` beside a socket that a gateway has. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createLocalStatus } from '../../gateway/observe/local.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';
import { run } from './terminal.ts';

it('asks the gateway that has the data folder, and says what is wrong in one line', async () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'campus.yaml');
  const devices = [
    { id: 'panel', driver: 'dc09', listen: { port: 15_100 }, accounts: [{ account: '1234' }] },
  ];
  writeFileSync(file, JSON.stringify({ campus: { id: '4503000001', name: 'T' }, dataDir: '.', devices }));
  expect(await run('log-level', file, 'panel', 'debug')).toMatchObject({
    status: 3,
    stderr: expect.stringMatching(/^log-level: no gateway runs with .*: start it .*\n$/),
  });
  const asked: unknown[] = [];
  const acts = {
    'log-level': async (given: unknown) => {
      asked.push(given);
      return { until: '2026-11-29T04:00:00.000Z' };
    },
  };
  const health = async () => ({ healthy: true, details: {} });
  const part = createLocalStatus({
    dataDir: directory,
    metrics: createMetrics(),
    health,
    acts,
    log: silentLog,
  });
  onTestFinished(async () => await part[Symbol.asyncDispose]());
  await part.start?.();
  expect(await run('log-level', file, 'panel', 'debug', '--for', '30m')).toMatchObject({
    status: 0,
    stdout: 'panel: debug until 2026-11-29T04:00:00.000Z\n',
  });
  expect(asked).toEqual([{ device: 'panel', level: 'debug', for: 1_800_000 }]);
  expect(await run('log-level', file, 'nobody', 'debug')).toMatchObject({
    status: 1,
    stderr: 'there is no device nobody; there are: panel\n',
  });
  for (const wrong of [['all'], ['debug', '--for', '2d']])
    expect((await run('log-level', file, 'panel', ...wrong)).status).toBe(2);
  expect(asked).toHaveLength(1);
});
