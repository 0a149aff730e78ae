/** A machine gets a supervisor that runs its units as systemd does (supervisor.py), and a `systemctl` that speaks to it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import type { OtherMachine } from '../other-machine.ts';
import { until } from '../tools.ts';

const read = (name: string) => readFileSync(join(import.meta.dirname, name)).toString('base64');

/** @returns what it and its services say, line by line. `environment`: of all services, `NAME=VALUE`. */
export async function supervise(machine: OtherMachine, environment: readonly string[]): Promise<string[]> {
  const put = `echo ${read('systemctl')} | base64 -d > /usr/bin/systemctl; chmod 755 /usr/bin/systemctl`;
  expect(machine.sh(`${put}; mkdir -p /run/systemd`)).toEqual({ status: 0, said: '' });
  const program = ['python3', '-u', join(import.meta.dirname, 'supervisor.py')];
  const supervisor = machine.beside([...program, machine.root, ...environment]);
  const said: string[] = [];
  if (supervisor.stdout !== null)
    createInterface({ input: supervisor.stdout }).on('line', (line) => said.push(line));
  await until('there is a supervisor', () => said.includes('supervisor: ready'));
  return said;
}
