/** Forgets events by the month, as long ago as somebody said; nothing where nobody did. */
import type { Store } from '../contract.ts';
import type { Base } from './connection.ts';
import { monthOf, monthStart } from './fields.ts';
import { monthsAfter } from './partitions.ts';

/** Several instances do so, each: one that is first leaves nothing to the others. */
const EVERY_MS = 6 * 3_600_000;

/** `months`: whole ones before this one that are kept. @returns what ends it. */
export function startRetention(
  { dropBefore }: Pick<Store, 'dropBefore'>,
  months: number,
  { time, log }: Base,
): () => void {
  const drop = async () => {
    try {
      const dropped = await dropBefore(monthStart(monthsAfter(monthOf(time.wall()), -months)));
      if (dropped.length > 0) log.info({ dropped }, 'months that were kept long enough were dropped');
    } catch (error) {
      const { message } = error as Error;
      log.warn({ error: message }, 'months that were kept long enough could not be dropped; tried again');
    }
  };
  void drop();
  const timer = time.every(EVERY_MS, () => void drop());
  return () => timer.stop();
}
