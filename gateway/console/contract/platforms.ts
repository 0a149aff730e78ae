/** The platforms: how each is reached, what waits for it, and how far behind it was. All times are RFC 3339. */
import { z } from 'zod';
import { lanes } from '../../../drivers/contract/lane.ts';

const words = z.object({ en: z.string(), zh: z.string() });
const time = z.string();

const laneSchema = z.object({
  lane: z.enum(lanes),
  /** Up to where all is dealt with, and the last number of the lane: those of events that it does not want are among them. */
  cursor: z.number(),
  last: z.number(),
  /** Events of the lane that it wants and has not, and when the oldest of them was seen. */
  waiting: z.number(),
  oldest: time.optional(),
  /** Sent and not answered; taken and not confirmed (where it gives receipts). */
  flying: z.number(),
  unconfirmed: z.number(),
  /** It refused one, and nothing more goes for now. */
  pausing: z.boolean(),
  /** When it last took one, and last said that it has stored some, since the gateway started. */
  takenAt: time.optional(),
  storedAt: time.optional(),
});

const holdSchema = z.object({
  /** What is refused together, in the protocol's words: a topic, a device, a path. */
  address: z.string(),
  lane: z.enum(lanes),
  first: z.number(),
  last: z.number(),
  /** One event alone, where others of its address are taken. */
  single: z.boolean(),
  /** Of them, those that are not among the `waiting` of the lane. */
  events: z.number(),
  reason: z.string(),
  since: time,
});

const certificateSchema = z.object({
  /** `gateway`: the one that it shows; `broker`: the one that the platform showed; else the key of the config that names it. */
  whose: z.string(),
  subject: z.string().optional(),
  ends: time,
  /** Whole days until then; below 0: it has ended. */
  days: z.number(),
});

export const platformSchema = z.object({
  id: z.string(),
  protocol: z.string(),
  title: words,
  /** Where it is, without secrets. */
  where: z.string(),
  connected: z.boolean(),
  /** Since when it is, or is not. */
  since: time,
  /** How, in the protocol's words. */
  about: z.record(z.string(), z.string()),
  /** Why it is not connected, or what it refused last. */
  reason: z.string().optional(),
  /** Events that it wants and has not. */
  backlog: z.number(),
  oldest: time.optional(),
  /** Of those, alarms that the disk has not taken. */
  unsaved: z.number(),
  lanes: z.array(laneSchema),
  receipts: z.object({
    wanted: z.boolean(),
    /** The protocol has a word for them. */
    possible: z.boolean(),
    /** It takes events and does not say that it stores them, for longer than the config waits. */
    late: z.boolean(),
    last: time.optional(),
  }),
  holds: z.array(holdSchema),
  /** States that are not shown to it. */
  unshown: z.array(z.object({ topic: z.string(), reason: z.string(), since: time })),
  /** What it sent that could not be used, since the start, by reason. */
  discarded: z.record(z.string(), z.number()),
  /** When another gateway was last seen there as this campus. */
  otherInstance: time.optional(),
  /** What the protocol says of the connection, where it has words for it. */
  registered: z.object({ since: time, until: time.optional() }).optional(),
  /** What its clock is ahead of ours, ms; below 0: behind. */
  clockOffsetMs: z.number().optional(),
  subscriptions: z.array(z.object({ to: z.string(), until: time })),
  streams: z.array(z.object({ camera: z.string(), kind: z.string(), since: time, to: z.string() })),
  certificates: z.array(certificateSchema),
});
export type Platform = z.output<typeof platformSchema>;

export const platformsSchema = z.object({ platforms: z.array(platformSchema) });
export type Platforms = z.output<typeof platformsSchema>;

export const lagRanges = ['hour', 'day', 'month'] as const;
export type LagRange = (typeof lagRanges)[number];

/** A column each, the oldest first: of each step the worst. It begins when the gateway did. */
export const lagSchema = z.object({
  stepMs: z.number(),
  /** Epoch ms. */
  at: z.array(z.number()),
  /** Events that it wanted and had not. */
  backlog: z.array(z.number()),
  /** How old the oldest of them was, ms. */
  ageMs: z.array(z.number()),
  connected: z.array(z.boolean()),
});
export type Lag = z.output<typeof lagSchema>;
