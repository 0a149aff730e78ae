/** Which zone is in which area, and what cameras see: as a point list says it. */
import type { Edits } from '../../../config/edit.ts';
import { say } from '../../../config/language.ts';
import { identifier } from '../../../drivers/contract/options.ts';
import type { Spot } from './list.ts';
import type { Lists } from './lists.ts';
import { NOTHING, type Row, type Target } from './row.ts';
import { refOf, type Written, type WrittenArea, type ZoneRef } from './rows.ts';

export function createAreas(lists: Lists, edits: Edits, written: Written) {
  const standing: readonly WrittenArea[] = written.areas ?? [];
  const made = new Map<string, Target>();

  /** By its id or its name; one that there is not yet comes. undefined: it was told. */
  const areaOf = (cell: string, row: Row, spot: Spot): Target | undefined => {
    const at = standing.findIndex(({ id, name }) => id === cell || name === cell);
    const found = standing[at];
    if (found !== undefined) return { path: ['areas', at], raw: found, isNew: false };
    const known = made.get(cell);
    if (known !== undefined) return known;
    if (!identifier().safeParse(cell).success)
      return row.wrong(
        'area',
        say(
          `"${cell}" can be no new area: its id has letters, digits, ".", "_" and "-" only, at most 64`,
          `“${cell}”不能作为新区域：编号只能含文字、数字、“.”、“_”、“-”，至多 64 个`,
        ),
      );
    const target = lists.add(['areas'], { id: cell }, spot);
    made.set(cell, target);
    return target;
  };
  const refsToGo = new Set<string>();
  const takeOut = (area: number, at: number) => {
    const path = ['areas', area, 'zones', at];
    if (refsToGo.has(path.join())) return;
    refsToGo.add(path.join());
    edits.remove(path);
  };

  return {
    all: standing,
    /** `type`: of the zone in its area, where the list says one. */
    place(
      zone: ZoneRef,
      {
        cell,
        before,
        type,
      }: { readonly cell: string; readonly before: string; readonly type: string | undefined },
      row: Row,
    ): void {
      const found = refOf(standing, zone);
      const isSame = cell === '' || cell === before || (found && standing[found.area]?.id === cell);
      if (isSame) {
        if (type === undefined || type === (found?.ref.type ?? 'instant')) return;
        if (found === undefined) {
          row.wrong(
            'alarms',
            say(
              'stands beside no area: zones of none always alarm',
              '未填写区域：不属于任何区域的防区始终报警',
            ),
          );
          return;
        }
        edits.set(['areas', found.area, 'zones', found.at, 'type'], type);
        lists.origins.push({ path: ['areas', found.area, 'zones', found.at, 'type'], ...row.spot('alarms') });
        return;
      }
      if (found !== undefined) takeOut(found.area, found.at);
      if (cell === NOTHING) return;
      const area = areaOf(cell, row, row.spot('area'));
      const kept = type ?? found?.ref.type;
      if (area !== undefined)
        lists.add(
          [...area.path, 'zones'],
          { ...zone, ...(kept !== undefined && { type: kept }) },
          row.spot('area'),
          area,
        );
    },
    /** The areas that a camera sees, from now on. */
    see(camera: string, cells: readonly string[], row: Row, spot: Spot): void {
      const wanted = cells.map((one) => one.trim()).filter((one) => one !== '' && one !== NOTHING);
      for (const [i, { id, name, cameras = [] }] of standing.entries()) {
        const at = cameras.indexOf(camera);
        if (at >= 0 && !wanted.includes(id) && !wanted.includes(name ?? id))
          edits.remove(['areas', i, 'cameras', at]);
      }
      for (const cell of wanted) {
        const area = areaOf(cell, row, spot);
        const path = [...(area?.path ?? []), 'cameras'];
        const isThere = ((area?.raw['cameras'] ?? []) as readonly string[]).includes(camera);
        if (area !== undefined && !isThere) lists.add(path, camera as never, spot, area);
      }
    },
    /** A device, or a zone of it, that goes is in no area. */
    forget(device: string, zone?: { readonly account?: string; readonly zone: number }): void {
      for (const [area, { zones = [], cameras = [] }] of standing.entries()) {
        for (const [at, ref] of zones.entries()) {
          const isMeant =
            zone === undefined || refOf([{ id: '', zones: [ref] }], { device, ...zone }) !== undefined;
          if (ref.device === device && isMeant) takeOut(area, at);
        }
        const at = cameras.indexOf(device);
        if (zone === undefined && at >= 0) edits.remove(['areas', area, 'cameras', at]);
      }
    },
  };
}
export type Areas = ReturnType<typeof createAreas>;
