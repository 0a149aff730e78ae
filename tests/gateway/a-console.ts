/** A console for tests, and what it sends. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';
import type { Event } from '../../config/catalogue/events.ts';
import { configSchema } from '../../config/schema.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import { type Lane, lanes } from '../../drivers/contract/lane.ts';
import { type ConsoleOptions, createConsole } from '../../gateway/console/index.ts';
import type { Entry } from '../../gateway/journal/reading.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { manualClock } from '../clocks.ts';
import { freePort, silentLog, stream, temporaryDirectory } from '../helpers.ts';

const noAlarms: ConsoleOptions['board'] = {
  list: () => ({ loading: false, alarms: [], more: 0, unacknowledged: 0, finished: [] }),
  isNewest: () => true,
  glance: () => ({ standing: 0, unacknowledged: 0, first: undefined }),
  open: () => [],
  reload() {},
  start() {},
  async [Symbol.asyncDispose]() {},
};
/** Of a campus without anything. */
const nothing = {
  doctor: { examine: async () => ({ at: '', findings: [] }), last: () => undefined },
  logs: { level: () => undefined, set: async () => undefined },
  interests: () => [],
  gates: new Map([['gate', '北门']]),
  doorConfigs: [],
  zoneNames: new Map(),
  states: new Map(),
  arming: { areas: () => [], plannedDay: () => ({ date: '2026-01-05', school: true, transitions: [] }) },
  access: {
    doors: () => [],
    keptOpen: () => new Set<string>(),
    lockdownSince: () => undefined,
    onUnkept: () => {},
    inside: () => [],
  },
  media: { find: async () => undefined, ofCameras: { clips: async () => [] } },
  things: { list: () => [] },
  devices: {
    online: () => undefined,
    about: () => undefined,
    unmapped: () => ({}),
    lastDiscarded: () => ({}),
    wireOf: () => undefined,
  },
};

const unchanged = { changes: [], errors: [] };
/** Of a config that nobody changes. */
const noReload: ConsoleOptions['reloading'] = {
  last: () => undefined,
  versions: async () => [],
  text: async () => undefined,
  difference: async () => unchanged,
  apply: async () => ({ ...unchanged, done: false }),
  back: async () => ({ ...unchanged, done: false }),
};

/** Where nobody tests. */
const noWalks: ConsoleOptions['walkTest'] = {
  view: () => ({ points: [] }),
  begin: async () => ({ points: [] }),
  remark: () => ({ points: [] }),
  end: async () => '',
  reports: async () => [],
  canPrint: () => false,
  record: async () => undefined,
  html: async () => '',
  pdf: async () => new Uint8Array(),
};

/** A gateway without platforms, of which there is nothing to tell. */
const quiet = (dataDir: string, time: Clock) => ({
  ledger: { current: undefined },
  availability: { of: async () => ({ share: null, days: [], outages: [] }) },
  uplinks: { states: () => ({}), details: () => [], lookAtBacklog: async () => 0 },
  storage: { low: () => [] },
  damaged: { list: () => [] },
  reloading: noReload,
  backup: {
    state: () => undefined,
    list: async () => [],
    open: async () => undefined,
    take: () => 'not-configured' as const,
  },
  startedAt: new Date(time.wall()).toISOString(),
  about: {
    ...{ file: join(dataDir, 'campus.yaml'), dataDir, campus: { id: '45001', name: '一中' } },
    ...{ timezone: 'Asia/Shanghai', lowDisk: 1e9, budget: 8e9, certificates: [] },
  },
});

/** A console over real HTTP, whose gateway is what a test says. */
/** Keeps who follows, as a signal does. */
const following =
  <T>(listeners: T[]) =>
  (listener: T) => {
    listeners.push(listener);
    return () => void listeners.splice(listeners.indexOf(listener), 1);
  };

