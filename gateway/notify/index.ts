/**
 * Tells people, on their phones and by mail, what rules say: at once, where nobody takes an alarm, or as the last resort
 * where no platform is there.
 *
 * Promises. What is due is in the outbox before it is tried, and is taken out when it was told: over a restart it is told
 * once more at most, where the power went between the robot's answer and the disk. A start looks at the last events of the
 * journal, so that none is forgotten whose rule had no time to ask. A rule that asks waits for nothing. What fails is tried
 * again, less and less often, for a day; each outcome is in the audit.
 */
import { createHash } from 'node:crypto';
import { type Event, readEvent, typePrefix } from '../../config/catalogue/events.ts';
import type { ContactConfig } from '../../config/sections/contacts.ts';
import type { RuleConfig } from '../../config/sections/rules.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Lane } from '../../drivers/contract/lane.ts';
import type { Journal, Entry as Kept } from '../journal/index.ts';
import type { Part } from '../lifecycle/part.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Persons } from '../persons/index.ts';
import { createDesks, type DeskState } from './desks.ts';
import { type Entry, factOf, isUrgent, pressureOf } from './entry.ts';
import type { Message } from './message.ts';
import { openOutbox } from './outbox.ts';
import { sendTo, unreadable } from './send.ts';
import { subjectOf, type TextOptions, textOf } from './text.ts';

export interface NotifyOptions extends TextOptions {
  readonly contacts: readonly ContactConfig[];
  readonly dataDir: string;
  /** The name of the area of a zone, for people. */
  readonly areaOf: (device: string, zone: number | undefined, account?: unknown) => string | undefined;
  /** Where a zone is, or its device, as the config says it. */
  readonly placeOf: (device: string, zone: number | undefined, account?: unknown) => string | undefined;
  /** For how long none of the platforms has been connected, ms; undefined: one is. Infinity: there are none. */
  readonly platformsAwayMs: () => number | undefined;
  /** Whether a platform has an event, or deals with none of its kind. */
  readonly isDelivered: (lane: Lane, sequence: number) => boolean;
  /** Lets the rules tell again of an event that they may not have been asked for before a stop. */
  readonly again: (event: Event, sequence: number) => void;
  readonly persons: Pick<Persons, 'get'>;
  readonly journal: Pick<Journal, 'audit' | 'readBack' | 'last'>;
  readonly metrics: Pick<Metrics, 'notified' | 'notifyWaiting'>;
  readonly clock: Pick<WallClock, 'now'>;
  readonly time: Clock;
  readonly log: Log;
}

export interface Notify extends Part {
  /** A rule tells of an event: whom, and when. Never throws, never waits. `sequence` undefined: it is not on disk. */
  tell(rule: Pick<RuleConfig, 'id' | 'notify'>, event: Event, sequence: number | undefined): void;
  /** It is on disk. An alarm that is taken or closed needs nobody to be told that it is not. */
  onRecorded(event: Event, sequence: number): void;
  /** By contact. */
  states(): Readonly<Record<string, DeskState>>;
}

/** Of all contacts together; a fence that flaps all night must not fill the memory. */
const WAITING_MAX = 1000;
const LOOK_EVERY_MS = 1000;
/** How often the files of contacts are looked at: who mends one sees it soon. */
const SECRETS_EVERY_MS = 60_000;
/** What could not be told for so long is told no more. */
const LIFETIME_MS = 86_400_000;
/** How far before the newest event a start looks, and how many events of each lane. */
const RECOVERED_MS = 120_000;
const RECOVERED_MAX = 200;

type Outcome = 'told' | 'given-up' | 'dropped' | 'not-needed';

function whenOf(unacknowledgedFor?: number, platformsAwayFor?: number): Entry['when'] {
  if (unacknowledgedFor !== undefined) return 'unacknowledged';
  return platformsAwayFor === undefined ? 'at-once' : 'platforms-away';
}

const shortHash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 24);

