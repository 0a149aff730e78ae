/** The doors of the campus: which reader, contact, button and lock is of which, and what each is doing. */
import { isDeepStrictEqual } from 'node:util';
import type { Result } from '../../config/catalogue/actions.ts';
import type { AccessConfig } from '../../config/sections/access.ts';
import { isSameZone, placeOf, type ZonePlace } from '../../config/zones.ts';
import { type Clock, within } from '../../drivers/contract/clock.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import type { Commands } from '../commands/index.ts';
import type { Pass } from '../road/stage.ts';
import type { DoorConfig } from './decide.ts';
import { createDoor, type DoorState } from './door.ts';

export interface Doors {
  /** The door at which a device reads cards; undefined: at none. */
  atReader(device: string): DoorConfig | undefined;
  /** Opens it for a moment. */
  unlock(door: DoorConfig): void;
  /** Ends it that doors are held open. @returns the ids of those whose locks did not say that they did. */
  lockAll(): Promise<readonly string[]>;
  /** A device answers again: what it holds open is locked, for it may have missed the order to. */
  lockHeld(device: string): void;
  /** What a contact, the button to go out, or a terminal that decided itself says. */
  note(observation: Observation): void;
  /** Somebody tells a device to unlock, hold or lock something: it may be the lock of a door. */
  noteUnlocked(
    asked: {
      readonly action: string;
      readonly target: string;
      readonly arguments: Readonly<Record<string, unknown>>;
    },
    outcome: Promise<Result>,
  ): void;
  states(): readonly { readonly id: string; readonly state: DoorState }[];
  /** Those that are kept open until they are locked, as far as is known. */
  kept(): ReadonlySet<string>;
  close(): void;
}

/** What is known of doors, by id: one that is made anew with another config begins with it. */
export type KnownDoors = Map<
  string,
  {
    readonly contact: DoorConfig['contact'];
    readonly state: DoorState;
    readonly held: ReadonlySet<string>;
  }
>;

/** A lock that has not answered by then is told as not locked: who asks for a lockdown waits for it. */
const LOCK_TIMEOUT_MS = 5000;

const isZone = (one: ZonePlace | undefined, said: Observation) =>
  one !== undefined && isSameZone(one, placeOf(said));

export function createDoors(
  config: AccessConfig['doors'],
  {
    onward,
    commands,
    time,
    known = new Map(),
  }: {
    readonly onward: Pass;
    readonly commands: Pick<Commands, 'performForCard'>;
    readonly time: Clock;
    readonly known?: KnownDoors;
  },
): Doors {
  const byReader = new Map(config.flatMap((door) => door.reader.map((reader) => [reader, door] as const)));
  const doors = config.map((door) => {
    const was = known.get(door.id);
    const outputs = door.unlock.map(({ target, output }) => `${target} ${output}`);
    /** Its outputs that hold it open, as far as is known: `device output`. */
    const held = new Set(outputs.filter((name) => was?.held.has(name)));
    const tellOf = (kind: 'forced' | 'held', state: Observation['state']) => {
      const device = door.contact?.device ?? 'gateway';
      onward({ device, kind, state, details: { part: door.id } }).catch(() => {});
    };
    // Of another contact nothing is known.
    const state = isDeepStrictEqual(was?.contact, door.contact) ? was?.state : undefined;
    return {
      config: door,
      held,
      /** How often it was told to open: a lock that ends after that says nothing of it. */
      openings: 0,
      door: createDoor(door, time, tellOf, { state: state ?? 'closed', isKept: held.size > 0 }),
    };
  });
  const doorOf = (id: string) => doors.find((one) => one.config.id === id)?.door;
  const tell = (action: 'unlock' | 'lock', { target, output }: DoorConfig['unlock'][number]) =>
    commands.performForCard({ target, action, arguments: { output } });
  const unlock = (door: DoorConfig) => {
    doorOf(door.id)?.unlock();
    for (const one of door.unlock) void tell('unlock', one);
  };
  const isLocked = async ({ id, unlock: locks }: DoorConfig): Promise<boolean> => {
    // Its terminal moves it: it may no longer be opened, and nothing of ours holds it.
    if (locks.length === 0) doorOf(id)?.lock();
    const results = Promise.all(locks.map((one) => tell('lock', one)));
    const late = () => new Error('a lock does not answer');
    return await within(results, LOCK_TIMEOUT_MS, time, late).then(
      (all) => all.every(({ done }) => done),
      () => false,
    );
  };
  return {
    atReader: (device) => byReader.get(device),
    unlock,
    async lockAll() {
      const locked = await Promise.all(config.map(isLocked));
      return config.filter((_, index) => locked[index] !== true).map(({ id }) => id);
    },
    lockHeld(device) {
      for (const { config: own, held } of doors)
        for (const one of own.unlock)
          if (one.target === device && held.has(`${device} ${one.output}`)) void tell('lock', one);
    },
    note(observation) {
      const { kind, initial, device, access, past } = observation;
      // Nobody stands there any more.
      if (past) return;
      // Its terminal unlocked it, not we: what opens now was not forced.
      if (kind === 'credential' && access?.decision === 'granted')
        doorOf(byReader.get(device)?.id ?? '')?.unlock();
      const raised = observation.state === 'raised';
      for (const { config: own, door } of doors) {
        if (kind === 'contact' && isZone(own.contact, observation)) door.contact(raised, initial === true);
        if (kind === 'exit-request' && raised && isZone(own.exitRequest, observation)) unlock(own);
      }
    },
    noteUnlocked({ action, target, arguments: { output } }, outcome) {
      if (action !== 'unlock' && action !== 'hold' && action !== 'lock') return;
      for (const one of doors) {
        if (!one.config.unlock.some((lock) => lock.target === target && lock.output === output)) continue;
        const { door, held } = one;
        // It may be open before it says so, and is locked only when it says so.
        if (action !== 'lock') {
          one.openings += 1;
          door[action]();
        }
        const { openings } = one;
        void outcome.then(({ done, unknown }) => {
          if (action === 'hold' && (done || unknown === true)) held.add(`${target} ${output}`);
          if (action !== 'lock' || !done || openings !== one.openings) return;
          held.delete(`${target} ${output}`);
          if (held.size === 0) door.lock();
        });
      }
    },
    kept: () => new Set(doors.filter(({ held }) => held.size > 0).map(({ config: { id } }) => id)),
    states: () => doors.map(({ config: { id }, door }) => ({ id, state: door.state() })),
    close() {
      known.clear();
      for (const { config: own, door, held } of doors) {
        known.set(own.id, { contact: own.contact, state: door.state(), held });
        door.close();
      }
    },
  };
}
