/** What there is and how it is: for /health, the console and the command `inventory`. */
import type { Registry } from '../../config/catalogue/actions.ts';
import type { Config } from '../../config/schema.ts';
import { discardsOf, type Metrics } from './metrics.ts';
import type { Health } from './status.ts';

/** What is asked of the parts, each by what it is called in /health. */
export interface Inventoried {
  readonly config: Pick<Config, 'campus' | 'devices' | 'areas'>;
  readonly version: string;
  readonly startedAt: string;
  readonly metrics: Metrics;
  readonly journal: { readonly condition: { readonly good: boolean }; readonly id: string };
  readonly unsaved: ReadonlyMap<string, unknown>;
  /** Why the storage is low; empty: it is not. */
  readonly low: () => readonly string[];
  readonly uplinks: () => Readonly<Record<string, object>>;
  /** undefined: not heard of yet. */
  readonly online: (device: string) => boolean | undefined;
  readonly areaState: (area: string) => string | undefined;
  readonly access: {
    doors(): readonly { readonly id: string; readonly state: string }[];
    credentials(): object;
    inside(): readonly unknown[];
  };
  readonly pushes: () => readonly object[];
  readonly visits: () => readonly { readonly stage: string }[];
}

export function createInventory(of: Inventoried, registry: Registry): () => Promise<Health> {
  const { config, version, startedAt, metrics, journal, online, areaState, access } = of;
  registry.serve({
    async inventory() {
      const devices = config.devices.map(({ id, name, driver }) => ({
        id,
        driver,
        ...(name !== undefined && { name }),
        online: online(id) ?? null,
      }));
      const areas = config.areas.map(({ id, name }) => ({
        id,
        ...(name !== undefined && { name }),
        state: areaState(id),
      }));
      const doors = access.doors();
      return { done: true, result: { version, devices, areas, doors, cards: access.credentials() } };
    },
  });
  return async () => ({
    healthy: journal.condition.good,
    details: {
      campus: config.campus.id,
      version,
      startedAt,
      journal: { ...journal.condition, id: journal.id, unsaved: of.unsaved.size, low: of.low() },
      uplinks: of.uplinks(),
      devices: Object.fromEntries(config.devices.map(({ id }) => [id, online(id) ?? null])),
      areas: Object.fromEntries(config.areas.map(({ id }) => [id, areaState(id)])),
      doors: Object.fromEntries(access.doors().map(({ id, state }) => [id, state])),
      cards: access.credentials(),
      inside: access.inside().length,
      pushes: of.pushes(),
      visitors: of.visits().filter(({ stage }) => stage !== 'expected').length,
      discarded: await discardsOf(metrics),
    },
  });
}
