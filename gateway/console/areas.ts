/** Areas as arming has them, with the names of their zones, and with what stands at their devices. */
import { type ListedZone, listZones, zoneKey } from '../../config/zones.ts';
import type { Area, AreaZone, Calendar } from './contract/areas.ts';
import type { Troubles } from './troubles.ts';

type What = 'arm' | 'disarm';
/** What arming knows of a zone, and of an area; `at`: epoch ms. */
type ZoneNow = Omit<AreaZone, 'id' | 'name' | 'kind' | 'alarm' | 'troubles'>;
type AreaNow = Readonly<Omit<Area, 'zones' | 'troubles' | 'cameras' | 'next'>> & {
  readonly zones: readonly Readonly<ZoneNow>[];
  readonly cameras: readonly string[];
  readonly next?: { readonly at: number; readonly do: What };
};
interface DayNow {
  readonly date: string;
  readonly school: boolean;
  readonly holiday?: string;
  readonly makeUp?: true;
  readonly transitions: readonly { readonly area: string; readonly at: number; readonly do: What }[];
}

/** What the pages ask of arming. */
export interface ArmingNow {
  areas(): readonly AreaNow[];
  /** By how many days it is ahead of today. */
  plannedDay(ahead: number): DayNow;
}

/** What the config calls zones, by their `zoneKey`. */
export type ZoneNames = ReadonlyMap<string, Pick<ListedZone, 'id' | 'kind' | 'name'>>;

export const zoneNamesOf = (
  devices: readonly { readonly id: string; readonly options: unknown }[],
): ZoneNames =>
  new Map(
    devices.flatMap((device) =>
      listZones(device as Parameters<typeof listZones>[0]).map(
        (one) => [zoneKey({ device: device.id, ...one }), one] as const,
      ),
    ),
  );

const iso = (ms: number) => new Date(ms).toISOString();

export function areasOf(arming: ArmingNow, names: ZoneNames, troubles: Troubles): Area[] {
  const zoneOf = (zone: Readonly<ZoneNow>): AreaZone => {
    const key = zoneKey(zone);
    const { id, name, kind } = names.get(key) ?? {};
    return {
      ...zone,
      ...(id !== undefined && { id }),
      ...(name !== undefined && { name }),
      ...(kind !== undefined && { kind }),
      alarm: troubles.hasAlarm(key),
      troubles: [...troubles.atZone(key)],
    };
  };
  return arming.areas().map(({ next, ...area }) => {
    // Each panel of a receiver once.
    const panels = new Map(area.zones.map((zone) => [`${zone.device}\n${zone.account ?? ''}`, zone]));
    return {
      ...area,
      cameras: [...area.cameras],
      zones: area.zones.map(zoneOf),
      troubles: [...panels.values()].flatMap(({ device, account }) =>
        troubles.ofDevice(device, account).map((one) => ({ device, ...one })),
      ),
      ...(next !== undefined && { next: { at: iso(next.at), do: next.do } }),
    };
  });
}

/** A day at a time: a gateway has other things to do between two. */
export async function calendarOf(arming: ArmingNow, timezone: string, count: number): Promise<Calendar> {
  const days: Calendar['days'] = [];
  for (let ahead = 0; ahead < count; ahead++) {
    const { transitions, ...day } = arming.plannedDay(ahead);
    days.push({ ...day, transitions: transitions.map((one) => ({ ...one, at: iso(one.at) })) });
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { timezone, days };
}
