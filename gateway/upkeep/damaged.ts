/**
 * Damaged journals that were set aside. They are kept for who wants to save more of them than the gateway could; nobody
 * can be erased from what cannot be read, so whoever asks for that is told of them, and may have them destroyed.
 */
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Registry } from '../../config/catalogue/actions.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Journal } from '../journal/index.ts';
import type { Part } from '../lifecycle/part.ts';

const isDamaged = (name: string) => /^journal\.damaged-.*\.sqlite(-wal|-shm)?$/.test(name);
const ZEROS = Buffer.alloc(1_048_576);

/** Names of files in a data folder, sorted. */
export const listDamaged = async (directory: string): Promise<readonly string[]> =>
  (await readdir(directory).catch(() => [])).filter(isDamaged).sort();

/**
 * Writes over the damaged copies in a data folder, and removes them. Flash may keep old blocks all the same.
 * @returns their names. @throws what the disk says.
 */
export async function destroyDamaged(directory: string): Promise<readonly string[]> {
  const names = await listDamaged(directory);
  for (const name of names) {
    const path = join(directory, name);
    const file = await open(path, 'r+');
    try {
      const { size } = await file.stat();
      for (let at = 0; at < size; at += ZEROS.length)
        await file.write(ZEROS, 0, Math.min(ZEROS.length, size - at), at);
      await file.sync();
    } finally {
      await file.close();
    }
    await rm(path, { force: true });
  }
  return names;
}

export interface DamagedCopies extends Part {
  start(): Promise<void>;
  /** Their names, as of the last look: at the start, after a salvage, after they were destroyed. */
  list(): readonly string[];
}

/** Serves `destroy-damaged`. */
export function watchDamaged({
  dataDir,
  journal,
  registry,
  log,
}: {
  readonly dataDir: string;
  readonly journal: Pick<Journal, 'onOpened'>;
  readonly registry: Registry;
  readonly log: Log;
}): DamagedCopies {
  let names: readonly string[] = [];
  const look = async () => {
    names = await listDamaged(dataDir);
  };
  journal.onOpened(({ salvage }) => {
    if (salvage !== undefined) void look();
  });
  registry.serve({
    async 'destroy-damaged'() {
      const destroyed = await destroyDamaged(dataDir);
      await look();
      log.warn({ destroyed }, 'damaged copies of the journal were destroyed');
      return { done: true, result: { destroyed } };
    },
  });
  return { start: look, list: () => names, async [Symbol.asyncDispose]() {} };
}
