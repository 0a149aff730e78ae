/** How an uplink is, told apart by lane and hold: for who looks closer than /health. */
import type { UplinkConfig } from '../../config/sections/uplinks.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Lane } from '../../drivers/contract/lane.ts';
import { lanes } from '../../drivers/contract/lane.ts';
import type { Transport } from '../../drivers/contract/transport.ts';
import type { Journal } from '../journal/index.ts';
import type { Backlog } from './backlog.ts';
import type { Delivery } from './delivery.ts';
import { addressOfRow, isSingleRow } from './holds.ts';
import type { Unshown } from './host.ts';

/** All times: epoch ms. */
export interface LaneDetails {
  readonly lane: Lane;
  /** Up to where all is dealt with, and the last number of the lane. */
  readonly cursor: number;
  readonly last: number;
  /** How many between those it wants, and when the oldest was seen, as of the last look. */
  readonly waiting: number;
  readonly oldest: number | undefined;
  /** On their way; taken and not confirmed. */
  readonly flying: number;
  readonly unconfirmed: number;
  /** It refused one; nothing goes for now. */
  readonly pausing: boolean;
  /** When it took one last, and when it said last that it has stored some; since this process began. */
  readonly takenAt: number | undefined;
  readonly storedAt: number | undefined;
}

export interface HoldDetails {
  readonly address: string;
  readonly lane: Lane;
  /** From this number to that one; of one event alone they are the same. */
  readonly first: number;
  readonly last: number;
  readonly single: boolean;
  /** How many events of it wait that the cursor has passed, as of the last look: the others are counted in the lane. */
  readonly events: number;
  readonly reason: string;
  readonly since: number;
}

export interface UplinkDetails {
  readonly id: string;
  readonly protocol: string;
  readonly title: Transport['title'];
  /** Where it connects to, without secrets. */
  readonly where: string;
  /** Since when it is connected, or is not. */
  readonly since: number;
  /** How it is connected, in its protocol's words; empty while it is not. */
  readonly about: Readonly<Record<string, string>>;
  readonly receipts: {
    /** Whether the config waits for them, and whether the protocol has a word for them. */
    readonly wanted: boolean;
    readonly possible: boolean;
    /** It takes events and does not say that it stores them, for longer than `receiptTimeout`. */
    readonly late: boolean;
  };
  readonly lanes: readonly LaneDetails[];
  readonly holds: readonly HoldDetails[];
  /** States that are not shown to it. */
  readonly unshown: readonly { readonly topic: string; readonly reason: string; readonly since: number }[];
  /** Alarms that only memory has. */
  readonly unsaved: number;
}

export interface Presence {
  readonly since: number;
  readonly about: Readonly<Record<string, string>>;
}

/** Since when a channel is there, or none is; and when the platform took and stored something, over all of them. */
export interface Progress {
  noteConnected(about: Readonly<Record<string, string>>): void;
  noteDisconnected(): void;
  presence(): Presence;
  noteTaken(lane: Lane, sequence: number): void;
  noteStored(lane: Lane, sequence: number): void;
  /** Epoch ms. */
  takenAt(lane: Lane): number | undefined;
  storedAt(lane: Lane): number | undefined;
  /** How long nothing of what was taken in a lane was confirmed, ms; 0 where all is. */
  unconfirmedMs(lane: Lane): number;
}

interface OfLane {
  taken: number;
  takenAt?: number;
  storedAt?: number;
  /** `elapsed`. */
  unconfirmedSince?: number | undefined;
}

export function createProgress(time: Pick<Clock, 'wall' | 'elapsed'>): Progress {
  const known = new Map(lanes.map((lane): [Lane, OfLane] => [lane, { taken: 0 }]));
  const of = (lane: Lane) => known.get(lane) as OfLane;
  let presence: Presence = { since: time.wall(), about: {} };
  return {
    noteConnected(about) {
      presence = { since: time.wall(), about };
    },
    noteDisconnected() {
      presence = { since: time.wall(), about: {} };
    },
    presence: () => presence,
    noteTaken(lane, sequence) {
      const one = of(lane);
      one.takenAt = time.wall();
      one.taken = Math.max(one.taken, sequence);
      one.unconfirmedSince ??= time.elapsed();
    },
    noteStored(lane, sequence) {
      const one = of(lane);
      one.storedAt = time.wall();
      one.unconfirmedSince = sequence >= one.taken ? undefined : time.elapsed();
    },
    takenAt: (lane) => of(lane).takenAt,
    storedAt: (lane) => of(lane).storedAt,
    unconfirmedMs(lane) {
      const { unconfirmedSince } = of(lane);
      return unconfirmedSince === undefined ? 0 : time.elapsed() - unconfirmedSince;
    },
  };
}

export function detailsOf(
  { id, receipts, receiptTimeout, options }: UplinkConfig,
  { name, title, where, withoutReceipts }: Transport,
  of: {
    readonly journal: Pick<Journal, 'last' | 'position'>;
    readonly backlog: Pick<Backlog, 'parts'>;
    readonly current: { readonly delivery: Pick<Delivery, 'flow'> } | undefined;
    readonly progress: Progress;
    readonly unshown: Unshown;
  },
): UplinkDetails {
  const { progress, journal } = of;
  const parts = of.backlog.parts();
  const flow = of.current?.delivery.flow() ?? [];
  const laneOf = (lane: Lane): LaneDetails => {
    const { events = 0, since } = parts.lanes.find((one) => one.lane === lane) ?? {};
    const { flying = 0, unconfirmed = 0, pausing = false } = flow.find((one) => one.lane === lane) ?? {};
    return {
      ...{ lane, cursor: journal.position(id, lane).sequence, last: journal.last(lane) },
      ...{ waiting: events, oldest: since, flying, unconfirmed, pausing },
      ...{ takenAt: progress.takenAt(lane), storedAt: progress.storedAt(lane) },
    };
  };
  return {
    ...{ id, protocol: name, title, where: where(options), ...progress.presence() },
    receipts: {
      wanted: receipts,
      possible: withoutReceipts !== true,
      late: receipts && lanes.some((lane) => progress.unconfirmedMs(lane) > receiptTimeout),
    },
    lanes: lanes.map(laneOf),
    holds: parts.held.map(({ row: { topic, lane, first, last, reason, since }, events }) => ({
      ...{ address: addressOfRow(topic), lane: lanes[lane] as Lane, single: isSingleRow(topic) },
      ...{ first, last, events, reason, since },
    })),
    unshown: [...of.unshown].map(([topic, { reason, since }]) => ({ topic, reason, since })),
    unsaved: parts.unsaved,
  };
}
