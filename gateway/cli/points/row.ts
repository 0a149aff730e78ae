/** A point list as rows that can complain, by row and column. Pure. */
import { parse } from 'yaml';
import { say } from '../../../config/language.ts';
import type { Raw } from './address.ts';
import { type Column, keyOfWord } from './columns.ts';
import { readHeadings } from './headings.ts';
import type { PointError, Spot, Table } from './list.ts';
import type { Cells } from './rows.ts';

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
export function readRows(table: Table, errors: PointError[]): readonly Row[] {
  const { row: head, at, errors: ofHeadings } = readHeadings(table);
  errors.push(...ofHeadings);
  return table.slice(head + 1).flatMap((cells, i): Row[] => {
    if (cells.every((cell) => cell === '')) return [];
    const row = head + i + 2;
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
