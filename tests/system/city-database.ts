/** Events of a city, and the database they are kept in: shared by the tests of what is stored and of what is read. */
import { Client } from 'pg';
import { afterAll, onTestFinished, type TestContext } from 'vitest';
import type { Receipt, Received, Store } from '../../gateway/platform/contract.ts';
import { openReads, openStore } from '../../gateway/platform/database/index.ts';
import { type ManualClock, manualClock } from '../clocks.ts';
import { silentLog } from '../helpers.ts';
import { hasPostgres, type Postgres, postgres } from './postgres.ts';
import { need } from './tools.ts';

export const PREFIX = 'campus/v1/4503000001';
export const NOW = Date.UTC(2026, 10, 29, 8);

/** The same for the same number: RFC 9562, version 7. */
export function idOf(number: number, at = NOW): string {
  const time = at.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${number.toString(16).padStart(12, '0')}`;
}

/** An event, as it comes. */
export function event(sequence: number, previous: number, more: Partial<Received> = {}): Received {
  const id = more.id ?? idOf(sequence);
  const type = more.type ?? 'cn.campus.access.opened';
  const place = { prefix: PREFIX, journal: 'one', lane: 'normal', sequence, previous, ...more };
  const { journal, lane } = place;
  const time = more.time ?? '2026-11-29T08:00:00.000Z';
  const numbers = { sequence: String(place.sequence), previous: String(place.previous) };
  const body = JSON.stringify({ id, type, time, journal, lane, ...numbers, data: {} });
  return { id, type, time, body, receivedAt: NOW, ...place };
}

export const receipt = (upTo: number, more: Partial<Receipt> = {}): Receipt => ({
  prefix: PREFIX,
  journal: 'one',
  lane: 'normal',
  upTo,
  ...more,
});

/** One server a file: to make one takes a second, to make a database in it a tenth. */
let shared: Promise<Postgres> | undefined;
let last = 0;
const ends: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of ends.splice(0)) await end();
  shared = undefined;
});

/** A PostgreSQL of its own, which can be killed, and asked as psql would. */
export async function ownServer(context: TestContext, settings: readonly string[] = []) {
  if (!hasPostgres()) need(context, 'postgres');
  const server = await postgres(settings);
  return { ...server, ...sqlOf(server.url) };
}

/** A database of its own. */
export async function database(context: TestContext) {
  if (!hasPostgres()) need(context, 'postgres');
  shared ??= postgres([], (end) => ends.push(end));
  const { url } = await shared;
  const name = `city_${++last}`;
  await sqlOf(url).sql(`CREATE DATABASE ${name}`);
  const own = url.replace(/[^/]*$/, name);
  return { url: own, ...sqlOf(own) };
}
const sqlOf = (url: string) => ({
  /** Asks it as psql would. */
  async sql<Row = Record<string, unknown>>(text: string): Promise<Row[]> {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query(text)).rows as Row[];
    } finally {
      await client.end();
    }
  },
});

export async function opened(url: string, time = manualClock(NOW)): Promise<Store & { time: ManualClock }> {
  const store = await openStore(url, { time, log: silentLog });
  onTestFinished(() => store.close());
  return { ...store, time };
}

export type Said = Readonly<Record<string, unknown>>;

/** Of an event of the urgent lane, all of it. */
export const said = (type: string, sequence: number, data: Said, more: Partial<Received> = {}): Received => {
  const base = event(sequence, sequence - 1, { lane: 'urgent', type: `cn.campus.${type}`, ...more });
  return { ...base, body: JSON.stringify({ ...JSON.parse(base.body), data }) };
};

/** What is stored, and what is read of it. */
export async function both(url: string) {
  const store = await opened(url);
  const reads = await openReads(url, { time: store.time, log: silentLog });
  onTestFinished(() => reads.close());
  return { store, reads };
}
