/**
 * Names for the gate screen, and for nothing else: a CSV file of the school's, `id,name,class`. They stay in memory and
 * on that screen; no event and no log has them.
 */
import { readFile, stat } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import type { Log } from '../../drivers/contract/driver.ts';

export interface Person {
  readonly name: string;
  readonly class?: string | undefined;
}

export interface Persons {
  /** By the school's id. Reads the file again where it changed. */
  get(ids: readonly string[]): Promise<readonly (Person | undefined)[]>;
}

/** @throws Error with a sentence. */
export function readPersons(text: string): ReadonlyMap<string, Person> {
  const rows = parse(text, { bom: true, columns: true, skip_empty_lines: true, trim: true }) as Record<
    string,
    string | undefined
  >[];
  return new Map(
    rows.map(({ id, name, class: own }, i) => {
      if (id === undefined || id === '' || name === undefined || name === '')
        throw new Error(`row ${i + 2}: id and name are needed`);
      return [id, { name, ...(own !== undefined && own !== '' && { class: own }) }];
    }),
  );
}

export function createPersons(file: string | undefined, log: Log): Persons {
  let persons: ReadonlyMap<string, Person> = new Map();
  let read = '';
  const reloadPersonsFile = async () => {
    if (file === undefined) return;
    const { mtimeMs, size } = await stat(file);
    if (`${mtimeMs}/${size}` === read) return;
    read = `${mtimeMs}/${size}`;
    persons = readPersons(await readFile(file, 'utf8'));
  };
  return {
    async get(ids) {
      await reloadPersonsFile().catch((error: Error) =>
        log.error({ file, error: error.message }, 'the names for the gate screen cannot be read'),
      );
      return ids.map((id) => persons.get(id));
    },
  };
}
