/** Lists of the config that a point list adds to: what is there, and what comes. */
import type { Edits } from '../../../config/edit.ts';
import type { Raw } from './address.ts';
import type { Spot } from './list.ts';
import type { Origin, Target } from './row.ts';
import type { Written } from './rows.ts';

type Path = readonly (string | number)[];

export function createLists(edits: Edits, written: Written) {
  const origins: Origin[] = [];
  /** By the path of the list. */
  const fresh = new Map<
    string,
    { readonly path: Path; readonly items: Target[]; readonly holder?: Target | undefined }
  >();

  const standingAt = (path: Path): readonly Raw[] | undefined => {
    const found = path.reduce<unknown>(
      (value, part) => (value as Raw | undefined)?.[part as string],
      written,
    );
    return Array.isArray(found) ? (found as readonly Raw[]) : undefined;
  };
  const itemsAt = (path: Path, holder?: Target): readonly Target[] => [
    ...(holder?.isNew === true ? [] : (standingAt(path) ?? [])).map((raw, i) => ({
      path: [...path, i],
      raw,
      isNew: false,
    })),
    ...(fresh.get(JSON.stringify(path))?.items ?? []),
  ];
  return {
    origins,
    /** Those that stand, then those that come. `holder`: what has the list. */
    itemsAt,
    /** Adds one, which may be filled in until all are written. */
    add(path: Path, raw: Raw, spot: Spot, holder?: Target): Target {
      const key = JSON.stringify(path);
      const target = { path: [...path, itemsAt(path, holder).length], raw, isNew: true };
      const list = fresh.get(key) ?? { path, items: [], holder };
      fresh.set(key, list);
      list.items.push(target);
      origins.push({ path: target.path, ...spot });
      return target;
    },
    /** Writes what came. A list of a thing that comes itself goes with it. */
    finish(): void {
      for (const { path, items, holder } of fresh.values()) {
        if (holder?.isNew !== true) continue;
        (holder.raw as Record<string, unknown>)[String(path.at(-1))] = items.map(({ raw }) => raw);
      }
      for (const { path, items, holder } of fresh.values()) {
        if (holder?.isNew === true) continue;
        if (standingAt(path) === undefined)
          edits.set(
            path,
            items.map(({ raw }) => raw),
          );
        else for (const { raw } of items) edits.append(path, raw);
      }
    },
  };
}
export type Lists = ReturnType<typeof createLists>;
