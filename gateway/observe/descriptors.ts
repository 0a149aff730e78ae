/**
 * Says when the process has hardly a descriptor left. libuv turns connections away by itself then, and nobody hears of
 * it: neither `accept` nor the listener. How many are open is in /metrics (process_open_fds, process_max_fds).
 */
import { readdir } from 'node:fs/promises';
import { descriptorLimit } from '../../drivers/connections.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Metrics } from './metrics.ts';

const LOOK_MS = 10_000;
/** Of the limit: below it, listeners, journal and devices have what they need. */
const FEW = 0.9;

/** How many are open. Rejects with EMFILE where there is none left to find out. */
const countOpen = async () => (await readdir('/proc/self/fd')).length;

export interface DescriptorsContext {
  readonly time: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'turned'>;
}

/** `limit`, `count`: of this process. @returns what ends it. */
export function watchDescriptors(
  { time, log, metrics }: DescriptorsContext,
  limit = descriptorLimit(),
  count = countOpen,
): { stop(): void } {
  let areFew = false;
  const note = (open: number | undefined) => {
    const now = open === undefined || open > limit * FEW;
    if (open === undefined) metrics.turned.inc({ listener: 'any', why: 'no descriptor' });
    if (now === areFew) return;
    areFew = now;
    const fields = { open, limit };
    if (areFew) log.error(fields, 'hardly a file can be opened any more; new connections are turned away');
    else log.info(fields, 'there are descriptors again');
  };
  const look = () =>
    count().then(note, ({ code }: NodeJS.ErrnoException) => {
      if (code === 'EMFILE' || code === 'ENFILE') note(undefined);
    });
  return Number.isFinite(limit) ? time.every(LOOK_MS, () => void look()) : { stop() {} };
}
