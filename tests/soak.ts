/**
 * `npm run soak -- --for 30m`: panels report 200 events a second while something breaks every 20 s; a progress line,
 * and a report at the end. Exit status 1 where an acknowledged event was lost, or memory grew.
 */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startPanel } from '../simulators/panel.ts';
import { startPlatform } from '../simulators/platform.ts';
import { milliseconds } from '../simulators/simulator.ts';
import { folder, gatewayIn, mosquittoIn, quantile, stop, tell, usage } from './bench/parts.ts';
import { freePort } from './free-port.ts';
import { relay } from './system/faults/relay.ts';

const PANELS = 8;
const PER_SECOND = 200;
const FAULT_EVERY_MS = 20_000;
/** Memory is measured after it, and the gateway is killed only within it: a new process begins anew. */
const WARM_UP = 0.2;
const SETTLE_MS = 120_000;
/** Growth of the median from the first to the last third, MB, that is noise. */
const FLAT_MB = 15;

const { values } = parseArgs({ options: { for: { type: 'string', default: '30m' } } });
const duration = milliseconds(values.for);

const directory = folder();
const disk = join(directory, 'disk');
mkdirSync(disk);
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2g', 'tmpfs', disk]).status === 0;
process.prependListener('exit', () => mounted && spawnSync('umount', ['-l', disk]));
process.once('SIGINT', () => process.exit(130));

const brokerPort = await freePort();
const brokerFolder = folder();
const startBroker = () =>
  mosquittoIn(brokerFolder, brokerPort, ['persistence true', `persistence_location ${brokerFolder}/`]);
let broker: ChildProcess = await startBroker();
const line = await relay(brokerPort);
const panelPort = await freePort();
const accounts = Array.from({ length: PANELS }, (_, i) => ({
  account: String(1000 + i),
  supervision: '60s',
}));
const startGateway = () =>
  gatewayIn(directory, {
    campus: { id: '45000001', name: 'soak' },
    dataDir: join(disk, 'data'),
    retention: { keep: '180d', budget: '1GB', lowDisk: '100MB' },
    uplinks: [
      {
        id: 'police',
        url: `mqtt://127.0.0.1:${line.port}`,
        receipts: true,
        receiptTimeout: '5s',
        reconnectSpread: '2s',
      },
    ],
    devices: [{ id: 'panel', driver: 'dc09', listen: { port: panelPort }, accounts }],
  });
let daemon: ChildProcess = await startGateway();

/** `account/sequence/lap`: a panel's sequence comes round after 9999. */
const acknowledged = new Set<string>();
const delivered = new Map<string, Set<string>>();
const startConsumer = () =>
  startPlatform({
    url: `mqtt://127.0.0.1:${brokerPort}`,
    file: join(directory, 'platform.sqlite'),
    clientId: 'platform',
    receipts: true,
    taken({ id, body }) {
      const text = /"raw":"[^"]*?\|A(\d+-\d+)/.exec(body.replaceAll('\\"', "'"))?.[1];
      if (text !== undefined) delivered.set(text, (delivered.get(text) ?? new Set()).add(id));
    },
  });
let consumer = await startConsumer();

let seen = 0;
let over = false;
const panels = accounts.map(({ account }) =>
  startPanel({ host: '127.0.0.1', port: panelPort, account, retry: 500 }),
);
const reporting = panels.map(async (panel, i) => {
  const started = performance.now();
  for (let n = 0; !over; n++) {
    const due = started + (n * 1000 * PANELS) / PER_SECOND - performance.now();
    if (due > 1) await delay(due);
    seen++;
    const key = `${i}-${n}`;
    const code = n % 4 === 3 ? 'AT0' : `${n % 2 === 0 ? 'FA' : 'FR'}${n % 900}`;
    await panel.report(`#${1000 + i}|Nri1/${code}|A${key}`);
    acknowledged.add(key);
  }
});

