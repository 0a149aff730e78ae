/** Files beside the journal that are replaced as a whole: after any crash the old one or the new one is there. */
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { belong } from './belonging.ts';
import { PRIVATE_FILE } from './private-files.ts';

/**
 * Puts a file there that only the gateway's user reads, and resolves when it is on disk. Where root does it (the command
 * line), those have it who have its folder (belonging.ts). @throws what the disk says; what was there is there still.
 */
export async function replaceFile(file: string, content: string | Uint8Array): Promise<void> {
  const partial = `${file}.new`;
  const folder = await open(dirname(file), 'r');
  try {
    // One that was left over may be readable by others, or a link: root writes here too, and not into what that names.
    await rm(partial, { force: true });
    const handle = await open(partial, 'wx', PRIVATE_FILE);
    try {
      belong(handle.fd, dirname(file));
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, file);
    await folder.sync();
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    throw error;
  } finally {
    await folder.close();
  }
}
