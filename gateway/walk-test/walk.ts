/** A walk test as it runs: what was tried, how long it took, what came from elsewhere. Plain values, kept in a file. */
import type { Point } from './points.ts';

/** Since its bytes came over the wire, ms. Absent: it did not come so far, or has not yet. */
export interface Latencies {
  readonly disk?: number;
  /** By platform: it has taken it, or, where it sends receipts, stored it. */
  readonly platforms: Readonly<Record<string, number>>;
  /** The lamp at who pressed was told that a platform has the alarm. */
  readonly lamp?: number;
}

/** A point that was tripped; whether it counts as tested: `isTested`. */
export interface Tick extends Latencies {
  /** The first time, RFC 3339. */
  readonly at: string;
  readonly count: number;
  /** The event that the latencies are of; absent: it was heard and not told, as of a zone whose area is disarmed. */
  readonly event?: string;
  /** The disk refused it. */
  readonly refused?: true;
}

/** Something that was tripped, and is no point of this test. */
export interface Other {
  /** `unknown`: the config does not list it. `outside`: it is not under test, and alarms as ever. */
  readonly why: 'unknown' | 'outside';
  readonly device: string;
  readonly account?: string;
  readonly zone?: number;
  /** Of `outside`. */
  readonly name?: string;
  readonly kind: string;
  /** The last time, RFC 3339. */
  readonly at: string;
  readonly count: number;
}

export interface Walk {
  /** Names the report: a UTC time and some letters, good in a file's name. */
  readonly id: string;
  readonly by: string;
  readonly startedAt: string;
  /** When it ends by itself. */
  readonly until: string;
  /** Areas under test; null: the whole campus. */
  readonly areas: readonly string[] | null;
  /** The first sequence that may be of it. */
  readonly first: number;
  /** By point. */
  readonly ticks: Readonly<Record<string, Tick>>;
  /** Why a point is not tried, or what was seen there; by point. */
  readonly remarks: Readonly<Record<string, { readonly text: string; readonly by: string }>>;
  readonly others: readonly Other[];
}

/** Told of: strangers make more of them than anybody reads. */
const OTHERS_MAX = 200;

/** Heard is not enough: a zone of a disarmed area would have called nobody. */
export const isTested = ({ tick }: { readonly tick?: Pick<Tick, 'event'> | undefined }): boolean =>
  tick?.event !== undefined;

/** Of a point that was heard and not told: its area held it back, or it told again what stood already. */
export const isHeldBack = ({ kind, areas }: Pick<Point, 'kind' | 'areas'>): boolean =>
  kind === 'zone' && areas.length > 0;

/** Whether a point is under test; `areas` null: all are. */
export const isInScope = ({ areas: own }: Pick<Point, 'areas'>, areas: Walk['areas']): boolean =>
  areas === null || own.some((area) => areas.includes(area));

export const startWalk = (
  { id, by, first, areas }: Pick<Walk, 'id' | 'by' | 'first' | 'areas'>,
  { startedAt, until }: Pick<Walk, 'startedAt' | 'until'>,
): Walk => ({ id, by, startedAt, until, areas, first, ticks: {}, remarks: {}, others: [] });

/** A point was tried once more. */
export function withTrial(walk: Walk, point: string, at: string): Walk {
  const before = walk.ticks[point];
  const tick: Tick =
    before === undefined ? { at, count: 1, platforms: {} } : { ...before, count: before.count + 1 };
  return { ...walk, ticks: { ...walk.ticks, [point]: tick } };
}

/** What is known of a tick changed; nothing where the point was not tried. */
export function withTick(walk: Walk, point: string, change: (tick: Tick) => Tick): Walk {
  const tick = walk.ticks[point];
  return tick === undefined ? walk : { ...walk, ticks: { ...walk.ticks, [point]: change(tick) } };
}

export function withOther(walk: Walk, other: Omit<Other, 'count'>): Walk {
  const is = (one: Other) =>
    one.why === other.why &&
    one.device === other.device &&
    one.account === other.account &&
    one.zone === other.zone &&
    one.kind === other.kind;
  const known = walk.others.find(is);
  if (known === undefined && walk.others.length >= OTHERS_MAX) return walk;
  const next = { ...other, count: (known?.count ?? 0) + 1 };
  return { ...walk, others: [...walk.others.filter((one) => one !== known), next] };
}

/** Takes a remark back where it is empty. */
export function withRemark(walk: Walk, point: string, text: string, by: string): Walk {
  const { [point]: _before, ...others } = walk.remarks;
  return { ...walk, remarks: text === '' ? others : { ...others, [point]: { text, by } } };
}