const begun = performance.now();
const share = () => (performance.now() - begun) / duration;
const faults: Record<string, () => Promise<void>> = {
  'broker killed': async () => {
    await stop(broker, 'SIGKILL');
    await delay(2000);
    broker = await startBroker();
  },
  'broker frozen 8 s': async () => {
    broker.kill('SIGSTOP');
    await delay(8000);
    broker.kill('SIGCONT');
  },
  'line cut': async () => line.cut(),
  'line slow and lossy 8 s': async () => {
    line.set({ delay: 100, loss: 0.05 });
    await delay(8000);
    line.set({});
  },
  'line dead and open 8 s': async () => {
    line.swallow(true);
    await delay(8000);
    line.swallow(false);
  },
  'platform gone 8 s': async () => {
    await consumer.close();
    await delay(8000);
    consumer = await startConsumer();
  },
};
if (mounted) {
  faults['disk full 5 s'] = async () => {
    const ballast = join(disk, 'ballast');
    spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=1M', 'count=4000'], { stdio: 'ignore' });
    await delay(5000);
    rmSync(ballast, { force: true });
  };
} else tell('no file system can be mounted here: without the full disk');
const early = {
  'gateway killed': async () => {
    await stop(daemon, 'SIGKILL');
    daemon = await startGateway();
  },
};

const rss: { at: number; mb: number }[] = [];
let fault = '';
let count = 0;
const ticking = setInterval(() => {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const { rss: mb } = usage(daemon);
  rss.push({ at: share(), mb });
  const minutes = ((performance.now() - begun) / 60_000).toFixed(1);
  const state = `${minutes} of ${(duration / 60_000).toFixed(0)} min  ${seen} sent  ${acknowledged.size} acknowledged  ${delivered.size} delivered  ${mb.toFixed(0)} MB  ${count} faults  ${fault}`;
  if (process.stderr.isTTY) process.stderr.write(`\r${state.padEnd(130)}`);
  else if (rss.length % 60 === 0) process.stderr.write(`${state}\n`);
}, 1000);

while (share() < 1) {
  await delay(Math.min(FAULT_EVERY_MS, Math.max(0, duration - (performance.now() - begun))));
  if (share() >= 1) break;
  const choice = Object.entries(share() < WARM_UP ? { ...faults, ...early } : faults);
  const [name, run] = choice[count % choice.length] as (typeof choice)[number];
  fault = name;
  count++;
  await run();
  fault = '';
}
over = true;
await Promise.all(reporting);
const missing = () => [...acknowledged].filter((key) => !delivered.has(key));
const until = performance.now() + SETTLE_MS;
while (missing().length > 0 && performance.now() < until) await delay(200);
clearInterval(ticking);
await Promise.all(panels.map((panel) => panel.close()));
await stop(daemon);
const lost = missing();
const { duplicates, closed, lost: gaps } = consumer.store.counts();
await consumer.close();
await stop(broker, 'SIGKILL');

const third = (from: number, to: number) =>
  quantile(
    rss.filter(({ at }) => at >= from && at < to).map(({ mb }) => mb),
    0.5,
  );
const [first, last] = [third(WARM_UP, WARM_UP + (1 - WARM_UP) / 3), third(1 - (1 - WARM_UP) / 3, 1)];
const twice = [...delivered.values()].filter((ids) => ids.size > 1).length;
tell(`\n${values.for} at ${PER_SECOND} events/s, ${count} faults`);
tell(`seen ${seen}, acknowledged ${acknowledged.size}, delivered ${delivered.size}, lost ${lost.length}`);
tell(
  `came twice with the same id ${duplicates}, became two events ${twice}; gaps: ${closed} closed, ${gaps} given up`,
);
tell(`RSS after warm-up: ${first.toFixed(0)} MB in the first third, ${last.toFixed(0)} MB in the last`);
const flat = !(last - first > FLAT_MB);
process.exit(lost.length === 0 && twice === 0 && flat ? 0 : 1);
