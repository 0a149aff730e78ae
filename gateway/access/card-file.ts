/** The school's own list of cards, taken up when its file changes; where the new one is wrong, the old one stays. */
import { stat } from 'node:fs/promises';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { BurstLog } from '../observe/log.ts';
import { type CardList, type Credentials, loadCredentials } from './credentials.ts';

export interface CardFile extends Credentials {
  /** What is typed after cards, and codes that open alone: they come from this file and from nowhere else. */
  readonly pins: CardList['pins'];
  readonly codes: CardList['codes'];
  readonly size: number;
  keys(): Iterable<string>;
  /** Reads the file where it changed; one reading at a time. Never rejects: a list that cannot be read is told. */
  reloadCardFile(): Promise<void>;
}

const WARNINGS_TOLD_MAX = 5;

/** `groups`: those that the config knows; `onChange`: there is a new list. */
export function createCardFile(
  file: string | undefined,
  {
    groups,
    onChange,
    bursts,
    time,
    log,
  }: {
    readonly groups: readonly string[];
    readonly onChange: () => void;
    readonly bursts: BurstLog;
    readonly time: Pick<Clock, 'elapsed'>;
    readonly log: Log;
  },
): CardFile {
  let list: Pick<CardList, 'credentials' | 'pins' | 'codes'> = {
    credentials: new Map(),
    pins: new Map(),
    codes: [],
  };
  let readStamp = '';
  let reloading: Promise<void> | undefined;

  const reloadChanged = async () => {
    if (file === undefined) return;
    const { mtimeMs, size } = await stat(file);
    const stamp = `${mtimeMs}/${size}`;
    if (stamp === readStamp) return;
    const startedAt = time.elapsed();
    const found = await loadCredentials(file, groups);
    readStamp = stamp;
    if ('errors' in found) {
      const [first] = found.errors;
      log.error(
        { file, errors: found.errors.length, line: first?.line, error: first?.message },
        'the new list of credentials is wrong; the old one stays',
      );
      return;
    }
    const { credentials, pins, codes, warnings } = found;
    list = { credentials, pins, codes };
    onChange();
    for (const { line, message: warning } of warnings.slice(0, WARNINGS_TOLD_MAX))
      log.warn({ file, line, warning }, 'a row of the list of credentials may not be meant so');
    const ms = Math.round(time.elapsed() - startedAt);
    const count = { credentials: list.credentials.size, pins: list.pins.size, codes: list.codes.length };
    log.info({ file, ...count, ms }, 'the list of credentials was read');
  };
  return {
    get: (key) => list.credentials.get(key),
    keys: () => list.credentials.keys(),
    get pins() {
      return list.pins;
    },
    get codes() {
      return list.codes;
    },
    get size() {
      return list.credentials.size;
    },
    reloadCardFile() {
      reloading ??= reloadChanged()
        .catch(({ message: error }: Error) =>
          bursts.warn('credentials', { file, error }, 'the list of credentials cannot be read'),
        )
        .finally(() => {
          reloading = undefined;
        });
      return reloading;
    },
  };
}
