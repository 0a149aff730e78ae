/**
 * How far each chain of a campus, journal and lane is complete. What connects is followed in memory; only what lies
 * beyond a gap goes to `ahead`, and is followed there, for all chains of a batch at once.
 *
 * Who follows a chain holds its row. The rows are locked in the order of their numbers, after the events are inserted:
 * nobody waits for a chain who holds one with a greater number, nor for an event who holds a chain.
 */
import type { Gap, Receipt } from '../contract.ts';
import { KeptError, type Query } from './connection.ts';
import { keyOf } from './fields.ts';
import { CLOCKS_APART_MS } from './life.ts';

/** An event that overtakes another (a shared subscription has several consumers) is no gap yet. */
const GAP_AFTER_MS = 2000;
const ASK_EVERY_MS = 10_000;
const ASK_TIMES = 6;
/** In one go; the rest in the next. */
const GAPS_MAX = 500;
/** Places that are followed in one go: no chain makes a transaction too long for the others of its batch. */
const STEPS_MAX = 100_000;
/** Of those; a campus has three lanes, and now and then a new numbering. */
const GAPS_OF_CAMPUS_MAX = 12;

/** What an event says of its place. */
export interface Place {
  readonly sequence: number;
  readonly previous: number;
}

/** What a batch adds to a chain. */
export interface Addition {
  readonly chain: number;
  /** What it is called, where the tables are those that the number is of. */
  readonly name: Pick<Receipt, 'prefix' | 'journal' | 'lane'>;
  readonly places: readonly Place[];
  /** Something came again: the receipt of it was lost. */
  readonly isAgain: boolean;
  readonly stored: number;
  readonly duplicates: number;
  /** Epoch ms. */
  readonly lastEventAt: number | null;
  /** When the newest of what is new happened, as far as it tells that its campus was there; epoch ms. */
  readonly livedAt: number | null;
  /** Whether the gateway's clock was, as its last event here says. */
  readonly synchronised: boolean | null;
}

interface Chain {
  readonly id: number;
  upTo: number;
  gapUpTo: number | null;
  gapSince: number | null;
  gapAsked: number;
  gapAskedAt: number | null;
}
interface NamedChain extends Chain {
  readonly prefix: string;
  readonly journal: string;
  readonly lane: string;
}
/** With how far the other lanes of its numbering are, as another instance may have brought them. */
interface ChainAmongOthers extends NamedChain {
  readonly others: Readonly<Record<string, number>> | null;
}

const COLUMNS = `chain.id, prefix, journal, lane, up_to AS "upTo", gap_up_to AS "gapUpTo", gap_since AS "gapSince",
  gap_asked AS "gapAsked", gap_asked_at AS "gapAskedAt"`;

/**
 * Follows places from where a chain is complete. @returns how far it is then, and what lies beyond, one place for each
 * `previous`: of several the nearest.
 */
export function walk(upTo: number, places: readonly Place[]): { upTo: number; beyond: readonly Place[] } {
  const next = new Map<number, number>();
  for (const { previous, sequence } of places) {
    const known = next.get(previous);
    if (sequence > previous && previous >= upTo && (known === undefined || sequence < known))
      next.set(previous, sequence);
  }
  let reached = upTo;
  for (let to = next.get(reached); to !== undefined; to = next.get(reached)) reached = to;
  const beyond = [...next].flatMap(([previous, sequence]) =>
    previous > reached ? [{ previous, sequence }] : [],
  );
  return { upTo: reached, beyond };
}

/**
 * Follows in `ahead` what is reached by now, and takes it out. Each chain is changed in place. One that has more than is
 * followed in one go has its gap where it stands, and goes on with its next event, or when gaps are looked for.
 */
