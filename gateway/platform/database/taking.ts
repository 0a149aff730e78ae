/**
 * A batch is one transaction: the events, what each chain gains, the alarms, the word to who follows.
 *
 * A batch that PostgreSQL refuses for what is in it is halved until the one event is found that it refuses. That one is
 * kept as bytes in `unusable`, and takes its place in its chain: it comes no second time, and holds nothing up.
 */
import { burstLog } from '../../observe/log.ts';
import type { Store } from '../contract.ts';
import { noteWords } from './alarms.ts';
import { additionsOf, type Entry, entriesOf, nameOf } from './batch.ts';
import { addToChains, UnknownChainError } from './chains.ts';
import { type Base, type Database, isAboutData, type Query } from './connection.ts';
import { type Row, textOf } from './fields.ts';
import type { ChainKey, Known } from './known.ts';
import { notify } from './notify.ts';
import { wordsOf } from './words.ts';

type Taken = Awaited<ReturnType<Store['take']>>;

/** Stores what is not stored yet. @returns the names (`nameOf`) of what is new. */
async function insertEvents(query: Query, entries: readonly Entry[]): Promise<ReadonlySet<string>> {
  const rows = await query<{ id: string; campus: number }>(
    `INSERT INTO event (id, month, campus, chain, sequence, previous, type, time, received_at, body)
     SELECT id, month, campus, chain, sequence, previous, type, to_timestamp(time), to_timestamp(received_at), body
     FROM unnest($1::uuid[], $2::int[], $3::int[], $4::int[], $5::bigint[], $6::bigint[], $7::text[], $8::float8[],
       $9::float8[], $10::text[])
       AS new (id, month, campus, chain, sequence, previous, type, time, received_at, body)
     ON CONFLICT (id, campus, month) DO NOTHING RETURNING id, campus`,
    [
      entries.map(({ row }) => row.id),
      entries.map(({ row }) => row.month),
      entries.map(({ campus }) => campus),
      entries.map(({ chain }) => chain),
      entries.map(({ row }) => row.event.sequence),
      entries.map(({ row }) => row.event.previous),
      entries.map(({ row }) => row.type),
      entries.map(({ row }) => (row.time === null ? null : row.time / 1000)),
      entries.map(({ event }) => event.receivedAt / 1000),
      entries.map(({ row }) => row.body),
    ],
  );
  return new Set(rows.map(({ id, campus }) => nameOf(id, campus)));
}

/**
 * First from the memory of a gateway whose disk failed, without a number; then again with one. Or under a new numbering:
 * its place is in that chain. In the order in which they were inserted. @returns those that were numbered anew.
 */
async function renumber(query: Query, again: readonly Entry[]): Promise<readonly Entry[]> {
  const numbered = again.filter(({ row }) => row.event.sequence > 0);
  if (numbered.length === 0) return [];
  const rows = await query<{ id: string; campus: number }>(
    `WITH new AS (
       SELECT new.* FROM unnest($1::uuid[], $2::int[], $3::int[], $4::int[], $5::bigint[], $6::bigint[], $7::text[])
         AS new (id, month, campus, chain, sequence, previous, body)
       JOIN event USING (id, month, campus) WHERE event.sequence = 0 OR event.chain <> new.chain
       ORDER BY id, campus FOR UPDATE OF event
     ) UPDATE event SET chain = new.chain, sequence = new.sequence, previous = new.previous, body = new.body
     FROM new WHERE (event.id, event.campus, event.month) = (new.id, new.campus, new.month)
     RETURNING event.id, event.campus`,
    [
      numbered.map(({ row }) => row.id),
      numbered.map(({ row }) => row.month),
      numbered.map(({ campus }) => campus),
      numbered.map(({ chain }) => chain),
      numbered.map(({ row }) => row.event.sequence),
      numbered.map(({ row }) => row.event.previous),
      numbered.map(({ row }) => row.body),
    ],
  );
  const names = new Set(rows.map(({ id, campus }) => nameOf(id, campus)));
  return numbered.filter(({ row, campus }) => names.has(nameOf(row.id, campus)));
}

