/** What there is to be tried on a walk: each zone, button, door, reader and camera of the config, once. Pure. */
import { type Event, typePrefix } from '../../config/catalogue/events.ts';
import type { Config } from '../../config/schema.ts';
import { camerasIn } from '../../config/things.ts';
import { type ListedZone, listZones, type ZonePlace, zoneKey } from '../../config/zones.ts';
import { isAlarmKind, type Observation, type ObservationKind } from '../../drivers/contract/observation.ts';

export const pointKinds = ['button', 'zone', 'door', 'exit', 'reader', 'camera', 'device'] as const;
/**
 * - `button`: a zone that somebody presses for help; `zone`: any other zone that alarms.
 * - `door`: the contact of a door, or, of a door without one, a card that opens it; `exit`: the button beside it.
 * - `device`: one of which the config lists no zones: anything that it says.
 */
export type PointKind = (typeof pointKinds)[number];

export interface Point {
  /** Stays the same while the config calls it so: `zone/panel/1234/9`, `reader/gate-reader`. */
  readonly id: string;
  readonly kind: PointKind;
  readonly device: string;
  readonly account?: string | undefined;
  readonly zone?: number | undefined;
  /** What the config says that the zone tells: an alarm kind, `contact`, `exit-request`. */
  readonly detects?: string | undefined;
  /** For people; where the config has none, what it calls it. */
  readonly name: string;
  /** The areas that it belongs to, or that it sees. */
  readonly areas: readonly string[];
}

const BUTTONS: readonly (string | undefined)[] = ['panic', 'duress', 'medical'];

function kindOf({ kind }: ListedZone, type: string | undefined): PointKind {
  if (kind === 'contact') return 'door';
  if (kind === 'exit-request') return 'exit';
  return BUTTONS.includes(kind) || type === 'panic' ? 'button' : 'zone';
}

type Part = Pick<Config, 'devices' | 'areas' | 'access'>;

/** In the order of the config, device by device. */
export function listPoints({ devices, areas, access }: Part): readonly Point[] {
  const areasOf = new Map<string, { readonly id: string; readonly type: string }[]>();
  for (const { id, zones } of areas)
    for (const zone of zones) {
      const key = zoneKey(zone);
      areasOf.set(key, [...(areasOf.get(key) ?? []), { id, type: zone.type }]);
    }
  const doorAt = new Map(
    access.doors.flatMap((door) =>
      door.contact === undefined ? [] : [[zoneKey(door.contact), door] as const],
    ),
  );
  const readers = new Set(access.doors.flatMap(({ reader }) => reader));
  const cameras = new Set(camerasIn({ devices }).map(({ id }) => id));
  const points = devices.flatMap((one): Point[] => {
    const { id: device, name = device } = one;
    const zones = listZones(one).map((zone): Point => {
      const key = zoneKey({ device, zone: zone.zone, account: zone.account });
      const known = areasOf.get(key) ?? [];
      const door = doorAt.get(key);
      const own = [name, zone.account, zone.id ?? zone.zone].filter((part) => part !== undefined).join(' ');
      return {
        id: ['zone', device, zone.account, zone.zone].filter((part) => part !== undefined).join('/'),
        kind: kindOf(zone, known[0]?.type),
        ...{ device, account: zone.account, zone: zone.zone, detects: zone.kind },
        name: zone.name ?? door?.name ?? own,
        areas: known.map(({ id }) => id),
      };
    });
    const seenBy = areas.filter((area) => area.cameras.includes(device)).map(({ id }) => id);
    const whole = (kind: PointKind): Point => ({
      id: `${kind}/${device}`,
      kind,
      device,
      name,
      areas: seenBy,
    });
    return [
      ...zones,
      ...(readers.has(device) ? [whole('reader')] : []),
      ...(cameras.has(device) ? [whole('camera')] : []),
      ...(zones.length === 0 && !readers.has(device) && !cameras.has(device) ? [whole('device')] : []),
    ];
  });
  const doors = access.doors.flatMap(({ id, name = id, contact, reader }): Point[] =>
    contact === undefined
      ? [{ id: `door/${id}`, kind: 'door', device: reader[0] ?? '', name, areas: [] }]
      : [],
  );
  return [...points, ...doors];
}

/** What says nothing about whether a point works. */
const ASIDE: readonly ObservationKind[] = [
  ...(['arming', 'bypass', 'cancel', 'lockdown', 'link', 'entry', 'test', 'notice'] as const),
  ...(['fault', 'battery', 'power', 'forced', 'held'] as const),
];

export interface Found {
  readonly point?: Point;
  /** It came from a place that the config does not list. */
  readonly stranger?: ZonePlace;
}

export interface Finder {
  /** What an observation tried. */
  find(observation: Observation): Found;
  /** What only an event tells of: a door without a contact that a card opened, a picture that was taken. */
  findInEvent(event: Event): Point | undefined;
}

export function createFinder(points: readonly Point[]): Finder {
  const zones = new Map<string, Point>();
  const byId = new Map(points.map((point) => [point.id, point]));
  for (const point of points)
    if (point.zone !== undefined)
      zones.set(zoneKey({ device: point.device, zone: point.zone, account: point.account }), point);
  const whole = (device: string, ...kinds: readonly PointKind[]) => {
    const found = kinds.map((kind) => byId.get(`${kind}/${device}`)).find((point) => point !== undefined);
    return found === undefined ? {} : { point: found };
  };
  const find: Finder['find'] = ({ device, kind, state, zone, details, initial }) => {
    // How it was found when its line was opened is no trial of it.
    if (state !== 'raised' || initial === true || ASIDE.includes(kind)) return {};
    if (kind === 'credential' || kind === 'visit') return whole(device, 'reader', 'device');
    if (kind === 'video') return whole(device, 'camera', 'device');
    const account = details?.['account'];
    const place = { device, zone: zone?.number, account };
    const point = zone === undefined ? undefined : zones.get(zoneKey(place));
    // The lid of a detector was opened: that is no trial of what it detects.
    if (point !== undefined) return kind === 'tamper' && point.detects !== 'tamper' ? {} : { point };
    const own = whole(device, 'device');
    if (own.point !== undefined) return own;
    return zone === undefined || !(isAlarmKind(kind) || kind === 'contact' || kind === 'exit-request')
      ? {}
      : { stranger: place };
  };
  return {
    find,
    findInEvent({ type, data }) {
      const { device, access } = data as {
        readonly device?: { id: string };
        readonly access?: { door: string };
      };
      if (type === `${typePrefix}media.kept`) return byId.get(`camera/${device?.id}`);
      const isGranted = type === `${typePrefix}access.granted` || type === `${typePrefix}access.pickup`;
      return isGranted ? byId.get(`door/${access?.door}`) : undefined;
    },
  };
}