async function followAhead(query: Query, chains: readonly Chain[]): Promise<void> {
  const rows = await query<{ chain: number; upTo: number; next: number | null }>(
    `WITH RECURSIVE walk (chain, up_to, steps) AS (
       SELECT *, 0 FROM unnest($1::int[], $2::bigint[])
       UNION ALL
       SELECT walk.chain, next.sequence, steps + 1 FROM walk CROSS JOIN LATERAL (
         SELECT sequence FROM ahead WHERE chain = walk.chain AND previous = walk.up_to LIMIT 1
       ) AS next WHERE steps < $3
     ), reached AS (SELECT chain, max(up_to) AS up_to FROM walk GROUP BY chain)
     SELECT chain, up_to AS "upTo",
       (SELECT min(previous) FROM ahead WHERE ahead.chain = reached.chain AND previous >= reached.up_to) AS next
     FROM reached`,
    [chains.map(({ id }) => id), chains.map(({ upTo }) => upTo), Math.ceil(STEPS_MAX / chains.length)],
  );
  const byId = new Map(chains.map((chain) => [chain.id, chain]));
  for (const { chain: id, upTo, next } of rows) {
    const chain = byId.get(id) as Chain;
    chain.upTo = upTo;
    chain.gapUpTo = next;
  }
  await query(
    `DELETE FROM ahead USING unnest($1::int[], $2::bigint[]) AS reached (chain, up_to)
     WHERE ahead.chain = reached.chain AND previous < reached.up_to`,
    [rows.map(({ chain }) => chain), rows.map(({ upTo }) => upTo)],
  );
}

/** A gap begins to be one when it is seen, and anew when the chain has come nearer to its end. */
function noteGap(
  chain: Chain,
  before: { readonly upTo: number; readonly gapUpTo: number | null },
  now: number,
) {
  if (chain.gapUpTo === null) {
    chain.gapSince = null;
  } else if (before.gapUpTo !== null && before.upTo === chain.upTo) {
    return;
  } else {
    chain.gapSince = now;
  }
  chain.gapAsked = 0;
  chain.gapAskedAt = null;
}

/** Adds places to chains that are held. Each chain is changed in place. */
async function follow(
  query: Query,
  chains: readonly Chain[],
  placesOf: (chain: Chain) => readonly Place[],
  now: number,
): Promise<void> {
  const before = new Map(chains.map(({ id, upTo, gapUpTo }) => [id, { upTo, gapUpTo }]));
  const ahead: (Place & { readonly chain: number })[] = [];
  const reaching: Chain[] = [];
  for (const chain of chains) {
    const { upTo, beyond } = walk(chain.upTo, placesOf(chain));
    chain.upTo = upTo;
    for (const place of beyond) ahead.push({ chain: chain.id, ...place });
    if (chain.gapUpTo !== null && upTo >= chain.gapUpTo) reaching.push(chain);
    else if (beyond.length > 0)
      chain.gapUpTo = beyond.reduce(
        (least, { previous }) => Math.min(least, previous),
        chain.gapUpTo ?? Number.MAX_SAFE_INTEGER,
      );
  }
  if (ahead.length > 0)
    await query(
      `INSERT INTO ahead (chain, previous, sequence) SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[])
       ON CONFLICT (chain, previous) DO UPDATE SET sequence = excluded.sequence WHERE excluded.sequence < ahead.sequence`,
      [
        ahead.map(({ chain }) => chain),
        ahead.map(({ previous }) => previous),
        ahead.map(({ sequence }) => sequence),
      ],
    );
  if (reaching.length > 0) await followAhead(query, reaching);
  for (const chain of chains)
    noteGap(chain, before.get(chain.id) as { upTo: number; gapUpTo: number | null }, now);
}

const seconds = (ms: number | null) => (ms === null ? null : ms / 1000);

/** Writes chains that are held. */
async function write(query: Query, chains: readonly Chain[]): Promise<void> {
  await query(
    `UPDATE chain SET up_to = new.up_to, gap_up_to = new.gap_up_to, gap_since = to_timestamp(new.gap_since),
       gap_asked = new.gap_asked, gap_asked_at = to_timestamp(new.gap_asked_at)
     FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::float8[], $5::int[], $6::float8[])
       AS new (id, up_to, gap_up_to, gap_since, gap_asked, gap_asked_at) WHERE chain.id = new.id`,
    columnsOf(chains),
  );
}

const columnsOf = (chains: readonly Chain[]) => [
  chains.map(({ id }) => id),
  chains.map(({ upTo }) => upTo),
  chains.map(({ gapUpTo }) => gapUpTo),
  chains.map(({ gapSince }) => seconds(gapSince)),
  chains.map(({ gapAsked }) => gapAsked),
  chains.map(({ gapAskedAt }) => seconds(gapAskedAt)),
];

