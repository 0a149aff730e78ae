/**
 * Twenty reloads, right files and wrong ones, of a gateway that gets 200 events a second: nothing lost, nothing twice, and
 * whatever did not change does not notice: no connection of a panel ends, no line of another device is opened anew.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { systemClock } from '../../drivers/contract/clock.ts';
import { askToAct } from '../../gateway/cli/health/act.ts';
import type { ConfigApplied } from '../../gateway/console/contract/config.ts';
import { startFences } from '../../simulators/fence.ts';
import { startOsdpReaders } from '../../simulators/osdp.ts';
import { startPanel } from '../../simulators/panel.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { gateway, type Line, mosquitto, need, subscriber, until } from './tools.ts';

const RELOADS = 20;
const PER_SECOND = 200;
/** What the gateway must have acknowledged between two reloads: an answer to each would not do if it stood still. */
const BETWEEN = 60;

/** A port before another one, which counts who came and who went. */
async function counted(to: number) {
  const port = await freePort();
  const seen = { opened: 0, closed: 0 };
  const server = createServer((socket) => {
    seen.opened++;
    const onward = connect(to, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    socket.on('close', () => {
      seen.closed++;
      onward.destroy();
    });
    for (const one of [socket, onward]) one.on('error', () => socket.destroy());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { port, seen };
}

interface Ports {
  readonly shared: number;
  readonly own: number;
  readonly fences: number;
  readonly readers: number;
  readonly broker: number;
  readonly status: number;
}

/** A config that is another one each round, and the same where nothing may be noticed. */
function school(round: number, { shared, own, fences, readers, broker, status }: Ports) {
  const panel = (id: string, port: number, account: string, more: object = {}) => ({
    ...{ id, driver: 'dc09', listen: { port } },
    accounts: [{ account, ...more }],
  });
  const fence = (id: string, unit: number, more: object = {}) => ({
    ...{ id, driver: 'modbus', profile: 'pulse-fence-2zone', unit, poll: '50ms', ...more },
    connection: { serialServer: `127.0.0.1:${fences}` },
  });
  const reader = (address: number, more: object = {}) => ({
    ...{ id: `reader-${address}`, driver: 'osdp', address, ...more },
    connection: { serialServer: `127.0.0.1:${readers}` },
  });
  const has = (every: number) => round % every === 0;
  return {
    campus: { id: '4503000001', name: `一中 ${round}` },
    dataDir: 'data',
    status: { port: status, names: [`round-${round}`] },
    retention: { keep: `${180 + round}d` },
    media: { keep: `${30 + round}d` },
    calendar: { holidays: [{ from: '2026-10-01', to: `2026-10-0${1 + (round % 7)}` }] },
    devices: [
      ...['1001', '1002', '1003'].map((account) => panel(`panel-${account}`, shared, account)),
      panel('panel-1004', own, '1004'),
      // Those that come, go and change, on the listener and the lines of the others.
      ...(has(2) ? [panel('panel-other', shared, '2001', { supervision: `${60 + round}s` })] : []),
      fence('fence-3', 3),
      ...(has(3) ? [] : [fence('fence-4', 4, { poll: `${50 + round}ms` })]),
      reader(1),
      reader(2, { name: `side gate ${round}` }),
    ],
    areas: [
      {
        ...{ id: 'yard', name: `yard ${round}`, exitDelay: '0s', entryDelay: `${10 + round}s` },
        zones: [{ device: 'fence-3', zone: 1 }],
      },
    ],
    access: { doors: [{ id: 'gate', reader: 'reader-1', openWithin: `${5 + round}s`, unlock: [] }] },
    uplinks: [
      { id: 'police', url: `mqtt://127.0.0.1:${broker}`, events: ['alarm.*', 'device.*'] },
      ...(has(4)
        ? [{ id: 'education', url: `mqtt://127.0.0.1:${broker}`, topicPrefix: `edu/v${round}` }]
        : []),
    ],
  };
}

type School = ReturnType<typeof school>;

/** Files that must change nothing: torn, of another campus, with a port that somebody has, with a word nobody knows. */
const wrongs = (config: School, taken: number): readonly string[] => [
  'campus: { id: "4503000001", name: [',
  stringify({ ...config, campus: { id: '4503000002', name: 'x' } }),
  stringify({
    ...config,
    devices: [
      ...config.devices,
      { id: 'late', driver: 'dc09', listen: { port: taken }, accounts: [{ account: '9' }] },
    ],
  }),
  stringify({ ...config, uplinks: [{ id: 'police', url: 'mqtt://127.0.0.1:1', evnts: [] }] }),
];

/** The other ends of two lines that two devices share each, behind ports that count. */
async function lines() {
  const [fencesEnd, readersEnd] = [await freePort(), await freePort()];
  const devices = [
    ...(await startFences({
      ...{ end: { listen: { host: '127.0.0.1', port: fencesEnd } }, framing: 'rtu' },
      units: [3, 4].map((unit) => ({ id: `fence-${unit}`, unit, model: 'pulse-fence-2zone' as const })),
    })),
    ...(await startOsdpReaders({
      end: { listen: { host: '127.0.0.1', port: readersEnd } },
      readers: [1, 2].map((address) => ({ id: `reader-${address}`, address })),
    })),
  ];
  onTestFinished(async () => {
    for (const one of devices) await one.close();
  });
  return { fences: await counted(fencesEnd), readers: await counted(readersEnd) };
}

/** Four panels, together so many events a second, each of a zone of its own, until they are stopped. */
function pressing({ shared, own }: Pick<Ports, 'shared' | 'own'>) {
  const seen = { acknowledged: 0, ended: [] as string[] };
  const panels = ['1001', '1002', '1003', '1004'].map((account) => ({
    account,
    sent: 0,
    panel: startPanel({
      ...{ host: '127.0.0.1', port: account === '1004' ? own : shared, account },
      acknowledged: () => void seen.acknowledged++,
      news: ({ is }) => void (is === 'closed' || is === 'away' ? seen.ended.push(`${account} ${is}`) : 0),
    }),
  }));
  onTestFinished(async () => {
    for (const { panel } of panels) await panel.close();
  });
  let over = false;
  const begun = performance.now();
  const running = (async () => {
    for (let i = 0; !over; i++) {
      const one = panels[i % panels.length] as (typeof panels)[number];
      one.sent++;
      void one.panel.report(`#${one.account}|Nri1/PA${one.sent}`);
      await delay(Math.max(0, begun + (i * 1000) / PER_SECOND - performance.now()));
    }
  })();
  return {
    seen,
    /** @returns what was sent: accounts and zones. */
    async stop(): Promise<readonly string[]> {
      over = true;
      await running;
      return panels.flatMap(({ account, sent }) =>
        Array.from({ length: sent }, (_, i) => `${account}/${i + 1}`),
      );
    },
  };
}

/**
 * How often each alarm came to a platform, by account and zone. Of a disk that is slow just now one comes from memory first,
 * without a number, and once more with it: that is the one that counts.
 */
function cameOf(all: readonly Line[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { event } of all) {
    if (event.type !== 'cn.campus.alarm.raised' || Number(event.sequence) === 0) continue;
    const { details, zone } = event.data as { details: { account: string }; zone: { number: number } };
    const key = `${details.account}/${zone.number}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

it('is reloaded twenty times under 200 events a second: nothing lost, nothing twice, nobody else notices', async (context) => {
  need(context, 'mosquitto', 'mosquitto_sub');
  const directory = temporaryDirectory();
  const [shared, own, status] = [await freePort(), await freePort(), await freePort()];
  const broker = await mosquitto();
  const platform = await subscriber(broker.port, 'mqttv5');
  const { fences, readers } = await lines();
  const taken = await counted(1);
  const ports = { shared, own, broker: broker.port, status, fences: fences.port, readers: readers.port };
  const running = await gateway(school(0, ports), directory);
  const reload = async (text: string) => {
    writeFileSync(join(directory, 'campus.yaml'), text);
    const said = await askToAct(join(directory, 'data'), 'reload', { by: 'test' }, systemClock, 60_000);
    return said as ConfigApplied;
  };
  const begun = performance.now();
  const { seen, stop } = pressing(ports);
  await until(
    'the lines of fences and readers are open',
    () => fences.seen.opened + readers.seen.opened === 2,
  );

  const tookMs: number[] = [];
  for (let round = 1; round <= RELOADS; round++) {
    const before = seen.acknowledged;
    await until('alarms are acknowledged', () => seen.acknowledged >= before + BETWEEN);
    if (round % 2 === 0) {
      const wrong = wrongs(school(round - 1, ports), taken.port)[(round / 2) % 4] ?? '';
      const { done, errors, why } = await reload(wrong);
      expect([done, errors.length > 0 || why !== undefined]).toEqual([false, true]);
    }
    const began = performance.now();
    const { done, why, errors } = await reload(stringify(school(round, ports)));
    expect([done, why, errors]).toEqual([true, undefined, []]);
    tookMs.push(performance.now() - began);
  }
  const wanted = await stop();
  await until('all is acknowledged', () => seen.acknowledged === wanted.length);
  await until('the platform has all', () => cameOf(platform.all).size >= wanted.length);
  const came = cameOf(platform.all);
  expect(wanted.filter((key) => !came.has(key))).toEqual([]);
  expect([...came].filter(([, times]) => times > 1)).toEqual([]);
  expect(seen.ended).toEqual([]);
  for (const line of [fences, readers]) expect(line.seen).toEqual({ opened: 1, closed: 0 });
  const offline = platform.all.filter(({ event }) => event.type === 'cn.campus.device.offline');
  expect(offline.map(({ topic }) => topic)).toEqual([]);
  const seconds = (performance.now() - begun) / 1000;
  expect(await running.stop()).toBe(0);
  tookMs.sort((a, b) => a - b);
  const [median = 0, slowest = 0] = [tookMs[RELOADS / 2], tookMs.at(-1)].map((ms) => Math.round(ms ?? 0));
  process.stderr.write(
    `${wanted.length} alarms in ${seconds.toFixed(1)} s, ${RELOADS} reloads: median ${median} ms, slowest ${slowest} ms\n`,
  );
}, 180_000);
