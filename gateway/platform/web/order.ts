/** How campuses and alarms stand to each other: which is worse, which comes first, which are looked for. */
import type { AlarmView, CampusView } from '../views.ts';

/** The worst first. */
export const levels = ['alarm', 'bad', 'warn', 'good', 'quiet'] as const;
export type Level = (typeof levels)[number];

const ofState = {
  silent: 'bad',
  degraded: 'warn',
  online: 'good',
  withdrawn: 'quiet',
  unknown: 'quiet',
} as const satisfies Readonly<Record<CampusView['state'], Level>>;

/** `alarm`: nobody has taken one. */
export const levelOf = ({ untaken, state }: Pick<CampusView, 'untaken' | 'state'>): Level =>
  untaken > 0 ? 'alarm' : ofState[state];
export const worstOf = (all: readonly Pick<CampusView, 'untaken' | 'state'>[]): Level =>
  levels[Math.min(levels.length - 1, ...all.map((one) => levels.indexOf(levelOf(one))))] ?? 'quiet';

/** How many are of each level. */
export function countsOf(
  all: readonly Pick<CampusView, 'untaken' | 'state'>[],
): Readonly<Record<Level, number>> {
  const counts: Record<Level, number> = { alarm: 0, bad: 0, warn: 0, good: 0, quiet: 0 };
  for (const one of all) counts[levelOf(one)]++;
  return counts;
}

/** In a district of a hundred somebody is always silent: what is not as everywhere has a colour. */
const MANY_SILENT = 0.25;
const SOME_TROUBLED = 0.1;
export function levelOfDistrict(all: readonly Pick<CampusView, 'untaken' | 'state'>[]): Level {
  const { alarm, bad, warn, good } = countsOf(all);
  const known = Math.max(1, alarm + bad + warn + good);
  if (alarm > 0) return 'alarm';
  if (bad / known >= MANY_SILENT) return 'bad';
  if ((bad + warn) / known >= SOME_TROUBLED) return 'warn';
  return good > 0 ? 'good' : 'quiet';
}

export const campusOrders = ['worst', 'name', 'id', 'district', 'standing', 'since', 'lastEvent'] as const;
export type CampusOrder = (typeof campusOrders)[number];

const textOrder = new Intl.Collator(['zh-CN', 'en'], { numeric: true });
const byId = (a: CampusView, b: CampusView) => textOrder.compare(a.id, b.id);
/** The newest first; what has no time at all last. */
const newest = (a: string | undefined, b: string | undefined) =>
  (b === undefined ? 0 : Date.parse(b)) - (a === undefined ? 0 : Date.parse(a));
const orders: Readonly<Record<CampusOrder, (a: CampusView, b: CampusView) => number>> = {
  worst: (a, b) => levels.indexOf(levelOf(a)) - levels.indexOf(levelOf(b)) || b.standing - a.standing,
  name: (a, b) => textOrder.compare(a.name ?? a.id, b.name ?? b.id),
  id: byId,
  district: (a, b) => textOrder.compare(a.district ?? '\uffff', b.district ?? '\uffff'),
  standing: (a, b) => b.standing - a.standing,
  since: (a, b) => newest(a.since, b.since),
  lastEvent: (a, b) => newest(a.lastEventAt, b.lastEventAt),
};

/** A code for statistics (9 or 12 digits) begins with that of its district (6): the server has the same rule. */
export const districtOf = (code: string): string =>
  /^\d{6}(\d{3}){1,2}$/.test(code) ? code.slice(0, 6) : code;
/** `wanted`: a code of either form; '': any. */
const isOfDistrict = ({ district }: Pick<CampusView, 'district'>, wanted: string): boolean =>
  wanted === '' || (district !== undefined && districtOf(district) === districtOf(wanted));

export interface CampusFilter {
  readonly text: string;
  readonly district: string;
  readonly state: string;
}
/** Every word of it is in the number, the name, the address or the code of the district. */
export function fitsCampus(one: CampusView, { text, district, state }: CampusFilter): boolean {
  if (!isOfDistrict(one, district)) return false;
  if (state === 'alarm' ? one.standing === 0 : state !== '' && one.state !== state) return false;
  if (text.trim() === '') return true;
  const said = [one.id, one.name, one.address, one.district].join('\n').toLowerCase();
  return text
    .trim()
    .toLowerCase()
    .split(/\s+/)
    .every((word) => said.includes(word));
}

/** Those that fit, in an order; alike, by their numbers. */
export const shownOf = (
  all: Iterable<CampusView>,
  filter: CampusFilter,
  order: CampusOrder,
): readonly CampusView[] =>
  [...all].filter((one) => fitsCampus(one, filter)).sort((a, b) => orders[order](a, b) || byId(a, b));

export const districtsOf = (all: Iterable<Pick<CampusView, 'district'>>): readonly string[] =>
  [
    ...new Set([...all].flatMap(({ district }) => (district === undefined ? [] : [districtOf(district)]))),
  ].sort();

/** An alarm is itself by its campus and its id. */
export const alarmKey = ({ campus, id }: Pick<AlarmView, 'campus' | 'id'>): string => `${campus.id}/${id}`;

/** It is so now, or nobody has closed it: somebody has to look after it. */
export const isStanding = ({ standing, closed }: AlarmView): boolean => standing || closed === undefined;
export const isUntaken = ({ acknowledged, closed, test }: AlarmView): boolean =>
  acknowledged === undefined && closed === undefined && test === undefined;

const rank = (alarm: AlarmView) => (alarm.test !== undefined ? 2 : isUntaken(alarm) ? 0 : 1);
/** Untaken ones first, tests last, then the newest first. */
export const alarmOrder = (a: AlarmView, b: AlarmView): number =>
  rank(a) - rank(b) || newest(a.receivedAt, b.receivedAt) || (a.id < b.id ? 1 : -1);

/** Of each campus so many stand in their order; what is more of one comes behind all others. */
const FIRST_OF_EACH = 10;
export function inShares(ordered: readonly AlarmView[]): readonly AlarmView[] {
  const counts = new Map<string, number>();
  const behind: AlarmView[] = [];
  const first = ordered.filter((alarm) => {
    const n = (counts.get(alarm.campus.id) ?? 0) + 1;
    counts.set(alarm.campus.id, n);
    if (n > FIRST_OF_EACH) behind.push(alarm);
    return n <= FIRST_OF_EACH;
  });
  return [...first, ...behind];
}

export interface AlarmFilter {
  readonly district: string;
  readonly campus: string;
  readonly place: string;
}
/** As the server would (`Reads.alarms`): the place is in a name or an id of a zone, an area or a device. */
export function fitsAlarm({ campus, zone, area, device }: AlarmView, filter: AlarmFilter): boolean {
  if (!isOfDistrict(campus, filter.district)) return false;
  const wanted = filter.campus.trim().toLowerCase();
  if (wanted !== '' && !`${campus.id}\n${campus.name ?? ''}`.toLowerCase().includes(wanted)) return false;
  const place = filter.place.trim().toLowerCase();
  if (place === '') return true;
  const places = [zone?.id, zone?.name, area?.id, area?.name, device.id, device.name];
  return places.some((one) => one?.toLowerCase().includes(place) === true);
}

/** ms from when it happened to when it was stored; undefined: clocks that differ tell nothing. */
export function latenessOf({ time, storedAt }: Pick<AlarmView, 'time' | 'storedAt'>): number | undefined {
  const ms = Date.parse(storedAt) - Date.parse(time);
  return ms >= 0 ? ms : undefined;
}
