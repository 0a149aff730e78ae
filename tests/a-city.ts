/** A city for tests: what its database would tell, in memory, and its server over it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../drivers/contract/clock.ts';
import type { SendCommand } from '../gateway/platform/api/acts.ts';
import { type PlatformServerOptions, startPlatformServer } from '../gateway/platform/server.ts';
import type {
  AlarmQuery,
  AlarmView,
  AuditView,
  CampusDetailView,
  EventView,
  LatencyView,
  OverviewView,
  Reads,
} from '../gateway/platform/views.ts';
import { manualClock } from './clocks.ts';
import { freePort, silentLog, stream, temporaryDirectory } from './helpers.ts';

export const prefixOf = (id: string) => `campus/v1/${id}`;

export function campusOf(id: string, more: Partial<CampusDetailView> = {}): CampusDetailView {
  return {
    ...{ id, prefix: prefixOf(id), name: `第${id}小学`, district: '450305' },
    ...{ state: 'online', reasons: [], standing: 0, untaken: 0, gaps: 0 },
    contacts: [{ role: 'head', name: '王校长', phone: '13800000000' }],
    ...{ lanes: [{ journal: 'j', lane: 'urgent', upTo: '4711' }], gapsOf: [] },
    ...more,
  };
}

export function alarmOf(id: string, campus: string, more: Partial<AlarmView> = {}): AlarmView {
  const at = '2026-01-05T08:00:00.000Z';
  return {
    ...{ id, sequence: '4711', campus: { id: campus, name: `第${campus}小学`, district: '450305' } },
    ...{ kind: 'panic', device: { id: 'button', name: '一键报警' }, zone: { number: 1, name: '门卫室' } },
    ...{ time: at, receivedAt: at, storedAt: at, standing: true },
    ...more,
  };
}

type Change = Parameters<Parameters<Reads['follow']>[0]>[0];

/** What is stored, and what is asked of it. `isAway`: the database does not answer; `isDeaf`: the broker is away. */
export function cityStore(time: Pick<Clock, 'wall'>) {
  const campuses = new Map<string, CampusDetailView>();
  const alarms = new Map<string, AlarmView>();
  const events: EventView[] = [];
  const latency: LatencyView[] = [];
  const audits = stream<Record<string, unknown>>();
  const audited: AuditView[] = [];
  const asked: { what: string; of: unknown }[] = [];
  const listeners = new Set<(change: Change) => void>();
  const state = { isAway: false, isDeaf: false };
  const answer = async <T>(what: string, of: unknown, value: () => T): Promise<T> => {
    asked.push({ what, of });
    if (state.isAway) throw new Error('connect ECONNREFUSED 127.0.0.1:5432');
    return value();
  };
  const fits =
    ({ state: wanted, campus, district, place }: AlarmQuery) =>
    (one: AlarmView) =>
      (wanted === 'all' || (wanted === 'untaken' ? one.acknowledged === undefined : one.standing)) &&
      (campus === undefined || one.campus.id === campus) &&
      (district === undefined || one.campus.district === district) &&
      (place === undefined || JSON.stringify([one.zone, one.area, one.device]).includes(place));
  const overview = (): OverviewView => ({
    at: new Date(time.wall()).toISOString(),
    campuses: {
      total: campuses.size,
      online: campuses.size,
      degraded: 0,
      silent: 0,
      withdrawn: 0,
      unknown: 0,
    },
    alarms: { standing: alarms.size, untaken: alarms.size },
    events: { perSecond: 0, stored: events.length, duplicates: 0 },
    gaps: { open: 0, lost: 0 },
    latency: { count: 0, p50: 0, p99: 0 },
  });
  const reads: Reads = {
    overview: () => answer('overview', {}, overview),
    campuses: (of = {}) =>
      answer('campuses', of, () =>
        [...campuses.values()]
          .filter(({ district }) => of.district === undefined || district === of.district)
          .map(({ contacts: _c, lanes: _l, gapsOf: _g, ...view }) => view),
      ),
    campus: (id) => answer('campus', id, () => campuses.get(id)),
    alarms: (query) =>
      answer('alarms', query, () => [...alarms.values()].filter(fits(query)).slice(0, query.limit)),
    alarm: (id, campus) =>
      answer('alarm', id, () => {
        const found = [...alarms.values()].filter((one) => one.id === id);
        const [one, other] = found.filter((each) => campus === undefined || each.campus.id === campus);
        return other === undefined ? one : 'several';
      }),
    events: (query) => answer('events', query, () => events.slice(0, query.limit)),
    latency: (of) => answer('latency', of, () => latency),
    follow(listener) {
      listeners.add(listener);
      return async () => void listeners.delete(listener);
    },
    desk: ({ what, alarm, by, at, reason, note }) =>
      answer('desk', alarm, () => {
        const found = alarms.get(alarm);
        if (found === undefined || found.closed !== undefined) return false;
        if (what === 'acknowledged' && found.acknowledged !== undefined) return false;
        const done = { by, at: new Date(at).toISOString(), here: true as const };
        const closed = { ...done, reason: reason as 'real', ...(note !== undefined && { note }) };
        const view = what === 'acknowledged' ? { acknowledged: done } : { closed, standing: false };
        putAlarm({ ...found, ...view });
        return true;
      }),
    audit: (at, body) =>
      answer('audit', {}, () => {
        const entry = JSON.parse(body) as Record<string, unknown>;
        audits.push(entry);
        audited.unshift({ id: String(audited.length + 1), at: new Date(at).toISOString(), entry });
      }),
    audits: (query) =>
      answer('audits', query, () =>
        audited
          .filter(({ entry }) => query.user === undefined || entry['user'] === query.user)
          .slice(0, query.limit),
      ),
  };
  const tell = (change: Change) => {
    for (const listener of listeners) listener(change);
  };
  const putAlarm = (view: AlarmView) => {
    alarms.set(view.id, view);
    tell({ what: 'alarm', id: view.id, campus: view.campus.id });
  };
  return {
    ...{ reads, campuses, alarms, events, latency, audits, asked, state, tell },
    /** A campus is stored, and that is told. */
    putCampus(view: CampusDetailView) {
      campuses.set(view.id, view);
      tell({ what: 'campus', id: view.id });
    },
    putAlarm,
  };
}
export type CityStore = ReturnType<typeof cityStore>;

