/**
 * Keeps the journal within its retention, and tells before the disk is full or events must be dropped, and what becomes
 * of its file.
 */
import { statfs } from 'node:fs/promises';
import type { Log } from '../../drivers/contract/driver.ts';
import { lanes } from '../../drivers/contract/lane.ts';
import type { Condition, Interest, Journal, OpenedFile } from '../journal/index.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Recorder } from '../road/recorder.ts';
import { type RetentionPolicy, sweep } from './retention.ts';

export interface StorageOptions {
  readonly directory: string;
  readonly policy: RetentionPolicy;
  /** Bytes of free disk under which it is low. */
  readonly lowDisk: number;
  readonly uplinks: readonly Interest[];
  readonly journal: Journal;
  readonly recorder: Recorder;
  readonly clock: WallClock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface Storage {
  /** What is low now, and why. */
  low(): readonly string[];
  close(): void;
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

export function keepStorage(options: StorageOptions): Storage {
  const { directory, policy, lowDisk, uplinks, journal, recorder, clock, log, metrics } = options;
  const low = new Map<string, object>();
  let sweptAt = Number.NEGATIVE_INFINITY;
  let busy = false;
  let steadySince = performance.now();
  clock.onStep(() => {
    steadySince = performance.now();
  });

  const tell = (reason: 'disk' | 'backlog', isLow: boolean, details: object) => {
    if (low.has(reason) === isLow) return;
    if (isLow) low.set(reason, details);
    else low.delete(reason);
    metrics.storageLow.set({ reason }, isLow ? 1 : 0);
    const sentence = {
      disk: 'the disk is getting full',
      backlog: 'events that wait for a platform will soon fill the journal',
    }[reason];
    if (isLow) log.warn(details, sentence);
    else log.info(details, `no more: ${sentence}`);
    recorder
      .recordOwn('gateway.storage-low', { reason, state: isLow ? 'raised' : 'restored', ...details })
      // It is shown all the same; the next look tries again.
      .catch(() => (isLow ? low.delete(reason) : low.set(reason, details)));
  };

  const look = async () => {
    const { bavail, bsize } = await statfs(directory);
    const freeBytes = bavail * bsize;
    metrics.diskFree.set(freeBytes);
    tell('disk', freeBytes < lowDisk * (low.has('disk') ? HYSTERESIS : 1), { freeBytes, lowDisk });

    const usage = await journal.usage();
    metrics.journalBytes.set(usage.bytes);
    const waiting = Math.max(0, ...uplinks.map(({ id }) => backlogOf(journal, id)));
    const share = usage.events === 0 ? 0 : Math.min(1, waiting / usage.events);
    const limit = policy.budget * BACKLOG_SHARE;
    tell('backlog', usage.bytes * share > (low.has('backlog') ? limit / HYSTERESIS : limit), {
      waiting,
      journalBytes: usage.bytes,
      budget: policy.budget,
    });

    if (usage.bytes > policy.budget || performance.now() - sweptAt > SWEEP_EVERY_MS) {
      sweptAt = performance.now();
      const settled = performance.now() - steadySince > SETTLED_MS;
      const now = settled ? clock.now() : Number.NEGATIVE_INFINITY;
      const { removed, dropped } = await sweep(journal, policy, uplinks, now);
      if (removed > 0) log.info({ removed }, 'old events were removed');
      for (const one of dropped) {
        metrics.dropped.inc({ uplink: one.uplink, lane: one.lane }, one.events);
        log.error({ ...one }, 'events were removed before a platform had them');
        await recorder.recordOwn('gateway.dropped', { ...one });
      }
    }
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
  lookOnce();
  const timer = setInterval(lookOnce, LOOK_EVERY_MS);
  return {
    low: () => [...low.keys()],
    close: () => clearInterval(timer),
  };
}

/** How many numbers an uplink is behind, over its lanes: an upper bound of the events that wait. */
export function backlogOf(journal: Journal, uplink: string): number {
  return lanes.reduce((sum, lane) => {
    const { sequence } = journal.position(uplink, lane);
    return sum + Math.max(0, journal.last(lane) - sequence);
  }, 0);
}

/** Tells what becomes of the journal's file: to the log, and, once it can be written, as events. */
export function followJournal(journal: Journal, recorder: Recorder, log: Log, reset: () => void) {
  const tellOpened = ({ salvage, missing }: OpenedFile) => {
    if (salvage !== undefined) {
      log.error({ ...salvage }, 'the journal was damaged; it was set aside, and what can be read was saved');
      void recorder.recordOwn('gateway.journal-salvaged', { ...salvage });
    }
    if (missing > 0) {
      log.error({ missing }, 'events that were acknowledged are not on the disk any more');
      void recorder.recordOwn('gateway.journal-salvaged', { missing });
    }
  };
  let late = journal.opened === undefined;
  if (journal.opened !== undefined) tellOpened(journal.opened);
  journal.onOpened((opened) => {
    tellOpened(opened);
    if (!late && opened.salvage === undefined && opened.missing === 0) return;
    late = false;
    recorder
      .reload()
      .catch((error: Error) => log.error({ error: error.message }, 'the states could not be read'))
      .finally(reset);
  });
  let bad: Condition & { good: false };
  const follow = (condition: Condition) => {
    if (!condition.good) {
      bad = condition;
      log.error(
        { code: condition.code, reason: condition.reason },
        'the disk takes no events: devices get no acknowledgement, alarms go out from memory, and it is tried again',
      );
    } else {
      const since = new Date(bad.since).toISOString();
      log.warn({ since }, 'the disk takes events again');
      void recorder.recordOwn('gateway.storage-failed', { code: bad.code, since });
    }
  };
  if (!journal.condition.good) follow(journal.condition);
  journal.onCondition(follow);
}
