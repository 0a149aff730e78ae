/** A point list -> edits of a config. Pure: what is wrong is told by row and column, all of it at once. */
import { editYaml, type Hunk } from '../../../config/edit.ts';
import { createAreas } from './areas.ts';
import type { PointError, Table } from './list.ts';
import { createLists } from './lists.ts';
import { missingOf } from './missing.ts';
import { applyDevice, applyPanel, applyZone, checkPanels, type Points } from './point.ts';
import { type Origin, readRows, typeOfRow } from './row.ts';
import type { Written } from './rows.ts';

export interface Applied {
  readonly text: string;
  readonly hunks: readonly Hunk[];
  readonly origins: readonly Origin[];
  /** In the config, and not in the list. */
  readonly missing: readonly string[];
}

/** Devices first, whatever the order of the list: panels and zones are of them. */
const steps = [
  ['device', applyDevice],
  ['panel', applyPanel],
  ['zone', applyZone],
] as const;

/** @param text of the config. `written`: the same, read. `remove`: takes out what has no row. @throws EditError. */
export function applyList(
  table: Table,
  text: string,
  written: Written,
  { remove = false }: { readonly remove?: boolean } = {},
): Applied | { readonly errors: readonly PointError[] } {
  const errors: PointError[] = [];
  const rows = readRows(table, errors);
  if (errors.length > 0) return { errors };
  const edits = editYaml(text);
  const lists = createLists(edits, written);
  const areas = createAreas(lists, edits, written);
  const standing = (written.devices ?? []).map(
    (raw, i) => [String(raw['id']), { path: ['devices', i], raw, isNew: false }] as const,
  );
  const points: Points = { edits, lists, areas, devices: new Map(standing), seen: new Map() };
  for (const [type, apply] of steps) for (const row of rows) if (typeOfRow(row) === type) apply(row, points);
  if (errors.length === 0)
    checkPanels(points, (spot, message) => void errors.push({ row: spot.row, column: spot.column, message }));
  const missing = missingOf(points);
  if (remove) for (const one of missing) one.remove();
  lists.finish();
  if (errors.length > 0) return { errors: errors.toSorted((a, b) => a.row - b.row || a.column - b.column) };
  return { ...edits.apply(), origins: lists.origins, missing: missing.map(({ name }) => name) };
}