const receiptOf = ({ prefix, journal, lane, upTo }: NamedChain): Receipt => ({ prefix, journal, lane, upTo });

/** There are three; a campus that makes thousands is told of no more beside the one that moved. */
const LANES_MAX = 16;

/** The chains are others in the tables than those that were known: a backup was put back. */
export class UnknownChainError extends KeptError {}

/** Adds what a batch brought. @returns receipts of what moved and of what came again, and of the lanes beside. @throws UnknownChainError */
export async function addToChains(
  query: Query,
  additions: readonly Addition[],
  now: number,
): Promise<{ readonly receipts: readonly Receipt[]; readonly beside?: readonly Receipt[] }> {
  const byId = new Map(additions.map((addition) => [addition.chain, addition]));
  const chains = await query<ChainAmongOthers>(
    `SELECT ${COLUMNS}, others FROM chain JOIN campus ON campus.id = campus LEFT JOIN LATERAL (
       SELECT json_object_agg(lane, up_to) AS others FROM (
         SELECT lane, up_to FROM chain AS other
         WHERE other.campus = chain.campus AND other.journal = chain.journal AND other.id <> chain.id AND other.up_to > 0
         LIMIT ${LANES_MAX}
       ) AS few
     ) AS beside ON true WHERE chain.id = ANY ($1::int[])
     ORDER BY chain.id FOR NO KEY UPDATE OF chain`,
    [[...byId.keys()]],
  );
  const isNamed = ({ id, prefix, journal, lane }: NamedChain) => {
    const name = byId.get(id)?.name;
    return name?.prefix === prefix && name.journal === journal && name.lane === lane;
  };
  if (chains.length < byId.size || !chains.every(isNamed)) throw new UnknownChainError();
  const before = new Map(chains.map(({ id, upTo }) => [id, upTo]));
  const additionOf = ({ id }: Chain) => byId.get(id) as Addition;
  await follow(query, chains, (chain) => additionOf(chain).places, now);
  await query(
    `UPDATE chain SET up_to = new.up_to, gap_up_to = new.gap_up_to, gap_since = to_timestamp(new.gap_since),
       gap_asked = new.gap_asked, gap_asked_at = to_timestamp(new.gap_asked_at),
       stored = chain.stored + new.stored, duplicates = chain.duplicates + new.duplicates,
       last_event_at = greatest(chain.last_event_at, to_timestamp(new.last_event_at)),
       synchronised = coalesce(new.synchronised, chain.synchronised), lived_at = greatest(chain.lived_at, to_timestamp(new.lived_at))
     FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::float8[], $5::int[], $6::float8[], $7::int[], $8::int[],
       $9::float8[], $10::bool[], $11::float8[]) AS new (id, up_to, gap_up_to, gap_since, gap_asked, gap_asked_at, stored, duplicates,
       last_event_at, synchronised, lived_at) WHERE chain.id = new.id`,
    [
      ...columnsOf(chains),
      chains.map((chain) => additionOf(chain).stored),
      chains.map((chain) => additionOf(chain).duplicates),
      chains.map((chain) => seconds(additionOf(chain).lastEventAt)),
      chains.map((chain) => additionOf(chain).synchronised),
      chains.map((chain) => seconds(additionOf(chain).livedAt)),
    ],
  );
  const told = chains.filter(
    (chain) => chain.upTo > (before.get(chain.id) as number) || (additionOf(chain).isAgain && chain.upTo > 0),
  );
  const beside = told.flatMap(({ prefix, journal, others }) =>
    Object.entries(others ?? {}).map(([lane, upTo]) => ({ prefix, journal, lane, upTo })),
  );
  return { receipts: told.map(receiptOf), ...(beside.length > 0 && { beside }) };
}

/** Notes that gaps are gone; the chains go on after them. */
async function passAll(query: Query, chains: readonly NamedChain[], now: number): Promise<void> {
  if (chains.length === 0) return;
  await query(
    `INSERT INTO lost (chain, after, up_to, since, asked, at)
     SELECT id, up_to, gap_up_to, gap_since, gap_asked, to_timestamp($2) FROM chain WHERE id = ANY ($1::int[])`,
    [chains.map(({ id }) => id), now / 1000],
  );
  for (const chain of chains) chain.upTo = chain.gapUpTo as number;
  await follow(query, chains, () => [], now);
  await write(query, chains);
}

