/**
 * A campus under load while something breaks: panels report as fast as they are acknowledged, the gateway is a
 * process, a platform of its own stores what comes. At the end: what was acknowledged and never came is lost.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { startPanel } from '../../../simulators/panel.ts';
import { type PlatformOptions, startPlatform } from '../../../simulators/platform.ts';
import { freePort, temporaryDirectory } from '../../helpers.ts';
import { type GatewayProcess, gateway, until } from '../tools.ts';

const PANELS = 4;
const BUTTON = '2000';
/** As the config of a gateway has them: the panels under load, and a button that only a test presses. */
export const panelAccounts = [...Array.from({ length: PANELS }, (_, i) => String(1000 + i)), BUTTON].map(
  (account) => ({ account, supervision: '60s' }),
);

export interface Counts {
  /** Reports that panels sent, or tried to. */
  readonly seen: number;
  readonly acknowledged: number;
  readonly delivered: number;
  readonly lost: readonly string[];
  readonly duplicated: number;
  /** Things that a panel sent which became two events. */
  readonly twice: number;
  readonly gaps: { readonly open: number; readonly lost: number };
}

/** What `/health` tells, as far as the tests look at it. */
interface Health {
  readonly healthy: boolean;
  readonly journal: { readonly good: boolean; readonly code?: string; readonly unsaved: number };
  readonly uplinks: Readonly<
    Record<string, { readonly reason?: string; readonly held: readonly { readonly topic: string }[] }>
  >;
}

/** What came to the platform, by what the panels sent. */
function createDeliveries() {
  /** The ids of the events that became of a report, by `account/number`. */
  const delivered = new Map<string, Set<string>>();
  const events: { type: string; data: Record<string, unknown>; sequence: string; at: number }[] = [];
  return {
    delivered,
    events,
    note({ id, body }: { readonly id: string; readonly body: string }) {
      const event = JSON.parse(body) as { type: string; data: Record<string, unknown>; sequence: string };
      events.push({ ...event, at: performance.now() });
      const { account, panelSequence } = (event.data['details'] ?? {}) as Record<string, unknown>;
      if (account === undefined || panelSequence === undefined) return;
      const key = `${account}/${panelSequence}`;
      delivered.set(key, (delivered.get(key) ?? new Set()).add(id));
    },
  };
}

/** Panels that report as fast as they are acknowledged; `paceMs`: about what lies between two reports. */
function createLoad(port: number, paceMs: number) {
  const acknowledged = new Set<string>();
  const all = panelAccounts.map(({ account }) =>
    startPanel({
      host: '127.0.0.1',
      port,
      account,
      retry: 300,
      acknowledged: ({ sequence }) => acknowledged.add(`${account}/${sequence}`),
    }),
  );
  const panels = all.slice(0, PANELS);
  const button = all[PANELS] as (typeof all)[number];
  let over = false;
  let seen = 0;
  let reporting: Promise<unknown> | undefined;
  onTestFinished(async () => {
    over = true;
    await Promise.all(all.map((panel) => panel.close()));
  });
  return {
    acknowledged,
    seen: () => seen,
    button: {
      ...button,
      report(data: string) {
        seen++;
        return button.report(data);
      },
    },
    start() {
      over = false;
      reporting = Promise.all(
        panels.map(async (panel, i) => {
          for (let n = 0; !over; n++) {
            // Fire: alarms that are never folded.
            const code = n % 4 === 3 ? 'AT0' : `${n % 2 === 0 ? 'FA' : 'FR'}${n % 900}`;
            seen++;
            await panel.report(`#${1000 + i}|Nri1/${code}`);
            await delay(paceMs * (0.5 + Math.random()));
          }
        }),
      );
    },
    async stop() {
      over = true;
      await reporting;
    },
  };
}

/** What the gateway says of itself. */
function statusOf(port: number) {
  const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  return {
    health: async () => (await (await ask('/health')).json()) as Health,
    /** The sum of the lines that begin so. */
    metric: async (name: string): Promise<number> => {
      const lines = (await (await ask('/metrics')).text()).split('\n');
      return lines
        .filter((line) => line.startsWith(name))
        .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    },
  };
}

interface RigOptions {
  /** Of the broker, as the gateway sees it. */
  readonly url: string;
  /** As the platform sees it; the same by default. */
  readonly platformUrl?: string;
  readonly uplink?: object;
  readonly config?: object;
  readonly dataDir?: string;
  readonly platform?: Partial<PlatformOptions>;
  /** Sends an alarm or another report about this often, ms. */
  readonly pace?: number;
  /** Where the panels report; default a free one. */
  readonly port?: number;
  readonly env?: NodeJS.ProcessEnv;
}

export async function rig(options: RigOptions) {
  const { url, uplink = {}, config = {}, pace = 15 } = options;
  const directory = temporaryDirectory();
  const port = options.port ?? (await freePort());
  const status = await freePort();
  const whole = {
    campus: { id: '4503000001', name: '一中' },
    dataDir: options.dataDir ?? join(directory, 'data'),
    status: { port: status },
    uplinks: [{ id: 'police', url, reconnectSpread: '1s', ...uplink }],
    devices: [{ id: 'panel', driver: 'dc09', listen: { port }, accounts: panelAccounts }],
    ...config,
  };
  const { delivered, events, note } = createDeliveries();
  const platform = await startPlatform({
    url: options.platformUrl ?? url,
    file: join(directory, 'platform.sqlite'),
    receipts: false,
    ...options.platform,
    taken: note,
  });
  onTestFinished(() => platform.close());
  let daemon: GatewayProcess = await gateway(whole, directory, options.env);
  const load = createLoad(port, pace);
  const missing = () => [...load.acknowledged].filter((key) => !delivered.has(key));

  return {
    directory,
    button: load.button,
    events,
    platform,
    acknowledged: load.acknowledged,
    start: load.start,
    daemon: () => daemon,
    async restart() {
      daemon = await gateway(whole, directory, options.env);
    },
    ...statusOf(status),
    /** Ends the load and waits until what was acknowledged has come; then counts. */
    async settle(what: string, timeout = 60_000): Promise<Counts> {
      await load.stop();
      await until('all acknowledged events are at the platform', () => missing().length === 0, timeout).catch(
        () => {},
      );
      const { duplicates, open, lost: gapsLost } = platform.store.counts();
      const counts = {
        seen: load.seen(),
        acknowledged: load.acknowledged.size,
        delivered: delivered.size,
        lost: missing(),
        duplicated: duplicates,
        twice: [...delivered.values()].filter((ids) => ids.size > 1).length,
        gaps: { open, lost: gapsLost },
      };
      process.stdout.write(
        `${what}: ${counts.seen} seen, ${counts.acknowledged} acknowledged, ${counts.delivered} delivered, ${counts.lost.length} lost, ${counts.duplicated} duplicated (same id)\n`,
      );
      return counts;
    },
  };
}
