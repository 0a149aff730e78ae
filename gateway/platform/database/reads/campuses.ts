/** Campuses as the API shows them. */

import type { z } from 'zod';
import type { CampusDetailView, CampusView } from '../../views.ts';
import type { masterBody, presenceBody } from '../campuses.ts';
import type { Query } from '../connection.ts';
import { textOf } from '../fields.ts';
import { ALARM_IS_OPEN, ALARM_STANDS, ALARM_UNTAKEN, districtCode } from '../migrations.ts';
import { type CampusFacts, isRepeating, REMEMBERED_MS, stateOf } from '../state.ts';

interface Row extends Omit<CampusFacts, 'isStopped' | 'isRepeating'> {
  readonly id: number;
  readonly number: string;
  readonly prefix: string;
  readonly presence: string | null;
  readonly master: string | null;
  readonly standing: number;
  readonly untaken: number;
  readonly gaps: number;
}

const SELECT = `
  SELECT campus.id, number, campus.prefix, presence, presence_state AS "presenceState", presence_at AS "presenceAt",
    state_since AS "stateSince", master, withdrawn_at AS "withdrawnAt", chains.last AS "lastEventAt",
    chains.lived AS "livedAt", listening.since AS "listenedSince", listening.until AS "listenedUntil", chains.gap AS "gapSince", chains.synchronised, coalesce(chains.gaps, 0) AS gaps, lost.at AS "lostAt",
    coalesce(alarms.standing, 0) AS standing, coalesce(alarms.untaken, 0) AS untaken,
    coalesce(troubles.all, '{}') AS troubles
  FROM campus
  LEFT JOIN (
    SELECT campus, max(last_event_at) AS last, max(lived_at) AS lived, min(gap_since) AS gap, count(gap_up_to) AS gaps,
      (array_agg(synchronised ORDER BY last_event_at DESC) FILTER (WHERE synchronised IS NOT NULL))[1] AS synchronised
    FROM chain WHERE $2::int IS NULL OR campus = $2 GROUP BY campus
  ) AS chains ON chains.campus = campus.id
  LEFT JOIN listening ON campus.prefix = listening.root || '/' || campus.number
  LEFT JOIN (
    SELECT campus, max(at) AS at FROM lost JOIN chain ON chain.id = lost.chain
    WHERE at > to_timestamp($1) AND ($2::int IS NULL OR campus = $2) GROUP BY campus
  ) AS lost ON lost.campus = campus.id
  LEFT JOIN (
    SELECT campus, count(*) FILTER (WHERE ${ALARM_STANDS}) AS standing,
      count(*) FILTER (WHERE ${ALARM_UNTAKEN}) AS untaken
    FROM alarm WHERE ${ALARM_IS_OPEN} AND ($2::int IS NULL OR campus = $2)
    GROUP BY campus
  ) AS alarms ON alarms.campus = campus.id
  LEFT JOIN (
    SELECT campus, json_object_agg(kind, since) AS all FROM (
      SELECT campus, kind, extract(epoch FROM min(since)) * 1000 AS since FROM trouble
      WHERE stands AND (kind NOT IN ('dropped', 'storage') OR since > to_timestamp($1)) AND ($2::int IS NULL OR campus = $2)
      GROUP BY campus, kind
    ) AS kinds GROUP BY campus
  ) AS troubles ON troubles.campus = campus.id`;

const isoOf = (ms: number) => new Date(ms).toISOString();
/** What was written by `show` is JSON. */
const read = <T>(text: string | null): Partial<T> => (text === null ? {} : (JSON.parse(text) as T));

