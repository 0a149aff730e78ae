/** How the whole is, in one word, and why: from alarms, devices, platforms, the disk and the clock. */
import type { Clock } from '../../drivers/contract/clock.ts';
import { type Level, levels, type Overview } from './contract/overview.ts';

/** What is known of the gateway, of what /health says. */
export interface Told {
  readonly healthy: boolean;
  readonly journal?: { readonly low?: readonly string[]; readonly unsaved?: number };
  readonly uplinks?: Readonly<
    Record<
      string,
      { readonly state: string; readonly backlog: number; readonly oldestUndelivered?: string | undefined }
    >
  >;
  readonly devices?: Readonly<Record<string, boolean | null>>;
  readonly standing?: {
    readonly alarms: number;
    readonly faults: number;
    readonly devices: Readonly<Record<string, readonly { readonly kind: string }[]>>;
  };
}
export interface OverviewOptions {
  readonly status: () => Promise<object>;
  readonly clock: { synchronised(): boolean | null };
  readonly time: Clock;
}
export type Look = () => Promise<Overview>;

/**
 * An event that a platform wants, and has not so long after, is late: GB/T 28181 allows an alarm 2 s on a good line
 * (9.4), and a line that breaks and comes again takes some tens of seconds.
 */
const LATE_MS = 60_000;
/** So many are named. */
const NAMED_MAX = 5;

const worst = (all: readonly Level[]): Level =>
  levels[Math.max(0, ...all.map((one) => levels.indexOf(one)))] ?? 'good';

type Because = Overview['because'][number];
const because = (
  cause: Because['cause'],
  level: Level,
  of: readonly string[],
  count = of.length,
): Because => ({
  cause,
  level,
  count,
  of: of.slice(0, NAMED_MAX),
});

/** `openAlarms`: those that stand or are not closed. */
export function overviewOf(
  told: Told,
  openAlarms: number,
  synchronised: boolean | null,
  now: number,
): Overview {
  const { healthy, journal = {}, uplinks = {}, devices = {}, standing } = told;
  const { low = [], unsaved = 0 } = journal;
  const platforms = Object.entries(uplinks);
  const isLate = (since: string | undefined) => since !== undefined && now - Date.parse(since) > LATE_MS;
  const idsOf = (all: typeof platforms) => all.map(([id]) => id);
  const all: readonly Because[] = [
    because('alarms-standing', 'alarm', [], openAlarms),
    because('disk-refuses', 'bad', [], healthy ? 0 : 1),
    because('events-unsaved', 'bad', [], unsaved),
    because(
      'platform-behind',
      'bad',
      idsOf(platforms.filter(([, { oldestUndelivered }]) => isLate(oldestUndelivered))),
    ),
    because('platform-away', 'warn', idsOf(platforms.filter(([, { state }]) => state !== 'connected'))),
    because(
      'devices-offline',
      'warn',
      Object.keys(devices).filter((id) => devices[id] === false),
    ),
    because('faults-standing', 'warn', Object.keys(standing?.devices ?? {}), standing?.faults ?? 0),
    because('disk-low', 'warn', low),
    because('clock-unsynchronised', 'warn', [], synchronised === false ? 1 : 0),
  ].filter(({ count }) => count > 0);
  return {
    at: new Date(now).toISOString(),
    level: worst(all.map(({ level }) => level)),
    because: [...all],
    alarms: openAlarms,
  };
}

/** `openAlarms`: how many stand or are not closed; undefined: as many as stand at devices. */
export const createLook =
  ({ status, clock, time }: OverviewOptions, openAlarms?: () => number): Look =>
  async () => {
    const told = (await status()) as Told;
    return overviewOf(told, openAlarms?.() ?? told.standing?.alarms ?? 0, clock.synchronised(), time.wall());
  };
