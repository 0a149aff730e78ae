/** Master data of the campus at a real broker: retained, another after a reload, taken back; told to nobody who may not know. */
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { systemClock } from '../../drivers/contract/clock.ts';
import { askToAct } from '../../gateway/cli/health/act.ts';
import type { ConfigApplied } from '../../gateway/console/contract/config.ts';
import { temporaryDirectory } from '../helpers.ts';
import { gateway, mosquitto, need, until } from './tools.ts';

const TOPIC = 'campus/v1/4503000001/campus';
const school = {
  id: '4503000001',
  name: '桂林市第一中学',
  district: '450305',
  address: '七星区环城南二路1号',
  coordinates: { latitude: 25.2736, longitude: 110.299, datum: 'GCJ-02' },
  contacts: [
    { role: 'guard-house', phone: '0773-5801234' },
    { role: 'head', name: '李华', phone: '0773-5805678' },
  ],
};

/** Who is there all the time: what came, in its order. */
async function watching(port: number, topic: string): Promise<readonly string[]> {
  const child = spawn('stdbuf', ['-oL', 'mosquitto_sub', '-p', String(port), '-d', '-t', topic, '-F', '%p'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const subscribed = Promise.withResolvers<void>();
  const came: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (/^Subscribed/.test(line)) subscribed.resolve();
    if (line.startsWith('{')) came.push(line);
  });
  await subscribed.promise;
  return came;
}

/** Who comes now: what is retained. */
function retained(port: number, topic = TOPIC): Record<string, unknown> {
  const args = ['-p', String(port), '-t', topic, '-C', '1', '-W', '10', '-F', '%r %p'];
  const { stdout } = spawnSync('mosquitto_sub', args, { encoding: 'utf8' });
  expect(stdout).toMatch(/^1 \{/);
  return JSON.parse(stdout.slice(2)) as Record<string, unknown>;
}

/** As somebody else computes it: jq writes these data as RFC 8785 does. */
function revisionByJq(message: object): string {
  const script = `jq -cSj 'del(.version, .revision)' | sha256sum | cut -c1-16`;
  return spawnSync('sh', ['-c', script], { input: JSON.stringify(message), encoding: 'utf8' }).stdout.trim();
}

it('are retained, follow a reload, and are taken back', async (context) => {
  need(context, 'mosquitto', 'mosquitto_sub', 'jq');
  const broker = await mosquitto();
  const directory = temporaryDirectory();
  const uplink = (id: string, campus: readonly string[]) => ({
    ...{ id, url: `mqtt://127.0.0.1:${broker.port}`, campus },
    ...(id === 'police' ? {} : { topicPrefix: `edu/v1/${school.id}` }),
  });
  const config = (campus: object, police: readonly string[]) => ({
    ...{ campus, dataDir: 'data' },
    uplinks: [uplink('police', police), uplink('education', ['district'])],
  });
  const reload = async (...[campus, police]: Parameters<typeof config>) => {
    writeFileSync(join(directory, 'campus.yaml'), stringify(config(campus, police)));
    const said = await askToAct(join(directory, 'data'), 'reload', { by: 'test' }, systemClock, 60_000);
    expect(said as ConfigApplied).toMatchObject({ done: true });
  };
  const all = ['district', 'address', 'coordinates', 'contacts'];
  const police = await watching(broker.port, TOPIC);
  const education = await watching(broker.port, 'edu/v1/+/campus');
  const running = await gateway(config(school, all), directory);
  await until('both have it', () => police.length === 1 && education.length === 1);
  const first = retained(broker.port);
  expect(first).toEqual({ version: '1', revision: revisionByJq(first), ...school });
  const { id, name, district } = school;
  expect(retained(broker.port, 'edu/v1/+/campus')).toMatchObject({ id, name, district });

  // Another address, over the connection that there is; who may not know it hears nothing.
  await reload({ ...school, address: '新校区' }, all);
  await until('it is another one', () => police.length === 2);
  const second = retained(broker.port);
  expect(second).toEqual({ ...first, address: '新校区', revision: revisionByJq(second) });
  expect(second['revision']).not.toBe(first['revision']);

  // Other contacts and no right to them, at once: the new ones never leave, the old ones are gone.
  const others = [{ role: 'duty', phone: '0773-0000000' }];
  await reload({ ...school, contacts: others }, ['district']);
  await until('it is taken back', () => police.length >= 3);
  const third = retained(broker.port);
  expect(third).toEqual({ version: '1', revision: revisionByJq(third), id, name, district });
  expect(police.join()).not.toContain('0773-0000000');
  expect(education).toHaveLength(1);

  // The same after a power cut, said again with the presence.
  await running.kill();
  await gateway(config({ ...school, contacts: others }, ['district']), directory);
  await until('it is said again', () => police.length >= 4 && education.length === 2);
  expect(retained(broker.port)).toEqual(third);
  expect([police.length, new Set(education).size]).toEqual([4, 1]);
}, 60_000);
