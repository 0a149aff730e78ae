/** What backups are called in their folder; by their names they are sorted, and the oldest are removed. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface Listed {
  readonly name: string;
  /** Epoch ms: of which moment it is. */
  readonly at: number;
  readonly bytes: number;
}

const stampOf = (at: number) => new Date(at).toISOString().replace(/[-:]/g, '').replace(/\..*/, 'Z');
const prefixOf = (campus: string) => `campus-${campus.replace(/[^A-Za-z0-9-]/g, '_')}-`;
const END = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.tar\.gz(\.age)?$/;

export const backupName = (campus: string, at: number, isSealed: boolean): string =>
  `${prefixOf(campus)}${stampOf(at)}.tar.gz${isSealed ? '.age' : ''}`;

/** When one was made, epoch ms; undefined: it is none of this campus. */
function timeOf(name: string, campus: string): number | undefined {
  const prefix = prefixOf(campus);
  const [, year, month, day, hour, minute, second] = name.startsWith(prefix)
    ? (END.exec(name.slice(prefix.length)) ?? [])
    : [];
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(at) ? undefined : at;
}

/** Those of a campus, the newest first. A folder that is not there yet has none. @throws what the disk says. */
export async function listBackups(folder: string, campus: string): Promise<readonly Listed[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const found: Listed[] = [];
  for (const name of names) {
    const at = timeOf(name, campus);
    const size = at === undefined ? undefined : await stat(join(folder, name)).catch(() => undefined);
    if (at !== undefined && size?.isFile() === true) found.push({ name, at, bytes: size.size });
  }
  return found.sort((a, b) => b.at - a.at);
}

const PARTIAL = '.partial';

/** Removes those that were being written when their gateway ended. Never rejects. */
export async function clearPartials(folder: string, campus: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const isOurs = name.endsWith(PARTIAL) && timeOf(name.slice(0, -PARTIAL.length), campus) !== undefined;
    if (isOurs) await rm(join(folder, name), { force: true }).catch(() => {});
  }
}

/** Removes all but the newest `keep`. @throws what the disk says. */
export async function keepNewest(folder: string, campus: string, keep: number): Promise<void> {
  for (const { name } of (await listBackups(folder, campus)).slice(keep))
    await rm(join(folder, name), { force: true });
}
