/** What stands in the config and has no row in a point list. */
import { keyOfPoint, type Points } from './point.ts';
import type { Target } from './row.ts';
import { zonesKeyOf } from './rows.ts';

export interface Missing {
  /** As people call it: `panel`, `panel 3`, `panel 1234/3`. */
  readonly name: string;
  /** Takes it out, and out of the areas. */
  remove(): void;
}

export function missingOf({ devices, lists, areas, seen, edits }: Points): readonly Missing[] {
  const isMissing = (target: Target, ...of: Parameters<typeof keyOfPoint>) =>
    !target.isNew && !seen.has(keyOfPoint(...of));
  const zonesOf = (
    device: string,
    path: Target['path'],
    holder: Target,
    account?: string,
  ): readonly Missing[] =>
    lists.itemsAt(path, holder).flatMap((target) => {
      const zone = Number(target.raw['zone']);
      if (!isMissing(target, device, account, zone)) return [];
      return {
        name: `${device} ${account === undefined ? '' : `${account}/`}${zone}`,
        remove() {
          edits.remove(target.path);
          areas.forget(device, { ...(account !== undefined && { account }), zone });
        },
      };
    });
  return [...devices].flatMap(([id, device]) => {
    if (device.isNew) return [];
    // A list of zones alone says nothing of their device.
    if (![...seen.keys()].some((key) => key.startsWith(keyOfPoint(id).slice(0, id.length + 1))))
      return {
        name: id,
        remove() {
          edits.remove(device.path);
          areas.forget(id);
        },
      };
    const key = zonesKeyOf(device.raw['driver']);
    const panels = lists.itemsAt([...device.path, 'accounts'], device);
    return [
      ...(key === undefined ? [] : zonesOf(id, [...device.path, key], device)),
      ...panels.flatMap((panel) =>
        zonesOf(id, [...panel.path, 'zones'], panel, String(panel.raw['account'])),
      ),
    ];
  });
}
