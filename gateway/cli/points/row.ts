/** A point list as rows that can complain, by row and column. Pure. */
import { parse } from 'yaml';
import { near } from '../../../config/explain.ts';
import { say } from '../../../config/language.ts';
import type { Raw } from './address.ts';
import { type Column, columnOf, columns, headingOf, keyOfWord } from './columns.ts';
import type { Cells } from './rows.ts';
import type { Table } from './table.ts';

/** Where in the list; a column is from 1, 0: of the whole row. */
export interface Spot {
  readonly row: number;
  readonly column: number;
}
export interface PointError extends Spot {
  readonly message: string;
}
/** What the list set, and where that stands in the config that comes out. */
export interface Origin extends Spot {
  readonly path: readonly (string | number)[];
}
/** A thing of the config: one that is there, or one that comes. */
export interface Target {
  readonly path: readonly (string | number)[];
  /** As it stands, or as it is made. */
  readonly raw: Raw;
  readonly isNew: boolean;
}

/** Stands for: take it out. An empty cell changes nothing. */
export const NOTHING = '-';

/** One row, and how to complain of it. */
export interface Row {
  readonly cells: Cells;
  readonly row: number;
  spot(column?: Column): Spot;
  wrong(column: Column | undefined, message: string): undefined;
}

/** @param errors get what is wrong with the headings. */
export function readRows([headings = [], ...others]: Table, errors: PointError[]): readonly Row[] {
  const at = new Map<Column, number>();
  for (const [i, heading] of headings.entries()) {
    if (heading === '') continue;
    const spot = { row: 1, column: i + 1 };
    const column = columnOf(heading);
    const names = columns.map(headingOf);
    if (column === undefined)
      errors.push({
        ...spot,
        message: say(
          `"${heading}" is no column of a point list${near(heading, names)}; there are: ${names.join(', ')}`,
          `“${heading}”不是点位表的列${near(heading, names)}；可用：${names.join('、')}`,
        ),
      });
    else if (at.has(column))
      errors.push({ ...spot, message: say(`"${heading}" stands here twice`, `“${heading}”列重复`) });
    else at.set(column, i);
  }
  if (!at.has('device') && errors.length === 0)
    errors.push({
      row: 1,
      column: 0,
      message: say(
        `the first row has no heading "${headingOf('device')}": it names the columns`,
        `首行没有“${headingOf('device')}”列：首行应为列名`,
      ),
    });
  return others.flatMap((cells, i): Row[] => {
    if (cells.every((cell) => cell === '')) return [];
    const row = i + 2;
    const spot = (column?: Column): Spot => ({
      row,
      column: column === undefined ? 0 : (at.get(column) ?? -1) + 1,
    });
    return [
      {
        row,
        spot,
        cells: Object.fromEntries([...at].map(([column, k]) => [column, cells[k] ?? ''])),
        wrong: (column, message) => void errors.push({ ...spot(column), message }),
      },
    ];
  });
}

/** By its word, else by what stands in it. */
export function typeOfRow({
  cells: { type = '', zone = '', account = '' },
}: Row): 'device' | 'panel' | 'zone' {
  const word = keyOfWord('type', type);
  if (word === 'zone' || word === 'panel') return word;
  if (word !== undefined) return 'device';
  return zone !== '' ? 'zone' : account !== '' ? 'panel' : 'device';
}

export const wholeNumber = (cell: string): number | undefined =>
  /^\d{1,5}$/.test(cell) ? Number(cell) : undefined;
export const noNumber = (cell: string) => say(`"${cell}": a whole number is needed`, `“${cell}”：须为整数`);

/** The cell of all other options: a mapping of YAML, with or without its braces. A text: what is wrong. */
export function readOptions(cell: string, own: readonly string[]): Raw | string {
  let value: unknown;
  try {
    value = parse(cell.startsWith('{') ? cell : `{ ${cell} }`);
  } catch (error) {
    return say(
      `no mapping such as { format: rdm6300 }: ${(error as Error).message.split('\n')[0]}`,
      `应为 { format: rdm6300 } 形式：${(error as Error).message.split('\n')[0]}`,
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return say('write a mapping such as { format: rdm6300 }', '请写成 { format: rdm6300 } 形式');
  const strange = Object.keys(value).find((key) => own.includes(key));
  if (strange !== undefined)
    return say(`${strange} has a column of its own, or rows`, `${strange} 有单独的列或行`);
  return value as Raw;
}
