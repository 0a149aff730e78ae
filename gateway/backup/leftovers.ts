/** Copies that a backup, or a restoring, was still busy with when its process or thread ended. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const STAGING = /^(?:backup|restore)\.partial-(\d+)-[0-9a-f]+$/;

/** Removes those whose process is gone, or is this one: who begins has nothing under way. Never rejects. */
export async function clearAway(dataDir: string): Promise<void> {
  try {
    for (const name of await readdir(dataDir)) {
      const pid = STAGING.exec(name)?.[1];
      if (pid !== undefined && !isAlive(Number(pid)))
        await rm(join(dataDir, name), { recursive: true, force: true });
    }
  } catch {
    // There is no such folder yet, or its disk refuses: then there will be no backup either.
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
