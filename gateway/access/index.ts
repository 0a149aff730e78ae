/**
 * Cards, faces and codes at doors: decided here, uplink or not, disk or not; the door opens at once, and the event says so.
 *
 * Who has which card comes from a file of the school's, taken up when it changes and refused where it is wrong, and
 * from a platform, in versions that are on disk before they are answered. Where both know a card, the platform's word
 * counts.
 */
import type { ArgumentsOf, Registry, Result } from '../../config/catalogue/actions.ts';
import { readEvent } from '../../config/catalogue/events.ts';
import type { Config } from '../../config/schema.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Credential, Observation } from '../../drivers/contract/observation.ts';
import type { Commands } from '../commands/index.ts';
import type { Journal } from '../journal/index.ts';
import type { Part } from '../lifecycle/part.ts';
import { signal } from '../lifecycle/signal.ts';
import type { WallClock } from '../observe/clock.ts';
import { type BurstLog, burstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { stateKeyOf } from '../road/event.ts';
import type { Recorder } from '../road/recorder.ts';
import type { Pass, Stage } from '../road/stage.ts';
import { type Brake, createBrake } from './brake.ts';
import { createCardFile } from './card-file.ts';
import type { Holding } from './credentials.ts';
import { type Decision, type DoorConfig, decide, decideHolding } from './decide.ts';
import type { DoorState } from './door.ts';
import { createDoors, type Doors, type KnownDoors } from './doors.ts';
import { createLookup, type Lookup } from './lookup.ts';
import { createPassages } from './passages.ts';
import { createPlatformCards } from './platform-cards.ts';
import { readBackSince } from './read-back.ts';
import { createTogether, type Together } from './together.ts';
import { createTyped, type HeldCards } from './typed.ts';

export interface AccessOptions {
  readonly onward: Pass;
  readonly states: Recorder['states'];
  readonly reload: Recorder['reload'];
  /** Removes pictures. */
  readonly forget: (pictures: readonly string[]) => Promise<void>;
  /** Damaged copies of the journal, from which nobody can be erased. */
  readonly damaged: { list(): readonly string[] };
  readonly journal: Pick<
    Journal,
    'credentials' | 'credentialsVersion' | 'changeCredentials' | 'readBack' | 'erase'
  >;
  readonly commands: Pick<Commands, 'performForCard' | 'askPart' | 'onPerform'>;
  readonly registry: Registry;
  /** The readers that can show whether a card was good. */
  readonly indicators: ReadonlySet<string>;
  readonly clock: Pick<WallClock, 'now'>;
  readonly time: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** One that is made anew with another config is given that of the one before. */
  readonly memory?: AccessMemory;
}

/** What is known in memory only. */
export interface AccessMemory {
  readonly doors: KnownDoors;
  readonly together: Together;
  readonly typed: HeldCards;
}
export const createAccessMemory = (): AccessMemory => ({
  doors: new Map(),
  together: new Map(),
  typed: new Map(),
});

export interface Access extends Stage, Part {
  /**
   * Reads what is known of cards and of who went where; again, where the journal was opened anew. Never rejects: without
   * a list, every card is unknown, aloud.
   */
  start(): Promise<void>;
  doors(): readonly { readonly id: string; readonly state: DoorState }[];
  /** Doors that are kept open until they are locked, as far as is known. */
  keptOpen(): ReadonlySet<string>;
  /** Since when a lockdown is in force, RFC 3339; undefined: there is none. */
  lockdownSince(): string | undefined;
  /** Calls back with what was decided at a door and the disk did not take: no event tells of it. */
  onUnkept(listener: (observation: Observation) => void): void;
  /** The version of the platform's cards, and how many cards are known. */
  credentials(): { readonly version: number; readonly count: number };
  /** Who went in and did not come out since, as far as cards tell; epoch ms. */
  inside(): readonly { readonly holder: string; readonly since: number }[];
}

const LOOK_EVERY_MS = 5000;
const WITHOUT_FACILITY =
  'a card that was shown is in a list without the facility that its reader tells: it is unknown (write the facility, or see access.lowBits)';

const WITHOUT_FORMAT =
  'a card that was shown has facility and number of one in a list, in a format that is not named there: it is unknown (if it is that card, write the format; for EM4100, whose first byte is no facility, its number alone)';

/** A card that is unknown because its row says too little. */
function warnHalfListed(card: Credential, reader: string, lookup: Lookup, bursts: BurstLog) {
  if (lookup.isWithoutFacility(card)) bursts.warn('facility', { reader }, WITHOUT_FACILITY);
  else if (lookup.isWithoutFormat(card))
    bursts.warn('format', { reader, format: card.format }, WITHOUT_FORMAT);
}

export function createAccess(
  config: Pick<Config, 'access' | 'calendar' | 'timezone'>,
  options: AccessOptions,
): Access {
  const { onward, journal, commands, clock, time, log, metrics } = options;
  const memory = options.memory ?? createAccessMemory();
  const bursts = burstLog(log, time);
  const { cardFile, platformCards, lookup } = createLists(config.access, { ...options, bursts });
  const book = createPassages(journal, clock.now);
  const doors = createDoors(config.access.doors, { onward, commands, time, known: memory.doors });
  const lockdown = createLockdown(options, doors);
  const together = createTogether(memory.together);
  const unkept = createUnkept(options);
  const context = {
    config: config.access,
    calendar: config.calendar,
    timezone: config.timezone,
    passages: book.passages,
  };
  let timer: Timer | undefined;

  const inForce = () => ({ ...context, lockdown: lockdown.isOn() });
  const decideCard = (card: Credential, door: DoorConfig, reader: string) =>
    decide(card, door, clock.now(), {
      ...inForce(),
      credentials: { find: (one) => lookup.find(one, reader) },
    });
  const tampered = createTampered(options);
  const brake = createBrake(config.access.codes, time, tampered.tell);
  const asked = {
    pinOf: lookup.pinOf,
    codes: () => cardFile.codes,
    decideCard,
    decideHolding: (holding: Holding, door: DoorConfig) =>
      decideHolding(holding, door, clock.now(), inForce()),
  };
  const typed = createTyped(config.access.codes, brake, time, asked, memory.typed);

  /** What was decided, done and told. */
  const settle = async (observation: Observation, door: DoorConfig, first: Decision) => {
    const now = clock.now();
    const decided = together(door, first, now);
    metrics.decisions.inc({ door: door.id, decision: decided.decision });
    const { holder } = decided;
    const { direction } = door;
    const granted = decided.decision === 'granted';
    const { device, past: isPast = false } = observation;
    const opens = granted && !isPast;
    if (opens && holder !== undefined && direction !== undefined) book.note(holder, direction, now);
    // The person stands there: the door does not wait for the disk.
    if (opens) doors.unlock(door);
    // A card that waits for its PIN was neither good nor bad.
    if (!isPast && options.indicators.has(device) && decided.reason !== 'pin-needed')
      void commands.askPart('indicate', device, { granted });
    const access = { door: door.id, ...decided, ...(direction !== undefined && { direction }) };
    return await unkept.passOn({ ...observation, access });
  };
  const showCard = async (observation: Observation, card: Credential, door: DoorConfig) => {
    const startedAt = time.elapsed();
    const decided = decideCard(card, door, observation.device);
    metrics.decisionSeconds.observe((time.elapsed() - startedAt) / 1000);
    if (decided.decision === 'unknown') warnHalfListed(card, observation.device, lookup, bursts);
    const waits = decided.decision === 'granted' && door.mode === 'card-and-pin';
    return await settle(
      observation,
      door,
      waits ? typed.holdCard(observation.device, card, decided) : decided,
    );
  };
  const typeCode = async (observation: Observation, code: string, door: DoorConfig) => {
    const { decided, card } = await typed.decideCode(observation.device, code, door);
    return await settle({ ...observation, ...(card && { credential: card }) }, door, decided);
  };

  serveAccess(options, { lockdown, platformCards, book });
  commands.onPerform(doors.noteUnlocked);

  return {
    async start() {
      for (const { reader: readers } of config.access.doors)
        for (const reader of readers) if (tampered.isAt(reader)) brake.lock(reader);
      timer ??= time.every(LOOK_EVERY_MS, () => void cardFile.reloadCardFile());
      const cards = platformCards.load().catch(({ message: error }: Error) => {
        log.error({ error }, 'the cards that a platform sent cannot be read');
      });
      const tries = restoreBrake(brake, config.access.codes.within, options).catch(() => {});
      await Promise.all([cardFile.reloadCardFile(), cards, book.restore().catch(() => {}), tries]);
    },
    pass({ code, ...observation }) {
      const { device, kind, credential, access } = observation;
      doors.note(observation);
      if (kind === 'link' && observation.state === 'restored') doors.lockHeld(device);
      const door = doors.atReader(device);
      // A terminal that decided itself has opened its door too.
      if (kind !== 'credential' || access !== undefined || door === undefined) return onward(observation);
      if (code !== undefined) return typeCode(observation, code, door);
      return credential === undefined ? onward(observation) : showCard(observation, credential, door);
    },
    ...{ doors: doors.states, keptOpen: doors.kept, lockdownSince: lockdown.since, onUnkept: unkept.on },
    credentials: () => ({ version: platformCards.version, count: cardFile.size + platformCards.size }),
    inside: book.inside,
    async [Symbol.asyncDispose]() {
      timer?.stop();
      brake.close();
      doors.close();
      bursts.close();
    },
  };
}

function serveAccess(
  options: AccessOptions,
  {
    lockdown,
    platformCards,
    book,
  }: {
    readonly lockdown: ReturnType<typeof createLockdown>;
    readonly platformCards: ReturnType<typeof createPlatformCards>;
    readonly book: ReturnType<typeof createPassages>;
  },
) {
  options.registry.serve({
    lockdown: () => lockdown.set(true),
    'end-lockdown': () => lockdown.set(false),
    credentials: ({ arguments: wanted }) => platformCards.change(wanted),
    async erase({ arguments: person }) {
      const result = await erase(person, options);
      await platformCards.load();
      if (person.holder !== undefined) book.forget(person.holder);
      return { done: true, result };
    },
  });
}

/** The two lists of cards, and how a card is found in them. */
function createLists(
  config: Config['access'],
  {
    journal,
    time,
    log,
    metrics,
    bursts,
  }: Pick<AccessOptions, 'journal' | 'time' | 'log' | 'metrics'> & {
    readonly bursts: ReturnType<typeof burstLog>;
  },
) {
  const onChange = () => {
    lookup.onChange();
    metrics.credentials.set(cardFile.size + platformCards.size);
  };
  const about = { groups: config.groups.map(({ id }) => id), onChange };
  const cardFile = createCardFile(config.credentialsFile, { ...about, bursts, time, log });
  const platformCards = createPlatformCards(journal, about);
  const lookup = createLookup(platformCards, cardFile, config);
  return { cardFile, platformCards, lookup };
}

/** Whether only those may pass whom the config names is the latest event about it: it survives a restart. */
function createLockdown({ onward, states }: Pick<AccessOptions, 'onward' | 'states'>, doors: Doors) {
  const key = stateKeyOf({ device: 'gateway', kind: 'lockdown', state: 'raised' }) ?? '';
  return {
    isOn: () => states.get(key)?.raised === true,
    since() {
      const state = states.get(key);
      return state?.raised === true ? state.event.time : undefined;
    },
    async set(on: boolean): Promise<Result> {
      const recorded = onward({ device: 'gateway', kind: 'lockdown', state: on ? 'raised' : 'restored' });
      // Doors that are held open close, whatever the disk says.
      const [notLocked] = await Promise.all([on ? doors.lockAll() : [], recorded]);
      return { done: true, ...(notLocked.length > 0 && { result: { notLocked } }) };
    },
  };
}

/** Who stands at a door is to see what was decided, whatever the disk says. */
function createUnkept({ onward, log }: Pick<AccessOptions, 'onward' | 'log'>) {
  const unkept = signal<[Observation]>('a decision that the disk did not take', log);
  return {
    on: (listener: (observation: Observation) => void) => void unkept.on(listener),
    async passOn(observation: Observation) {
      try {
        return await onward(observation);
      } catch (error) {
        if (observation.past !== true) unkept.tell(observation);
        throw error;
      }
    },
  };
}

/** Too many wrong codes at a reader: what is known of that is the latest event about it, and survives a restart. */
function createTampered({ onward, states }: Pick<AccessOptions, 'onward' | 'states'>) {
  const about = (device: string) => ({ device, kind: 'tamper', cause: 'wrong-codes' }) as const;
  return {
    isAt: (device: string) =>
      states.get(stateKeyOf({ ...about(device), state: 'raised' }) ?? '')?.raised === true,
    tell: (device: string, state: 'raised' | 'restored') =>
      void onward({ ...about(device), state }).catch(() => {}),
  };
}

/** Wrong codes of the last while: a power cut gives no new tries. @throws what the journal throws. */
async function restoreBrake(
  brake: Pick<Brake, 'restore'>,
  withinMs: number,
  { journal, clock }: Pick<AccessOptions, 'journal' | 'clock'>,
): Promise<void> {
  const now = clock.now();
  const agesByReader = new Map<string, number[]>();
  for await (const { type, body, seenAt } of readBackSince(journal, now - withinMs)) {
    if (type !== 'access.denied') continue;
    const { access, device } = (readEvent(body)?.data ?? {}) as {
      access?: Observation['access'];
      device?: { id?: string };
    };
    if (access?.reason !== 'wrong-code' || device?.id === undefined) continue;
    agesByReader.set(device.id, [...(agesByReader.get(device.id) ?? []), now - seenAt]);
  }
  for (const [reader, agesMs] of agesByReader) brake.restore(reader, agesMs);
}

/** Takes a person out of the journal, with the pictures, and out of the states in memory. */
async function erase(
  person: ArgumentsOf<'erase'>,
  { journal, forget, reload, damaged }: Pick<AccessOptions, 'journal' | 'forget' | 'reload' | 'damaged'>,
): Promise<{ readonly events: number; readonly left?: readonly string[] }> {
  const { events, pictures, left } = await journal.erase(person);
  await forget(pictures);
  await reload();
  const files = [...left, ...damaged.list()];
  return { events, ...(files.length > 0 && { left: files }) };
}
