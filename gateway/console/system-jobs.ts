/**
 * What the page about the system asks that takes long: reading and checking a config of 4 MB, certificates, a chain of a
 * million entries. Each function is called in a thread apart (lifecycle/isolated.ts), where nothing waits for it.
 */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { speak } from '../../config/language.ts';
import { CONFIG_FILE_MAX, readBytesOf, readTextOf } from '../../drivers/files.ts';
import type { AuditEntry as Kept } from '../journal/audit.ts';
import { openReader } from '../journal/reader.ts';
import { isoOf } from '../road/event.ts';
import type { AuditChain, AuditEntry, AuditPage, ConfigCheck, ConfigText } from './contract/system.ts';
import { hideSecrets } from './hidden.ts';

export { readCertificates } from '../certificates.ts';

export interface OfConfig {
  /** Absolute. */
  readonly file: string;
  readonly dataDir: string;
}

/** One look at a journal that a gateway has open. */
function look<T>(dataDir: string, read: (reader: ReturnType<typeof openReader>) => T): T {
  const reader = openReader(dataDir);
  try {
    return read(reader);
  } finally {
    reader.close();
  }
}

/** `from`: the first line, from 1; `count`: lines. @throws what the disk says. */
export function readConfigText({
  file,
  dataDir,
  from,
  count,
}: OfConfig & { readonly from: number; readonly count: number }): ConfigText {
  const bytes = readBytesOf(file, CONFIG_FILE_MAX);
  const lines = hideSecrets(bytes.toString()).text.split(/\r\n?|\n/);
  // What ends the last line begins no other.
  if (lines.at(-1) === '') lines.pop();
  const taken = notedConfig(dataDir);
  return {
    ...{ file, from, total: lines.length, lines: lines.slice(from - 1, from - 1 + count) },
    changedAt: isoOf(statSync(file).mtimeMs),
    isTaken: taken === undefined ? null : createHash('sha256').update(bytes).digest('hex') === taken,
  };
}

/** The hash of the config that was taken up last; undefined: the journal does not say. */
function notedConfig(dataDir: string): string | undefined {
  try {
    return look(dataDir, (reader) => reader.noted('config'));
  } catch {
    return undefined;
  }
}

const PROBLEMS_MAX = 200;

/** Never throws: what cannot be read is a problem. */
export async function checkConfigFile({
  file,
  dataDir,
  language,
}: OfConfig & { readonly language: 'en' | 'zh' }): Promise<ConfigCheck> {
  speak(language);
  const [{ cardWarnings, readConfig }, { openSecrets, openData }] = await Promise.all([
    import('../check.ts'),
    import('../secrets.ts'),
  ]);
  const loaded = readConfig(file);
  const isLoaded = 'config' in loaded;
  const told = isLoaded ? loaded.warnings : loaded.errors;
  const ofCards = isLoaded ? cardWarnings(loaded.config).map(loaded.tell) : [];
  const { hideIn } = hiddenOf(file);
  const problems = [...told, ...ofCards].map(({ file: where, line, column, message }) => ({
    level: isLoaded ? ('warning' as const) : ('error' as const),
    ...(where !== file && { file: where }),
    ...{ line, column, message: hideIn(message) },
  }));
  return {
    problems: problems.slice(0, PROBLEMS_MAX),
    more: Math.max(0, problems.length - PROBLEMS_MAX),
    open: [...(isLoaded ? openSecrets(file, dataDir) : openData(dataDir))],
  };
}

function hiddenOf(file: string): Pick<ReturnType<typeof hideSecrets>, 'hideIn'> {
  try {
    return hideSecrets(readTextOf(file, CONFIG_FILE_MAX));
  } catch {
    return hideSecrets('');
  }
}

/** Entries that are looked through for a text at once: about a tenth of a second. */
const SEARCHED_MAX = 50_000;

/** `before`: a number of the audit. `find`: a text that the entries have in them; empty: all. @throws what SQLite says. */
export function readAudit({
  dataDir,
  before,
  limit,
  find,
}: {
  readonly dataDir: string;
  readonly before: number;
  readonly limit: number;
  readonly find: string;
}): AuditPage {
  return look(dataDir, (reader) => {
    // SQLite makes ASCII letters small, and no others.
    const small = find.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    const newest = reader.auditBefore(before, 0, '', 1)[0]?.number;
    if (newest === undefined) return { entries: [] };
    const from = small === '' ? 0 : Math.max(0, newest + 1 - SEARCHED_MAX);
    const found = reader.auditBefore(before, from, small, limit);
    const end = found.length === limit ? (found.at(-1)?.number ?? 0) : from;
    const hasMore = end > 0 && reader.auditBefore(end, 0, '', 1).length > 0;
    return { entries: found.map(entryOf), ...(hasMore && { next: end }) };
  });
}

function entryOf({ number, at, body, hash }: Kept): AuditEntry {
  const base = { number, at: isoOf(at), hash };
  try {
    const { kind, ...rest } = JSON.parse(body) as Record<string, unknown>;
    return { ...base, kind: String(kind ?? ''), body: rest };
  } catch {
    // Somebody wrote into it: the chain says so.
    return { ...base, kind: '', body: { text: body } };
  }
}

/** @throws what SQLite says. */
export function followAudit({
  dataDir,
  now,
}: {
  readonly dataDir: string;
  readonly now: number;
}): AuditChain {
  const { entries, first, last, hash, broken } = look(dataDir, (reader) => reader.auditChain());
  return {
    ...{ at: isoOf(now), entries, hash },
    ...(first !== undefined && { first }),
    ...(last !== undefined && { last }),
    ...(broken !== undefined && { broken }),
  };
}
