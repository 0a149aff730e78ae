/** What there is and how it is: for /health, the console and the command `inventory`. */
import type { Registry } from '../../config/catalogue/actions.ts';
import type { Config } from '../../config/schema.ts';
import type { Recorder } from '../road/recorder.ts';
import { version } from '../version.ts';
import { discardsOf, type Metrics } from './metrics.ts';
import { linksOf, standingOf } from './standing.ts';
import type { Health } from './status.ts';

/** The parts that are asked. */
export interface Inventoried {
  readonly metrics: Metrics;
  readonly journal: {
    readonly condition: { readonly good: boolean };
    readonly id: string;
    /** The last new numbering since the start. */
    readonly knownAs: { readonly renumbered: object | undefined };
  };
  readonly recorder: Pick<Recorder, 'states'> & { readonly unsaved: ReadonlyMap<string, unknown> };
  /** Why the storage is low; empty: it is not. */
  readonly storage: { low(): readonly string[] };
  /** Damaged copies of the journal. */
  readonly damaged: { list(): readonly string[] };
  readonly uplinks: {
    states(): Readonly<Record<string, object>>;
    lookAtBacklog(): Promise<unknown>;
  };
  /** Certificates that platforms gave. */
  readonly enrolments: { states(): Readonly<Record<string, object>> };
  /** What came of the last reload of the config. */
  readonly reloading: { last(): object | undefined };
  /** Whether the people that rules tell can be told. */
  readonly notify: { states(): object };
  /** undefined: the config has none. */
  readonly backup: { health(): object | undefined };
  /** undefined: not heard of yet. */
  readonly devices: {
    online(device: string): boolean | undefined;
    unmapped(): object;
    lastDiscarded(): object;
  };
  /** Devices that say more than is let through at once. */
  readonly floods: { list(): readonly object[] };
  readonly arming: { state(area: string): string | undefined };
  readonly access: {
    doors(): readonly { readonly id: string; readonly state: string }[];
    credentials(): object;
    inside(): readonly unknown[];
  };
  readonly media: { pushes(): readonly object[] };
  readonly visitors: { list(): readonly { readonly stage: string }[] };
  /** RFC 3339. */
  readonly startedAt: string;
  readonly registry: Registry;
}

export function createInventory(
  /** The one in force. */
  configNow: () => Pick<Config, 'campus' | 'devices' | 'areas'>,
  of: Inventoried,
): () => Promise<Health> {
  const { registry, metrics, journal, access } = of;
  const online = (device: string) => of.devices.online(device);
  const areaState = (area: string) => of.arming.state(area);
  registry.serve({
    async inventory() {
      const config = configNow();
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
  // What was taken out of the config has states still.
  const told = () => {
    const { devices, areas } = configNow();
    const known = new Set([...devices, ...areas].map(({ id }) => id));
    const states = [...of.recorder.states.values()].filter(({ device }) => known.has(device));
    // What answered before the start, and was not heard of since, is not known to answer.
    const links = Object.entries(linksOf(states)).filter(
      ([id, { reason }]) => online(id) !== undefined || reason !== undefined,
    );
    return { links: Object.fromEntries(links), standing: standingOf(states) };
  };
  return async () => {
    await of.uplinks.lookAtBacklog();
    const config = configNow();
    return {
      // Of the gateway itself: a device, a fault or a platform that is down makes it no worse at taking alarms.
      healthy: journal.condition.good,
      details: {
        campus: config.campus.id,
        version,
        startedAt: of.startedAt,
        pid: process.pid,
        reloaded: of.reloading.last(),
        backup: of.backup.health(),
        journal: {
          ...journal.condition,
          id: journal.id,
          ...(journal.knownAs.renumbered !== undefined && { renumbered: journal.knownAs.renumbered }),
          unsaved: of.recorder.unsaved.size,
          low: of.storage.low(),
          damaged: of.damaged.list(),
        },
        uplinks: of.uplinks.states(),
        enrolments: of.enrolments.states(),
        contacts: of.notify.states(),
        devices: Object.fromEntries(config.devices.map(({ id }) => [id, online(id) ?? null])),
        ...told(),
        areas: Object.fromEntries(config.areas.map(({ id }) => [id, areaState(id)])),
        doors: Object.fromEntries(access.doors().map(({ id, state }) => [id, state])),
        cards: access.credentials(),
        inside: access.inside().length,
        pushes: of.media.pushes(),
        visitors: of.visitors.list().filter(({ stage }) => stage !== 'expected').length,
        discarded: await discardsOf(metrics),
        lastDiscarded: of.devices.lastDiscarded(),
        unmapped: of.devices.unmapped(),
        floods: of.floods.list(),
      },
    };
  };
}
