/** Point lists and configs as files: read, checked as a whole, written as a whole. */
import { unarmedAreas } from '../../../config/check/areas.ts';
import type { Hunk } from '../../../config/edit.ts';
import { say } from '../../../config/language.ts';
import { type ConfigError, formatError, readConfigFile } from '../../../config/load.ts';
import { CONFIG_FILE_MAX, readTextOf } from '../../../drivers/files.ts';
import { readConfig } from '../../check.ts';
import { replaceFile } from '../../lifecycle/replace-file.ts';
import { printable } from '../../printable.ts';
import { loadedOrErrors, type Terminal } from '../command.ts';
import { writeNewFile } from '../new-file.ts';
import { applyList } from './apply.ts';
import { columnOf, headingOf, letterOf } from './columns.ts';
import { readHeadings, rowOfHeadings } from './headings.ts';
import type { PointError, Table } from './list.ts';
import { replaceDevice } from './replace.ts';
import type { Origin } from './row.ts';
import { tableOf, type Written } from './rows.ts';
import { readTable, writeTable } from './table.ts';

/** Errors of one list that are told; who has more mends these first. */
const TOLD_MAX = 50;

/** A config that is right, as it is written. undefined: its errors were told. */
async function writtenIn(
  file: string,
  terminal: Terminal,
): Promise<{ text: string; written: Written } | undefined> {
  if ((await loadedOrErrors(file, terminal, { forRunning: true })) === undefined) return undefined;
  const yaml = readConfigFile(file);
  return 'errors' in yaml
    ? undefined
    : { text: readTextOf(file, CONFIG_FILE_MAX), written: yaml.data as Written };
}

/** @returns the exit status. */
export async function exportPoints(
  file: string,
  out: string,
  form: 'csv' | 'xlsx',
  terminal: Terminal,
): Promise<number> {
  const found = await writtenIn(file, terminal);
  if (found === undefined) return 1;
  const table = tableOf(found.written);
  const bytes = await writeTable(form, table);
  writeNewFile(out, bytes);
  terminal.stdout.write(say(`${out}: ${table.length - 1} rows\n`, `${out}：${table.length - 1} 行\n`));
  return 0;
}

/** @returns the exit status. */
export async function importPoints(
  list: string,
  file: string,
  { remove, isTrial }: { readonly remove: boolean; readonly isTrial: boolean },
  terminal: Terminal,
): Promise<number> {
  const { table, sheet } = await readTable(list);
  tellReading(list, table, sheet, terminal);
  const found = await writtenIn(file, terminal);
  if (found === undefined) return 1;
  const made = applyList(table, found.text, found.written, { remove });
  if ('errors' in made) return tellErrors(list, table, made.errors, terminal);
  const bytes = Buffer.from(made.text);
  const loaded = readConfig(file, { forRunning: true, bytes });
  if ('errors' in loaded) {
    const { ofList, others } = sortOut(loaded.errors, made.origins, file, bytes);
    const status = tellErrors(list, table, ofList, terminal);
    // What the list does not name by itself, such as a rule on a zone that goes: where it stands in what would be written.
    for (const error of others) terminal.stderr.write(`${printable(formatError(error))}\n`);
    return status;
  }
  const { missing } = made;
  if (missing.length > 0) {
    const names = missing.slice(0, TOLD_MAX).join(', ');
    terminal.stdout.write(
      remove
        ? say(`taken out: ${names}\n`, `已删除：${names}\n`)
        : say(
            `not in the list, left as they are (--remove takes them out): ${names}\n`,
            `点位表中没有，保持不变（--remove 可删除）：${names}\n`,
          ),
    );
  }
  const before = new Set((found.written.areas ?? []).map(({ id }) => id));
  for (const [i, warning] of unarmedAreas(loaded.config)) {
    if (before.has(loaded.config.areas[i]?.id ?? '')) continue;
    terminal.stdout.write(`! ${printable(say(`a new area: ${warning.en}`, `新区域：${warning.zh}`))}\n`);
  }
  return write(file, made, isTrial, terminal);
}

/** What of a list is read, where that is not all of it. */
function tellReading(list: string, table: Table, sheet: string | undefined, { stdout }: Terminal): void {
  const tell = (text: string) => stdout.write(`${printable(text)}\n`);
  if (sheet !== undefined)
    tell(say(`${list}: the sheet "${sheet}" is read`, `${list}：读取工作表“${sheet}”`));
  const passed = readHeadings(table).passed.slice(0, TOLD_MAX);
  if (passed.length > 0)
    tell(
      say(
        `${list}: these columns are passed over: ${passed.join(', ')}`,
        `${list}：以下列不导入：${passed.join('、')}`,
      ),
    );
}

