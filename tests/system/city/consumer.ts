/** Who takes a city's events from a broker and stores them: `campus-gateway platform`, as a process. */
import { join } from 'node:path';
import { Client, Pool } from 'pg';
import { onTestFinished } from 'vitest';
import { startProcess, stopProcess } from '../../processes.ts';

/** What it stored of a campus. */
export interface Stored {
  /** When it had it, epoch ms. */
  readonly at: number;
  /** An event, as JSON. */
  readonly body: string;
}

export interface Consumer {
  /** What it has of a campus, each event once. */
  stored(campus: string): Promise<readonly Stored[]>;
  /** When something of a campus came last, epoch ms; 0: never. */
  newest(campus: string): Promise<number>;
  /** Events that it has of campuses whose number begins so, each once. */
  count(begin: string): Promise<number>;
  /** From when an event of that type was seen at a campus until it was here, ms, in order. */
  latencies(type: string): Promise<readonly number[]>;
  /** What it said. */
  readonly log: readonly string[];
}

const ENTRY = join(import.meta.dirname, '../../../gateway/campus-gateway.js');

/** A database of its own on the server at `postgres`. `group`: of it are the queue and the durables. */
export async function consumer(
  postgres: string,
  of: { readonly events: string; readonly group: string; readonly root: string; readonly receipts: boolean },
): Promise<Consumer> {
  const { events, group, root, receipts } = of;
  await withClient(postgres, (client) => client.query(`CREATE DATABASE ${group}`));
  const database = postgres.replace(/[^/]*$/, group);
  const { log } = await startProcess(
    process.execPath,
    [
      ...[ENTRY, 'platform', '--events', events, '--database', database, '--group', group, '--root', root],
      ...['--quiet', ...(receipts ? [] : ['--no-receipts'])],
    ],
    /^storing /,
    (child) => onTestFinished(() => stopProcess(child, 'SIGKILL')),
  );
  const client = new Pool({ connectionString: database, max: 1 });
  client.on('error', () => {});
  onTestFinished(() => client.end());
  return {
    log,
    async stored(campus) {
      const { rows } = await client.query<{ at: Date; body: string }>(
        'SELECT received_at AS at, body FROM event JOIN campus ON campus.id = event.campus WHERE prefix = $1',
        [`${root}/${campus}`],
      );
      return rows.map(({ at, body }) => ({ at: at.getTime(), body }));
    },
    async newest(campus) {
      const { rows } = await client.query<{ at: Date | null }>(
        'SELECT max(received_at) AS at FROM event JOIN campus ON campus.id = event.campus WHERE prefix = $1',
        [`${root}/${campus}`],
      );
      return rows[0]?.at?.getTime() ?? 0;
    },
    async latencies(type) {
      const { rows } = await client.query<{ ms: number }>(
        'SELECT (extract(epoch FROM received_at - time) * 1000)::float8 AS ms FROM event WHERE type = $1 ORDER BY ms',
        [type],
      );
      return rows.map(({ ms }) => ms);
    },
    async count(begin) {
      const { rows } = await client.query<{ n: string }>(
        'SELECT count(*) AS n FROM event JOIN campus ON campus.id = event.campus WHERE prefix LIKE $1',
        [`${root}/${begin}%`],
      );
      return Number(rows[0]?.n);
    },
  };
}

async function withClient(url: string, use: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await use(client);
  await client.end();
}