export function createNotify(options: NotifyOptions): Notify {
  const { contacts, time, clock, log, metrics, journal } = options;
  // Nobody who tells nobody has a file.
  const outbox = openOutbox(options.dataDir, { ...options, always: contacts.length > 0 });
  const { waitedMs, dueOf, forget } = createWaits(outbox.entries, options);
  let timers: readonly Timer[] = [];
  const stop = new AbortController();

  const settle = (entry: Entry, outcome: Outcome, reason?: string) => {
    outbox.settle(entry.id);
    forget(entry.id);
    const { contact, rule, when, fact } = entry;
    metrics.notified.inc({ contact, outcome });
    if (outcome === 'not-needed') return;
    const said = { contact, rule, when, event: fact.event, outcome, ...(reason !== undefined && { reason }) };
    if (outcome === 'told') log.info(said, 'somebody was told');
    else log.error(said, 'somebody could not be told');
    journal
      .audit(clock.now(), JSON.stringify({ kind: 'notify', ...said }))
      .catch((error: Error) =>
        log.warn({ error: error.message }, 'who was told could not be noted in the audit'),
      );
  };
  const desks = createDesks({
    ...{ contacts, time, log, metrics, signal: stop.signal },
    ...{ due: dueOf, unreadable },
    async send(contact, entries) {
      const { message, told } = await messageOf(contact, entries, options);
      await sendTo(contact, message, { time, signal: stop.signal });
      return told;
    },
    told: (entry) => settle(entry, 'told'),
    failed(entry, reason) {
      if (waitedMs(entry) > entry.waitMs + LIFETIME_MS) settle(entry, 'given-up', reason);
    },
  });

  /** What the platforms have needs no last resort; what nobody can be told for a day is given up. */
  const look = () => {
    for (const entry of outbox.entries.values()) {
      const { when, fact } = entry;
      if (when !== 'platforms-away') continue;
      const lane = isUrgent(entry) ? 'urgent' : 'normal';
      const has = fact.sequence !== undefined && options.isDelivered(lane, fact.sequence);
      if (has || waitedMs(entry) > entry.waitMs + LIFETIME_MS) settle(entry, 'not-needed');
    }
    desks.look();
  };
  const makeRoom = () => {
    if (outbox.entries.size < WAITING_MAX) return;
    const all = [...outbox.entries.values()];
    const least = Math.min(...all.map(pressureOf));
    const oldest = all.find((one) => pressureOf(one) === least);
    if (oldest !== undefined) settle(oldest, 'dropped', `more than ${WAITING_MAX} wait`);
  };
  const tell: Notify['tell'] = (rule, event, sequence) => {
    for (const [i, { to, unacknowledgedFor, platformsAwayFor }] of rule.notify.entries()) {
      const when = whenOf(unacknowledgedFor, platformsAwayFor);
      for (const name of new Set(to)) {
        const contact = contacts.find(({ id }) => id === name);
        const id = `${event.id}/${rule.id}/${i}/${name}`;
        if (contact === undefined || outbox.isKnown(id)) continue;
        makeRoom();
        const waitMs = unacknowledgedFor ?? platformsAwayFor ?? 0;
        const fact = factOf(event, sequence, { persons: contact.persons, ...whereOf(event, options) });
        outbox.add({ id, contact: name, rule: rule.id, when, waitMs, at: time.wall(), fact });
      }
    }
    desks.look();
  };
  const onRecorded = ({ type, data, id }: Event, sequence: number) => {
    if (outbox.entries.size === 0) return;
    // It was told of from memory, before the disk took it.
    for (const entry of outbox.entries.values())
      if (entry.fact.event === id && entry.fact.sequence === undefined)
        outbox.add({ ...entry, fact: { ...entry.fact, sequence } });
    const fact = type.slice(`${typePrefix}alarm.`.length);
    if (fact !== 'acknowledged' && fact !== 'closed') return;
    const { event } = (data[fact] ?? {}) as { event?: string };
    for (const entry of outbox.entries.values())
      if (entry.when === 'unacknowledged' && entry.fact.event === event) settle(entry, 'not-needed');
  };
  return {
    tell,
    onRecorded,
    states: desks.states,
    async start() {
      const isOld = await outbox.load();
      for (const entry of outbox.entries.values())
        if (!contacts.some(({ id }) => id === entry.contact))
          settle(entry, 'given-up', 'the config has no such contact any more');
      if (isOld)
        await recover(journal, (event, sequence) => {
          onRecorded(event, sequence);
          options.again(event, sequence);
        }).catch((error: Error) =>
          log.warn({ error: error.message }, 'what people are to be told of was not looked for'),
        );
      await desks.lookAtSecrets();
      timers = [time.every(LOOK_EVERY_MS, look), time.every(SECRETS_EVERY_MS, desks.lookAtSecrets)];
      look();
    },
    async [Symbol.asyncDispose]() {
      for (const timer of timers) timer.stop();
      stop.abort();
      await desks.close();
      await outbox.close();
    },
  };
}

