/** Keeps the journal within its retention, and tells before the disk is full or events must be dropped. */
import { statfs } from 'node:fs/promises';
import type { Config } from '../../config/schema.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Interest, Journal } from '../journal/index.ts';
import type { Part } from '../lifecycle/part.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Recorder } from '../road/recorder.ts';
import { type RetentionPolicy, sweep } from './retention.ts';

export interface StoragePolicy {
  readonly directory: string;
  readonly policy: RetentionPolicy;
  /** Bytes of free disk under which it is low. */
  readonly lowDisk: number;
}

export interface StorageOptions extends StoragePolicy {
  readonly journal: Journal;
  readonly recorder: Recorder;
  readonly clock: Pick<WallClock, 'now' | 'onStep'>;
  readonly time: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The platforms as they are now, and what they want. */
  readonly interests: () => readonly Interest[];
  /** Of all platforms: how many events the one that is furthest behind wants and has not. */
  readonly lookAtBacklog: () => Promise<number>;
  /** Events were removed before a platform had them. */
  readonly onDropped: () => void;
}

export interface Storage extends Part {
  /** What is low now, and why. */
  low(): readonly string[];
  /** Looks, and from now on again and again. */
  start(): void;
  /** Another retention: what was told to be low is known still. */
  configure(config: Pick<Config, 'dataDir' | 'retention'>): void;
}

const LOOK_EVERY_MS = 30_000;
const SWEEP_EVERY_MS = 3_600_000;
/**
 * Nothing is removed for its age before the clock has run this long without a jump: a dead clock battery that makes it
 * 2038 must not empty the journal.
 */
const SETTLED_MS = 3_000_000;
/** A backlog that takes this much of the budget will soon cost events. */
const BACKLOG_SHARE = 0.8;
/** Low ends when there is this much more than the threshold, so that it does not flap. */
const HYSTERESIS = 1.1;

/** What the config says of it. */
export function storagePolicyOf({
  dataDir: directory,
  retention: { lowDisk, ...policy },
}: Pick<Config, 'dataDir' | 'retention'>): StoragePolicy {
  return { directory, policy, lowDisk };
}

export function keepStorage(options: StorageOptions): Storage {
  const { directory, journal, time, log, metrics } = options;
  let { policy, lowDisk } = options;
  const { low, tell } = createWarnings(options);
  const removeOld = createSweeping(options, () => policy);
  let looks: Timer | undefined;
  let busy = false;

  const look = async () => {
    const { bavail, bsize } = await statfs(directory);
    const freeBytes = bavail * bsize;
    metrics.diskFree.set(freeBytes);
    tell('disk', freeBytes < lowDisk * (low.has('disk') ? HYSTERESIS : 1), { freeBytes, lowDisk });

    const usage = await journal.usage();
    metrics.journalBytes.set(usage.bytes);
    const waiting = await options.lookAtBacklog();
    const share = usage.events === 0 ? 0 : Math.min(1, waiting / usage.events);
    const limit = policy.budget * BACKLOG_SHARE;
    tell('backlog', usage.bytes * share > (low.has('backlog') ? limit / HYSTERESIS : limit), {
      waiting,
      journalBytes: usage.bytes,
      budget: policy.budget,
    });
    await removeOld(usage.bytes);
  };
  const lookOnce = () => {
    if (busy || !journal.condition.good) return;
    busy = true;
    look()
      .catch((error: Error) => log.error({ error: error.message }, 'the storage could not be looked after'))
      .finally(() => {
        busy = false;
      });
  };
  return {
    low: () => [...low.keys()],
    start() {
      lookOnce();
      looks = time.every(LOOK_EVERY_MS, lookOnce);
    },
    configure(config) {
      ({ policy, lowDisk } = storagePolicyOf(config));
      lookOnce();
    },
    async [Symbol.asyncDispose]() {
      looks?.stop();
    },
  };
}

const sentences = {
  disk: 'the disk is getting full',
  backlog: 'events that wait for a platform will soon fill the journal',
};

/** What is low, told once when it begins and once when it ends. */
function createWarnings({ recorder, metrics, log }: Pick<StorageOptions, 'recorder' | 'metrics' | 'log'>) {
  const low = new Map<string, object>();
  const tell = (reason: keyof typeof sentences, isLow: boolean, details: object) => {
    if (low.has(reason) === isLow) return;
    if (isLow) low.set(reason, details);
    else low.delete(reason);
    metrics.storageLow.set({ reason }, isLow ? 1 : 0);
    if (isLow) log.warn(details, sentences[reason]);
    else log.info(details, `no more: ${sentences[reason]}`);
    recorder
      .recordOwn('gateway.storage-low', { reason, state: isLow ? 'raised' : 'restored', ...details })
      // It is shown all the same; the next look tries again.
      .catch(() => (isLow ? low.delete(reason) : low.set(reason, details)));
  };
  return { low, tell };
}

/** Removes old events once an hour, and whenever the journal takes more than its budget; what a platform misses is told. */
function createSweeping(
  options: StorageOptions,
  policyNow: () => RetentionPolicy,
): (journalBytes: number) => Promise<void> {
  const { interests, journal, recorder, clock, time, log, metrics, onDropped } = options;
  let sweptAt = Number.NEGATIVE_INFINITY;
  let steadySince = time.elapsed();
  clock.onStep(() => {
    steadySince = time.elapsed();
  });
  return async (journalBytes) => {
    const policy = policyNow();
    if (journalBytes <= policy.budget && time.elapsed() - sweptAt <= SWEEP_EVERY_MS) return;
    sweptAt = time.elapsed();
    const isSettled = time.elapsed() - steadySince > SETTLED_MS;
    const now = isSettled ? clock.now() : Number.NEGATIVE_INFINITY;
    const { removed, dropped } = await sweep(journal, policy, interests(), now);
    if (dropped.length > 0) onDropped();
    if (removed > 0) log.info({ removed }, 'old events were removed');
    for (const one of dropped) {
      metrics.dropped.inc({ uplink: one.uplink, lane: one.lane }, one.events);
      log.error({ ...one }, 'events were removed before a platform had them');
      await recorder.recordOwn('gateway.dropped', { ...one });
    }
  };
}
