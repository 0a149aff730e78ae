/**
 * The configs that were in force, as they stood in the file, beside the journal: `config-versions/v12.yaml` as it is, for
 * who has nothing but a shell on a bad day, and `v12.json` with when, by whom, and its hash. The newest 50 stay.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CONFIG_FILE_MAX, loadBytesOf } from '../../drivers/files.ts';
import type { ConfigVersion } from '../console/contract/config.ts';
import { belongHere } from '../lifecycle/belonging.ts';
import { PRIVATE_FOLDER } from '../lifecycle/private-files.ts';
import { replaceFile } from '../lifecycle/replaced-file.ts';

export type Version = Omit<ConfigVersion, 'isTaken'>;

export interface Versions {
  /** The newest first. @throws what the disk says. */
  list(): Promise<readonly Version[]>;
  /** undefined: there is none of that name. @throws what the disk says. */
  load(name: string): Promise<Buffer | undefined>;
  /** Keeps one, unless the newest is the same. @returns the newest. @throws what the disk says. */
  keep(bytes: Uint8Array, about: Pick<Version, 'at' | 'by'>): Promise<Version>;
}

const KEPT_MAX = 50;
/** Of the file about a version, bytes. */
const ABOUT_MAX = 4096;
/** Of who took it up, characters. */
const BY_MAX = 100;

export const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export const versionsFolder = (dataDir: string): string => join(dataDir, 'config-versions');

export function openVersions(dataDir: string): Versions {
  const folder = versionsFolder(dataDir);
  const numbers = async (): Promise<readonly number[]> => {
    const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return names
      .flatMap((name) => /^v(\d{1,9})\.json$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a);
  };
  const pathOf = (number: number, kind: 'json' | 'yaml') => join(folder, `v${number}.${kind}`);
  const read = async (number: number): Promise<Version | undefined> => {
    try {
      const text = (await loadBytesOf(pathOf(number, 'json'), ABOUT_MAX)).toString();
      const { at, by, sha256, bytes } = JSON.parse(text) as Version;
      return {
        name: `v${number}`,
        number,
        at: String(at),
        sha256: String(sha256),
        by: String(by),
        bytes: Number(bytes),
      };
    } catch {
      // Torn by a disk, or somebody's own: the others are there.
      return undefined;
    }
  };
  const list = async () =>
    (await Promise.all((await numbers()).map(read))).filter((version) => version !== undefined);
  return {
    list,
    async load(name) {
      const number = /^v?(\d{1,9})$/.exec(name)?.[1];
      if (number === undefined) return undefined;
      return await loadBytesOf(pathOf(Number(number), 'yaml'), CONFIG_FILE_MAX).catch(
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return undefined;
          throw error;
        },
      );
    },
    async keep(bytes, { at, by }) {
      const sha256 = hashOf(bytes);
      const [newest] = await list();
      if (newest?.sha256 === sha256) return newest;
      // Made by root for the command line, it is the gateway's all the same.
      if ((await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER })) !== undefined) belongHere(folder);
      const known = await numbers();
      const number = (known[0] ?? 0) + 1;
      const about = { at, by: by.slice(0, BY_MAX), sha256, bytes: bytes.length };
      await replaceFile(pathOf(number, 'yaml'), bytes);
      // With it the version is there.
      await replaceFile(pathOf(number, 'json'), `${JSON.stringify(about)}\n`);
      for (const old of known.slice(KEPT_MAX - 1))
        for (const kind of ['json', 'yaml'] as const) await rm(pathOf(old, kind), { force: true });
      return { name: `v${number}`, number, ...about };
    },
  };
}
