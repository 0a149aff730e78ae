/** `campus-gateway log-level` beside a socket that a gateway has. */
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { createLevels } from '../../gateway/observe/level-acts.ts';
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
  const noted: string[] = [];
  const time = systemClock;
  const { acts } = createLevels({
    ...{ log: silentLog, time, clock: { now: () => 0 } },
    kindOf: () => 'device',
    journal: {
      async audit(_at, body) {
        noted.push(body);
        return '';
      },
    },
  });
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
  vi.stubEnv('SUDO_USER', 'anna');
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(await run('log-level', file, 'panel', 'debug', '--for', '30m')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^panel: debug until \S+Z\n$/),
  });
  const { username } = userInfo();
  const by = username === 'root' ? 'root (anna)' : username;
  expect(JSON.parse(noted.join())).toMatchObject({ kind: 'log-level', device: 'panel', level: 'debug', by });
  // A command of before says no name.
  await acts['log-level']({ device: 'panel', level: 'info', for: 60_000 });
  expect(JSON.parse(noted[1] ?? '')).toMatchObject({ level: 'info', by: 'this machine' });
  expect(await run('log-level', file, 'nobody', 'debug')).toMatchObject({
    status: 1,
    stderr: 'there is no device nobody; there are: panel\n',
  });
  for (const wrong of [['all'], ['debug', '--for', '2d']])
    expect((await run('log-level', file, 'panel', ...wrong)).status).toBe(2);
  expect((await run('log-level', file, 'panel', 'loud')).stderr).toMatch(
    /^log-level: "loud" is no level; there are: debug, info, warn, error\n/,
  );
  expect(noted).toHaveLength(2);
});
