/** One thing that one contact is to be told, from when a rule asks for it until it was told or need not be. */
import { type Event, type EventType, laneOf, typePrefix } from '../../config/catalogue/events.ts';

/** Why it is told: the event alone, nobody took the alarm, or no platform is there. */
export type When = 'at-once' | 'unacknowledged' | 'platforms-away';

/** What is kept of the event: ids and the words of the config, and of persons only what its contact may be told. */
export interface Fact {
  readonly event: string;
  /** undefined: it is not on disk yet. */
  readonly sequence?: number | undefined;
  readonly type: EventType;
  readonly kind?: string | undefined;
  readonly cause?: string | undefined;
  readonly device?: string | undefined;
  readonly deviceName?: string | undefined;
  readonly zone?: string | undefined;
  readonly area?: string | undefined;
  /** Where that is, as the point list says. */
  readonly place?: string | undefined;
  /** RFC 3339: when it happened. */
  readonly time: string;
  /** Ids of persons, for the school's list of names; the name of a visitor. */
  readonly persons?: readonly string[] | undefined;
  readonly visitor?: string | undefined;
}

export interface Entry {
  /** The event, the rule, which of its `notify`, the contact: the same is told once. */
  readonly id: string;
  readonly contact: string;
  readonly rule: string;
  readonly when: When;
  /** How long nobody took the alarm, or no platform was there, before it is told, ms. */
  readonly waitMs: number;
  /** When the rule asked, epoch ms. */
  readonly at: number;
  readonly fact: Fact;
}

export const isUrgent = ({ fact }: Pick<Entry, 'fact'>): boolean => laneOf(fact.type) === 'urgent';

/** What people press or cannot see coming: told before what a fence says all night, and the last to go for want of room. */
const PRESSING: readonly (string | undefined)[] = ['panic', 'duress', 'fire', 'medical', 'gas', 'forced'];

/** The more, the sooner it is told. */
export function pressureOf(entry: Pick<Entry, 'fact'>): number {
  if (!isUrgent(entry)) return 0;
  return PRESSING.includes(entry.fact.kind) ? 2 : 1;
}

/** What the text of an event is made from. `persons`: whether persons may be named. */
export function factOf(
  event: Event,
  sequence: number | undefined,
  of: { readonly persons: boolean; readonly area: string | undefined; readonly place: string | undefined },
): Fact {
  const data = event.data as {
    kind?: string;
    cause?: string;
    device?: { id: string; name?: string };
    zone?: { number: number; name?: string };
    access?: { holder?: string; children?: readonly string[] };
    visit?: { name?: string };
  };
  const { device, zone, access = {}, visit } = data;
  const persons = [...(access.holder === undefined ? [] : [access.holder]), ...(access.children ?? [])];
  return {
    event: event.id,
    sequence,
    type: event.type.slice(typePrefix.length) as EventType,
    kind: data.kind,
    cause: data.cause,
    device: device?.id,
    deviceName: device?.name,
    zone: zone === undefined ? undefined : (zone.name ?? String(zone.number)),
    area: of.area,
    place: of.place,
    time: event.time,
    ...(of.persons && persons.length > 0 && { persons }),
    ...(of.persons && visit?.name !== undefined && { visitor: visit.name }),
  };
}
