/** A city for the tests of its page: campuses, alarms and their ends in memory, behind the real server. */
import { onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import type { SendCommand } from '../../gateway/platform/api/acts.ts';
import { startPlatformServer } from '../../gateway/platform/server.ts';
import type { AlarmView, CampusDetailView } from '../../gateway/platform/views.ts';
import { alarmOf, type CityStore, campusOf, cityStore, obedient } from '../a-city.ts';
import { PASSWORD, settle } from '../gateway/console-people.ts';
import { freePort, silentLog, temporaryDirectory } from '../helpers.ts';

export const people = [
  { name: 'administrator', role: 'administrator' },
  { name: 'operator', role: 'operator' },
  { name: 'viewer', role: 'viewer' },
] as const;
export type Person = (typeof people)[number]['name'];

/** Districts of Guilin by their codes, and where about they are, WGS 84. */
const districts = [
  ['450302', 25.285, 110.245, 0.025],
  ['450303', 25.335, 110.3, 0.03],
  ['450304', 25.24, 110.275, 0.025],
  ['450305', 25.265, 110.345, 0.03],
  ['450311', 25.08, 110.3, 0.06],
  ['450312', 25.22, 110.16, 0.05],
] as const;
const kinds = ['小学', '中学', '幼儿园'] as const;

/** The same each time: a spread that looks like a city. */
function spread(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** `n` campuses; every 13th silent, every 9th degraded, some without coordinates, some in GCJ-02. */
export function campusesOfACity(n: number): readonly CampusDetailView[] {
  const random = spread(20_261_129);
  const near = (wide: number) => (random() + random() + random() - 1.5) * wide;
  const now = Date.now();
  return Array.from({ length: n }, (_, i) => {
    const [district, latitude, longitude, wide] = districts[i % districts.length] ?? districts[0];
    const id = String(4_503_000_001 + i);
    const state =
      i % 13 === 7 ? 'silent' : i % 9 === 4 ? 'degraded' : i % 211 === 50 ? 'withdrawn' : 'online';
    return campusOf(id, {
      ...{
        name: `桂林市第${i + 1}${kinds[i % kinds.length]}`,
        district,
        address: `中山路 ${i + 1} 号`,
        state,
      },
      reasons: state === 'silent' ? ['offline'] : state === 'degraded' ? ['gap'] : [],
      gaps: state === 'degraded' ? 1 + (i % 3) : 0,
      since: new Date(now - Math.floor(random() * 86_400_000)).toISOString(),
      ...(state !== 'withdrawn' && {
        lastEventAt: new Date(now - Math.floor(random() * 60_000)).toISOString(),
      }),
      version: '0.9.0',
      ...(i % 29 !== 11 && {
        coordinates: {
          ...{ latitude: latitude + near(wide), longitude: longitude + near(wide) },
          datum: i % 2 === 0 ? 'WGS 84' : 'GCJ-02',
        } as const,
      }),
      gapsOf:
        state === 'degraded'
          ? [
              {
                journal: 'j',
                lane: 'normal',
                after: '40',
                upTo: '47',
                since: new Date(now - 90_000).toISOString(),
                asked: 2,
                state: 'open',
              },
            ]
          : [],
    });
  });
}

export interface PageCity {
  readonly base: string;
  readonly store: CityStore;
  /** An alarm of a campus, now; told to all pages, with the campus that has it. */
  raise(campus: string, more?: Partial<AlarmView>): AlarmView;
  stop(): Promise<void>;
  start(): Promise<void>;
}

let raised = 0;

/** `command`: what campuses do with orders; at once what they are told, where it is left out. */
export async function pageCity(n: number, command?: (store: CityStore) => SendCommand): Promise<PageCity> {
  const dataDir = temporaryDirectory();
  await settle(dataDir, people);
  const store = cityStore(systemClock);
  for (const one of campusesOfACity(n)) store.campuses.set(one.id, one);
  const port = await freePort();
  let server: Awaited<ReturnType<typeof startPlatformServer>> | undefined;
  const start = async () => {
    server = await startPlatformServer({
      ...{
        listen: { host: '127.0.0.1', port },
        dataDir,
        reads: store.reads,
        time: systemClock,
        log: silentLog,
      },
      city: { name: '桂林市校园安防' },
      command: command?.(store) ?? obedient(store, systemClock),
      source: () => ({ connected: !store.state.isDeaf }),
    });
  };
  const stop = async () => {
    await server?.close();
    server = undefined;
  };
  onTestFinished(stop);
  await start();
  return {
    ...{ base: `http://127.0.0.1:${port}`, store, start, stop },
    raise(campus, more = {}) {
      const at = Date.now();
      const of = store.campuses.get(campus);
      const alarm = alarmOf(`alarm-${++raised}`, campus, {
        campus: {
          id: campus,
          ...(of?.name && { name: of.name }),
          ...(of?.district && { district: of.district }),
        },
        time: new Date(at - 180).toISOString(),
        receivedAt: new Date(at - 20).toISOString(),
        storedAt: new Date(at).toISOString(),
        ...more,
      });
      store.putAlarm(alarm);
      if (of !== undefined) store.putCampus({ ...of, standing: of.standing + 1, untaken: of.untaken + 1 });
      return alarm;
    },
  };
}

/** The session of somebody, as a cookie of a browser. */
export async function sessionAt(base: string, name: Person) {
  const answer = await fetch(`${base}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, password: PASSWORD }),
  });
  const pair =
    answer.headers
      .getSetCookie()
      .map((one) => one.split(';')[0] ?? '')
      .find((one) => one.includes('city')) ?? '';
  const at = pair.indexOf('=');
  return { name: pair.slice(0, at), value: pair.slice(at + 1), url: base };
}
