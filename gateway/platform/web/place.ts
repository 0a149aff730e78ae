/** Where an alarm is, in the words of its campus. */
import { t } from '../../console/web/kit/words.ts';
import { words } from '../../console/web/words/alarms.ts';
import type { AlarmView, CampusView } from '../views.ts';

/** Area, device and zone, as far as they are known. */
export const placeOf = ({ area, device, zone }: Pick<AlarmView, 'area' | 'device' | 'zone'>): string =>
  [
    area && (area.name ?? area.id),
    device.name ?? device.id,
    zone && (zone.name ?? zone.id ?? (zone.number === undefined ? '' : t(words.zone, { n: zone.number }))),
  ]
    .filter(Boolean)
    .join(' · ');

export const nameOf = ({ id, name }: Pick<CampusView, 'id' | 'name'>): string => name ?? id;
