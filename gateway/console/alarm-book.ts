/**
 * The alarms that somebody has to look after, put together from the events that tell of them. An alarm stands until it
 * is restored and closed; a forced door stands until it is shut. What alarms again is the same thing: its alarms stand
 * together. Pure, and bounded: of more alarms than it holds it lets the least urgent and oldest go, and counts them.
 */
import { type Event, typePrefix } from '../../config/catalogue/events.ts';
import { createRecent } from '../lifecycle/recent.ts';
import { stateKeyOf } from '../road/event.ts';
import type { Picture, Raising } from './contract/alarms.ts';

/** One alarm of a thing. `sequence`: undefined while the disk has not taken it. */
export interface KeptRaising extends Omit<Raising, 'sequence'> {
  readonly sequence?: number | undefined;
}

/** What alarms. */
export interface Thing {
  readonly key: string;
  readonly kind: string;
  readonly cause?: string;
  readonly device: { readonly id: string; readonly name?: string };
  readonly zone?: { readonly number: number; readonly id?: string; readonly name?: string };
  readonly account?: string;
  readonly part?: string;
}
export interface KeptThing extends Thing {
  /** The oldest first. */
  readonly raisings: readonly KeptRaising[];
}
export interface Finished extends Thing {
  readonly raising: KeptRaising;
}

/** What a book has in it: another one goes on with it. */
export interface BookContent {
  readonly things: readonly KeptThing[];
  readonly finished: readonly Finished[];
  /** Alarms that stand and are not in it. */
  readonly more: number;
}

export interface AlarmBook {
  /** An event happened. `sequence`: undefined where the disk has not taken it; it comes again when it has. */
  apply(event: Event, sequence: number | undefined): void;
  readonly content: BookContent;
  /** Of all things. */
  readonly size: number;
  isActive(thing: Thing, raising: KeptRaising): boolean;
  /** Lets go of what came from memory, is not on disk and waits for it no more. */
  forgetUnsaved(waits: (id: string) => boolean): void;
  /** Lets go of what is not active and was seen before, epoch ms; of a door that was forced, whenever. */
  forgetBefore(time: number): void;
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };
interface OwnRaising extends Writable<KeptRaising> {
  pictures: Picture[];
}
interface OwnThing extends Omit<KeptThing, 'raisings'> {
  raisings: OwnRaising[];
}
interface Held {
  readonly thing: OwnThing;
  readonly raising: OwnRaising;
}

/** Those that nobody may overlook where there are too many: people, and fire. */
const PRESSING: readonly string[] = ['panic', 'duress', 'fire', 'medical', 'gas', 'forced'];
export const isPressing = ({ kind }: Pick<Thing, 'kind'>) => PRESSING.includes(kind);

/** An alarm takes about 1 KB: 2 MB. */
const HELD_MAX = 2000;
/** So many more before some are let go, all at once: to sort them costs as much for one. */
const ROOM = 200;
const OF_THING_MAX = 100;
const FINISHED_MAX = 20;
const PICTURES_MAX = 12;
const TEXT_MAX = 500;
/** Words that came from memory, and come again from the disk; as many as the recorder holds (unsaved.ts). */
const EARLY_MAX = 10_000;

const FORCED = 'forced';
const types = {
  raised: `${typePrefix}alarm.raised`,
  restored: `${typePrefix}alarm.restored`,
  cancelled: `${typePrefix}alarm.cancelled`,
  acknowledged: `${typePrefix}alarm.acknowledged`,
  confirmed: `${typePrefix}alarm.confirmed`,
  closed: `${typePrefix}alarm.closed`,
  forced: `${typePrefix}access.forced`,
  shut: `${typePrefix}access.restored`,
  media: `${typePrefix}media.kept`,
} as const;
const all: ReadonlySet<string> = new Set(Object.values(types));
/** Whether a book learns anything from events of this type. */
export const concernsAlarms = ({ type }: Pick<Event, 'type'>) => all.has(type);

