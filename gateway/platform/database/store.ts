/** What several consumers share, in PostgreSQL. */
import type { Received, Store } from '../contract.ts';
import { show } from './campuses.ts';
import { gapsToAsk, passGap, positions } from './chains.ts';
import { type Base, openDatabase } from './connection.ts';
import { rowOf } from './fields.ts';
import { createKnown } from './known.ts';
import { listen } from './life.ts';
import { migrate } from './migrations.ts';
import { createPartitions } from './partitions.ts';
import { createTaking } from './taking.ts';

/** Of each consumer: batches, and beside them, some at once, what campuses show and how far they are. */
const CONNECTIONS = 8;

/** @throws StoreError: the database is away, refuses us, or is of a newer program. */
export async function openStore(url: string, base: Base): Promise<Store> {
  const { time } = base;
  const database = openDatabase(url, base, CONNECTIONS);
  const known = createKnown(database);
  const partitions = createPartitions(database, base);
  const taking = createTaking(database, known, base);
  const close = async () => {
    taking.close();
    await database.close();
  };
  try {
    await migrate(database);
  } catch (error) {
    await close();
    throw error;
  }
  await partitions.prepare([]);
  return {
    async take(batch: readonly Received[]) {
      if (batch.length === 0) return { fresh: [], receipts: [] };
      const rows = batch.map(rowOf);
      await partitions.prepare(new Set(rows.map(({ month }) => month)));
      return await taking.take(rows);
    },
    gaps: (now, root) => database.transaction((query) => gapsToAsk(query, now, root)),
    pass: (gap) => database.transaction((query) => passGap(query, gap, time.wall())),
    positions: (prefix) => positions(database.query, prefix),
    listen: (root, now) => listen(database.query, root, now),
    show: (shown) => show(database.query, known, shown),
    dropBefore: partitions.dropBefore,
    close,
  };
}