/** How long each entry has waited, and what is due. */
function createWaits(
  entries: ReadonlyMap<string, Entry>,
  { time, platformsAwayMs }: Pick<NotifyOptions, 'time' | 'platformsAwayMs'>,
) {
  /** When each was asked for, by `elapsed`: a clock that jumps moves nothing. */
  const askedAt = new Map<string, number>();
  /** Since it was asked for, a stop in between included. */
  const waitedMs = ({ id, at }: Entry): number => {
    const asked = askedAt.get(id);
    if (asked !== undefined) return time.elapsed() - asked;
    const before = Math.min(Math.max(0, time.wall() - at), LIFETIME_MS);
    askedAt.set(id, time.elapsed() - before);
    return before;
  };
  const isDue = (entry: Entry): boolean => {
    if (entry.when === 'at-once') return true;
    if (entry.when === 'unacknowledged') return waitedMs(entry) >= entry.waitMs;
    const awayMs = platformsAwayMs();
    return awayMs !== undefined && awayMs >= entry.waitMs;
  };
  return {
    waitedMs,
    forget: (id: string) => void askedAt.delete(id),
    /** What a contact is to be told now, the most urgent first. */
    dueOf(contact: string): readonly Entry[] {
      const due = [...entries.values()].filter((entry) => entry.contact === contact && isDue(entry));
      return due.sort((one, other) => pressureOf(other) - pressureOf(one) || one.at - other.at);
    },
  };
}

/** `told`: how many of the entries, the first ones, found room in it. */
async function messageOf(
  contact: ContactConfig,
  entries: readonly Entry[],
  options: NotifyOptions,
): Promise<{ readonly message: Message; readonly told: number }> {
  const names = await namesOf(entries, options.persons);
  const { text, told } = textOf(entries, contact, ({ id }) => names.get(id) ?? [], options);
  const within = entries.slice(0, told);
  const message = {
    id: shortHash(within.map(({ id }) => id).join('\n')),
    subject: subjectOf(within, contact, options),
    text,
    facts: within.map(({ rule, when, fact: { persons: _ids, ...fact } }) => ({ rule, when, ...fact })),
  };
  return { message, told };
}

/** The last events before the start, oldest first: those of the last minutes of the journal. */
async function recover(
  { readBack, last }: Pick<Journal, 'readBack' | 'last'>,
  tell: (event: Event, sequence: number) => void,
): Promise<void> {
  const found: Kept[] = [];
  for (const lane of ['urgent', 'normal'] as const)
    found.push(...(await readBack(lane, last(lane) + 1, RECOVERED_MAX)));
  const newest = Math.max(0, ...found.map(({ seenAt }) => seenAt));
  const late = found.filter(({ seenAt }) => seenAt >= newest - RECOVERED_MS);
  for (const { body, sequence } of late.sort((one, other) => one.sequence - other.sequence)) {
    const event = readEvent(body);
    if (event !== undefined) tell(event, sequence);
  }
}

/** Names for people: of its area, and of where it is. */
function whereOf(event: Event, { areaOf, placeOf }: Pick<NotifyOptions, 'areaOf' | 'placeOf'>) {
  const { device, zone, details } = event.data as {
    device?: { id: string };
    zone?: { number: number };
    details?: { account?: unknown };
  };
  if (device === undefined) return { area: undefined, place: undefined };
  const zoneOf = [device.id, zone?.number, details?.account] as const;
  return { area: areaOf(...zoneOf), place: placeOf(...zoneOf) };
}

/** By entry: what the school calls those whom it is about; an id that no list has stays one. */
async function namesOf(
  entries: readonly Entry[],
  persons: Pick<Persons, 'get'>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for (const { id, fact } of entries) {
    if (fact.persons === undefined) continue;
    const known = await persons.get(fact.persons);
    found.set(
      id,
      fact.persons.map((one, i) => known[i]?.name ?? one),
    );
  }
  return found;
}
