/** Real gateways, as processes, with simulated panels that never stop; and when a consumer had what of them. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { startPanel } from '../../../simulators/panel.ts';
import { freePort, temporaryDirectory } from '../../helpers.ts';
import { gateway } from '../tools.ts';
import type { Stored } from './consumer.ts';

const PANELS_EACH = 2;
/** Far from those of a simulated city. */
const FIRST = 4_509_000_001;

export interface RealCampus {
  readonly id: string;
  /** What its panels were told is taken. */
  readonly acknowledged: ReadonlySet<string>;
  /** What its gateway said. */
  readonly log: readonly string[];
}

/** What a panel calls the event; undefined: it is of no panel. */
export function keyOf(body: string): string | undefined {
  const { details } = (JSON.parse(body) as { data: { details?: Record<string, unknown> } }).data;
  return details?.['panelSequence'] === undefined
    ? undefined
    : `${details['account']}/${details['panelSequence']}`;
}

/**
 * Starts `count` of them, connected to its `urlsOf` twice: with receipts under campus/v1/, and without under plain/v1/. The last
 * one has no alarms: nothing makes its events urgent.
 * @returns them, and what ends their events; it resolves when the panels have got rid of all.
 */
export async function startCampuses(
  count: number,
  urlsOf: (index: number) => readonly string[],
  /** Of all. */
  eventsPerSecond: number,
): Promise<{ readonly campuses: readonly RealCampus[]; readonly quieten: () => Promise<void> }> {
  let over = false;
  const reporting: Promise<void>[] = [];
  const everyMs = (1000 * count * PANELS_EACH) / eventsPerSecond;
  const campuses = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const id = String(FIRST + index);
      const urls = urlsOf(index);
      const port = await freePort();
      const accounts = Array.from({ length: PANELS_EACH }, (_, i) => ({
        account: String(1000 + index * PANELS_EACH + i),
        supervision: '60s',
      }));
      const directory = join(temporaryDirectory(), id);
      mkdirSync(directory);
      const { log } = await gateway(
        {
          campus: { id, name: `第${index + 1}中学` },
          dataDir: join(directory, 'data'),
          uplinks: [
            { id: 'police', urls, receipts: true },
            { id: 'plain', urls, topicPrefix: `plain/v1/${id}` },
          ],
          devices: [{ id: 'panel', driver: 'dc09', listen: { port }, accounts }],
        },
        directory,
      );
      const acknowledged = new Set<string>();
      for (const { account } of accounts) {
        const panel = startPanel({
          ...{ host: '127.0.0.1', port, account, retry: 1000 },
          acknowledged: ({ sequence }) => acknowledged.add(`${account}/${sequence}`),
        });
        onTestFinished(() => panel.close());
        const hasAlarms = index < count - 1;
        const report = async () => {
          const from = performance.now();
          for (let n = 0; !over; n++) {
            const code =
              !hasAlarms || n % 4 === 3
                ? `A${n % 8 < 4 ? 'T' : 'R'}0`
                : `F${n % 2 === 0 ? 'A' : 'R'}${n % 900}`;
            await panel.report(`#${account}|Nri1/${code}`);
            await delay(Math.max(0, from + (n + 1) * everyMs - performance.now()));
          }
        };
        reporting.push(report());
      }
      return { id, acknowledged, log };
    }),
  );
  return {
    campuses,
    async quieten() {
      over = true;
      await Promise.all(reporting);
    },
  };
}

/** A time in which nothing of a campus came: how long, and since when after `from`, ms. */
export interface Silence {
  readonly ms: number;
  readonly at: number;
}
/** The longest one. */
export function silenceOf(stored: readonly Stored[], from: number, to: number): Silence {
  const times = stored.map(({ at }) => at).filter((at) => at > from && at < to);
  const all = [...times.toSorted((a, b) => a - b), to];
  let before = from;
  let longest = { ms: 0, at: 0 };
  for (const at of all) {
    if (at - before > longest.ms) longest = { ms: at - before, at: before - from };
    before = at;
  }
  return longest;
}

/** What a panel was told is taken and the consumer has not. */
export function missingOf({ acknowledged }: RealCampus, stored: readonly Stored[]): string[] {
  const keys = new Set(stored.map(({ body }) => keyOf(body)));
  return [...acknowledged].filter((key) => !keys.has(key));
}
