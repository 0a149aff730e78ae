/**
 * Entry delays: the time from a delayed zone to its alarm. A running one survives restarts: who cuts the power during
 * it does not win.
 */
import type { AreaConfig } from '../../config/sections/areas.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import type { Pass } from '../road/stage.ts';
import { aboutArea, type Known } from './known.ts';

export function createEntries({
  onward,
  known,
  time,
}: {
  readonly onward: Pass;
  readonly known: Known;
  readonly time: Clock;
}) {
  const running = new Map<string, { readonly timer: Timer; readonly endsAt: number }>();

  const end = async (area: AreaConfig) => {
    running.get(area.id)?.timer.stop();
    running.delete(area.id);
    if (known.isRaised(aboutArea(area.id, 'entry')))
      await onward(aboutArea(area.id, 'entry', { state: 'restored' }));
  };
  /** Waits for the rest of a delay; then it is an alarm, with the time at which the zone was tripped. */
  const run = (area: AreaConfig, alarm: Observation, ms: number) => {
    const over = async () => {
      if (known.stateOf(area) === 'disarmed') return;
      // Where the disk refuses, it goes out from memory.
      await onward(alarm).catch(() => {});
      await end(area);
    };
    const timer = time.after(ms, () => void over().catch(() => {}));
    running.set(area.id, { timer, endsAt: time.elapsed() + ms });
  };

  return {
    isRunning: (area: AreaConfig) => running.has(area.id),
    /** What is left of a running delay, ms; undefined: none runs. */
    leftMs(area: AreaConfig): number | undefined {
      const entry = running.get(area.id);
      return entry && Math.max(0, entry.endsAt - time.elapsed());
    },
    end,
    /** Somebody came in. */
    async begin(area: AreaConfig, observation: Observation, now: number): Promise<Receipt> {
      // First the alarm that will come, then the disk: who stops the disk does not stop the alarm.
      run(area, { ...observation, seen: now }, area.entryDelay);
      return await onward(aboutArea(area.id, 'entry', { details: detailsOf(observation) }));
    },
    /** After a restart. */
    resume(area: AreaConfig, now: number) {
      const entry = known.latest(aboutArea(area.id, 'entry'));
      if (entry?.raised !== true || running.has(area.id)) return;
      const seen = Date.parse(entry.event.time);
      const left = Math.min(area.entryDelay, Math.max(0, seen + area.entryDelay - now));
      run(area, { ...alarmOf(entry.event.data['details'] as EntryDetails), seen }, left);
    },
    close() {
      for (const { timer } of running.values()) timer.stop();
    },
  };
}

/** What came in, in the event about the entry: after a restart the alarm is made of it. */
interface EntryDetails extends Readonly<Record<string, string | number>> {
  readonly device: string;
  readonly kind: string;
  readonly zone: number;
}
const detailsOf = ({ device, kind, zone, cause, details }: Observation): EntryDetails => ({
  device,
  kind,
  zone: zone?.number ?? 0,
  ...(zone?.id !== undefined && { zoneId: zone.id }),
  ...(zone?.name !== undefined && { zoneName: zone.name }),
  ...(cause !== undefined && { cause }),
  // Under names of their own: the entry is the area's, whatever panel told of it.
  ...(details?.['account'] !== undefined && { zoneAccount: String(details['account']) }),
  ...(details?.['partition'] !== undefined && { zonePartition: String(details['partition']) }),
});
const alarmOf = ({ device, kind, zone, ...rest }: EntryDetails): Observation => {
  const {
    zoneId: id,
    zoneName: name,
    cause,
    zoneAccount: account,
    zonePartition: partition,
  } = rest as Readonly<Record<string, string>>;
  return {
    device,
    kind: kind as Observation['kind'],
    state: 'raised',
    zone: { number: zone, ...(id !== undefined && { id }), ...(name !== undefined && { name }) },
    ...(cause !== undefined && { cause }),
    ...(account !== undefined && {
      details: { account, ...(partition !== undefined && { partition }) },
    }),
  };
};
