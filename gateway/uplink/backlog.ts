/**
 * The backlog of a platform: the events that it wants and has not. That is what lies behind its cursors, what is held
 * because it was refused, and alarms that the disk has not taken and that have not left from memory. /health, the metrics,
 * the console and the watch over the storage mean this and nothing else.
 */
import type { EventType } from '../../config/catalogue/events.ts';
import { type Lane, lanes } from '../../drivers/contract/lane.ts';
import type { Held, Journal, Kind } from '../journal/index.ts';
import type { Unsaved } from '../road/recorder.ts';
import { addressOfRow, isSingleRow } from './holds.ts';
import { createTally, type Tally } from './tally.ts';

export interface Waiting {
  readonly events: number;
  /** When the oldest of them was seen, epoch ms, as far as it is on disk. */
  readonly since: number | undefined;
}

/** Where it waits. */
export interface BacklogParts {
  /** Behind the cursor of each lane. */
  readonly lanes: readonly (Waiting & { readonly lane: Lane })[];
  /** Refused, and kept for later: of each row of the journal, how many of its events the cursor has passed. */
  readonly held: readonly (Waiting & { readonly row: Held })[];
  /** Alarms that only memory has. */
  readonly unsaved: number;
}

export interface Backlog {
  /** As of the last look. What was not counted yet counts as wanted. */
  now(): Waiting;
  /** The same by lane: what is held and what only memory has counts to the lane in which it will go. */
  byLane(): Readonly<Record<Lane, Waiting>>;
  /** The same, told apart. */
  parts(): BacklogParts;
  /** Looks; resolves when that was done, whatever the disk said. */
  look(): Promise<void>;
  /** The platform is there: how it addresses events. Before the first time nobody knows. */
  meet(address: AddressOf): void;
  /** Events were removed, or the journal is another one: counts anew. */
  recount(): void;
}

export interface BacklogOptions {
  readonly uplink: string;
  readonly journal: Pick<Journal, 'kinds' | 'last' | 'position' | 'held'>;
  readonly wants: (type: EventType) => boolean;
  readonly recorder: { readonly unsaved: ReadonlyMap<string, Pick<Unsaved, 'type'>> };
  /** The ids of those that the platform took from memory. */
  readonly takenUnsaved: ReadonlySet<string>;
}

function together(places: readonly Waiting[]): Waiting {
  const times = places.flatMap(({ since }) => since ?? []);
  return {
    events: places.reduce((sum, { events }) => sum + events, 0),
    since: times.length === 0 ? undefined : Math.min(...times),
  };
}

type AddressOf = (event: Pick<Kind, 'type' | 'device'>) => string;

export function createBacklog(options: BacklogOptions): Backlog {
  const { uplink, journal, wants, recorder, takenUnsaved } = options;
  let address: AddressOf | undefined;
  let behind = new Map<Lane, Tally>();
  let held = new Map<string, Tally>();
  let looking: Promise<void> | undefined;

  const isWanted = ({ type }: Kind) => wants(type as EventType);
  /** Of what is held, the events of its address; as long as nobody can tell an address, all that is wanted. */
  const isOf =
    ({ topic }: Held) =>
    (kind: Kind) =>
      isWanted(kind) && (address === undefined || address(kind) === addressOfRow(topic));
  const isUnsent = ([id, { type }]: [string, Pick<Unsaved, 'type'>]) => wants(type) && !takenUnsaved.has(id);
  const cursor = (lane: Lane) => journal.position(uplink, lane).sequence;
  const behindOf = (lane: Lane): Waiting => {
    // What is delivered needs no look.
    if (cursor(lane) >= journal.last(lane)) return { events: 0, since: undefined };
    const tally = behind.get(lane);
    // It was never counted.
    if (tally === undefined) return { events: journal.last(lane) - cursor(lane), since: undefined };
    return { events: tally.count(isWanted), since: tally.oldest(isWanted) };
  };
  const heldOf = (one: Held): Waiting => {
    // The cursor is not over it yet: it was counted.
    if (one.first > cursor(lanes[one.lane] as Lane)) return { events: 0, since: undefined };
    if (isSingleRow(one.topic)) return { events: 1, since: one.since };
    const tally = held.get(one.topic);
    return { events: tally?.count(isOf(one)) ?? 1, since: tally?.oldest(isOf(one)) };
  };
  const lookOnce = async () => {
    const [ofLanes, ofHolds] = [behind, held];
    for (const lane of lanes) {
      const tally = ofLanes.get(lane) ?? createTally(journal, lane);
      await tally.follow(cursor(lane), Math.max(cursor(lane), journal.last(lane)));
      ofLanes.set(lane, tally);
    }
    const holds = journal.held(uplink).filter(({ topic }) => !isSingleRow(topic));
    for (const topic of ofHolds.keys()) if (!holds.some((one) => one.topic === topic)) ofHolds.delete(topic);
    for (const { topic, lane: index, first, last } of holds) {
      const lane = lanes[index] as Lane;
      const tally = ofHolds.get(topic) ?? createTally(journal, lane);
      await tally.follow(first - 1, Math.max(first - 1, Math.min(last, cursor(lane))));
      ofHolds.set(topic, tally);
    }
  };
  const parts = (): BacklogParts => ({
    lanes: lanes.map((lane) => ({ lane, ...behindOf(lane) })),
    held: journal.held(uplink).map((row) => ({ row, ...heldOf(row) })),
    unsaved: [...recorder.unsaved].filter(isUnsent).length,
  });
  const byLane = () => {
    const { lanes: ofLanes, held: ofHolds, unsaved: unsavedAlarms } = parts();
    const of = (lane: Lane): Waiting =>
      together([
        ...ofLanes.filter((one) => one.lane === lane),
        ...ofHolds.filter(({ row }) => lanes[row.lane] === lane),
        // What the disk has not taken goes before all else.
        ...(lane === 'urgent' ? [{ events: unsavedAlarms, since: undefined }] : []),
      ]);
    return Object.fromEntries(lanes.map((lane) => [lane, of(lane)])) as Record<Lane, Waiting>;
  };
  return {
    parts,
    now: () => together(Object.values(byLane())),
    byLane,
    meet(by) {
      address = by;
    },
    look() {
      looking ??= lookOnce()
        // The disk refuses: it is as it was known.
        .catch(() => {})
        .finally(() => {
          looking = undefined;
        });
      return looking;
    },
    recount() {
      behind = new Map();
      held = new Map();
    },
  };
}
