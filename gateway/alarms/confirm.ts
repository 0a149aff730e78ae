import { type Event, readEvent, typePrefix } from '../../config/catalogue/events.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Lane } from '../../drivers/contract/lane.ts';
import type { Commands } from '../commands/index.ts';
import type { Journal } from '../journal/index.ts';

/** Of what a platform confirms at once, the newest alarms, whose devices are told: older ones are history. */
const MAX_TOLD = 100;

/**
 * Tells platforms' words to devices: a panic alarm that the police have, or that an operator took, lights the lamp
 * of the device that raised it.
 */
export function confirmToDevices(
  journal: Pick<Journal, 'readBack'>,
  { askPart }: Pick<Commands, 'askPart'>,
  log: Log,
) {
  const confirm = (
    alarm: Event,
    details: { readonly stage: 'platform' | 'operator'; readonly uplink: string },
  ) => {
    const { kind, device } = alarm.data as { kind: string; device: { id: string } };
    if (kind !== 'panic' && kind !== 'duress') return;
    void askPart('confirm', device.id, { event: alarm.id, ...details }).then(({ reason }) =>
      log.info({ device: device.id, event: alarm.id, ...details, reason }, 'a panic alarm was acknowledged'),
    );
  };
  const confirmAll = async (uplink: string, from: number, to: number) => {
    const entries = await journal.readBack('urgent', to + 1, Math.min(to - from, MAX_TOLD));
    for (const { sequence, type, body } of entries) {
      const event = sequence > from && type === 'alarm.raised' ? readEvent(body) : undefined;
      if (event !== undefined) confirm(event, { stage: 'platform', uplink });
    }
  };
  return {
    /** A platform has everything of a lane after `from` and up to `to`. */
    onReceived(uplink: string, lane: Lane, from: number, to: number) {
      if (lane === 'urgent') confirmAll(uplink, from, to).catch(() => {});
    },
    onRecorded(event: Event) {
      if (event.type !== `${typePrefix}alarm.acknowledged`) return;
      const { event: id, uplink } = event.data['acknowledged'] as { event: string; uplink: string };
      confirm({ ...event, id }, { stage: 'operator', uplink });
    },
  };
}
