/** Whether journald reads what this program writes. */
import { fstatSync } from 'node:fs';

/**
 * Whether journald reads what is written there: JOURNAL_STREAM is `device:inode` of what systemd connected to it
 * (systemd.exec(5)). A child whose output goes elsewhere has the variable, too.
 */
export function isJournal(stream: string | undefined, descriptor: number): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
