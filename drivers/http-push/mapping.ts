/** From what a terminal sends to what it observed, by the data of its profile. Pure. */
import { z } from 'zod';
import { type DeviceObservation, visitStages } from '../contract/observation.ts';
import { membersOf } from './members.ts';
import { type Profile, type Rule, stateKinds } from './profile.ts';
import { holds, isEmpty, isScalar, type Path, type Reading, readingOf, valueAt } from './reading.ts';

const text = z.string().max(500);
const base = {
  key: z.string().max(100).optional(),
  at: z
    .union([z.string().max(100), z.number()])
    .refine((at) => momentOf(at) !== undefined, {
      error: ({ input }) =>
        `${JSON.stringify(input).slice(0, 50)} is no time: RFC 3339, or seconds or ms since 1970`,
    })
    .optional(),
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
    momentary: z.literal(true).optional(),
    level: z.literal(true).optional(),
    ends: z.strictObject({ causes: z.array(z.string()), untold: z.literal(true).optional() }).optional(),
    ...base,
  }),
  z.strictObject({
    kind: z.literal('contact-id'),
    code: z.string().regex(/^[136]\d{3}$/, 'four digits, 1, 3 or 6 first'),
    zone: z.coerce.number().int().min(0).max(99_999_999).optional(),
    user: text.optional(),
    partition: z.string().max(40).optional(),
    isAlarm: z.boolean(),
    ...base,
  }),
]);
/** `nth`: of one event, where it says several things. `past`: it is told later than it happened. `who`: whose it is. */
export type Mapped = z.output<typeof mappedSchema> & {
  readonly nth?: number;
  readonly past?: true;
  readonly who?: string;
};

/** What a message says; `problems`: what in it is not as the profile has it, a few of them. */
export interface Mapping {
  /** How many events it has, those included that mean nothing here. */
  readonly events: number;
  readonly mapped: readonly Mapped[];
  readonly problems: readonly string[];
  /** What each event is about that no observation fits. */
  readonly unmapped?: readonly string[];
  /** What the profile says nothing of, without a topic to count it by: mostly it is the profile that is wrong. */
  readonly strange?: { readonly reason: string; readonly members: string };
}

/** A terminal that was cut off for days sends this many at once, and no more. */
export const EVENTS_MAX = 5000;
const PROBLEMS_MAX = 5;
const TOPIC_MAX = 100;

/** @returns what was observed; a string: why the message is not looked at. Never throws. */
export function mapMessage(profile: Profile, body: unknown): Mapping | string {
  const events = eventsOf(profile, body);
  if (events.length > EVENTS_MAX) return 'more events than a message may have';
  const mapped: Mapped[] = [];
  const problems: string[] = [];
  const hasNone = !(isNothing(body) || events.length > 0 || isListed(profile, body));
  const unmapped: string[] = hasNone ? ['no event'] : [];
  let strange: Mapping['strange'] = hasNone
    ? { reason: 'a message with no event where the profile has them', members: membersOf(body) }
    : undefined;
  let count = 0;
  for (const { event, isBeside } of events) {
    const found = mapEvent(profile, event);
    if (found !== undefined || !isBeside) count++;
    if (found === undefined) {
      const topic = topicOf(profile, event);
      // What stands around a list of events is none, where it does not say what it is.
      if (isNothing(event) || (isBeside && topic === '')) continue;
      unmapped.push(topic);
      if (topic === '')
        strange ??= { reason: 'an event that fits no observation of the profile', members: membersOf(event) };
      continue;
    }
    mapped.push(...found.mapped);
    if (problems.length < PROBLEMS_MAX) problems.push(...found.problems);
  }
  return {
    events: count,
    mapped,
    problems,
    ...(unmapped.length > 0 && { unmapped }),
    ...(strange !== undefined && { strange }),
  };
}

/** Without a member: it only says that it is there. */
const isNothing = (value: unknown) =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

interface Found {
  readonly mapped: readonly Mapped[];
  readonly problems: readonly string[];
}

