/** The examples of docs/platform.md run as they stand there, and lose nothing. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openReader } from '../../gateway/journal/reader.ts';
import { temporaryDirectory } from '../helpers.ts';
import { startProcess, stopProcess } from '../processes.ts';
import { failedTrials } from './conformance.ts';
import { rig } from './faults/rig.ts';
import { mosquitto, need, until } from './tools.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/platform.md'), 'utf8');

function example(name: string): string {
  const code = new RegExp(`<!-- example: ${name} -->\n\`\`\`\\w+\n([\\s\\S]*?)\n\`\`\``).exec(page)?.[1];
  if (code === undefined) throw new Error(`docs/platform.md has no example ${name}`);
  return code;
}

type Program = readonly [name: string, command: readonly string[], place: string | undefined];
const programs: readonly Program[] = [
  // In the project, for its packages.
  ['police.ts', [process.execPath, '--no-warnings'], join(root, '.police-example.ts')],
  ['police.py', ['/usr/bin/python3', '-u'], undefined],
];

/** As it stands on the page, for the broker at a port. */
function written([name, command, place]: Program, port: number) {
  const directory = temporaryDirectory();
  const file = place ?? join(directory, name);
  writeFileSync(file, example(name));
  onTestFinished(() => rmSync(file));
  const [BROKER, database] = [`mqtt://127.0.0.1:${port}`, join(directory, 'events.sqlite')];
  const start = () =>
    startProcess(
      '/bin/sh',
      ['-c', `exec ${[...command, file].join(' ')} 1>&2`],
      /subscribed/,
      (child) => onTestFinished(() => stopProcess(child, 'SIGKILL')),
      { BROKER, DATABASE: database },
    );
  return { BROKER, database, start };
}

it('both are found right by the conformance kit, and store what two campuses have under one id', {
  timeout: 240_000,
}, async (context) => {
  need(context, 'mosquitto', '/usr/bin/python3');
  const tryOne = async (program: Program) => {
    const { BROKER, database, start } = written(program, (await mosquitto()).port);
    await start();
    const failed = await failedTrials(BROKER);
    const db = new Database(database, { readonly: true });
    const twice = db.prepare('SELECT id FROM event GROUP BY id HAVING count(*) > 1').all();
    db.close();
    return { failed, twice: twice.length };
  };
  // Most of it is waiting.
  const right = { failed: [], twice: 1 };
  expect(await Promise.all(programs.map(tryOne))).toEqual([right, right]);
});

describe.each(programs)('%s', { timeout: 120_000 }, (...program) => {
  const [name] = program;

  it('stores each event once, sends receipts, and has a gap filled', async (context) => {
    need(context, 'mosquitto', ...(name.endsWith('.py') ? ['/usr/bin/python3'] : []));
    const broker = await mosquitto();
    const { BROKER, database, start } = written(program, broker.port);
    const first = await start();
    const campus = await rig({ url: BROKER, uplink: { receipts: true, receiptTimeout: '5s' } });
    campus.start();
    await until('events are stored', () => count(database) > 200, 30_000);
    await stopProcess(first.child, 'SIGKILL');
    await delay(1000);
    // Something is lost on the platform's side: a stored event is gone, and the chain breaks there.
    await campus.settle(`${name}, killed`);
    const db = new Database(database);
    const gone = db
      .prepare<[], { id: string }>(
        `SELECT id FROM event WHERE sequence > coalesce((SELECT upto FROM position WHERE position.chain = event.chain), 0)
         ORDER BY sequence LIMIT 1 OFFSET 3`,
      )
      .get();
    if (gone !== undefined) db.prepare('DELETE FROM event WHERE id = ?').run(gone.id);
    db.close();
    await start();
    const reader = openReader(join(campus.directory, 'data'));
    onTestFinished(() => void reader.close());
    await until(
      'the receipts cover all',
      () => {
        const lasts = new Map(reader.summary().map(({ lane, last }) => [lane, last]));
        const cursors = reader.cursors().filter(({ lane }) => lane < 2);
        return (
          cursors.length === 2 && cursors.every(({ lane, sequence }) => sequence >= (lasts.get(lane) ?? 0))
        );
      },
      60_000,
    );
    // The outcome of the replay is an event too, and comes last.
    await until('the platform has all', () => count(database) === reader.count());
    expect(await campus.daemon().stop()).toBe(0);
  });
});

/** Without receipts and with a broker that forgets, the chain still shows what is missing, and it is had again. */
it('a gap that a forgetful broker made is found through `previous` and filled', {
  timeout: 120_000,
}, async (context) => {
  need(context, 'mosquitto');
  const broker = await mosquitto(['persistence false']);
  const campus = await rig({ url: `mqtt://127.0.0.1:${broker.port}` });
  campus.start();
  for (let i = 0; i < 3; i++) {
    await delay(1500);
    await broker.kill();
    await broker.start();
  }
  // Only a later event shows that one is missing.
  await delay(4000);
  const counts = await campus.settle('broker forgets, no receipts', 30_000);
  expect(counts).toMatchObject({ lost: [], twice: 0, gaps: { open: 0, lost: 0 } });
  expect(campus.platform.store.counts().closed).toBeGreaterThan(0);
  expect(await campus.daemon().stop()).toBe(0);
});

function count(file: string): number {
  try {
    const db = new Database(file, { readonly: true });
    const { n } = db.prepare<[], { n: number }>('SELECT count(*) AS n FROM event').get() ?? { n: 0 };
    db.close();
    return n;
  } catch {
    return 0;
  }
}