export async function startConsole(
  own: object = {},
  more: Partial<ConsoleOptions> = {},
  begins = true,
  dataDir = temporaryDirectory(),
) {
  const port = await freePort();
  const whole = configSchema.parse({ campus: { id: '45001', name: '一中' }, console: { port, ...own } });
  const { console: config } = whole;
  const time = manualClock();
  const audits = stream<Record<string, unknown>>();
  const stored: ((event: Event, sequence: number) => void)[] = [];
  const unsaved: ((event: Event) => void)[] = [];
  const entries: Entry[] = [];
  const taken = stream<object>();
  const one = createConsole({
    config: config!,
    dataDir,
    campus: { id: '45001', name: '一中', timezone: 'Asia/Shanghai' },
    cameras: [{ id: 'cam' }],
    doors: ['gate'],
    names: { d: '北墙' },
    status: async () => ({ healthy: true }),
    recorder: {
      onStored: following(stored),
      onUnsaved: following(unsaved),
      unsaved: new Map(),
      states: new Map(),
    },
    ...{ board: noAlarms, walkTest: noWalks },
    sirens: { list: () => [] },
    clock: { synchronised: () => true, onStep: () => () => {} },
    ...quiet(dataDir, time),
    of: { ...whole, devices: [] },
    ...nothing,
    journal: {
      audit: async (_at, body) => {
        audits.push(JSON.parse(body) as Record<string, unknown>);
        return 'hash';
      },
      onAppended: () => () => {},
      onOpened: () => () => {},
      id: 'j',
      condition: { good: true },
      last: () => Math.max(6, ...entries.map(({ sequence }) => sequence)),
      read: async (lane, after, limit) =>
        entries.filter((one) => one.lane === lanes.indexOf(lane) && one.sequence > after).slice(0, limit),
    },
    commands: {
      order: async (order, { rules, sender }) => {
        taken.push({
          ...{ ...order, sender },
          may: rules.some(({ actions }) => actions.includes(order.action as 'unlock')),
        });
        return { id: order.id, done: false, reason: 'no rule allows it' };
      },
      askPart: async () => ({ done: false, reason: 'there is no such camera' }),
    },
    notices: {
      list: () => [],
      readersOf: () => [],
    },
    persons: {
      get: async (ids) => ids.map((id) => (id === 'c-1' ? { name: '李明', class: '一年级2班' } : undefined)),
      find: async (text) => ('李明'.includes(text) ? ['c-1'] : []),
    },
    view: (_camera, socket) => socket.send('seen'),
    metrics: createMetrics(),
    time,
    log: silentLog,
    ...more,
  });
  const stop = async () => await one[Symbol.asyncDispose]();
  onTestFinished(stop);
  if (begins) await one.start();
  const base = `http://127.0.0.1:${port}`;
  const token = (role: string) => readFileSync(join(dataDir, `console.${role}.token`), 'utf8').trim();
  const { login, as } = loginsAt(base, token);
  /** An event is on disk, with the next number. */
  const happen = (event: Event, lane: Lane = 'normal') => {
    const sequence = 7 + entries.length;
    entries.push({
      sequence,
      lane: lanes.indexOf(lane),
      id: event.id,
      seenAt: 0,
      type: event.type,
      device: 'd',
      body: JSON.stringify(event),
    });
    for (const listener of stored) listener(event, sequence);
  };
  const happenUnsaved = (event: Event) => {
    for (const listener of unsaved) listener(event);
  };
  return {
    happenUnsaved,
    url: one.url,
    stop,
    time,
    base,
    port,
    dataDir,
    token,
    login,
    as,
    audits,
    taken,
    happen,
  };
}

/** The accounts are on disk, and in the audit: none of their timers runs any more. */
export async function settledAccounts(dataDir: string): Promise<void> {
  const file = join(dataDir, 'console.accounts');
  const isQuiet = () => readFileSync(file, 'utf8').includes('"notes":[]') && !existsSync(`${file}.lock`);
  await vi.waitFor(() => expect(isQuiet()).toBe(true));
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}

export interface Sent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: unknown;
}
/** The server-sent events of an answer. */
export async function* eventsOf(response: Response): AsyncGenerator<Sent> {
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const frame = text.slice(0, end);
      text = text.slice(end + 2);
      const of = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(frame)?.[1];
      const data = of('data');
      if (data !== undefined) yield { event: of('event') ?? 'message', id: of('id'), data: JSON.parse(data) };
    }
  }
}
/** The next of them that is no word on the whole. */
export async function nextOf(events: AsyncGenerator<Sent>): Promise<Sent | undefined> {
  for (;;) {
    const { value } = await events.next();
    if (value === undefined || value.event !== 'overview') return value;
  }
}

/** Logins with the tokens of the data folder. */
function loginsAt(base: string, token: (role: string) => string) {
  const login = (text: string, headers: object = {}) =>
    fetch(`${base}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ token: text }),
    });
  const as = async (role: string) => {
    const cookie = (await login(token(role))).headers.get('set-cookie')?.split(';')[0] ?? '';
    return (path: string, init: RequestInit = {}) =>
      fetch(`${base}${path}`, { ...init, headers: { ...init.headers, cookie } });
  };
  return { login, as };
}