/** It says itself whose it is. */
const isOfSomebody = ({ kind }: Rule) => kind === 'credential' || kind === 'visit';

/** What one event says, by the first that fits and those that say that more may. undefined: none fits. */
function mapEvent(profile: Profile, event: unknown): Found | undefined {
  const mapped: Mapped[] = [];
  const problems: string[] = [];
  const past = profile.past !== undefined && holds(profile.past, event);
  const who = partsAt(event, profile.who).join('/').slice(0, TOPIC_MAX);
  let fits = false;
  for (const rule of profile.observations) {
    const found = apply(rule, profile, event);
    if (found === undefined) continue;
    fits = true;
    if (found.mapped !== undefined)
      mapped.push({
        ...found.mapped,
        ...(mapped.length > 0 && { nth: mapped.length }),
        ...(past && { past }),
        ...(who !== '' && !isOfSomebody(rule) && { who }),
      });
    problems.push(...found.problems);
    if (rule.kind === 'none' || rule.also === undefined) break;
  }
  return fits ? { mapped, problems } : undefined;
}

const partsAt = (event: unknown, paths: readonly Path[]) =>
  paths.map((path) => valueAt(event, path)).filter((part) => isScalar(part) && !isEmpty(part));

const topicOf = ({ topic }: Profile, event: unknown): string =>
  partsAt(event, topic).join('/').slice(0, TOPIC_MAX);

const isThere = (value: unknown) => value !== undefined && value !== null;
const isListed = ({ events }: Profile, body: unknown) =>
  Array.isArray(events.map((path) => valueAt(body, path)).find(isThere));

/** `isBeside`: it stands where events may, and others were found before. */
interface Listed {
  readonly event: unknown;
  readonly isBeside: boolean;
}

function eventsOf(profile: Profile, body: unknown): readonly Listed[] {
  const first = profile.events.find((path) => isThere(valueAt(body, path)));
  // Of a list of bodies, each has its events where a body has them.
  const bodies = first?.length === 0 && Array.isArray(body) ? body : [body];
  const all = bodies.flatMap((one: unknown) => eventsIn(profile.events, one));
  const { each } = profile;
  if (each === undefined) return all;
  return all.flatMap(({ event, isBeside }) =>
    itemsOf(each, event).map((item) => ({ event: item, isBeside })),
  );
}

const isWithin = (path: Path, outer: Path) =>
  path.length >= outer.length && outer.every((name, i) => path[i] === name);

/** What stands at all of the paths; of what is around another, the rest. */
function eventsIn(paths: readonly Path[], body: unknown): readonly Listed[] {
  const found: Path[] = [];
  return paths.flatMap((path) => {
    if (!isThere(valueAt(body, path)) || found.some((outer) => isWithin(path, outer))) return [];
    const isBeside = found.length > 0;
    const rest = found.filter((inner) => isWithin(inner, path)).reduce(without, body);
    found.push(path);
    return [valueAt(rest, path)].flat().map((event) => ({ event, isBeside }));
  });
}

/** A copy without what stands there. */
function without(body: unknown, [name = '', ...rest]: Path): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const { [name]: inner, ...others } = body as Tree;
  return rest.length === 0 ? others : { ...others, [name]: without(inner, rest) };
}

/** More persons are in no record. */
const ITEMS_MAX = 100;

/** An event for each item of its list, which stands alone in it then. */
function itemsOf(each: readonly Path[], event: unknown): readonly unknown[] {
  const [first = []] = each;
  const leading = valueAt(event, first);
  if (!Array.isArray(leading) || leading.length < 2) return [event];
  return leading.slice(0, ITEMS_MAX).map((_, i) =>
    each.reduce((copy, at) => {
      const list = valueAt(event, at);
      return Array.isArray(list) && list.length === leading.length ? withAt(copy, at, [list[i]]) : copy;
    }, event),
  );
}

/** A copy with another value there. */
function withAt(body: unknown, [name, ...rest]: Path, value: unknown): unknown {
  if (name === undefined) return value;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  return { ...body, [name]: withAt((body as Tree)[name], rest, value) };
}

