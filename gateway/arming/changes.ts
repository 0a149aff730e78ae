/** What people and the timetable ask of areas: arm, disarm, bypass. */
import type { ArgumentsOf, Result } from '../../config/catalogue/actions.ts';
import type { AreaConfig } from '../../config/sections/areas.ts';
import { isSameZone } from '../../config/zones.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import type { Pass } from '../road/stage.ts';
import { aboutArea, bypassOf, isArmable, type Known, type ZoneConfig, zoneName } from './known.ts';

export interface HowToArm {
  /** Bypass zones that are open. */
  readonly force: boolean;
  /** Seconds. */
  readonly exitDelay: number;
  readonly by: string;
}

/** The zones because of which an area is not armed now; `exitDelay`: seconds. */
export const openZonesOf = (
  area: AreaConfig,
  exitDelay: number,
  known: Pick<Known, 'isBypassed'>,
  isOpen: (zone: ZoneConfig) => boolean,
): readonly ZoneConfig[] =>
  area.zones.filter(
    (zone) =>
      isArmable(zone) &&
      isOpen(zone) &&
      !known.isBypassed(area.id, zone) &&
      // A door on the way out may be open while people leave.
      !(zone.type === 'delayed' && exitDelay > 0),
  );

export function createChanges(options: {
  readonly onward: Pass;
  readonly known: Known;
  readonly isOpen: (zone: ZoneConfig) => boolean;
  /** An area was armed: its exit delay runs. */
  readonly onArmed: (area: AreaConfig) => void;
  readonly endEntry: (area: AreaConfig) => Promise<void>;
  readonly log: Log;
}) {
  const { onward, known, isOpen, onArmed, endEntry, log } = options;

  const setArmed = async (area: AreaConfig, armed: boolean, details: NonNullable<Observation['details']>) => {
    await onward(aboutArea(area.id, 'arming', { state: armed ? 'raised' : 'restored', details }));
    log.info({ area: area.id, ...details }, armed ? 'an area was armed' : 'an area was disarmed');
  };

  return {
    async arm(area: AreaConfig, { force, exitDelay, by }: HowToArm): Promise<Result> {
      if (known.stateOf(area) !== 'disarmed') return { done: true, result: { state: known.stateOf(area) } };
      const blocking = openZonesOf(area, exitDelay, known, isOpen);
      if (blocking.length > 0 && !force)
        return { done: false, reason: `zones are open: ${blocking.map(zoneName).join(', ')}` };
      for (const zone of blocking) await onward(bypassOf(area.id, zone, { forced: true, by }));
      await setArmed(area, true, { by, exitDelay });
      onArmed(area);
      return { done: true, result: { state: known.stateOf(area), bypassed: blocking.map(zoneName) } };
    },

    async disarm(area: AreaConfig, by: string): Promise<Result> {
      if (known.stateOf(area) !== 'disarmed') await setArmed(area, false, { by });
      await endEntry(area);
      // What was bypassed to arm it is looked at again the next time.
      for (const zone of area.zones) {
        const bypass = known.latest(bypassOf(area.id, zone));
        const forced = (bypass?.event.data['details'] as { forced?: boolean } | undefined)?.forced === true;
        if (bypass?.raised === true && forced)
          await onward({ ...bypassOf(area.id, zone, { by }), state: 'restored' });
      }
      return { done: true, result: { state: 'disarmed' } };
    },

    async bypass(area: AreaConfig, on: boolean, wanted: ArgumentsOf<'bypass'>): Promise<Result> {
      const [zone, ...others] = area.zones.filter((one) =>
        isSameZone({ ...wanted, account: wanted.account ?? one.account }, one),
      );
      if (zone === undefined) return { done: false, reason: `${area.id} has no zone ${zoneName(wanted)}` };
      if (others.length > 0) {
        const names = [zone, ...others].map(zoneName).join(', ');
        return { done: false, reason: `zone ${zoneName(wanted)}: of which account? There are: ${names}` };
      }
      if (!isArmable(zone)) return { done: false, reason: `a ${zone.type} zone is never bypassed` };
      if (known.isBypassed(area.id, zone) !== on)
        await onward({
          ...bypassOf(area.id, zone, { by: wanted.by ?? '' }),
          state: on ? 'raised' : 'restored',
        });
      return { done: true };
    },
  };
}
export type Changes = ReturnType<typeof createChanges>;