/** Gaps that it is time to ask for, each given to one of those who ask at once. */
export async function gapsToAsk(
  query: Query,
  now: number,
  root?: string,
): Promise<{ ask: readonly Gap[]; receipts: readonly Receipt[] }> {
  // A campus that is away answers nothing; what it said since says that it is there.
  const isDue = `gap_up_to IS NOT NULL AND gap_since < to_timestamp($1) AND coalesce(gap_asked_at < to_timestamp($2), true)
    AND (presence_state IS DISTINCT FROM 'offline' OR lived_at > presence_at + interval '${CLOCKS_APART_MS} ms')
    AND ($3::text IS NULL OR prefix = $3 || '/' || campus.number)`;
  // The first of each campus before the second of any: one with thousands keeps no other waiting.
  const due = await query<NamedChain>(
    `SELECT ${COLUMNS} FROM chain JOIN campus ON campus.id = campus
     WHERE ${isDue} AND chain.id = ANY (ARRAY(
       SELECT id FROM (
         SELECT chain.id, row_number() OVER (PARTITION BY campus ORDER BY gap_since, chain.id) AS number
         FROM chain JOIN campus ON campus.id = campus WHERE ${isDue}
       ) AS numbered WHERE number <= ${GAPS_OF_CAMPUS_MAX} ORDER BY number, id LIMIT ${GAPS_MAX}
     ))
     ORDER BY chain.id FOR NO KEY UPDATE OF chain SKIP LOCKED`,
    [(now - GAP_AFTER_MS) / 1000, (now - ASK_EVERY_MS) / 1000, root],
  );
  const reached = due.filter(({ upTo, gapUpTo }) => upTo >= (gapUpTo as number));
  if (reached.length > 0) {
    await follow(query, reached, () => [], now);
    await write(query, reached);
  }
  const [asked, given] = [true, false].map((isLeft) =>
    due.filter((chain) => !reached.includes(chain) && chain.gapAsked < ASK_TIMES === isLeft),
  ) as [NamedChain[], NamedChain[]];
  const ask = asked.map((chain) => ({
    ...receiptOf(chain),
    after: chain.upTo,
    upTo: chain.gapUpTo as number,
    asked: chain.gapAsked,
  }));
  for (const chain of asked) {
    chain.gapAsked++;
    chain.gapAskedAt = now;
  }
  if (asked.length > 0) await write(query, asked);
  await passAll(query, given, now);
  return { ask, receipts: [...reached, ...given].map(receiptOf) };
}

/** A gap that the campus cannot fill. Nothing, where the chain has come further meanwhile, or was passed already. */
export async function passGap(query: Query, gap: Gap, now: number): Promise<readonly Receipt[]> {
  const chains = await query<NamedChain>(
    `SELECT ${COLUMNS} FROM chain JOIN campus ON campus.id = campus
     WHERE prefix = $1 AND journal = $2 AND lane = $3 AND up_to = $4 AND gap_up_to IS NOT NULL
     FOR NO KEY UPDATE OF chain`,
    [keyOf(gap.prefix), keyOf(gap.journal), keyOf(gap.lane), gap.after],
  );
  await passAll(query, chains, now);
  return chains.map(receiptOf);
}

/** A campus begins a new numbering now and then; nobody wants a receipt for an old one any more. */
const JOURNALS_MAX = 8;

/** How far chains are complete: of the newest journals of one campus, or of each. */
export async function positions(query: Query, prefix?: string): Promise<readonly Receipt[]> {
  return await query<Receipt>(
    `SELECT prefix, journal, lane, up_to AS "upTo" FROM (
       SELECT chain.*, campus.prefix,
         dense_rank() OVER (PARTITION BY campus ORDER BY newest DESC, journal) AS age
       FROM (
         SELECT *, max(last_event_at) OVER (PARTITION BY campus, journal) AS newest FROM chain
         WHERE $1::text IS NULL OR campus = (SELECT id FROM campus WHERE prefix = $1)
       ) AS chain JOIN campus ON campus.id = chain.campus
     ) AS known WHERE up_to > 0 AND age <= ${JOURNALS_MAX} ORDER BY prefix, journal, lane`,
    [prefix === undefined ? null : keyOf(prefix)],
  );
}
