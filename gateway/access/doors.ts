/** The doors of the campus: which reader, contact, button and lock is of which, and what each is doing. */
import type { AccessConfig } from '../../config/sections/access.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
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
  /** Ends it that doors are held open. */
  lockAll(): void;
  /** What a contact or the button to go out says. */
  noteZone(observation: Observation): void;
  /** Somebody tells a device to unlock, hold or lock something: it may be the lock of a door. */
  noteUnlocked(asked: {
    readonly action: string;
    readonly target: string;
    readonly arguments: Readonly<Record<string, unknown>>;
  }): void;
  states(): readonly { readonly id: string; readonly state: DoorState }[];
  close(): void;
}

const isZone = (
  one: { readonly device: string; readonly zone: number } | undefined,
  { device, zone }: Observation,
) => one !== undefined && one.device === device && one.zone === zone?.number;

export function createDoors(
  config: AccessConfig['doors'],
  {
    onward,
    commands,
    time,
  }: { readonly onward: Pass; readonly commands: Pick<Commands, 'performForCard'>; readonly time: Clock },
): Doors {
  const byReader = new Map(config.flatMap((door) => door.reader.map((reader) => [reader, door] as const)));
  const doors = config.map((door) => ({
    config: door,
    door: createDoor(door, time, (kind, state) => {
      const device = door.contact?.device ?? 'gateway';
      onward({ device, kind, state, details: { part: door.id } }).catch(() => {});
    }),
  }));
  const doorOf = (id: string) => doors.find((one) => one.config.id === id)?.door;
  const move = (action: 'unlock' | 'lock', { id, unlock }: DoorConfig) => {
    doorOf(id)?.[action]();
    for (const { target, output } of unlock)
      void commands.performForCard({ target, action, arguments: { output } });
  };
  return {
    atReader: (device) => byReader.get(device),
    unlock: (door) => move('unlock', door),
    lockAll() {
      for (const door of config) move('lock', door);
    },
    noteZone(observation) {
      const { kind, initial } = observation;
      const raised = observation.state === 'raised';
      for (const { config: own, door } of doors) {
        if (kind === 'contact' && isZone(own.contact, observation)) door.contact(raised, initial === true);
        if (kind === 'exit-request' && raised && isZone(own.exitRequest, observation)) move('unlock', own);
      }
    },
    noteUnlocked({ action, target, arguments: { output } }) {
      if (action !== 'unlock' && action !== 'hold' && action !== 'lock') return;
      for (const { config: own, door } of doors)
        if (own.unlock.some((one) => one.target === target && one.output === output)) door[action]();
    },
    states: () => doors.map(({ config: { id }, door }) => ({ id, state: door.state() })),
    close() {
      for (const { door } of doors) door.close();
    },
  };
}