/** Keeps what PostgreSQL would not take, as bytes. */
async function insertUnusable(query: Query, row: Row, { chain, campus }: ChainKey, reason: string) {
  const { event } = row;
  const { sequence, previous, receivedAt, body, ...rest } = event;
  await query(
    `INSERT INTO unusable (campus, chain, sequence, previous, event, body, received_at, reason)
     VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7), $8)`,
    [
      campus,
      chain,
      sequence,
      previous,
      Buffer.from(JSON.stringify(rest)),
      Buffer.from(body),
      receivedAt / 1000,
      textOf(reason),
    ],
  );
}

export interface Taking {
  /** @throws StoreError: what was stored of it nonetheless comes again as a duplicate. */
  take(rows: readonly Row[]): Promise<Taken>;
  close(): void;
}

export function createTaking(database: Database, known: Known, { time, log }: Base): Taking {
  const bursts = burstLog(log, time);

  const takeOnce = async (rows: readonly Row[]): Promise<Taken> => {
    const keyOf = await known.chainsOf(rows);
    const entries = entriesOf(rows, keyOf);
    return await database.transaction(async (query) => {
      const names = await insertEvents(query, entries);
      const isFresh = ({ row, campus }: Entry) => names.has(nameOf(row.id, campus));
      const told = await addToChains(
        query,
        additionsOf(rows, keyOf, (name) => names.has(name)),
        time.wall(),
      );
      const fresh = entries.filter(isFresh);
      const again = entries.filter((entry) => !isFresh(entry));
      const said = [...fresh, ...(await renumber(query, again))];
      await notify(query, await noteWords(query, wordsOf(said), time.wall()));
      return { fresh: fresh.map(({ event }) => event), ...told };
    });
  };
  const setAside = async (row: Row, reason: string): Promise<Taken> => {
    const keyOf = await known.chainsOf([row]);
    return await database.transaction(async (query) => {
      await insertUnusable(query, row, keyOf(row), reason);
      const additions = additionsOf([row], keyOf, () => false);
      return { fresh: [], ...(await addToChains(query, additions, time.wall())) };
    });
  };
  /** Where even its bytes are refused its chain has a gap, which is given up in time. */
  const giveUp = async (row: Row, reason: string): Promise<Taken> => {
    const about = { prefix: row.prefix, id: row.id };
    bursts.warn(
      'unusable',
      { ...about, reason },
      'the database refuses an event; its bytes are in the table unusable',
    );
    return await setAside(row, reason).catch((error: unknown) => {
      if (!isAboutData(error)) throw error;
      const { message } = error as Error;
      bursts.warn(
        'lost',
        { ...about, reason: message },
        'the database refuses even the bytes of an event; it is lost',
      );
      return { fresh: [], receipts: [] };
    });
  };
  const take = async (rows: readonly Row[], isAnew = false): Promise<Taken> => {
    try {
      return await takeOnce(rows);
    } catch (error) {
      if (error instanceof UnknownChainError && !isAnew) {
        known.forget();
        return await take(rows, true);
      }
      if (!isAboutData(error)) throw error;
      const [row] = rows;
      if (rows.length === 1 && row !== undefined) return await giveUp(row, (error as Error).message);
      const half = Math.ceil(rows.length / 2);
      const [first, second] = [await take(rows.slice(0, half)), await take(rows.slice(half))];
      const beside = [...(first.beside ?? []), ...(second.beside ?? [])];
      return {
        fresh: [...first.fresh, ...second.fresh],
        receipts: [...first.receipts, ...second.receipts],
        ...(beside.length > 0 && { beside }),
      };
    }
  };
  return { take: (rows) => take(rows), close: bursts.close };
}
