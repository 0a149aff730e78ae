/** Which numbers campuses and chains have in the tables; made where they are met for the first time. */
import type { Database } from './connection.ts';
import type { Row } from './fields.ts';

export interface ChainKey {
  readonly chain: number;
  readonly campus: number;
}
type Named = Pick<Row, 'prefix' | 'journal' | 'lane'>;

/** A city has some thousands; what is beyond is asked for again. */
const KNOWN_MAX = 200_000;

const nameOf = ({ prefix, journal, lane }: Named) => `${prefix}\n${journal}\n${lane}`;

/** The number of a campus: the last level of its prefix. */
export const numberOf = (prefix: string): string => prefix.slice(prefix.lastIndexOf('/') + 1);

export interface Known {
  /** The keys of the chains that are named, and what tells them by name. */
  chainsOf(named: readonly Named[]): Promise<(one: Named) => ChainKey>;
  campusOf(prefix: string): Promise<number>;
  /** The tables are others than they were. */
  forget(): void;
}

export function createKnown({ query }: Database): Known {
  const chains = new Map<string, ChainKey>();
  const campuses = new Map<string, number>();

  /** In the order of their names: two who make the same ones do not wait for each other. */
  const makeCampuses = async (prefixes: readonly string[]) => {
    const sorted = [...new Set(prefixes)].toSorted();
    await query(
      `INSERT INTO campus (prefix, number) SELECT * FROM unnest($1::text[], $2::text[]) AS new (prefix, number)
       WHERE NOT EXISTS (SELECT FROM campus WHERE campus.prefix = new.prefix) ON CONFLICT DO NOTHING`,
      [sorted, sorted.map(numberOf)],
    );
    return await query<{ id: number; prefix: string }>(
      'SELECT id, prefix FROM campus WHERE prefix = ANY ($1::text[])',
      [sorted],
    );
  };
  const learn = async (missing: readonly Named[]) => {
    const found = await makeCampuses(missing.map(({ prefix }) => prefix));
    const campuses = new Map(found.map(({ prefix, id }) => [prefix, id]));
    const prefixes = new Map(found.map(({ prefix, id }) => [id, prefix]));
    const sorted = missing
      .map((one) => ({ ...one, campus: campuses.get(one.prefix) as number }))
      .toSorted((one, other) => one.campus - other.campus || (nameOf(one) < nameOf(other) ? -1 : 1));
    const columns = [
      sorted.map(({ campus }) => campus),
      sorted.map(({ journal }) => journal),
      sorted.map(({ lane }) => lane),
    ];
    const input = 'unnest($1::int[], $2::text[], $3::text[]) AS new (campus, journal, lane)';
    await query(
      `INSERT INTO chain (campus, journal, lane) SELECT * FROM ${input}
       WHERE NOT EXISTS (SELECT FROM chain WHERE (chain.campus, chain.journal, chain.lane) = (new.campus, new.journal, new.lane))
       ON CONFLICT DO NOTHING`,
      columns,
    );
    const rows = await query<ChainKey & { journal: string; lane: string }>(
      `SELECT chain.id AS chain, campus, journal, lane FROM ${input} JOIN chain USING (campus, journal, lane)`,
      columns,
    );
    return rows.map(({ chain, campus, journal, lane }) => {
      const name = nameOf({ prefix: prefixes.get(campus) as string, journal, lane });
      return [name, { chain, campus }] as const;
    });
  };

  return {
    async chainsOf(named) {
      const found = new Map<string, ChainKey>();
      const missing = new Map<string, Named>();
      for (const one of named) {
        const name = nameOf(one);
        const key = chains.get(name);
        if (key === undefined) missing.set(name, one);
        else found.set(name, key);
      }
      if (chains.size > KNOWN_MAX) chains.clear();
      const learned = missing.size === 0 ? [] : await learn([...missing.values()]);
      for (const [name, key] of learned) {
        chains.set(name, key);
        found.set(name, key);
      }
      return (one) => found.get(nameOf(one)) as ChainKey;
    },
    async campusOf(prefix) {
      const known = campuses.get(prefix);
      if (known !== undefined) return known;
      const [made] = await makeCampuses([prefix]);
      const { id } = made as { id: number };
      if (campuses.size > KNOWN_MAX) campuses.clear();
      campuses.set(prefix, id);
      return id;
    },
    forget() {
      chains.clear();
      campuses.clear();
    },
  };
}