interface Said {
  readonly kind: string;
  readonly cause?: string;
  readonly device: { readonly id: string; readonly name?: string };
  readonly zone?: Thing['zone'];
  readonly text?: string;
  readonly test?: Raising['test'];
  readonly details?: Readonly<Record<string, unknown>>;
  readonly picture?: string;
  readonly contentType?: string;
  readonly event?: string;
  readonly clock: { readonly source: Raising['clock']; readonly seenAt: string };
  readonly acknowledged?: Fact;
  readonly confirmed?: Fact;
  readonly closed?: Fact & Pick<NonNullable<Raising['closed']>, 'reason' | 'note'>;
}
interface Fact {
  readonly event: string;
  readonly by: string;
  readonly uplink: string;
}
const actOf = ({ by, uplink }: Fact, at: string) => ({ by, via: uplink, at });
const saidIn = (event: Event) => event.data as unknown as Said;

/** The key of the thing that an event is about, as the recorder's states have it. */
export function thingKeyOf(event: Event): string {
  const said = saidIn(event);
  return (
    stateKeyOf({ ...said, device: said.device.id } as unknown as Parameters<typeof stateKeyOf>[0]) ?? event.id
  );
}

function thingOf(key: string, event: Event): OwnThing {
  const { kind, cause, device, zone, details = {} } = saidIn(event);
  const { account, part } = details;
  return {
    key,
    kind,
    device,
    ...(cause !== undefined && { cause }),
    ...(zone !== undefined && { zone }),
    ...(account !== undefined && { account: String(account) }),
    ...(zone === undefined && part !== undefined && { part: String(part) }),
    raisings: [],
  };
}

function raisingOf(event: Event, sequence: number | undefined): OwnRaising {
  const { text, test, details, picture, device, clock } = saidIn(event);
  const repeats = details?.['repeats'];
  return {
    id: event.id,
    sequence,
    time: event.time,
    seenAt: clock.seenAt,
    clock: clock.source,
    ...(text !== undefined && { text: text.slice(0, TEXT_MAX) }),
    ...(test !== undefined && { test }),
    ...(typeof repeats === 'number' && { repeats }),
    pictures:
      picture === undefined ? [] : [{ reference: picture, contentType: 'image/jpeg', device: device.id }],
  };
}

/** The least urgent first, and of those the oldest. */
function rankOf(thing: Thing, raising: KeptRaising, isActive: boolean): number {
  const pressing = isPressing(thing) ? 8 : 0;
  const real = raising.test === undefined ? 4 : 0;
  return pressing + real + (raising.acknowledged === undefined ? 2 : 0) + (isActive ? 1 : 0);
}

/** The alarms that a book holds, by thing and by id. */
function createShelf(isActive: AlarmBook['isActive'], before: BookContent) {
  const things = new Map<string, OwnThing>();
  const byId = new Map<string, Held>();
  let { more } = before;
  const add = (thing: OwnThing, raising: OwnRaising) => {
    const known = things.get(thing.key) ?? thing;
    things.set(thing.key, known);
    known.raisings.push(raising);
    byId.set(raising.id, { thing: known, raising });
  };
  const remove = ({ thing, raising }: Held) => {
    byId.delete(raising.id);
    thing.raisings = thing.raisings.filter((one) => one !== raising);
    if (thing.raisings.length === 0) things.delete(thing.key);
  };
  const letGo = (held: Held) => {
    remove(held);
    more++;
  };
  const makeRoom = ({ key }: OwnThing) => {
    const thing = things.get(key);
    const [oldest] = thing?.raisings ?? [];
    if (thing !== undefined && oldest !== undefined && thing.raisings.length > OF_THING_MAX)
      letGo({ thing, raising: oldest });
    if (byId.size <= HELD_MAX + ROOM) return;
    const rank = ({ thing: of, raising }: Held) => rankOf(of, raising, isActive(of, raising));
    // As they came, where they are alike: sorting is stable.
    const ranked = [...byId.values()]
      .map((held) => ({ held, rank: rank(held) }))
      .sort((a, b) => a.rank - b.rank);
    for (const { held } of ranked.slice(0, byId.size - HELD_MAX)) letGo(held);
  };
  for (const { raisings, ...thing } of before.things)
    for (const raising of raisings)
      add({ ...thing, raisings: [] }, { ...raising, pictures: [...raising.pictures] });
  return {
    byId,
    of: (key: string): readonly Held[] => {
      const thing = things.get(key);
      return thing === undefined ? [] : thing.raisings.map((raising) => ({ thing, raising }));
    },
    all: () => [...things.values()],
    put(thing: OwnThing, raising: OwnRaising) {
      add(thing, raising);
      makeRoom(thing);
    },
    remove,
    get more() {
      return more;
    },
    /** One that is not here was closed. */
    noteClosed() {
      if (more > 0) more--;
    },
  };
}

