/** Which row of a point list names its columns, and what stands in each: lists have titles above it and columns for people. Pure. */
import { distance } from 'fastest-levenshtein';
import { say } from '../../../config/language.ts';
import { type Column, columnOf, columns, headingOf, isForPeople, letterOf, namesOf } from './columns.ts';
import type { PointError, Table } from './list.ts';

/** A title, whose campus, who made it and when: lists have a few rows of that. */
const LOOKED_AT = 20;
/** The one column that each list needs. */
const NEEDED: Column = 'device';

/**
 * How much a row is that of the headings: of how many columns there are headings in it, and the one that is needed weighs
 * twice. 0: of fewer than two, as a title or a row of values has by chance.
 */
export function weightOf(row: readonly string[]): number {
  const known = new Set(row.map(columnOf).filter((column) => column !== undefined));
  return known.size < 2 ? 0 : known.size + (known.has(NEEDED) ? 1 : 0);
}

/** Whether a list begins in these rows. */
export function hasHeadings(table: Table): boolean {
  const row = table[rowOfHeadings(table)] ?? [];
  return weightOf(row) > 0 && row.some((cell) => columnOf(cell) === NEEDED);
}

/**
 * The index of the row of the headings: the first of those that have most of them, for a row above it may have some, too, over
 * groups of columns. Where none has, the first one in which something stands.
 */
export function rowOfHeadings(table: Table): number {
  const weights = table.slice(0, LOOKED_AT).map(weightOf);
  const most = Math.max(0, ...weights);
  const found = most > 0 ? weights.indexOf(most) : table.findIndex((row) => row.some((cell) => cell !== ''));
  return Math.max(0, found);
}

export interface Headings {
  /** The index of their row. */
  readonly row: number;
  /** The index of each column. */
  readonly at: ReadonlyMap<Column, number>;
  /** What is not taken, for a sentence: `A (序号)`. */
  readonly passed: readonly string[];
  readonly errors: readonly PointError[];
}

export function readHeadings(table: Table): Headings {
  const row = rowOfHeadings(table);
  const headings = table[row] ?? [];
  const at = new Map<Column, number>();
  const passed = new Map<number, string>();
  const errors: PointError[] = [];
  for (const [i, heading] of headings.entries()) {
    if (heading === '') continue;
    const column = columnOf(heading);
    const wrong = (message: string) => errors.push({ row: row + 1, column: i + 1, message });
    if (column !== undefined && !at.has(column)) at.set(column, i);
    else if (column !== undefined) wrong(twice(column, headings, at.get(column) ?? i, i));
    else if (isForPeople(heading)) passed.set(i, heading);
    else wrong(unknown(heading, letterOf(i + 1)));
  }
  for (const cells of table.slice(row + 1))
    for (const [i, cell] of cells.entries())
      if (cell !== '' && (headings[i] ?? '') === '') passed.set(i, say('no heading', '无列名'));
  if (!at.has(NEEDED) && errors.length === 0)
    errors.push({
      row: row + 1,
      column: 0,
      message: say(
        `there is no heading "${headingOf(NEEDED)}": the row that names the columns needs it`,
        `没有“${headingOf(NEEDED)}”列：列名所在行须有此列`,
      ),
    });
  const inOrder = [...passed].sort(([a], [b]) => a - b);
  return { row, at, passed: inOrder.map(([i, what]) => `${letterOf(i + 1)} (${what})`), errors };
}

/** Two headings of one column. */
function twice(column: Column, headings: readonly string[], first: number, second: number): string {
  const [one, other] = [first, second].map((i) => ({ letter: letterOf(i + 1), heading: headings[i] }));
  return say(
    `columns ${one?.letter} ("${one?.heading}") and ${other?.letter} ("${other?.heading}") are both ${headingOf(column)}: remove one of them`,
    `${one?.letter} 列“${one?.heading}”与 ${other?.letter} 列“${other?.heading}”都是“${headingOf(column)}”：请删除其一`,
  );
}

function unknown(heading: string, letter: string): string {
  const meant = nearest(heading);
  const names = columns.map(headingOf);
  const didYou =
    meant === undefined
      ? say(';', '；请')
      : say(`; did you mean ${meant}?; otherwise`, `（是不是 ${meant}？）；否则请`);
  return say(
    `"${heading}" is no column of a point list${didYou} remove column ${letter}, or name it as one of: ${names.join(', ')}`,
    `“${heading}”不是点位表的列${didYou}删除 ${letter} 列，或改为下列名称之一：${names.join('、')}`,
  );
}

/** The heading that is meant; undefined: none is near, or several are. Of two characters one is half: 序号 is not 站号. */
function nearest(heading: string): string | undefined {
  const near = columns.flatMap((column) =>
    namesOf(column).flatMap((name) => {
      const apart = distance(heading.toLowerCase(), name);
      const isNear = apart <= Math.floor(Math.max(heading.length, name.length) / 3);
      // Who shortens a heading leaves out its end.
      return isNear ? { column, apart: name.startsWith(heading) ? 0 : apart } : [];
    }),
  );
  const least = Math.min(...near.map(({ apart }) => apart));
  const meant = new Set(near.filter(({ apart }) => apart === least).map(({ column }) => column));
  const [column] = meant;
  return meant.size === 1 && column !== undefined ? headingOf(column) : undefined;
}
