/** What a registration's platform is told that there is: its ids and its catalogue, as they are now. */
import type { Thing } from '../../contract/inventory.ts';
import type { Session } from './answering.ts';
import { type Item, itemsOf, shownOf, typeOfThing } from './catalogue.ts';

export interface Directory {
  /** Makes the ids that are missing. Never rejects: where the disk refuses, the next time. */
  load(): Promise<void>;
  /** undefined: not all have ids yet. */
  items(): readonly Item[] | undefined;
  /** What has these digits, and the platform may know of. */
  find(id: string): Thing | undefined;
}

export function createDirectory({ own, host, ids }: Pick<Session, 'own' | 'host' | 'ids'>): Directory {
  const items = () => itemsOf({ own, ids, things: host.inventory(), campus: host.campusData() });
  return {
    async load() {
      const things = shownOf(host.inventory(), own);
      try {
        for (const type of ['camera', 'alarmInput'] as const)
          await ids.all(
            type,
            things.filter((thing) => typeOfThing(thing) === type).map(({ id }) => id),
          );
      } catch (error) {
        host.log.warn(
          { uplink: host.uplink, error: (error as Error).message },
          'what is on the campus has no ids for the platform: the disk gave none',
        );
      }
    },
    items,
    find(id) {
      const named = ids.named(id);
      return shownOf(host.inventory(), own).find(
        (thing) => thing.id === named?.name && typeOfThing(thing) === named.type,
      );
    },
  };
}
