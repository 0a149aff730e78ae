/** How the machine, its disk and its clock are: one look, which waits for no disk that hangs. */
import { statfs } from 'node:fs/promises';
import { arch, availableParallelism, freemem, hostname, loadavg, release, totalmem, uptime } from 'node:os';
import { contractVersion } from '../../config/catalogue/events.ts';
import type { Config } from '../../config/schema.ts';
import { type Clock, within } from '../../drivers/contract/clock.ts';
import { type Named, ownCertificates } from '../certificates.ts';
import type { Condition } from '../journal/index.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Reload } from '../reload/index.ts';
import { isoOf } from '../road/event.ts';
import { version } from '../version.ts';
import type { System } from './contract/system.ts';

/** What the config says of it. */
export interface About {
  readonly file: string;
  readonly dataDir: string;
  readonly campus: System['campus'];
  readonly timezone: string;
  /** Bytes: of free disk below which it is low; what the journal may take. */
  readonly lowDisk: number;
  readonly budget: number;
  /** Beside those that the file names. */
  readonly certificates: readonly Named[];
}

export const aboutOf = (config: Config): About => {
  const { file, dataDir, campus, timezone, retention } = config;
  return {
    ...{ file, dataDir, timezone, campus: { id: campus.id, name: campus.name } },
    ...{ lowDisk: retention.lowDisk, budget: retention.budget },
    certificates: ownCertificates(config),
  };
};

export interface SystemLookOptions {
  readonly about: About;
  readonly journal: { readonly condition: Condition };
  readonly recorder: { readonly unsaved: ReadonlyMap<string, unknown> };
  readonly storage: { low(): readonly string[] };
  readonly damaged: { list(): readonly string[] };
  readonly reloading: Pick<Reload, 'last'>;
  readonly clock: Pick<WallClock, 'synchronised' | 'onStep'>;
  readonly metrics: Pick<Metrics, 'journalBytes' | 'mediaBytes'>;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly time: Clock;
}

/** How long a disk is waited for. */
const PATIENCE_MS = 1000;

const gaugeOf = async (gauge: Pick<Metrics['journalBytes'], 'get'>) =>
  (await gauge.get()).values[0]?.value ?? 0;

export function createSystemLook(options: SystemLookOptions): () => Promise<System> {
  const { about, journal, clock, time } = options;
  let jumped: System['clock']['jumped'];
  clock.onStep((ms) => {
    jumped = { at: isoOf(time.wall()), ms };
  });
  const roomOf = createRoomLook(about.dataDir, time);
  const diskOf = async (): Promise<System['disk']> => {
    const [room, journalBytes, mediaBytes] = await Promise.all([
      roomOf(),
      gaugeOf(options.metrics.journalBytes),
      gaugeOf(options.metrics.mediaBytes),
    ]);
    const { good, ...why } = journal.condition as Condition & Partial<Exclude<Condition, { good: true }>>;
    const { since, ...reason } = why as { since?: number; code?: string; reason?: string };
    return {
      ...{ directory: about.dataDir, ...room, lowAt: about.lowDisk, budget: about.budget },
      ...{ journal: journalBytes, media: mediaBytes, low: [...options.storage.low()], good, ...reason },
      ...(since !== undefined && { since: isoOf(since) }),
      ...{ unsaved: options.recorder.unsaved.size, damaged: [...options.damaged.list()] },
    };
  };
  return async () => {
    const last = options.reloading.last();
    return {
      versions: {
        gateway: version,
        contract: contractVersion,
        node: process.versions.node,
        openssl: process.versions.openssl,
        kernel: release(),
      },
      ...{ campus: about.campus, host: hostname(), architecture: arch() },
      ...{ startedAt: options.startedAt, pid: process.pid },
      memory: { process: process.memoryUsage.rss(), total: totalmem(), free: freemem() },
      load: { averages: loadavg(), cores: availableParallelism() },
      machineUpMs: Math.round(uptime() * 1000),
      disk: await diskOf(),
      clock: {
        now: isoOf(time.wall()),
        timezone: about.timezone,
        synchronised: clock.synchronised(),
        ...(jumped !== undefined && { jumped }),
      },
      ...(last !== undefined && { reloaded: copyOf(last) }),
    };
  };
}

const copyOf = (last: NonNullable<ReturnType<Reload['last']>>): NonNullable<System['reloaded']> =>
  structuredClone(last) as NonNullable<System['reloaded']>;

/** One question at a time: on a disk that hangs each would keep a thread of libuv's four. */
function createRoomLook(
  directory: string,
  time: Clock,
): () => Promise<Pick<System['disk'], 'free' | 'total'>> {
  let asking: Promise<Pick<System['disk'], 'free' | 'total'>> | undefined;
  return async () => {
    asking ??= statfs(directory)
      .then(({ bavail, blocks, bsize }) => ({ free: bavail * bsize, total: blocks * bsize }))
      .catch(() => ({}))
      .finally(() => {
        asking = undefined;
      });
    return await within(asking, PATIENCE_MS, time, () => new Error('late')).catch(() => ({}));
  };
}
