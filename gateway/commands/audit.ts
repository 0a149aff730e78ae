/** What the audit tells beside commands. */
import { createHash } from 'node:crypto';
import { userInfo } from 'node:os';
import type { Log } from '../../drivers/contract/driver.ts';
import { CONFIG_FILE_MAX, readBytesOf } from '../../drivers/files.ts';
import type { Journal } from '../journal/index.ts';
import type { WallClock } from '../observe/clock.ts';

/**
 * Notes that the gateway runs with another config than before: its hash, not its content; `how`: who did it, and what
 * changed. Never rejects.
 */
export async function noteConfig(
  file: string,
  journal: Pick<Journal, 'auditChange'>,
  clock: Pick<WallClock, 'now'>,
  log: Log,
  how: object = {},
): Promise<void> {
  try {
    const sha256 = createHash('sha256').update(readBytesOf(file, CONFIG_FILE_MAX)).digest('hex');
    const { username: user } = userInfo();
    const entry = JSON.stringify({ kind: 'config', file, sha256, user, ...how });
    await journal.auditChange('config', clock.now(), entry, sha256);
  } catch (error) {
    log.warn({ error: (error as Error).message }, 'the config could not be noted in the audit');
  }
}

/** Notes that a changed config was refused, and why. Never rejects. */
export async function noteRefusedConfig(
  why: object,
  file: string,
  journal: Pick<Journal, 'audit'>,
  clock: Pick<WallClock, 'now'>,
  log: Log,
): Promise<void> {
  const { username: user } = userInfo();
  await journal
    .audit(clock.now(), JSON.stringify({ kind: 'config-refused', file, user, ...why }))
    .catch((error: Error) => log.warn({ error: error.message }, 'a config could not be noted in the audit'));
}