function viewOf(row: Row, now: number): CampusView {
  const { number, prefix, standing, untaken, gaps, lastEventAt } = row;
  const presence = read<z.output<typeof presenceBody>>(row.presence);
  const { name, district, address, coordinates } = read<z.output<typeof masterBody>>(row.master);
  const { state, reasons, since } = stateOf(
    { ...row, isStopped: presence.at !== undefined, isRepeating: isRepeating(presence.contract) },
    now,
  );
  return {
    id: number,
    prefix,
    ...(name !== undefined && { name }),
    ...(district !== undefined && { district }),
    ...(address !== undefined && { address }),
    ...(coordinates !== undefined && { coordinates }),
    state,
    reasons,
    ...(since !== null && { since: isoOf(since) }),
    ...(lastEventAt !== null && { lastEventAt: isoOf(lastEventAt) }),
    standing,
    untaken,
    gaps,
    ...(presence.version !== undefined && { version: presence.version }),
  };
}

const rowsOf = (query: Query, now: number, where: string, campus: number | null, more: readonly unknown[]) =>
  query<Row>(`${SELECT} WHERE ${where} ORDER BY number, campus.id`, [
    (now - REMEMBERED_MS) / 1000,
    campus,
    ...more,
  ]);

/** The rows that have this number, more than one where prefixes end alike; undefined: it is not asked for one. */
export async function idsOf(
  query: Query,
  number: string | undefined,
): Promise<readonly number[] | undefined> {
  if (number === undefined) return undefined;
  const rows = await query<{ id: number }>('SELECT id FROM campus WHERE number = $1 ORDER BY id', [
    textOf(number),
  ]);
  return rows.map(({ id }) => id);
}

export async function campuses(query: Query, now: number, district?: string): Promise<readonly CampusView[]> {
  const rows = await rowsOf(
    query,
    now,
    `($3::text IS NULL OR district_code = ${districtCode('$3::text')})`,
    null,
    [district === undefined ? null : textOf(district)],
  );
  return rows.map((row) => viewOf(row, now));
}

/** What is shown of one campus: the newest chains, and the newest gaps that were given up. */
const LANES_MAX = 100;
const LOST_MAX = 100;

/** Of several prefixes that end alike the first that was heard. */
export async function campus(
  query: Query,
  now: number,
  number: string,
): Promise<CampusDetailView | undefined> {
  const [id] = (await idsOf(query, number)) ?? [];
  if (id === undefined) return undefined;
  const [row] = await rowsOf(query, now, 'campus.id = $2', id, []);
  if (row === undefined) return undefined;
  const chains = await query<{
    journal: string;
    lane: string;
    upTo: number;
    gapUpTo: number | null;
    gapSince: number | null;
    asked: number;
  }>(
    `SELECT journal, lane, up_to AS "upTo", gap_up_to AS "gapUpTo", gap_since AS "gapSince", gap_asked AS asked
     FROM chain WHERE campus = $1 ORDER BY last_event_at DESC NULLS LAST, lane LIMIT ${LANES_MAX}`,
    [id],
  );
  const lost = await query<{
    journal: string;
    lane: string;
    after: number;
    upTo: number;
    since: number;
    asked: number;
  }>(
    `SELECT journal, lane, after, lost.up_to AS "upTo", since, asked FROM lost JOIN chain ON chain.id = chain
     WHERE campus = $1 ORDER BY at DESC LIMIT ${LOST_MAX}`,
    [id],
  );
  const open = chains.flatMap(({ journal, lane, upTo, gapUpTo, gapSince, asked }) =>
    gapUpTo === null || gapSince === null
      ? []
      : [{ journal, lane, after: upTo, upTo: gapUpTo, since: gapSince, asked, state: 'open' as const }],
  );
  return {
    ...viewOf(row, now),
    contacts: (read<z.output<typeof masterBody>>(row.master).contacts ?? []).map(({ role, name, phone }) => ({
      role,
      ...(name !== undefined && { name }),
      ...(phone !== undefined && { phone }),
    })),
    lanes: chains.map(({ journal, lane, upTo }) => ({ journal, lane, upTo: String(upTo) })),
    gapsOf: [...open, ...lost.map((one) => ({ ...one, state: 'lost' as const }))].map((gap) => ({
      ...gap,
      after: String(gap.after),
      upTo: String(gap.upTo),
      since: isoOf(gap.since),
    })),
  };
}
