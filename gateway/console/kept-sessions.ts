/** The sessions' file, in the data folder: hashes, whose, ends. What cannot be read or written is told; logins go on. */
import { join } from 'node:path';
import { z } from 'zod';
import { type Clock, within } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { readTextOf } from '../../drivers/files.ts';
import { replaceFile } from '../lifecycle/replaced-file.ts';

/** By what a session was had. */
const subject = z.discriminatedUnion('by', [
  /** `stamp`: of the user as he was. */
  z.strictObject({ by: z.literal('password'), user: z.string(), stamp: z.string() }),
  z.strictObject({ by: z.literal('token'), id: z.string() }),
  z.strictObject({ by: z.literal('local') }),
]);
export type Subject = z.output<typeof subject>;

const kept = z.array(
  z.strictObject({
    /** SHA-256 of the cookie's secret, base64url. */
    hash: z.string().length(43),
    subject,
    /** Epoch ms. */
    since: z.number(),
    /** Epoch ms; null: it has no end. */
    until: z.number().nullable(),
    from: z.string().max(64),
    agent: z.string().max(200),
  }),
);
export type KeptSession = z.output<typeof kept>[number];

/** 10,000 sessions, more than 500 users may have at the school, take 4 MB. */
const FILE_MAX = 8_388_608;
/** Who logs in while the disk hangs is not kept waiting for it: the console says what is wrong with the disk. */
const PATIENCE_MS = 2000;

export function keptSessions(dataDir: string, name: string, time: Clock, log: Log) {
  const file = join(dataDir, name);
  let writing: Promise<void> = Promise.resolve();
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
    async save(sessions: () => readonly KeptSession[]): Promise<void> {
      writing = writing
        .then(() => replaceFile(file, `${JSON.stringify(sessions())}\n`))
        .catch(({ message: error }: Error) =>
          log.warn({ file, error }, 'the sessions of the console cannot be kept; they end with a restart'),
        );
      await within(writing, PATIENCE_MS, time, () => new Error('late')).catch(() => {});
    },
    settled: () => within(writing, PATIENCE_MS, time, () => new Error('late')).catch(() => {}),
  };
}
