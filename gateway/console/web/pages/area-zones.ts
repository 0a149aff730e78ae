/** Which zones of an area a page names, and how. */
import type { Area, AreaZone } from '../../contract/areas.ts';
import { nameOf } from '../kit/me.ts';

export const zoneName = ({ name, id, device, account, zone }: AreaZone): string =>
  name ?? id ?? [nameOf(device), account, zone].filter((one) => one !== undefined).join(' ');

/** Those that do not alarm although the area is armed, or will be. */
export const bypassedIn = ({ state, zones }: Area): readonly AreaZone[] =>
  state === 'disarmed' ? [] : zones.filter(({ bypassed }) => bypassed !== undefined);

/** Those that are to be shut before the exit delay is over. */
export const stillOpenIn = ({ state, zones }: Area): readonly AreaZone[] =>
  state === 'exit-delay'
    ? zones.filter(({ open, armable, bypassed }) => open && armable && bypassed === undefined)
    : [];
