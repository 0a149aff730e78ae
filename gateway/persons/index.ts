/**
 * Names for the console's gate screen, and for who may see who is inside: a CSV file of the school's, `id,name,class`.
 * They stay in memory and there; no event and no log has them.
 */
import { stat } from 'node:fs/promises';
import type { Log } from '../../drivers/contract/driver.ts';
import { PERSONS_FILE_MAX } from '../../drivers/files.ts';
import { csvRows } from '../csv.ts';

export interface Person {
  readonly name: string;
  readonly class?: string | undefined;
}

export interface Persons {
  /** By the school's id. Reads the file again where it changed. */
  get(ids: readonly string[]): Promise<readonly (Person | undefined)[]>;
  /** The ids of those whose name has this text in it, at most so many. Likewise. */
  find(text: string, most: number): Promise<readonly string[]>;
}

const columns = { bom: true, columns: true, info: true, skip_empty_lines: true, trim: true };

/** @throws Error with a sentence; FileTooLargeError; what the system says. */
async function loadPersons(file: string): Promise<ReadonlyMap<string, Person>> {
  const persons = new Map<string, Person>();
  for await (const one of csvRows(file, PERSONS_FILE_MAX, columns)) {
    const { record, info } = one as { record: Record<string, string | undefined>; info: { lines: number } };
    const { id, name, class: own } = record;
    if (id === undefined || id === '' || name === undefined || name === '')
      throw new Error(`row ${info.lines}: id and name are needed`);
    persons.set(id, { name, ...(own !== undefined && own !== '' && { class: own }) });
  }
  return persons;
}

export function createPersons(file: string | undefined, log: Log): Persons {
  let persons: ReadonlyMap<string, Person> = new Map();
  let read = '';
  const reloadPersonsFile = async () => {
    if (file === undefined) return;
    const { mtimeMs, size } = await stat(file);
    if (`${mtimeMs}/${size}` === read) return;
    read = `${mtimeMs}/${size}`;
    persons = await loadPersons(file);
  };
  /** While it is read, all wait for it. */
  let reloading: Promise<void> | undefined;
  const upToDate = async () => {
    reloading ??= reloadPersonsFile()
      .catch((error: Error) =>
        log.error({ file, error: error.message }, 'the names of persons cannot be read'),
      )
      .finally(() => {
        reloading = undefined;
      });
    await reloading;
    return persons;
  };
  return {
    async get(ids) {
      const known = await upToDate();
      return ids.map((id) => known.get(id));
    },
    async find(text, most) {
      const found: string[] = [];
      for (const [id, { name }] of await upToDate())
        if (found.length < most && name.includes(text)) found.push(id);
      return found;
    },
  };
}
