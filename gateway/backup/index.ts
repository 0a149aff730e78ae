/**
 * Backups of a gateway that runs: each day by itself, and when somebody asks. The work is done in a thread apart (take.ts):
 * the event loop only asks, and tells what came of it. Which is the newest is read from the folder, so that a restart neither
 * forgets one that is due nor makes it twice.
 */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Temporal } from 'temporal-polyfill';
import type { Config } from '../../config/schema.ts';
import type { BackupConfig } from '../../config/sections/backup.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Journal } from '../journal/index.ts';
import { createIsolated, type Isolated } from '../lifecycle/isolated.ts';
import type { Part } from '../lifecycle/part.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Recorder } from '../road/recorder.ts';
import { clearAway } from './leftovers.ts';
import { backupName, clearPartials, keepNewest, type Listed, listBackups } from './names.ts';
import type { Taken, Taking } from './take.ts';

/** What came of the last one since the start. Times are epoch ms. */
export interface BackupOutcome {
  readonly at: number;
  readonly tookMs: number;
  readonly by: string;
  /** undefined: it failed. */
  readonly taken?: Taken;
  readonly reason?: string;
}

export interface BackupState {
  readonly config: BackupConfig;
  readonly running?: { readonly at: number; readonly by: string };
  readonly last?: BackupOutcome;
  /** When the next is due. */
  readonly nextAt: number;
}

export interface Backup extends Part {
  start(): Promise<void>;
  /** undefined: the config has no `backup`. */
  state(): BackupState | undefined;
  /** The newest first. @throws what the disk says. */
  list(): Promise<readonly Listed[]>;
  /** One of the list as it is in its folder; undefined: there is none of that name. @throws what the disk says. */
  open(name: string): Promise<Readable | undefined>;
  /** Begins one. `busy`: one is under way; `not-configured`. */
  take(by: string): 'begun' | 'busy' | 'not-configured';
  /** For /health. */
  health(): object | undefined;
}

interface Context {
  readonly journal: Pick<Journal, 'audit'>;
  readonly recorder: Pick<Recorder, 'recordOwn'>;
  readonly metrics: Pick<Metrics, 'backups' | 'backupAt'>;
  readonly clock: Pick<WallClock, 'now'>;
  readonly time: Clock;
  readonly log: Log;
  /** Where it is done; default: in a thread, which is there while it is needed. */
  readonly isolated?: Isolated;
}

const MODULE = new URL('./take.ts', import.meta.url).href;
/** A journal of 8 GB and 2 GB of clips onto a slow stick. */
const DEADLINE_MS = 6 * 3_600_000;
/** The list of 500,000 pictures. */
const HEAP_MB = 384;
const LOOK_EVERY_MS = 60_000;
const AGAIN_MS = 3_600_000;
/** One from further in the future than this was made under a wrong clock. */
const FUTURE_MS = 60_000;

/** When the time of the day was last, and when it will be next, epoch ms. */
export function dueAround(
  at: string,
  timezone: string,
  now: number,
): { readonly last: number; readonly next: number } {
  const time = Temporal.PlainTime.from(at);
  const today = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timezone).toPlainDate();
  // Of each day anew: on one without that time it is an hour later.
  const on = (days: number) =>
    today.add({ days }).toZonedDateTime({ timeZone: timezone, plainTime: time }).epochMilliseconds;
  return on(0) <= now ? { last: on(0), next: on(1) } : { last: on(-1), next: on(0) };
}

