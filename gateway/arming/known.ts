/** What is known of areas: the latest events about them, which survive restarts as the journal does. Pure. */
import type { AreaConfig } from '../../config/sections/areas.ts';
import type { ZoneName } from '../../config/sections/values.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { stateKeyOf } from '../road/event.ts';
import type { Recorder, State } from '../road/recorder.ts';

export type AreaState = 'disarmed' | 'exit-delay' | 'armed' | 'entry-delay';
export type ZoneConfig = AreaConfig['zones'][number];
export interface Place {
  readonly area: AreaConfig;
  readonly zone: ZoneConfig;
}

/** An observation about an area itself. */
export const aboutArea = (
  area: string,
  kind: 'arming' | 'bypass' | 'entry',
  more: Partial<Observation> = {},
): Observation => ({ device: area, kind, state: 'raised', ...more });

export const zoneName = ({ device, account, zone }: ZoneName) =>
  [device, ...(account === undefined ? [] : [account]), zone].join('/');
/** Whether it alarms only while the area is armed. */
export const isArmable = ({ type }: ZoneConfig) => type === 'instant' || type === 'delayed';
export const bypassOf = (area: string, zone: ZoneConfig, details: Observation['details'] = {}): Observation =>
  aboutArea(area, 'bypass', {
    zone: { number: zone.zone, id: zoneName(zone) },
    cause: zone.device,
    details: { ...(zone.account !== undefined && { account: zone.account }), ...details },
  });

export type Known = ReturnType<typeof knownOf>;

export function knownOf(states: Recorder['states'], now: () => number) {
  const latest = (observation: Observation): State | undefined => states.get(stateKeyOf(observation) ?? '');
  const isRaised = (observation: Observation) => latest(observation)?.raised === true;
  /** What is left of the exit delay, ms. A clock that stepped back must not leave the house open. */
  const exitLeftMs = (area: AreaConfig): number => {
    const event = latest(aboutArea(area.id, 'arming'))?.event;
    if (event === undefined) return 0;
    const { exitDelay = 0 } = (event.data['details'] ?? {}) as { exitDelay?: number };
    const left = Date.parse(event.time) + exitDelay * 1000 - now();
    return left > 0 && left <= exitDelay * 1000 ? left : 0;
  };
  return {
    latest,
    isRaised,
    exitLeftMs,
    /** Whether the zone has been armed since before what is told only now. Of when it was nobody knows better than now. */
    wasArmedAt(area: AreaConfig, zone: ZoneConfig, at: Observation['at']): boolean {
      const event = latest(aboutArea(area.id, 'arming'))?.event;
      if (event === undefined || at?.trusted !== true) return true;
      const { exitDelay = 0 } = (event.data['details'] ?? {}) as { exitDelay?: number };
      const bypass = latest(bypassOf(area.id, zone))?.event.time ?? event.time;
      return Date.parse(event.time) + exitDelay * 1000 <= at.time && Date.parse(bypass) <= at.time;
    },
    isBypassed: (area: string, zone: ZoneConfig) => isRaised(bypassOf(area, zone)),
    stateOf(area: AreaConfig): AreaState {
      if (!isRaised(aboutArea(area.id, 'arming'))) return 'disarmed';
      if (exitLeftMs(area) > 0) return 'exit-delay';
      return isRaised(aboutArea(area.id, 'entry')) ? 'entry-delay' : 'armed';
    },
  };
}