/** `isRaised`: whether a thing is active now, by its key. `before`: what it begins with. */
export function createAlarmBook(
  isRaised: (key: string) => boolean,
  before: BookContent = { things: [], finished: [], more: 0 },
): AlarmBook {
  const early = createRecent<string, true>(EARLY_MAX);
  const isActive = (thing: Thing, { ended, sequence }: KeptRaising) =>
    ended === undefined && (sequence === undefined || isRaised(thing.key));
  const shelf = createShelf(isActive, before);
  let { finished } = before;

  /** It leaves where it is closed and over. */
  const settle = (held: Held) => {
    const { thing, raising } = held;
    if (raising.closed === undefined || isActive(thing, raising)) return;
    shelf.remove(held);
    const { raisings: _own, ...of } = thing;
    finished = [{ ...of, raising }, ...finished].slice(0, FINISHED_MAX);
  };
  const raise = (event: Event, sequence: number | undefined) => {
    const known = shelf.byId.get(event.id);
    if (known !== undefined) known.raising.sequence ??= sequence;
    else shelf.put(thingOf(thingKeyOf(event), event), raisingOf(event, sequence));
  };
  const end = (event: Event, how: NonNullable<Raising['ended']>['how']) => {
    for (const held of shelf.of(thingKeyOf(event))) {
      held.raising.ended ??= { at: event.time, how };
      settle(held);
    }
  };
  /** A door that was forced is shut. */
  const shut = (event: Event) => {
    if (saidIn(event).kind !== FORCED) return;
    for (const held of shelf.of(thingKeyOf(event))) shelf.remove(held);
  };
  const note = ({ time: at, data }: Event) => {
    const { acknowledged, confirmed, closed } = data as unknown as Said;
    const held = shelf.byId.get((acknowledged ?? confirmed ?? closed)?.event ?? '');
    if (held === undefined) {
      if (closed !== undefined) shelf.noteClosed();
      return;
    }
    const { raising } = held;
    if (acknowledged !== undefined) raising.acknowledged = actOf(acknowledged, at);
    if (confirmed !== undefined) raising.confirmed = { at };
    if (closed !== undefined) {
      const { reason, note: words } = closed;
      raising.closed = { ...actOf(closed, at), reason, ...(words !== undefined && { note: words }) };
    }
    settle(held);
  };
  const attach = ({ data }: Event) => {
    const { event = '', picture: reference, contentType = '', device } = data as unknown as Said;
    const pictures = shelf.byId.get(event)?.raising.pictures;
    if (reference === undefined || pictures === undefined || pictures.length >= PICTURES_MAX) return;
    if (pictures.every((one) => one.reference !== reference))
      pictures.push({ reference, contentType, device: device.id });
  };
  const later = {
    [types.restored]: (event: Event) => end(event, 'restored'),
    [types.cancelled]: (event: Event) => end(event, 'cancelled'),
    [types.shut]: shut,
    [types.media]: attach,
    [types.acknowledged]: note,
    [types.confirmed]: note,
    [types.closed]: note,
  };

  return {
    isActive,
    get size() {
      return shelf.byId.size;
    },
    get content() {
      return { things: shelf.all(), finished, more: shelf.more };
    },
    apply(event, sequence) {
      // Heard of from memory, it is old news from the disk: what was raised since it does not mean.
      const isAgain = sequence !== undefined && early.get(event.id) === true;
      if (sequence === undefined) early.set(event.id, true);
      const { type } = event;
      if (type === types.raised || type === types.forced) raise(event, sequence);
      else if (!isAgain) later[type as keyof typeof later]?.(event);
    },
    forgetBefore(time) {
      for (const held of [...shelf.byId.values()])
        if (
          (held.thing.kind === FORCED || Date.parse(held.raising.seenAt) < time) &&
          !isActive(held.thing, held.raising)
        )
          shelf.remove(held);
    },
    forgetUnsaved(waits) {
      for (const held of [...shelf.byId.values()])
        if (held.raising.sequence === undefined && !waits(held.raising.id)) shelf.remove(held);
    },
  };
}