interface Applied {
  readonly mapped?: Mapped;
  readonly problems: readonly string[];
}

/** What a rule makes of an event. undefined: it does not fit. */
function apply(rule: Rule, profile: Profile, event: unknown): Applied | undefined {
  if (!holds(rule.when, event)) return undefined;
  if (rule.kind === 'none') return { problems: [] };
  const word = (reading: Reading | undefined) => {
    const value = readingOf(reading, event);
    return isScalar(value) ? String(value) : value;
  };
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
  if (rule.kind === 'contact-id') {
    const [said, zone, user, partition] = [rule.code, rule.zone, rule.user, rule.partition].map(word);
    const isAlarm = rule.alarm !== undefined && holds(rule.alarm, event);
    if (isEmpty(said) && !isAlarm) return undefined;
    const code = contactIdOf(String(said ?? ''));
    const known = {
      ...common,
      code: code ?? (isAlarm ? GENERAL_ALARM : said),
      zone,
      user,
      partition,
      isAlarm,
    };
    const found = check(known);
    return code === undefined && isAlarm
      ? {
          ...found,
          problems: [`code: ${String(said).slice(0, 20)} is none, and it is an alarm`, ...found.problems],
        }
      : found;
  }
  return applyState(rule, common, word);
}

/** Contact ID, 140: what is an alarm, and says not which. */
const GENERAL_ALARM = '1140';
/** `1130`, or as people write it (SIA DC-05): `E130`, `R130`, `130`. */
function contactIdOf(said: string): string | undefined {
  const [, qualifier = '', code] = /^([136ERP]?)(\d{3})$/i.exec(said.trim()) ?? [];
  const digits: Readonly<Record<string, string>> = { '': '1', e: '1', r: '3', p: '6' };
  return code === undefined ? undefined : `${digits[qualifier.toLowerCase()] ?? qualifier}${code}`;
}

function applyState(
  { state: reading, zone, cause, momentary, level, ends, untold }: Extract<Rule, { state: Reading }>,
  common: Tree,
  word: (reading: Reading | undefined) => unknown,
): Applied | undefined {
  const state = word(reading);
  if (isEmpty(state)) return undefined;
  const isEnd = state === 'restored' && ends !== undefined;
  return check({
    ...common,
    state,
    zone: word(zone),
    cause: word(cause),
    momentary,
    level,
    ends: isEnd ? { causes: ends, ...(untold && { untold }) } : undefined,
  });
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
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) => (one === undefined ? [] : [[key, withoutGaps(one)]])),
  ) as T;
}

/** Before that no terminal of today was made: a clock that says so has lost its battery. */
export const OLDEST = Date.UTC(2020, 0, 1);
const AHEAD_MS = 60_000;

/** Epoch ms; undefined: it is no time. */
function momentOf(at: string | number): number | undefined {
  const seconds = typeof at === 'number' || /^\d+$/.test(at) ? Number(at) : undefined;
  const time =
    seconds === undefined ? Date.parse(isoOf(String(at))) : seconds < 1e11 ? seconds * 1000 : seconds;
  return Number.isFinite(time) && Math.abs(time) <= 8.64e15 ? time : undefined;
}

/** RFC 3339 as terminals write it: with a blank for the `T`, with `+8:00`, or without a zone, which is China's. */
function isoOf(text: string): string {
  const [, date, time, sign, hours = '', minutes] =
    /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(?:([+-])(\d{1,2}):?(\d\d))?$/.exec(
      text.trim(),
    ) ?? [];
  if (date === undefined) return text;
  return `${date}T${time}${sign === undefined ? '+08:00' : `${sign}${hours.padStart(2, '0')}:${minutes}`}`;
}

/** When it happened, as the terminal says, and whether its clock can be believed. */
export function timeOf(at: Mapped['at'], now: number): DeviceObservation['at'] {
  const time = at === undefined ? undefined : momentOf(at);
  return time === undefined ? undefined : { time, trusted: time >= OLDEST && time <= now + AHEAD_MS };
}
