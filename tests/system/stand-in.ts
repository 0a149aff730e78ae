/** A supervisor for a machine of a test, in the place of systemd (upgrade/supervisor.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import type { OtherMachine } from './other-machine.ts';
import { until } from './tools.ts';

/** `environment`: of all that it starts, `NAME=value`. @returns what it and its services say, as it grows. */
export async function layStandIn(
  { sh, beside, root }: OtherMachine,
  environment: readonly string[] = [],
): Promise<readonly string[]> {
  const systemctl = readFileSync(join(import.meta.dirname, 'upgrade/systemctl')).toString('base64');
  expect(sh(`echo ${systemctl} | base64 -d > /usr/bin/systemctl; mkdir -p /run/systemd`).status).toBe(0);
  const script = join(import.meta.dirname, 'upgrade/supervisor.py');
  const supervisor = beside(['python3', '-u', script, root, ...environment]);
  const said: string[] = [];
  if (supervisor.stdout !== null)
    createInterface({ input: supervisor.stdout }).on('line', (line) => said.push(line));
  await until('there is a supervisor', () => said.includes('supervisor: ready'));
  return said;
}
