/** A second zone, or a camera, confirms an alarm. */
import { type Event, typePrefix } from '../../config/catalogue/events.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import { type AlarmKind, isZoneAlarmKind, type Observation } from '../../drivers/contract/observation.ts';
import type { Recorder } from '../road/recorder.ts';

/** IEC 62642-1 calls an alarm confirmed that a second, independent detector tells within 30 to 60 minutes. */
const CONFIRM_MS = 30 * 60_000;
/** What a camera sees later than that may be somebody else. */
const SEEN_WITHIN_MS = 2 * 60_000;
const sightings = [
  'video.motion',
  'video.line-crossed',
  'video.zone-entered',
  'video.person',
  'video.face',
  'video.loitering',
].map((type) => typePrefix + type);

/** @returns what follows the events that are on disk or on their way there. */
export function createConfirmation(options: {
  readonly recordFollowUp: Recorder['recordFollowUp'];
  readonly areaOf: (device: string, zone: number | undefined, account?: unknown) => string | undefined;
  readonly areasSeenBy: (camera: string) => readonly string[];
  readonly time: Clock;
}): (event: Event) => void {
  const { recordFollowUp, areaOf, areasSeenBy, time } = options;
  /** The last alarm of each area. */
  const latest = new Map<string, { readonly event: Event; readonly zone: string; readonly at: number }>();

  /** An alarm is confirmed once, by whoever is first. */
  const confirm = (alarm: Event, by: Event) =>
    void recordFollowUp(alarm, 'alarm.confirmed', { event: alarm.id, by: by.id }).catch(() => {});
  const onSeen = (event: Event, camera: string) => {
    for (const area of areasSeenBy(camera)) {
      const alarm = latest.get(area);
      if (alarm !== undefined && time.elapsed() - alarm.at < SEEN_WITHIN_MS) confirm(alarm.event, event);
    }
  };
  return (event) => {
    const { kind, device, zone, test, details } = event.data as {
      kind: AlarmKind;
      device: { id: string };
      zone?: { number: number };
      test?: string;
      details?: Observation['details'];
    };
    if (sightings.includes(event.type) && event.data['state'] === 'raised') return onSeen(event, device.id);
    if (zone === undefined || !isZoneAlarmKind(kind)) return;
    // One panel, and one partition of it, is no neighbour of another one.
    const panel = [device.id, details?.['account'] ?? '', details?.['partition'] ?? ''].join('/');
    const place = areaOf(device.id, zone.number, details?.['account']) ?? panel;
    const before = latest.get(place);
    const own = { event, zone: `${panel}/${zone.number}`, at: time.elapsed() };
    // Somebody was there who may be.
    if (event.type === `${typePrefix}alarm.cancelled` && before?.zone === own.zone) latest.delete(place);
    if (event.type !== `${typePrefix}alarm.raised` || test !== undefined) return;
    const confirms = before !== undefined && before.zone !== own.zone && own.at - before.at < CONFIRM_MS;
    // Who is confirmed is confirmed once; the one that confirms can be confirmed by a third.
    latest.set(place, own);
    if (confirms) confirm(before.event, event);
  };
}
