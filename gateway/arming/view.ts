/** Areas as people look at them: what runs out when, what is open, what is bypassed, and what the schedule does next. Pure. */
import type { AreaConfig } from '../../config/sections/areas.ts';
import { zoneKey } from '../../config/zones.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { openZonesOf } from './changes.ts';
import { type AreaState, aboutArea, bypassOf, isArmable, type Known, type ZoneConfig } from './known.ts';
import type { Plan } from './plan.ts';
import type { Transition } from './schedule.ts';

export interface ZoneView {
  readonly device: string;
  readonly account?: string;
  readonly zone: number;
  readonly type: ZoneConfig['type'];
  /** Whether it alarms only while the area is armed, and may be bypassed. */
  readonly armable: boolean;
  /** As far as its device has said since the start. */
  readonly open: boolean;
  /** The area is not armed because of it, unless it is bypassed. */
  readonly blocks: boolean;
  /** `forced`: by who armed the area; it ends when that is disarmed. */
  readonly bypassed?: { readonly by: string; readonly forced: boolean };
}

export interface AreaView {
  readonly id: string;
  readonly name?: string;
  readonly state: AreaState;
  /** Of the delay of entry or exit that runs: how much is left of it, ms. */
  readonly leftMs?: number;
  /** The whole delays of the config, ms. */
  readonly exitDelayMs: number;
  readonly entryDelayMs: number;
  /** Since when it is armed or not, RFC 3339, and by whom; undefined: since ever. */
  readonly since?: string;
  readonly by?: string;
  /** The zone that began the entry delay: somebody came in by it, or it was left open. */
  readonly entry?: { readonly device: string; readonly zone: number; readonly zoneName?: string };
  readonly zones: readonly ZoneView[];
  readonly cameras: readonly string[];
  /** Its schedule could not arm it: why, and since when, RFC 3339. */
  readonly notArmed?: { readonly since: string; readonly reason: string };
  readonly next?: Transition;
}

interface Details {
  readonly by?: string;
  readonly forced?: boolean;
  readonly device?: string;
  readonly zone?: number;
  readonly zoneName?: string;
}

export interface AreaViewContext {
  readonly known: Known;
  /** What zones said last that are open, by `zoneKey`. */
  readonly open: ReadonlyMap<string, Observation>;
  /** What is left of an entry delay that runs, ms. */
  readonly entryLeftMs: (area: AreaConfig) => number | undefined;
  readonly plan: Pick<Plan, 'next'>;
}

export function viewArea(area: AreaConfig, context: AreaViewContext): AreaView {
  const { known, open, plan } = context;
  const latest = (kind: 'arming' | 'entry') => known.latest(aboutArea(area.id, kind));
  const detailsOf = (state: ReturnType<typeof latest>) => (state?.event.data['details'] ?? {}) as Details;
  const state = known.stateOf(area);
  const arming = latest('arming');
  const { by } = detailsOf(arming);
  const isOpen = (zone: ZoneConfig) => open.has(zoneKey(zone));
  const blocking = openZonesOf(area, area.exitDelay / 1000, known, isOpen);
  const leftMs = state === 'exit-delay' ? known.exitLeftMs(area) : context.entryLeftMs(area);
  const fault = known.latest({ device: area.id, kind: 'fault', cause: 'not-armed', state: 'raised' });
  const next = plan.next(area);
  const cameIn = state === 'entry-delay' ? detailsOf(latest('entry')) : {};

  const viewZone = (zone: ZoneConfig): ZoneView => {
    const bypass = known.latest(bypassOf(area.id, zone));
    const { by: byWhom = '', forced = false } = detailsOf(bypass);
    return {
      device: zone.device,
      ...(zone.account !== undefined && { account: zone.account }),
      zone: zone.zone,
      type: zone.type,
      armable: isArmable(zone),
      open: isOpen(zone),
      blocks: blocking.includes(zone),
      ...(bypass?.raised === true && { bypassed: { by: byWhom, forced } }),
    };
  };
  return {
    id: area.id,
    ...(area.name !== undefined && { name: area.name }),
    state,
    ...(leftMs !== undefined && state !== 'disarmed' && state !== 'armed' && { leftMs }),
    exitDelayMs: area.exitDelay,
    entryDelayMs: area.entryDelay,
    ...(arming !== undefined && { since: arming.event.time }),
    ...(by !== undefined && by !== '' && { by }),
    ...(cameIn.device !== undefined && {
      entry: {
        device: cameIn.device,
        zone: cameIn.zone ?? 0,
        ...(cameIn.zoneName !== undefined && { zoneName: cameIn.zoneName }),
      },
    }),
    zones: area.zones.map(viewZone),
    cameras: area.cameras,
    ...(fault?.raised === true && {
      notArmed: { since: fault.event.time, reason: String(fault.event.data['text'] ?? '') },
    }),
    ...(next !== undefined && { next }),
  };
}
