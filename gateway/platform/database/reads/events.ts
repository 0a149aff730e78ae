/** Events as they came, the newest first. */
import type { EventQuery, EventView } from '../../views.ts';
import type { Query } from '../connection.ts';
import { placeOf, textOf } from '../fields.ts';
import { districtCode } from '../migrations.ts';
import { idsOf } from './campuses.ts';

const PREFIX = 'cn.campus.';
const LIMIT_MAX = 1000;
const CONTENT_MAX = 1000;
/** Of all bodies of an answer; the first is there whatever its size. */
const BYTES_MAX = 8_388_608;
/** JSON.parse takes what JSON.stringify does not. */
const DEPTH_MAX = 500;

interface Row {
  readonly id: string;
  readonly number: string;
  readonly type: string;
  readonly time: number | null;
  readonly receivedAt: number;
  readonly lane: string;
  readonly sequence: number;
  readonly body: string;
}

const secondsOf = (text: string | undefined) => {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? null : ms / 1000;
};

/** LIKE: with `*` at its end, all that begin so; with or without `cn.campus.` */
const patternOf = (type: string) => {
  const full = type.startsWith(PREFIX) || type === '*' ? type : PREFIX + type;
  const begin = full.endsWith('*') ? full.slice(0, -1) : full;
  return `${begin.replace(/[\\%_]/g, '\\$&')}${full.endsWith('*') ? '%' : ''}`;
};

const isoOf = (ms: number) => new Date(ms).toISOString();

/** How deep lists and objects stand in each other; at most: brackets in texts count, too. */
function depthOf(json: string): number {
  let [depth, most] = [0, 0];
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at) | 0x20;
    if (code === OPENING) most = Math.max(most, ++depth);
    else if (code === CLOSING) depth--;
  }
  return most;
}
/** `[` and `{`, `]` and `}`, but for one bit. */
const [OPENING, CLOSING] = [0x7b, 0x7d];

/** What was taken was JSON. */
function viewOf({ id, number, type, time, receivedAt, lane, sequence, body }: Row): EventView {
  let event: Record<string, unknown>;
  try {
    event = depthOf(body) > DEPTH_MAX ? {} : (JSON.parse(body) as Record<string, unknown>);
  } catch {
    event = {};
  }
  const data = event['data'] as Record<string, unknown> | null | undefined;
  // A list of pictures' pieces would be as large as the pictures.
  const content = typeof data === 'object' && data !== null ? data['content'] : undefined;
  if (typeof content === 'string' && content.length > CONTENT_MAX)
    event = { ...event, data: { ...data, content: undefined } };
  return {
    id: typeof event['id'] === 'string' ? event['id'] : id,
    campus: number,
    type,
    time: isoOf(time ?? receivedAt),
    receivedAt: isoOf(receivedAt),
    lane,
    sequence: String(sequence),
    event,
  };
}

export async function events(query: Query, of: EventQuery): Promise<readonly EventView[]> {
  const { campus, district, type, from, to, before, limit } = of;
  const ids = await idsOf(query, campus);
  if (ids?.length === 0) return [];
  const rows = await query<Row>(
    `WITH found AS (SELECT event.id, number, type, time, received_at AS "receivedAt", lane, sequence, body
     FROM event JOIN campus ON campus.id = event.campus JOIN chain ON chain.id = event.chain
     WHERE ($1::int[] IS NULL OR event.campus = ANY ($1))
       AND ($2::text IS NULL OR district_code = ${districtCode('$2::text')}) AND ($3::text IS NULL OR type LIKE $3)
       AND ($4::float8 IS NULL OR received_at >= to_timestamp($4)) AND ($5::float8 IS NULL OR received_at < to_timestamp($5))
       AND ($6::float8 IS NULL OR (received_at, event.id) < (to_timestamp($6), $7::uuid))
     ORDER BY received_at DESC, event.id DESC LIMIT $8),
     summed AS (SELECT *, sum(octet_length(body)) OVER newest AS bytes, row_number() OVER newest AS place FROM found
       WINDOW newest AS (ORDER BY "receivedAt" DESC, id DESC ROWS UNBOUNDED PRECEDING))
     SELECT * FROM summed WHERE bytes <= ${BYTES_MAX} OR place = 1 ORDER BY "receivedAt" DESC, id DESC`,
    [
      ids ?? null,
      district === undefined ? null : textOf(district),
      type === undefined ? null : textOf(patternOf(type)),
      secondsOf(from),
      secondsOf(to),
      secondsOf(before?.at),
      before === undefined ? null : placeOf(before.id).id,
      Math.min(Math.max(1, limit), LIMIT_MAX),
    ],
  );
  return rows.map(viewOf);
}
