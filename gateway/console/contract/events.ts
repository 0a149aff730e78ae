/** What happened, found again: GET /api/events, /api/events/{which}, /api/events/export. */
import { z } from 'zod';
import { type EventType, eventTypes } from '../../../config/catalogue/events.ts';
import { eventFilter } from '../../../config/catalogue/filter.ts';
import { exportFormats } from '../search/export.ts';

const time = z.string().describe('UTC, RFC 3339');
const moment = z.iso
  .datetime({ offset: true })
  .transform((text) => Date.parse(text))
  .optional();
/** Patterns of types, as in the config: `alarm.*,access.denied`. */
const types = z
  .string()
  .max(2000)
  .regex(/^[a-z*.,-]+$/)
  .transform((text) => {
    const wanted = eventFilter(text.split(','));
    return eventTypes.filter((type: EventType) => wanted(type));
  })
  .optional();
const word = (most: number) => z.string().trim().min(1).max(most).optional();

/** What is asked for; all that is given must hold. */
export const criteriaSchema = z.object({
  from: moment.describe('From when on it happened, RFC 3339'),
  to: moment.describe('Before when'),
  types: types.describe('Types, by commas: `alarm.*,access.denied`'),
  device: word(100),
  place: word(300).describe('The id or number of a zone, the id of a door, a camera or an area'),
  kind: word(40).describe('Of an alarm: `fire`'),
  text: word(200).describe('Words, each of which must be there'),
  person: word(100).describe(
    "A card's number, an id of the school's, a name; for who has the right to see persons",
  ),
});

const PAGE = 50;
const PAGE_MAX = 200;

export const eventsQuery = criteriaSchema.extend({
  before: z.coerce.number().int().positive().optional().describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE),
});

export const exportQuery = criteriaSchema.extend({
  format: z.enum(exportFormats),
  language: z.enum(['en', 'zh']).default('en').describe('Of the heads of columns'),
});

/** An event as it is found. */
export const foundEvent = z.object({
  sequence: z.string().describe("The journal's number"),
  id: z.string(),
  type: z.string().describe('`alarm.raised`'),
  time: time.describe('When it happened'),
  seenAt: time.describe('When the gateway saw it'),
  storedAt: time.nullable().describe('When it was on disk'),
  device: z.string(),
  subject: z.string().optional(),
  /** Its bytes are not what was written. */
  unreadable: z.literal(true).optional(),
  data: z.record(z.string(), z.unknown()),
});
export type FoundEvent = z.output<typeof foundEvent>;

const persons = z
  .record(z.string(), z.object({ name: z.string(), class: z.string().optional() }))
  .describe("Whose ids these are, by the school's list; for who has the right to see persons");

export const eventsPage = z.object({
  events: z.array(foundEvent).describe('The newest first'),
  next: z.string().nullable().describe('`before` of the next page; null: that was all'),
  behind: z.number().describe('Events that are on disk and cannot be found yet: the index is on its way'),
  persons,
});
export type EventsPage = z.output<typeof eventsPage>;

/** How far an event has come with a platform. */
export const platformStep = z.object({
  platform: z.string(),
  /**
   * `not-wanted`: it does not get such events; `waiting`: it has not got it yet; `held`: it was refused, and is kept for
   * later; `sent`: it left, nobody noted when; `taken`: the broker or the platform took it; `stored`: the platform said so.
   */
  state: z.enum(['not-wanted', 'waiting', 'held', 'sent', 'taken', 'stored']),
  takenAt: time.optional(),
  storedAt: time.optional(),
  heldSince: time.optional(),
  reason: z.string().optional(),
});
export type PlatformStep = z.output<typeof platformStep>;

/** The life of one event. */
export const eventLife = z.object({
  event: foundEvent,
  lane: z.string(),
  /** When the device says that it happened, where it says so. */
  deviceTime: time.optional(),
  platforms: z.array(platformStep),
  later: z.array(foundEvent).describe('What was said of it later, the oldest first'),
  /** The number of the event that it is about: of the alarm that was acknowledged. */
  about: z.string().optional(),
  persons,
});
export type EventLife = z.output<typeof eventLife>;
