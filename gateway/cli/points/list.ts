/** What a point list is before it is understood, and where in it something stands. */

/** Rows of cells, trimmed. Row n of a spreadsheet is item n - 1; which one has the headings: headings.ts. */
export type Table = readonly (readonly string[])[];

/** Where in the list; a column is from 1, 0: of the whole row. */
export interface Spot {
  readonly row: number;
  readonly column: number;
}
export interface PointError extends Spot {
  readonly message: string;
}