/** @returns the exit status. */
export async function changePoints(
  file: string,
  device: string,
  changes: readonly string[],
  isTrial: boolean,
  terminal: Terminal,
): Promise<number> {
  const found = await writtenIn(file, terminal);
  if (found === undefined) return 1;
  const made = replaceDevice(found, device, changes);
  const loaded = readConfig(file, { forRunning: true, bytes: Buffer.from(made.text) });
  if ('errors' in loaded) {
    for (const error of loaded.errors) terminal.stderr.write(`${printable(formatError(error))}\n`);
    terminal.stderr.write(say(`${file} is as it was\n`, `${file} 未改动\n`));
    return 1;
  }
  const status = write(file, made, isTrial, terminal);
  if (status === 0 && !isTrial && made.hunks.length > 0)
    terminal.stdout.write(
      say(
        `${device} keeps its id: its history, states, zones, areas and rules are those of the new one\n`,
        `${device} 编号不变：历史、状态、防区、区域和规则由新设备继承\n`,
      ),
    );
  return status;
}

/** Shows what changes, and writes it. */
function write(
  file: string,
  { text, hunks }: { readonly text: string; readonly hunks: readonly Hunk[] },
  isTrial: boolean,
  { stdout }: Terminal,
): 0 {
  for (const { line, removed, added } of hunks) {
    stdout.write(say(`line ${line}\n`, `第 ${line} 行\n`));
    for (const one of removed) stdout.write(`- ${printable(one)}\n`);
    for (const one of added) stdout.write(`+ ${printable(one)}\n`);
  }
  if (hunks.length === 0) stdout.write(say('nothing changes\n', '没有变化\n'));
  else if (isTrial) stdout.write(say(`${file} is as it was: a dry run\n`, `${file} 未改动：仅为演练\n`));
  else {
    replaceFile(file, text);
    stdout.write(
      say(
        `${file} is written; a gateway that runs takes it up by: campus-gateway reload ${file}\n`,
        `${file} 已写入；运行中的网关生效：campus-gateway reload ${file}\n`,
      ),
    );
  }
  return 0;
}

function tellErrors(list: string, table: Table, errors: readonly PointError[], { stderr }: Terminal): 1 {
  const headings = table[rowOfHeadings(table)] ?? [];
  for (const { row, column, message } of errors.slice(0, TOLD_MAX)) {
    const known = columnOf(headings[column - 1] ?? '');
    const heading = known === undefined ? '' : headingOf(known);
    const where =
      column === 0
        ? say(`row ${row}`, `第 ${row} 行`)
        : say(
            `row ${row}, column ${letterOf(column)}${heading && ` (${heading})`}`,
            `第 ${row} 行 ${letterOf(column)} 列${heading && `（${heading}）`}`,
          );
    stderr.write(
      say(`${list}: ${where}: ${printable(message)}\n`, `${list}：${where}：${printable(message)}\n`),
    );
  }
  const more = errors.length - TOLD_MAX;
  if (more > 0) stderr.write(say(`and ${more} more\n`, `另有 ${more} 处\n`));
  stderr.write(say('nothing was changed\n', '未作任何改动\n'));
  return 1;
}

/** Errors of a config that a list would make: those of its cells, and others. */
function sortOut(
  errors: readonly ConfigError[],
  origins: readonly Origin[],
  file: string,
  bytes: Buffer,
): { readonly ofList: readonly PointError[]; readonly others: readonly ConfigError[] } {
  const yaml = readConfigFile(file, bytes);
  if ('errors' in yaml) return { ofList: [], others: errors };
  // The most exact one counts: a key before its item, for they may begin at one place.
  const places = origins
    .toSorted((a, b) => b.path.length - a.path.length)
    .map((origin) => ({ origin, place: yaml.placeOf(origin.path) }));
  const all = errors.map((error) => {
    const inLine = places.filter(({ place }) => error.file === file && place.line === error.line);
    const exact = inLine.find(({ place }) => place.column === error.column);
    // A new item of one line: what is missing in it, or a key without a column.
    const near =
      exact ?? (new Set(inLine.map(({ origin }) => origin.row)).size === 1 ? inLine.at(-1) : undefined);
    return { error, spot: near?.origin };
  });
  return {
    ofList: all
      .flatMap(({ error, spot }) => (spot === undefined ? [] : { ...spot, message: error.message }))
      .toSorted((a, b) => a.row - b.row || a.column - b.column),
    others: all.flatMap(({ error, spot }) => (spot === undefined ? error : [])),
  };
}
