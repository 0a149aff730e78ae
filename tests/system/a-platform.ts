/** The platform of a city and a campus of it, each as a process of its own, for tests that see both. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadConfig } from '../../config/load.ts';
import { startCampus } from '../../simulators/campus.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { startProcess, stopProcess } from '../processes.ts';
import { gateway } from './tools.ts';

const ENTRY = join(import.meta.dirname, '../../gateway/campus-gateway.js');

/** The platform as its users run it, with a page; it goes with the test. */
export async function platformProcess(broker: number, database: string, dataDir: string) {
  const port = await freePort();
  const args = ['--events', `mqtt://127.0.0.1:${broker}`, '--database', database, '--quiet'];
  const page = ['--data', dataDir, '--listen', `127.0.0.1:${port}`, '--city', '桂林市'];
  const runs: Awaited<ReturnType<typeof startProcess>>[] = [];
  const start = async () => {
    const ready = /the page of the city is there/;
    const run = await startProcess(process.execPath, [ENTRY, 'platform', ...args, ...page], ready, (own) =>
      onTestFinished(() => stopProcess(own)),
    );
    runs.push(run);
  };
  await start();
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    const run = runs.at(-1);
    if (run !== undefined) await stopProcess(run.child, signal);
  };
  return { base: `http://127.0.0.1:${port}`, log: () => runs.flatMap(({ log }) => log), start, stop };
}

/** A gateway with a panel, whose zone 9 is a panic button: `press 9`, `release 9`. */
export async function campusWithPanel(broker: number, id: string, name: string, more: object = {}) {
  const directory = temporaryDirectory();
  const panel = await freePort();
  const config = {
    campus: { id, name, ...more },
    dataDir: join(directory, 'data'),
    uplinks: [
      {
        ...{ id: 'police', url: `mqtt://127.0.0.1:${broker}`, reconnectSpread: '1s', receipts: true },
        ...(Object.keys(more).length > 0 && { campus: Object.keys(more) }),
        commands: [{ actions: ['replay', 'acknowledge', 'close'], targets: ['gateway'] }],
      },
    ],
    devices: [
      {
        ...{ id: 'panel', name: '周界报警主机', driver: 'dc09', listen: { port: panel } },
        accounts: [
          {
            account: '1234',
            zones: [{ zone: 9, id: 'gatehouse-button', kind: 'panic', name: '门卫室一键报警' }],
          },
        ],
      },
    ],
  };
  const start = () => gateway(config, directory);
  const daemon = await start();
  const loaded = loadConfig(join(directory, 'campus.yaml'));
  if ('errors' in loaded) throw new Error(JSON.stringify(loaded.errors));
  const campus = await startCampus(loaded.config.devices, () => Buffer.alloc(16));
  onTestFinished(() => campus.close());
  return { daemon, start, act: async (what: string) => campus.simulators[0]?.do(what) };
}
