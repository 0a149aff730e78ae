/** From what a terminal sends to what it observed, by the data of its profile. Pure. */
import { z } from 'zod';
import { type DeviceObservation, visitStages } from '../contract/observation.ts';
import { type Condition, type Path, type Profile, type Reading, type Rule, stateKinds } from './profile.ts';

const text = z.string().max(500);
const base = {
  key: z.string().max(100).optional(),
  at: z.union([z.string().max(100), z.number()]).optional(),
  text: text.optional(),
};
/** What a mapping gives. */
const mappedSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('credential'),
    credential: z.strictObject({
      format: z.string().max(40),
      number: z.string().min(1).max(100),
      facility: z.coerce.number().int().optional(),
    }),
    decision: z.enum(['granted', 'denied', 'unknown']).optional(),
    reason: text.optional(),
    match: z.number().min(0).max(1).optional(),
    ...base,
  }),
  z.strictObject({
    kind: z.literal('visit'),
    visit: z.strictObject({
      id: z.string().min(1).max(64),
      stage: z.enum(visitStages),
      name: text.optional(),
      host: text.optional(),
      purpose: text.optional(),
      until: z.iso.datetime({ offset: true }).optional(),
    }),
    ...base,
  }),
  z.strictObject({
    kind: z.enum(stateKinds),
    state: z.enum(['raised', 'restored']),
    zone: z.coerce.number().int().min(0).max(9999).optional(),
    cause: text.optional(),
    ...base,
  }),
]);
export type Mapped = z.output<typeof mappedSchema>;

/** What a message says; `problems`: what in it is not as the profile has it, a few of them. */
export interface Mapping {
  /** How many events it has, those included that mean nothing here. */
  readonly events: number;
  readonly mapped: readonly Mapped[];
  readonly problems: readonly string[];
}

/** A terminal that was cut off for days sends this many at once, and no more. */
export const EVENTS_MAX = 5000;
const PROBLEMS_MAX = 5;

/** @returns what was observed; a string: why the message is not looked at. Never throws. */
export function mapMessage(profile: Profile, body: unknown): Mapping | string {
  const events = eventsOf(profile, body);
  if (events.length > EVENTS_MAX) return 'more events than a message may have';
  const mapped: Mapped[] = [];
  const problems: string[] = [];
  for (const event of events) {
    for (const rule of profile.observations) {
      const found = apply(rule, profile, event);
      if (found === undefined) continue;
      if (found.mapped !== undefined) mapped.push(found.mapped);
      if (problems.length < PROBLEMS_MAX) problems.push(...found.problems);
      break;
    }
  }
  return { events: events.length, mapped, problems };
}

function eventsOf({ events }: Profile, body: unknown): readonly unknown[] {
  for (const path of events) {
    const found = valueAt(body, path);
    if (found !== undefined && found !== null) return Array.isArray(found) ? found : [found];
  }
  return [];
}

function valueAt(body: unknown, path: Path): unknown {
  let value = body;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}

const isEmpty = (value: unknown) => value === undefined || value === null || value === '';
const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

function holds(condition: Condition, value: unknown): boolean {
  if ('in' in condition) return isScalar(value) && condition.in.includes(String(value));
  if ('notIn' in condition) return !(isScalar(value) && condition.notIn.includes(String(value)));
  if (isEmpty(value) || typeof value === 'object') return false;
  const number = Number(value);
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = condition;
  return number >= from && number <= to;
}

/** Local times: `2026-11-24 07:41:00`. */
const LOCAL = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2})?)$/;

