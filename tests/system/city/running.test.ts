/** docs/city/running.md, followed: two instances as the unit starts them, a backup put back, a database that is full. */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../drivers/contract/clock.ts';
import { runCity } from '../../../simulators/city.ts';
import { freePort, temporaryDirectory } from '../../helpers.ts';
import { stopProcess } from '../../processes.ts';
import { hasPostgres, postgres } from '../postgres.ts';
import { isCityRun, mosquitto, need, until } from '../tools.ts';
import { disk } from './power.ts';
import { authority } from './secured.ts';

const root = join(import.meta.dirname, '../../..');
const unit = readFileSync(join(root, 'docs/city/campus-gateway-platform@.service'), 'utf8');
const UNTIL_READY_MS = 20_000;

/** An instance, by the line of the unit: with other paths and ports, and the same options. */
async function instance(env: Readonly<Record<string, string>>, data: string, ca: string) {
  const port = await freePort();
  const [, line = ''] = /^ExecStart=\S+ (.*)$/m.exec(unit) ?? [];
  const replaced = {
    '${EVENTS}': env['EVENTS'] ?? '',
    '${ADDRESS}:809%i': `127.0.0.1:${port}`,
    ' $OPTIONS': '',
    '/etc/campus-gateway/ca.crt': ca,
    '/var/lib/campus-city': data,
  };
  let words = line;
  for (const [from, to] of Object.entries(replaced)) {
    expect(words).toContain(from);
    words = words.replaceAll(from, to);
  }
  const entry = join(root, 'gateway/campus-gateway.js');
  const child = spawn(process.execPath, [entry, ...words.split(' ')], {
    env: { ...process.env, ...env },
    stdio: 'ignore',
  });
  onTestFinished(() => stopProcess(child, 'SIGKILL'));
  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
    return { status: answer?.status, text: await answer?.text() };
  };
  const isHealthy = async () => (await ask('/health')).status === 200;
  await until('it is healthy', isHealthy, UNTIL_READY_MS);
  return { child, ask, isHealthy };
}

const city = (url: string, forMs: number) =>
  runCity({
    ...{ urls: [url], mqtt: {}, campuses: 30, rate: 2, alarms: 0, withinMs: 2000, forMs, observe: false },
    ...{ receipts: true, faults: [], seed: 5, time: systemClock, signal: new AbortController().signal },
  });

async function countIn(url: string): Promise<{ events: number; gaps: number }> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const sql = 'SELECT count(*)::int AS events, (SELECT count(gap_up_to)::int FROM chain) AS gaps FROM event';
  const { rows } = await client.query(sql);
  await client.end();
  return rows[0];
}

it.runIf(isCityRun)(
  'goes on while an instance is away, and fills a database that is put back from a backup',
  {
    timeout: 180_000,
  },
  async (context) => {
    need(context, 'mosquitto', 'openssl', 'psql', 'pg_dump');
    if (!hasPostgres()) return context.skip();
    const [broker, server] = [await mosquitto(), await postgres()];
    const data = temporaryDirectory();
    const ca = authority().file('ca.crt');
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const env = { EVENTS: url, DATABASE_URL: server.url, MQTT_PASSWORD: 'x' };
    const first = await instance(env, data, ca);
    const second = await instance(env, data, ca);
    const living = city(url, 40_000);
    await delay(6000);
    expect((await first.ask('/metrics')).text).toContain('campus_city_campuses{state="online"} ');
    const backup = join(data, 'city.dump');
    execFileSync('pg_dump', ['-Fc', '-f', backup, server.url]);
    await delay(3000);
    // As an upgrade does, one after the other: an end in order gives its share of the subscription to the other at once.
    await stopProcess(first.child);
    await delay(3000);
    expect(await second.isHealthy()).toBe(true);
    const before = await countIn(server.url);
    await stopProcess(second.child);
    // What came since the backup was confirmed to the campuses: they send it again because the chains ask for it.
    execFileSync('psql', ['-q', '-c', 'CREATE DATABASE restored', server.url]);
    const restored = server.url.replace(/postgres$/, 'restored');
    execFileSync('pg_restore', ['-d', restored, backup]);
    expect((await countIn(restored)).events).toBeLessThan(before.events);
    await instance({ ...env, DATABASE_URL: restored }, data, ca);
    const report = await living;
    expect(report.undelivered).toBe(0);
    await until('all is there', async () => (await countIn(restored)).events === report.made, 60_000);
    expect(await countIn(restored)).toEqual({ events: report.made, gaps: 0 });

    // What else the page tells to type at the database.
    const psql = (sql: string) => execFileSync('psql', ['-q', '-c', sql, restored]);
    psql('CREATE TABLE event_202411 PARTITION OF event FOR VALUES IN (202411)');
    const page = readFileSync(join(root, 'docs/city/running.md'), 'utf8');
    const typed = [...page.matchAll(/(?:psql|pg_dump) [^`\n]*"\$DATABASE_URL"[^`\n]*/g)].map(
      ([line]) => line,
    );
    expect(typed).toHaveLength(4);
    for (const line of typed)
      execFileSync('sh', ['-ec', line], {
        cwd: data,
        env: { ...process.env, DATABASE_URL: restored },
        stdio: 'pipe',
      });
  },
);

it.runIf(isCityRun)(
  'waits for a database that is full, and loses nothing',
  { timeout: 180_000 },
  async (context) => {
    need(context, 'mosquitto', 'openssl', 'psql');
    const small = hasPostgres() ? disk(120) : undefined;
    if (small === undefined) return context.skip('nobody may mount a file system here');
    const [broker, server] = [await mosquitto(), await postgres()];
    const sql = (text: string) => execFileSync('psql', ['-q', '-c', text, server.url]);
    execFileSync('install', ['-d', '-o', 'postgres', join(small.folder, 'city')]);
    execFileSync('chmod', ['a+rx', join(small.folder, '..'), small.folder]);
    sql(`CREATE TABLESPACE small LOCATION '${join(small.folder, 'city')}'`);
    onTestFinished(() => server.stop());
    sql('CREATE DATABASE city TABLESPACE small');
    const database = server.url.replace(/postgres$/, 'city');
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const env = { EVENTS: url, DATABASE_URL: database, MQTT_PASSWORD: 'x' };
    const one = await instance(env, temporaryDirectory(), authority().file('ca.crt'));
    const living = city(url, 30_000);
    await delay(5000);
    const ballast = join(small.folder, 'ballast');
    try {
      execFileSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=64k'], { stdio: 'ignore' });
    } catch {
      // It ends because the disk is full.
    }
    await delay(15_000);
    const { events } = await countIn(database);
    await delay(3000);
    expect((await countIn(database)).events).toBe(events);
    writeFileSync(ballast, '');
    rmSync(ballast);
    const report = await living;
    expect(report.undelivered).toBe(0);
    expect(await countIn(database)).toEqual({ events: report.made, gaps: 0 });
    expect(await one.isHealthy()).toBe(true);
  },
);
