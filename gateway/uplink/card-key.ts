import { randomBytes } from 'node:crypto';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../drivers/contract/driver.ts';
import { readBytesOf, SECRET_FILE_MAX } from '../../drivers/files.ts';

/** The key under which card numbers leave the campus: made once, kept beside the journal, readable by us alone. */
export function cardKey(dataDir: string, log: Log): Buffer {
  const file = join(dataDir, 'card.key');
  try {
    // With an empty key, of a power cut at the first start, anybody could tell a card by its hash.
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0) {
      writeFileSync(file, randomBytes(32), { mode: 0o600 });
      chmodSync(file, 0o600);
    }
    return readBytesOf(file, SECRET_FILE_MAX);
  } catch (error) {
    log.error(
      { error: (error as Error).message },
      `${file} cannot be used; card hashes will not be those of before`,
    );
    return randomBytes(32);
  }
}