/** Campuses that do what they are told, as fast as their events come back. */
export const obedient =
  ({ alarms, putAlarm }: Pick<CityStore, 'alarms' | 'putAlarm'>, time: Pick<Clock, 'wall'>): SendCommand =>
  async (_prefix, _target, action, args) => {
    const { event, by, reason, note } = args as Record<string, string>;
    const alarm = alarms.get(event ?? '');
    if (alarm === undefined) return { done: false, reason: 'there is no such alarm' };
    const act = { by: by ?? '', at: new Date(time.wall()).toISOString() };
    // One alarm is taken once: who comes second is told the same.
    if (action === 'acknowledge') putAlarm({ ...alarm, acknowledged: alarm.acknowledged ?? act });
    else {
      const closed = { ...act, reason: reason as 'real', ...(note !== undefined && { note }) };
      putAlarm({ ...alarm, closed: alarm.closed ?? closed });
    }
    return { done: true, result: { sequence: '4712' } };
  };

/** The server of a city over real HTTP. */
export async function startCity({
  dataDir = temporaryDirectory(),
  time = manualClock(),
  store = cityStore(time),
  ...more
}: Partial<PlatformServerOptions> & { store?: CityStore; time?: ReturnType<typeof manualClock> } = {}) {
  const port = await freePort();
  const source = { connected: true };
  const server = await startPlatformServer({
    listen: { host: '127.0.0.1', port },
    ...{ dataDir, reads: store.reads, command: obedient(store, time), source: () => source, time },
    log: silentLog,
    ...more,
  });
  let isOver = false;
  const stop = async () => {
    if (!isOver) await server.close();
    isOver = true;
  };
  onTestFinished(stop);
  const tokenFile = join(dataDir, 'console.operator.token');
  return {
    ...{ server, store, time, dataDir, port, source, stop },
    base: `http://127.0.0.1:${port}`,
    /** Of the data folder; undefined: an administrator has a password. */
    token: () => (existsSync(tokenFile) ? readFileSync(tokenFile, 'utf8').trim() : undefined),
  };
}
