/**
 * What it takes to list and search a million events (search.ts), and what open consoles cost a panic: wire to subscriber with 20 of them and with none, turn about on one gateway, so that
 * what else the machine does falls on both alike.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startPanel } from '../../simulators/panel.ts';
import { freePort } from '../free-port.ts';
import { type Aim, tellAims } from './aims.ts';
import { cookieOf, openConsoles } from './consoles.ts';
import { benchAccounts, clock } from './load.ts';
import { folder, gatewayIn, mosquitto, ms, quantile, stop, tell, usage } from './parts.ts';
import { searchBench } from './search.ts';
import { subscribeTo } from './subscriber.ts';

const CONSOLES = 20;
const ROUNDS = 3;
/** Of a round: a button that is pressed and let go of, one after another. */
const PANICS = 80;
const EVERY_MS = 250;
/** What 20 open consoles may cost a panic: less than a tenth. */
const MOST = 1.1;

interface Button {
  /** Presses it, and lets it go; the ages of the panics at the platform, ms. */
  press(times: number): Promise<readonly number[]>;
}

/** A panel's panic button, on a line of its own, and the platform at the other end. */
async function button(port: number, broker: number): Promise<Button> {
  const panel = startPanel({ host: '127.0.0.1', port, account: '1000' });
  const platform = await subscribeTo(broker);
  return {
    async press(times) {
      const arriving = platform.expect(times);
      for (let i = 0; i < times; i++) {
        await panel.report(`#1000|Nri1/PA9|A${clock()}`);
        await delay(EVERY_MS / 2);
        await panel.report('#1000|Nri1/PR9');
        await delay(EVERY_MS / 2);
      }
      return (await arriving).map(({ age }) => age);
    },
  };
}

async function followers(): Promise<Aim[]> {
  const broker = await mosquitto();
  const directory = folder();
  const [panel, port] = await Promise.all([freePort(), freePort()]);
  const dataDir = join(directory, 'data');
  const daemon = await gatewayIn(directory, {
    campus: { id: '45000001', name: 'bench' },
    dataDir,
    console: { port },
    uplinks: [{ id: 'platform', url: `mqtt://127.0.0.1:${broker.port}` }],
    devices: [{ id: 'panel', driver: 'dc09', listen: { port: panel }, accounts: benchAccounts }],
  });
  const base = `http://127.0.0.1:${port}`;
  const cookie = await cookieOf(base, dataDir);
  const { press } = await button(panel, broker.port);
  const measured = async (ages: number[]) => {
    const before = usage(daemon).cpu;
    ages.push(...(await press(PANICS)));
    return usage(daemon).cpu - before;
  };
  await press(20);
  const [without, beside]: [number[], number[]] = [[], []];
  const cpu = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    cpu[0] = (cpu[0] ?? 0) + (await measured(without));
    const consoles = await openConsoles({ base, cookie, count: CONSOLES });
    cpu[1] = (cpu[1] ?? 0) + (await measured(beside));
    await stop(consoles);
  }
  const line = (name: string, ages: readonly number[], used = 0) => {
    const values = [0.5, 0.9, 0.99].map((q) => ms(quantile(ages, q)).padStart(10));
    tell(`${name.padEnd(20)} ${values.join('   ')}   ${((used / ages.length) * 1000).toFixed(1)} ms`);
  };
  tell(
    `${'panic to subscriber'.padEnd(20)} ${['p50', 'p90', 'p99'].map((one) => one.padStart(10)).join('   ')}   CPU a panic`,
  );
  line('no console', without, cpu[0]);
  line(`${CONSOLES} open consoles`, beside, cpu[1]);
  return [
    {
      what: `p50 with ${CONSOLES} open consoles / with none`,
      measured: quantile(beside, 0.5) / quantile(without, 0.5),
      atMost: MOST,
    },
  ];
}

/** `search 200000`: that part alone, with so many events. */
export async function consoleBench([part, count]: string[]): Promise<void> {
  const costs = part === 'search' ? [] : await followers();
  const searches =
    part === 'followers' ? [] : await searchBench(count === undefined ? undefined : Number(count));
  tellAims([...costs, ...searches]);
}