/** What an event bears. undefined: nothing. An object or a list stands for itself: no text, as the last check finds. */
function readingOf(reading: Reading | undefined, event: unknown): unknown {
  if (reading === undefined) return undefined;
  const { fixed, join, paths = [], table, otherwise, scale, offset } = reading;
  if (fixed !== undefined) return fixed;
  if (join !== undefined) {
    const parts = join.paths.map((path) => valueAt(event, path));
    return parts.some((part) => isEmpty(part) || !isScalar(part)) ? undefined : parts.join(join.by);
  }
  const found = paths.map((path) => valueAt(event, path)).find((value) => !isEmpty(value));
  if (table !== undefined)
    return isScalar(found) && Object.hasOwn(table, String(found)) ? table[String(found)] : otherwise;
  if (scale !== undefined && isScalar(found)) return Number(found) * scale;
  const local = offset !== undefined && typeof found === 'string' ? LOCAL.exec(found) : null;
  return local === null ? found : `${local[1]}T${local[2]}${offset}`;
}

const wordOf = (reading: Reading | undefined, event: unknown) => {
  const value = readingOf(reading, event);
  return isScalar(value) ? String(value) : value;
};

/** What a rule makes of an event. undefined: it does not fit. */
function apply(
  rule: Rule,
  profile: Profile,
  event: unknown,
): { readonly mapped?: Mapped; readonly problems: readonly string[] } | undefined {
  if (!rule.when.every((condition) => holds(condition, valueAt(event, condition.path)))) return undefined;
  const word = (reading: Reading | undefined) => wordOf(reading, event);
  const common = {
    kind: rule.kind,
    at: readingOf(rule.at, event) ?? readingOf(profile.at, event),
    key: word(rule.key) ?? word(profile.key),
    text: word(rule.text) ?? word(profile.text),
  };
  if (rule.kind === 'credential') {
    const { format, number, facility } = rule.credential;
    const who = { format: word(format), number: word(number), facility: word(facility) };
    if (isEmpty(who.number) || isEmpty(who.format)) return undefined;
    const match = readingOf(rule.match, event);
    return check({
      ...common,
      credential: who,
      decision: word(rule.decision),
      reason: word(rule.reason),
      match: match === undefined ? undefined : Number(match),
    });
  }
  if (rule.kind === 'visit') {
    const { id, stage, name, host, purpose, until } = rule.visit;
    const who = {
      id: word(id),
      stage: word(stage),
      name: word(name),
      host: word(host),
      purpose: word(purpose),
      until: word(until),
    };
    return isEmpty(who.id) || isEmpty(who.stage) ? undefined : check({ ...common, visit: who });
  }
  const state = word(rule.state);
  if (isEmpty(state)) return undefined;
  return check({ ...common, state, zone: word(rule.zone), cause: word(rule.cause) });
}

type Tree = { [name: string]: unknown };

/** What is not as it should be is left out where the rest can stand without it, and told. */
function check(made: Tree): { readonly mapped?: Mapped; readonly problems: readonly string[] } {
  const parsed = mappedSchema.safeParse(made);
  if (parsed.success) return { mapped: withoutGaps(parsed.data), problems: [] };
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  for (const { path } of parsed.error.issues) {
    const [first = '', second] = path as string[];
    if (second === undefined) delete made[first];
    else delete (made[first] as Tree)[second];
  }
  const again = mappedSchema.safeParse(made);
  return { ...(again.success && { mapped: withoutGaps(again.data) }), problems };
}

/** Without members that are undefined. */
function withoutGaps<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) => (one === undefined ? [] : [[key, withoutGaps(one)]])),
  ) as T;
}

/** Before that no terminal of today was made: a clock that says so has lost its battery. */
const OLDEST = Date.UTC(2020, 0, 1);
const AHEAD_MS = 60_000;

/** When it happened, as the terminal says, and whether its clock can be believed. */
export function timeOf(at: Mapped['at'], now: number): DeviceObservation['at'] {
  if (at === undefined) return undefined;
  const seconds = typeof at === 'number' || /^\d+$/.test(at) ? Number(at) : undefined;
  const time = seconds === undefined ? Date.parse(String(at)) : seconds < 1e11 ? seconds * 1000 : seconds;
  if (!Number.isFinite(time) || Math.abs(time) > 8.64e15) return undefined;
  return { time, trusted: time >= OLDEST && time <= now + AHEAD_MS };
}
