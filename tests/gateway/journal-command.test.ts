import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { judge, measureDisk } from '../../gateway/doctor/disk.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { campus } from './campus.ts';
import { run } from './terminal.ts';

/** A live journal with three events of two lanes; its broker is away. */
async function live() {
  const { record, directory, close, journal } = await campus(await freePort());
  const alarm = await record('panic', { zone: { number: 9, id: 'gate' } });
  await record('fault');
  await record('credential', { credential: { format: 'em4100', number: '123456' } });
  return { directory, alarm, close, journal };
}
const lines = (text: string) => text.trim().split('\n');

describe('campus-gateway journal', () => {
  it('inspects a live journal: what is in it, and where each platform stands', async () => {
    const { directory } = await live();
    const { status, stdout } = await run('journal', 'inspect', directory);
    expect(status).toBe(0);
    expect(stdout).toMatch(/urgent +alarm +1 /);
    expect(stdout).toMatch(/normal +device +1 /);
  });

  it('tells the life of one event', async () => {
    const { directory, alarm } = await live();
    const { status, stdout } = await run('journal', 'inspect', directory, '--event', alarm.id ?? '');
    expect(status).toBe(0);
    expect(stdout).toMatch(/seen +2/);
    expect(stdout).toMatch(/on disk +2/);
    expect((await run('journal', 'inspect', directory, '--event', 'x')).status).toBe(1);
  });

  it('exports events as JSON lines, by type and time', async () => {
    const { directory, alarm } = await live();
    const all = lines((await run('journal', 'export', directory)).stdout).map(
      (line) => JSON.parse(line) as object,
    );
    expect(all).toMatchObject([{ sequence: '1', lane: 'urgent' }, { sequence: '2' }, { sequence: '3' }]);
    const alarms = lines((await run('journal', 'export', directory, '--type', 'alarm.*')).stdout);
    expect(alarms.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual([alarm.id]);
    expect((await run('journal', 'export', directory, '--from', '2099-01-01')).stdout).toBe('');
    expect(await run('journal', 'export', directory, '--from', 'tomorrow')).toMatchObject({ status: 2 });
  });

  it('verifies a copy, and finds what is wrong with one', async () => {
    const { directory, close } = await live();
    await close();
    const file = join(temporaryDirectory(), 'copy.sqlite');
    copyFileSync(join(directory, 'journal.sqlite'), file);
    expect(await run('journal', 'verify', file)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('3 events and 0 audit entries read, 0 faults'),
    });
    const db = new Database(file);
    db.exec(`UPDATE event SET body = 'no JSON' WHERE sequence = 2`);
    db.close();
    expect(await run('journal', 'verify', file)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('2: its body'),
    });
  });
});

describe('campus-gateway journal, for audits and platforms', () => {
  it('lists the audit of a live journal, and finds a change in a copy', async () => {
    const { directory, journal } = await live();
    const at = Date.parse('2026-11-24T08:00:00Z');
    await journal.audit(at, JSON.stringify({ kind: 'command', issuer: 'duty', action: 'unlock' }));
    const last = await journal.audit(at + 1000, JSON.stringify({ kind: 'outcome', done: true }));
    const all = lines((await run('journal', 'audit', directory)).stdout).map(
      (line) => JSON.parse(line) as object,
    );
    expect(all).toMatchObject([
      { number: 1, at: '2026-11-24T08:00:00.000Z', kind: 'command', issuer: 'duty' },
      { number: 2, at: '2026-11-24T08:00:01.000Z', kind: 'outcome', hash: last },
    ]);
    expect(
      lines((await run('journal', 'audit', directory, '--from', '2026-11-24T08:00:01Z')).stdout),
    ).toHaveLength(1);
    // The platform has this hash from the event about the command.
    expect((await run('journal', 'verify', directory)).stdout).toContain(last);
    const file = join(temporaryDirectory(), 'copy.sqlite');
    await new Database(join(directory, 'journal.sqlite'), { readonly: true }).backup(file);
    const db = new Database(file);
    db.exec("UPDATE audit SET body = replace(body, 'unlock', 'lock') WHERE number = 1");
    db.close();
    expect(await run('journal', 'verify', file)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('audit 1: it is not what was written'),
    });
  });

  it('sends events again to a platform, beside a gateway that runs, card numbers hashed', async () => {
    const { directory } = await live();
    writeFileSync(join(directory, 'card.key'), Buffer.alloc(32));
    const port = await freePort();
    const aedes = await Aedes.createBroker();
    const got: { id: string; data: object }[] = [];
    aedes.on('publish', ({ topic, payload }) => {
      if (topic.startsWith('campus/')) got.push(JSON.parse(payload.toString()) as (typeof got)[number]);
    });
    const server = createServer(aedes.handle);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    onTestFinished(
      () =>
        new Promise<void>((resolve) => {
          server.close();
          aedes.close(() => resolve());
        }),
    );
    const config = join(temporaryDirectory(), 'campus.yaml');
    writeFileSync(
      config,
      JSON.stringify({
        campus: { id: '4500', name: 'x' },
        dataDir: directory,
        uplinks: [{ id: 'police', url: `mqtt://127.0.0.1:${port}` }],
      }),
    );
    const sent = await run('journal', 'replay', config, '--uplink', 'police', '--lane', 'normal');
    expect(sent).toMatchObject({ status: 0, stdout: '2 events sent again\n' });
    expect(got).toMatchObject([
      { sequence: '2', previous: '0' },
      { sequence: '3', previous: '2', data: { credential: { hash: expect.any(String) } } },
    ]);
    expect(JSON.stringify(got)).not.toContain('123456');
  });

  it('says what it does not find or understand', async () => {
    expect(await run('journal', 'inspect', join(temporaryDirectory(), 'none'))).toMatchObject({ status: 3 });
    expect((await run('journal', 'burn', temporaryDirectory())).status).not.toBe(0);
    expect(await run('journal')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('which journal'),
    });
  });
});

describe('the doctor', () => {
  const disk = { times: Array<number>(100).fill(1), freeBytes: 1e12, writeCache: 'write through' };
  it.each([
    ['a good disk', disk, []],
    ['memory', { ...disk, memory: 'tmpfs' }, [true]],
    ['a platter that confirms before it turned', { ...disk, rotational: true, times: [0.5] }, [true]],
    ['a platter', { ...disk, rotational: true, times: [9] }, []],
    ['flash that confirms from its cache', { ...disk, times: [0.005] }, [true]],
    ['a disk of 150 ms', { ...disk, times: [150] }, [true]],
    ['a slow one', { ...disk, times: [40] }, [false]],
    ['one with a write cache', { ...disk, writeCache: 'write back' }, [false]],
    ['one that is nearly full', { ...disk, freeBytes: 1e9 }, [false]],
  ])('judges %s', (_name, report, bad) => {
    expect(judge(report).map(({ is }) => is === 'bad')).toEqual(bad);
  });

  it('measures a real folder and leaves nothing in it', async () => {
    const directory = temporaryDirectory();
    const { times } = await measureDisk(directory);
    expect(times).toHaveLength(200);
    expect(Math.min(...times)).toBeGreaterThan(0);
    expect(readdirSync(directory)).toEqual([]);
  });
});
