/** Alarms as the API shows them. */
import type { AlarmQuery, AlarmView, LatencyView } from '../../views.ts';
import type { Query } from '../connection.ts';
import { placeOf, textOf } from '../fields.ts';
import { ALARM_IS_OPEN, ALARM_RANK, ALARM_STANDS, districtCode } from '../migrations.ts';
import { idsOf } from './campuses.ts';

interface Row {
  readonly id: string;
  readonly sequence: number;
  readonly number: string;
  readonly name: string | null;
  readonly district: string | null;
  readonly shown: string;
  readonly time: number;
  readonly receivedAt: number;
  readonly storedAt: number;
  readonly stands: boolean;
  readonly endedAt: number | null;
  readonly endedHow: 'restored' | 'cancelled' | null;
  readonly acknowledged: string | null;
  readonly closed: string | null;
  readonly confirmed: string | null;
}

const SELECT = `
  SELECT alarm.id, sequence, number, name, district, shown, time, received_at AS "receivedAt", stored_at AS "storedAt",
    ${ALARM_STANDS} AS stands, ended_at AS "endedAt", ended_how AS "endedHow", coalesce(acknowledged, desk_acknowledged) AS acknowledged,
    coalesce(closed, desk_closed) AS closed, confirmed
  FROM alarm JOIN campus ON campus.id = campus`;
const WHERE = {
  all: 'thing IS NOT NULL',
  standing: ALARM_IS_OPEN,
  untaken: `${ALARM_IS_OPEN} AND ${ALARM_RANK} = 0`,
} satisfies Record<AlarmQuery['state'], string>;
const LIMIT_MAX = 1000;

const isoOf = (ms: number) => new Date(ms).toISOString();
const secondsOf = (text: string) => {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms / 1000;
};

/** What was written by us is JSON. */
function viewOf(row: Row): AlarmView {
  const { id, sequence, number, name, district, endedAt, endedHow } = row;
  const act = <T>(text: string | null): T | undefined =>
    text === null ? undefined : (JSON.parse(text) as T);
  const acknowledged = act<AlarmView['acknowledged']>(row.acknowledged);
  const closed = act<NonNullable<AlarmView['closed']>>(row.closed);
  const confirmed = act<{ readonly at: string }>(row.confirmed);
  return {
    id,
    sequence: String(sequence),
    campus: { id: number, ...(name !== null && { name }), ...(district !== null && { district }) },
    ...(JSON.parse(row.shown) as Pick<
      AlarmView,
      'kind' | 'cause' | 'device' | 'zone' | 'area' | 'text' | 'test'
    >),
    time: isoOf(row.time),
    receivedAt: isoOf(row.receivedAt),
    storedAt: isoOf(row.storedAt),
    standing: row.stands,
    ...(endedAt !== null && { ended: { at: isoOf(endedAt), how: endedHow ?? 'restored' } }),
    ...(confirmed !== undefined && { confirmed: { at: confirmed.at } }),
    ...(acknowledged !== undefined && { acknowledged }),
    ...(closed !== undefined && { closed: { ...closed, reason: closed.reason ?? 'unknown' } }),
  };
}

export async function alarms(query: Query, of: AlarmQuery): Promise<readonly AlarmView[]> {
  const { state, campus, district, place, each, before, limit } = of;
  const ids = await idsOf(query, campus);
  if (ids?.length === 0) return [];
  const rank = state === 'standing' ? ALARM_RANK : '0';
  const order = `${rank === '0' ? '' : `${rank},`} received_at DESC, alarm.id DESC`;
  // Numbered only where somebody asks for shares.
  const share =
    each === undefined
      ? '$7::int IS NULL'
      : `(alarm.campus, alarm.id) IN (SELECT campus, id FROM (
           SELECT campus, id, row_number() OVER (PARTITION BY campus ORDER BY ${order}) AS n FROM alarm WHERE ${WHERE[state]}
         ) AS shares WHERE n <= $7::int)`;
  const rows = await query<Row>(
    `${SELECT} WHERE ${WHERE[state]}
       AND ($1::int[] IS NULL OR alarm.campus = ANY ($1)) AND ($2::text IS NULL OR district_code = ${districtCode('$2::text')})
       AND ($3::text IS NULL OR strpos(place, $3) > 0)
       AND ($4::float8 IS NULL
         OR (${rank}, -extract(epoch FROM received_at)) > (coalesce((SELECT ${rank} FROM alarm WHERE id = $5 AND received_at = to_timestamp($4) LIMIT 1), 0), -$4)
         OR (${rank} = coalesce((SELECT ${rank} FROM alarm WHERE id = $5 AND received_at = to_timestamp($4) LIMIT 1), 0)
           AND received_at = to_timestamp($4) AND alarm.id < $5::uuid))
       AND ${share}
     ORDER BY ${order} LIMIT $6`,
    [
      ids ?? null,
      district === undefined ? null : textOf(district),
      place === undefined ? null : textOf(place).toLowerCase(),
      before === undefined ? null : secondsOf(before.at),
      before === undefined ? null : placeOf(before.id).id,
      Math.min(Math.max(1, limit), LIMIT_MAX),
      each ?? null,
    ],
  );
  return rows.map(viewOf);
}

/** Of several prefixes that end alike the first that was heard; of several campuses that use one id none. */
export async function alarm(
  query: Query,
  id: string,
  campus: string | undefined,
): Promise<AlarmView | 'several' | undefined> {
  const rows = await query<Row>(
    `${SELECT} WHERE alarm.id = $1 AND thing IS NOT NULL AND ($2::text IS NULL OR number = $2)
     ORDER BY received_at, alarm.campus`,
    [placeOf(id).id, campus === undefined ? null : textOf(campus)],
  );
  const [row] = rows;
  if (rows.some(({ number }) => number !== row?.number)) return 'several';
  return row && viewOf(row);
}

const QUANTILES = `count(*) AS count, coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY ms), 0) AS p50,
  coalesce(percentile_disc(0.99) WITHIN GROUP (ORDER BY ms), 0) AS p99, coalesce(max(ms), 0) AS most`;
const MS =
  'round(greatest(0, extract(epoch FROM stored_at) - extract(epoch FROM time)) * 1000)::float8 AS ms';

/** Alarms by the minute in which they were stored; minutes without one are not told. */
export async function latency(
  query: Query,
  of: { readonly from: string; readonly to: string; readonly campus?: string | undefined },
): Promise<readonly LatencyView[]> {
  const rows = await query<Omit<LatencyView, 'at'> & { at: number }>(
    `SELECT minute AS at, ${QUANTILES} FROM (
       SELECT date_trunc('minute', stored_at) AS minute, ${MS} FROM alarm
       WHERE thing IS NOT NULL AND stored_at >= to_timestamp($1) AND stored_at < to_timestamp($2)
         AND ($3::text IS NULL OR campus IN (SELECT id FROM campus WHERE number = $3))
     ) AS minutes GROUP BY minute ORDER BY minute`,
    [secondsOf(of.from), secondsOf(of.to), of.campus === undefined ? null : textOf(of.campus)],
  );
  return rows.map((row) => ({ ...row, at: isoOf(row.at) }));
}

/** Since a moment, epoch ms. */
export async function latencySince(query: Query, since: number) {
  const [row] = await query<{ count: number; p50: number; p99: number }>(
    `SELECT ${QUANTILES} FROM (SELECT ${MS} FROM alarm WHERE thing IS NOT NULL AND stored_at >= to_timestamp($1)) AS all_of_it`,
    [since / 1000],
  );
  const { count, p50, p99 } = row as { count: number; p50: number; p99: number };
  return { count, p50, p99 };
}
