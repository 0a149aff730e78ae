/**
 * Files of walk tests in the data folder, 0600: `walk-test.json`, the one that runs; `walk-tests/ID.json`, those that
 * ended; beside them the pages that were printed of them, `ID.en.pdf`.
 */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PRIVATE_FOLDER } from '../lifecycle/private-files.ts';
import { createRecent } from '../lifecycle/recent.ts';
import { replaceFile } from '../lifecycle/replaced-file.ts';
import { summaryOf, type WalkRecord, type WalkSummary } from './record.ts';
import type { Walk } from './walk.ts';

/** Kept: a school that tests each month has those of fifteen years. */
const REPORTS_MAX = 200;

/** What names a report: nothing that leads out of its folder. */
export const REPORT_ID = /^\d{8}T\d{6}Z-[0-9a-f]{4}$/;

export interface KeptWalks {
  /** The one that runs; undefined: none, or it cannot be read. */
  running(): Promise<Walk | undefined>;
  /** undefined: none runs any more. @throws what the disk says. */
  keep(walk: Walk | undefined): Promise<void>;
  /** @returns the bytes that are on disk now. @throws what the disk says. */
  add(record: WalkRecord): Promise<string>;
  /** The newest first. */
  list(): Promise<readonly WalkSummary[]>;
  /** undefined: there is none of that id. */
  read(id: string): Promise<WalkRecord | undefined>;
  /** Beside a report. @throws what the disk says. */
  file(name: string): Promise<Buffer | undefined>;
  addFile(name: string, bytes: Uint8Array): Promise<void>;
}

export function createKeptWalks(dataDir: string): KeptWalks {
  const now = join(dataDir, 'walk-test.json');
  const folder = join(dataDir, 'walk-tests');
  const summaries = createRecent<string, WalkSummary>(REPORTS_MAX);
  const idsIn = async () => {
    const names = await readdir(folder).catch(() => [] as string[]);
    return names
      .filter((name) => name.endsWith('.json') && REPORT_ID.test(name.slice(0, -5)))
      .map((name) => name.slice(0, -5))
      .sort()
      .reverse();
  };
  const read = async (id: string) => {
    if (!REPORT_ID.test(id)) return undefined;
    const record = await parsed<WalkRecord>(join(folder, `${id}.json`));
    return record?.format === 1 && record.id === id ? record : undefined;
  };
  const forgetOld = async () => {
    for (const id of (await idsIn()).slice(REPORTS_MAX))
      for (const end of ['json', 'en.pdf', 'zh.pdf']) await rm(join(folder, `${id}.${end}`), { force: true });
  };
  const put = async (name: string, bytes: string | Uint8Array) => {
    await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
    await replaceFile(join(folder, name), bytes);
  };
  return {
    async running() {
      const walk = await parsed<Walk>(now);
      return walk !== undefined && REPORT_ID.test(walk.id) && !Number.isNaN(Date.parse(walk.until))
        ? walk
        : undefined;
    },
    async keep(walk) {
      if (walk === undefined) await rm(now, { force: true });
      else await replaceFile(now, JSON.stringify(walk));
    },
    async add(record) {
      const text = JSON.stringify(record);
      await put(`${record.id}.json`, text);
      await forgetOld().catch(() => {});
      return text;
    },
    async list() {
      const found: WalkSummary[] = [];
      for (const id of (await idsIn()).slice(0, REPORTS_MAX)) {
        const known = summaries.get(id);
        const record = known === undefined ? await read(id) : undefined;
        const summary = known ?? (record && summaryOf(record));
        if (summary === undefined) continue;
        summaries.set(id, summary);
        found.push(summary);
      }
      return found;
    },
    read,
    file: async (name) => await readFile(join(folder, name)).catch(() => undefined),
    addFile: put,
  };
}

async function parsed<T>(file: string): Promise<T | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return typeof value === 'object' && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
