/** The sessions' file, beside the journal: hashes, roles, ends. What cannot be read or written is told; logins go on. */
import { chmod, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Clock, within } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { readTextOf } from '../../drivers/files.ts';

const kept = z.array(
  z.strictObject({
    /** SHA-256 of the cookie's secret, base64url. */
    hash: z.string().length(43),
    role: z.enum(['operator', 'screen']),
    /** Epoch ms; null: it has no end. */
    until: z.number().nullable(),
  }),
);
export type KeptSession = z.output<typeof kept>[number];

/** 200 sessions take 20 KB. */
const FILE_MAX = 262_144;
/** Who logs in while the disk hangs is not kept waiting for it: the console says what is wrong with the disk. */
const PATIENCE_MS = 2000;

export function keptSessions(dataDir: string, time: Clock, log: Log) {
  const file = join(dataDir, 'console.sessions');
  let writing: Promise<void> = Promise.resolve();
  const write = async (sessions: readonly KeptSession[]) => {
    const partial = `${file}.new`;
    const handle = await open(partial, 'w', 0o600);
    try {
      // One that was left over may be readable by others.
      await chmod(partial, 0o600);
      await handle.writeFile(`${JSON.stringify(sessions)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, file);
    const folder = await open(dataDir, 'r');
    await folder.sync().finally(() => folder.close());
  };
  return {
    async load(): Promise<readonly KeptSession[]> {
      try {
        return kept.parse(JSON.parse(readTextOf(file, FILE_MAX)));
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (code !== 'ENOENT')
          log.warn({ file, error: message }, 'the sessions of the console cannot be read; log in again');
        return [];
      }
    },
    /** Resolves when they are on disk, or the disk refused, or does not answer. */
    async save(sessions: readonly KeptSession[]): Promise<void> {
      writing = writing
        .then(() => write(sessions))
        .catch(({ message: error }: Error) =>
          log.warn({ file, error }, 'the sessions of the console cannot be kept; they end with a restart'),
        );
      await within(writing, PATIENCE_MS, time, () => new Error('late')).catch(() => {});
    },
    settled: () => within(writing, PATIENCE_MS, time, () => new Error('late')).catch(() => {}),
  };
}
