/**
 * Cards and faces at doors: decided here, uplink or not, disk or not; the door opens at once, and the event says so.
 *
 * Who has which card comes from a file of the school's, taken up when it changes and refused where it is wrong, and
 * from a platform, in versions that are on disk before they are answered. Where both know a card, the platform's word
 * counts.
 */
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import type { Result } from '../../config/catalogue/actions.ts';
import { readEvent } from '../../config/catalogue/events.ts';
import type { AccessConfig } from '../../config/sections/access.ts';
import type { CalendarConfig } from '../../config/sections/calendar.ts';
import { type Log, wrongArgument } from '../../drivers/contract/driver.ts';
import type { Credential, Observation, Receipt } from '../../drivers/contract/observation.ts';
import type { Commands } from '../commands/index.ts';
import type { Task } from '../commands/registry.ts';
import type { Journal } from '../journal/index.ts';
import type { WallClock } from '../observe/clock.ts';
import { burstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { stateKeyOf } from '../road/event.ts';
import type { Recorder } from '../road/recorder.ts';
import { type Credentials, cardKey, type Holding, loadCredentials, readRow } from './credentials.ts';
import { type Decision, type DoorConfig, decide } from './decide.ts';
import { createDoor, type Door, type DoorState } from './doors.ts';

export interface AccessOptions {
  readonly config: AccessConfig;
  readonly calendar: CalendarConfig;
  readonly timezone: string;
  readonly record: (observation: Observation) => Promise<Receipt>;
  readonly states: Recorder['states'];
  readonly reload: Recorder['reload'];
  /** Removes pictures. */
  readonly forget: (pictures: readonly string[]) => Promise<void>;
  readonly journal: Pick<
    Journal,
    'credentials' | 'credentialsVersion' | 'changeCredentials' | 'readBack' | 'erase'
  >;
  readonly commands: Pick<Commands, 'performForCard'>;
  /** Shows at a reader whether a card was good, where it can. */
  readonly indicate: (reader: string, granted: boolean) => void;
  readonly clock: Pick<WallClock, 'now'>;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface Access {
  /** Reads what is known of cards and of who went where. Never rejects: without a list, every card is unknown, aloud. */
  start(): Promise<void>;
  /** In place of `record`, for what devices say. @throws what `record` throws. */
  take(observation: Observation): Promise<Receipt>;
  /** `credentials`, `lockdown`, `end-lockdown`, `erase`; undefined: it is none of them. */
  execute(task: Task): Promise<Result> | undefined;
  /** A command moved something: it may be the lock of a door. */
  moved(task: Pick<Task, 'target' | 'action' | 'arguments'>): void;
  doors(): readonly { readonly id: string; readonly state: DoorState }[];
  /** The version of the platform's cards, and how many cards are known. */
  credentials(): { readonly version: number; readonly count: number };
  /** Who went in and did not come out since, as far as cards tell; epoch ms. */
  inside(): readonly { readonly holder: string; readonly since: number }[];
  close(): void;
}

const LOOK_EVERY_MS = 5000;
const PAGE = 1000;
/** Where people are is read back from so many of the last events. */
const PASSAGES_MAX = 20_000;
const DAY_MS = 86_400_000;

const rowSchema = z.strictObject({
  number: z.string(),
  facility: z.int().min(0).max(99_999).optional(),
  holder: z.string().max(100),
  groups: z.array(z.string()).default([]),
  validFrom: z.string().optional(),
  validUntil: z.string().optional(),
  blocked: z.boolean().default(false),
  children: z.array(z.string().max(100)).max(20).default([]),
});
export const credentialsSchema = z.strictObject({
  version: z.int().min(1).describe('What the gateway has afterwards'),
  base: z.int().min(0).optional().describe('What it must have before; without it, all cards of before go'),
  put: z.array(rowSchema).max(500).default([]),
  remove: z
    .array(z.strictObject({ number: z.string(), facility: z.int().optional() }))
    .max(500)
    .default([]),
});

/** Whom to erase: one of a card, the school's id of a person, a visit. */
export const personSchema = z
  .strictObject({
    card: z.strictObject({ number: z.string().min(1), facility: z.int().optional() }).optional(),
    holder: z.string().min(1).optional(),
    visit: z.string().min(1).optional(),
  })
  .refine((one) => Object.keys(one).length === 1, 'one of card, holder, visit');

export function createAccess(options: AccessOptions): Access {
  const { config, calendar, timezone, record, states, journal, commands, clock, log, metrics } = options;
  const bursts = burstLog(log);
  const groupNames = config.groups.map(({ id }) => id);
  const byReader = new Map<string, DoorConfig>();
  for (const door of config.doors) for (const reader of door.reader) byReader.set(reader, door);
  const passages = new Map<string, { direction: 'in' | 'out'; at: number }>();
  const { credentialsFile: file } = config;
  let listed: ReadonlyMap<string, Holding> = new Map();
  const synced = new Map<string, Holding>();
  let version = 0;
  const credentials: Credentials = { get: (key) => synced.get(key) ?? listed.get(key) };
  const count = () => metrics.credentials.set(listed.size + synced.size);
  let read = '';

  const look = async () => {
    if (file === undefined) return;
    const { mtimeMs, size } = await stat(file);
    const stamp = `${mtimeMs}/${size}`;
    if (stamp === read) return;
    const started = performance.now();
    const found = await loadCredentials(file, groupNames);
    read = stamp;
    if ('errors' in found) {
      const [first] = found.errors;
      log.error(
        { file, errors: found.errors.length, line: first?.line, error: first?.message },
        'the new list of credentials is wrong; the old one stays',
      );
      return;
    }
    listed = found.credentials;
    count();
    log.info(
      { file, credentials: listed.size, ms: Math.round(performance.now() - started) },
      'the list of credentials was read',
    );
  };
  let looking: Promise<void> | undefined;
  const lookNow = () => {
    looking ??= look()
      .catch((error: Error) =>
        bursts.warn('credentials', { file, error: error.message }, 'the list of credentials cannot be read'),
      )
      .finally(() => {
        looking = undefined;
      });
    return looking;
  };
  const timer = setInterval(() => void lookNow(), LOOK_EVERY_MS).unref();

  const readSynced = async () => {
    version = await journal.credentialsVersion();
    for (let after = ''; ; ) {
      const page = await journal.credentials(after, PAGE);
      for (const { key, body } of page) synced.set(key, JSON.parse(body) as Holding);
      if (page.length < PAGE) break;
      after = page.at(-1)?.key ?? '';
    }
    count();
  };
  /** Where people went today, as the journal knows it: a restart must not forget who is inside. */
  const readPassages = async () => {
    const since = clock.now() - DAY_MS;
    let before = Number.MAX_SAFE_INTEGER;
    for (let looked = 0; looked < PASSAGES_MAX; ) {
      const page = await journal.readBack('normal', before, PAGE);
      for (const { type, body, seenAt } of page) {
        if (!['access.granted', 'access.pickup'].includes(type) || seenAt < since) continue;
        const data = readEvent(body)?.data as { access?: Observation['access'] } | undefined;
        const access = data?.access;
        if (access?.decision !== 'granted' || access.holder === undefined || access.direction === undefined)
          continue;
        if (!passages.has(access.holder))
          passages.set(access.holder, { direction: access.direction, at: seenAt });
      }
      looked += page.length;
      before = page.at(-1)?.sequence ?? 0;
      if (page.length < PAGE || (page.at(-1)?.seenAt ?? 0) < since) return;
    }
  };

  /** One change of the cards, all of it or nothing, on disk before it counts. */
  const change = async ({ arguments: wanted }: Task): Promise<Result> => {
    const parsed = credentialsSchema.safeParse(wanted);
    if (!parsed.success) return { done: false, reason: wrongArgument(parsed.error) };
    const { base, version: next, put, remove } = parsed.data;
    const result = () => ({ version, credentials: synced.size });
    const wrong: string[] = [];
    const rows = put.map(({ facility, groups, blocked, children, ...row }, i) =>
      readRow(
        {
          ...row,
          facility: facility === undefined ? '' : String(facility),
          groups: groups.join(';'),
          blocked: blocked ? 'yes' : '',
          children: children.join(';'),
        },
        groupNames,
        (message) => wrong.push(`arguments.put.${i}: ${message}`),
      ),
    );
    if (wrong[0] !== undefined) return { done: false, reason: wrong[0], result: result() };
    const gone = remove.map(({ facility, number }) => cardKey(facility, number));
    const done = await journal.changeCredentials({
      base,
      version: next,
      put: rows.map(([key, holding]) => ({ key, body: JSON.stringify(holding) })),
      remove: gone,
    });
    if (!done) return { done: false, reason: `the gateway has version ${version}`, result: result() };
    if (base === undefined) synced.clear();
    for (const key of gone) synced.delete(key);
    for (const [key, holding] of rows) synced.set(key, holding);
    version = next;
    count();
    return { done: true, result: result() };
  };

  const erase = async ({ arguments: wanted }: Task): Promise<Result> => {
    const parsed = personSchema.safeParse(wanted);
    if (!parsed.success) return { done: false, reason: wrongArgument(parsed.error) };
    const { events, pictures } = await journal.erase(parsed.data);
    await options.forget(pictures);
    await options.reload();
    if (parsed.data.holder !== undefined) passages.delete(parsed.data.holder);
    return { done: true, result: { events } };
  };

  // --- doors ---

  const doors = new Map<string, Door>();
  for (const { id, openWithin, heldAfter } of config.doors)
    doors.set(
      id,
      createDoor({ openWithin, heldAfter }, (kind, state) => {
        const device = config.doors.find((door) => door.id === id)?.contact?.device ?? 'gateway';
        record({ device, kind, state, details: { part: id } }).catch(() => {});
      }),
    );
  const unlock = (door: DoorConfig) => {
    doors.get(door.id)?.unlock();
    for (const { target, output } of door.unlock)
      void commands.performForCard({ target, action: 'unlock', arguments: { output } });
  };
  const isZone = (
    one: { readonly device: string; readonly zone: number } | undefined,
    { device, zone }: Observation,
  ) => one !== undefined && one.device === device && one.zone === zone?.number;
  const takeDoor = (observation: Observation) => {
    const raised = observation.state === 'raised';
    for (const door of config.doors) {
      if (observation.kind === 'contact' && isZone(door.contact, observation))
        doors.get(door.id)?.contact(raised, observation.initial === true);
      if (observation.kind === 'exit-request' && raised && isZone(door.exitRequest, observation))
        unlock(door);
    }
  };

  const lockdownKey = stateKeyOf({ device: 'gateway', kind: 'lockdown', state: 'raised' }) ?? '';
  const isLockedDown = () => states.get(lockdownKey)?.raised === true;
  const setLockdown = async (on: boolean): Promise<Result> => {
    const state = on ? 'raised' : 'restored';
    const told = record({ device: 'gateway', kind: 'lockdown', state });
    // Doors that are held open close, whatever the disk says.
    if (on)
      for (const door of config.doors) {
        doors.get(door.id)?.lock();
        for (const { target, output } of door.unlock)
          void commands.performForCard({ target, action: 'lock', arguments: { output } });
      }
    await told;
    return { done: true };
  };

  // --- cards ---

  /** By door: who has shown a card and waits for the others. */
  const waiting = new Map<string, Map<string, number>>();
  /** So many different people must come together. */
  const together = (door: DoorConfig, decision: Decision, now: number): Decision => {
    const { holder } = decision;
    if (decision.decision !== 'granted' || door.persons === 1 || holder === undefined) return decision;
    const others = waiting.get(door.id) ?? new Map<string, number>();
    for (const [one, at] of others) if (now - at > door.together || now < at) others.delete(one);
    others.set(holder, now);
    waiting.set(door.id, others);
    if (others.size < door.persons) return { ...decision, decision: 'denied', reason: 'second-person' };
    waiting.delete(door.id);
    return decision;
  };
  const show = async (observation: Observation, credential: Credential, door: DoorConfig) => {
    const now = clock.now();
    const started = performance.now();
    const context = { credentials, config, calendar, timezone, passages, lockdown: isLockedDown() };
    const decided = together(door, decide(credential, door, now, context), now);
    metrics.decisionSeconds.observe((performance.now() - started) / 1000);
    metrics.decisions.inc({ door: door.id, decision: decided.decision });
    const { device } = observation;
    if (decided.decision === 'granted') {
      if (decided.holder !== undefined && door.direction !== undefined)
        passages.set(decided.holder, { direction: door.direction, at: now });
      // The person stands there: the door does not wait for the disk.
      unlock(door);
    }
    options.indicate(device, decided.decision === 'granted');
    const direction = door.direction === undefined ? {} : { direction: door.direction };
    return await record({ ...observation, access: { door: door.id, ...decided, ...direction } });
  };

  return {
    async start() {
      await Promise.all([
        lookNow(),
        readSynced().catch((error: Error) =>
          log.error({ error: error.message }, 'the cards that a platform sent cannot be read'),
        ),
        readPassages().catch(() => {}),
      ]);
    },
    async take(observation) {
      const { device, kind, credential, access } = observation;
      if (kind === 'contact' || kind === 'exit-request') takeDoor(observation);
      const door = byReader.get(device);
      // A terminal that decided itself has opened its door too.
      if (kind !== 'credential' || credential === undefined || access !== undefined || door === undefined)
        return await record(observation);
      return await show(observation, credential, door);
    },
    execute(task) {
      if (task.action === 'credentials') return change(task);
      if (task.action === 'erase') return erase(task);
      if (task.action === 'lockdown' || task.action === 'end-lockdown')
        return setLockdown(task.action === 'lockdown');
      return undefined;
    },
    moved({ target, action, arguments: wanted }) {
      if (action !== 'unlock' && action !== 'hold' && action !== 'lock') return;
      for (const { id, unlock: own } of config.doors)
        if (own.some((one) => one.target === target && one.output === wanted['output']))
          doors.get(id)?.[action]();
    },
    doors: () => [...doors].map(([id, door]) => ({ id, state: door.state() })),
    credentials: () => ({ version, count: listed.size + synced.size }),
    inside: () =>
      [...passages].flatMap(([holder, { direction, at }]) =>
        direction === 'in' ? [{ holder, since: at }] : [],
      ),
    close() {
      clearInterval(timer);
      for (const door of doors.values()) door.close();
      bursts.close();
    },
  };
}