export function createBackup(
  of: Pick<Config, 'backup' | 'campus' | 'dataDir' | 'file' | 'timezone' | 'retention'>,
  context: Context,
): Backup {
  const { backup: config, campus, dataDir } = of;
  const { journal, recorder, metrics, clock, time, log } = context;
  const isolated = context.isolated ?? createIsolated({ time, deadlineMs: DEADLINE_MS, heapMb: HEAP_MB });
  let running: { at: number; by: string } | undefined;
  let last: BackupOutcome | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;
  /** The day whose failure was told. */
  let toldDue = 0;
  let looking: Timer | undefined;
  let closed = false;

  const takingOf = ({ folder, recipients, clips }: BackupConfig, at: number): Taking => ({
    ...{ configFile: of.file, dataDir, campus: { id: campus.id, name: campus.name } },
    out: join(folder, backupName(campus.id, at, true)),
    ...{ recipients, clips, without: folder, lowDisk: of.retention.lowDisk, at },
  });
  const settle = (outcome: BackupOutcome) => {
    const { by, taken, reason, tookMs } = outcome;
    last = outcome;
    metrics.backups.inc({ result: taken === undefined ? 'failed' : 'made' });
    if (taken !== undefined) {
      metrics.backupAt.set({ campus: campus.id }, outcome.at / 1000);
      const { left, ...made } = taken;
      log.info({ by, tookMs, ...made, left: left.length }, 'a backup was made');
    } else {
      failedAt = time.elapsed();
      log.error(
        { by, reason },
        'the backup could not be made; that of the day is tried again within the hour',
      );
      // Once a day: a platform is not told each hour that a stick is full.
      const due = config === undefined ? 0 : dueAround(config.at, of.timezone, clock.now()).last;
      if (due !== toldDue) void recorder.recordOwn('gateway.backup-failed', { reason });
      toldDue = due;
    }
    const { file, bytes } = taken ?? {};
    const entry = {
      kind: 'backup',
      by,
      done: taken !== undefined,
      ...(taken && { file, bytes }),
      ...(reason && { reason }),
    };
    journal.audit(clock.now(), JSON.stringify(entry)).catch(() => {});
  };
  const make = async (how: BackupConfig, at: number, by: string) => {
    const from = time.elapsed();
    const tookMs = () => Math.round(time.elapsed() - from);
    try {
      const taken = (await isolated.run({
        module: MODULE,
        name: 'takeBackup',
        input: takingOf(how, at),
      })) as Taken;
      await keepNewest(how.folder, campus.id, how.keep);
      settle({ at, by, taken, tookMs: tookMs() });
    } catch (error) {
      // A stop is no failure: what is due is made after the start.
      if (!closed) settle({ at, by, reason: (error as Error).message, tookMs: tookMs() });
    } finally {
      running = undefined;
    }
  };
  const begin = (by: string) => {
    if (config === undefined) return 'not-configured';
    if (running !== undefined || closed) return 'busy';
    running = { at: clock.now(), by };
    void make(config, running.at, by);
    return 'begun';
  };
  const look = async () => {
    if (config === undefined || running !== undefined || time.elapsed() - failedAt < AGAIN_MS) return;
    const now = clock.now();
    const list = await listBackups(config.folder, campus.id).catch(() => []);
    const newest = list.find(({ at }) => at <= now + FUTURE_MS)?.at ?? 0;
    if (newest > 0) metrics.backupAt.set({ campus: campus.id }, newest / 1000);
    if (newest < dueAround(config.at, of.timezone, now).last) begin('schedule');
  };
  return {
    async start() {
      if (config === undefined) return;
      await clearAway(dataDir);
      await clearPartials(config.folder, campus.id);
      looking = time.every(LOOK_EVERY_MS, () => void look());
    },
    state: () =>
      config && {
        ...{ config, nextAt: dueAround(config.at, of.timezone, clock.now()).next },
        ...(running && { running }),
        ...(last && { last }),
      },
    list: async () => (config === undefined ? [] : await listBackups(config.folder, campus.id)),
    async open(name) {
      if (config === undefined) return undefined;
      const found = (await listBackups(config.folder, campus.id)).some((one) => one.name === name);
      return found ? createReadStream(join(config.folder, name)) : undefined;
    },
    take: begin,
    health: () =>
      config && {
        running: running !== undefined,
        ...(last && {
          at: new Date(last.at).toISOString(),
          done: last.taken !== undefined,
          reason: last.reason,
        }),
      },
    async [Symbol.asyncDispose]() {
      closed = true;
      looking?.stop();
      await isolated.close();
      await clearAway(dataDir);
    },
  };
}
