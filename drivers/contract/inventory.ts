/** What there is on the campus, as platforms list it: cameras and alarm inputs, by the ids that commands and events have. */

/** What a device is by its own word. */
export interface About {
  readonly maker?: string | undefined;
  readonly model?: string | undefined;
  readonly firmware?: string | undefined;
  readonly serial?: string | undefined;
  /** Whether it can be turned. */
  readonly ptz?: boolean | undefined;
}

/** One thing that a platform may list, ask about and be told of. */
export interface Thing extends About {
  readonly kind: 'camera' | 'alarm-input';
  /** Of a camera: the device, as commands and media take it. Of an alarm input: as `inputName` says. */
  readonly id: string;
  readonly device: string;
  /** For people; where nobody gave one, the id. */
  readonly name: string;
  /** As far as is known: what was not heard of yet counts as it was left. */
  readonly online: boolean;
  /** Of an alarm input: an alarm of it stands; or whether one would be raised, as its area is armed. */
  readonly guard?: 'alarm' | 'armed' | 'disarmed' | undefined;
  /** The first area that has it, or that it sees: its id, and its name for people. */
  readonly area?: { readonly id: string; readonly name: string } | undefined;
  /** Where it is, in words; of a zone that says nothing, where its device is. */
  readonly place?: string | undefined;
}

/**
 * The name of one alarm input over all its alarms: `panel/north`, `fence/2`; of a panel behind a receiver
 * `line/1234/north`; of a device as a whole `panel`. A zone is known by its id, or by its number where it has none.
 */
export const inputName = (
  device: string,
  account: string | undefined,
  zone: { readonly number: number; readonly id?: string | undefined } | undefined,
): string =>
  [device, account?.toUpperCase(), zone?.id ?? zone?.number].filter((part) => part !== undefined).join('/');

/** Areas, and doors with the zone that tells whether each is open: `subject` is its name in states and events. */
export interface Places {
  readonly areas: readonly { readonly id: string; readonly name: string }[];
  readonly doors: readonly {
    readonly id: string;
    readonly name: string;
    readonly contact?: { readonly device: string; readonly subject: string } | undefined;
  }[];
}

/** What there is, and who is told that it changed. */
export interface Things {
  /** The cameras first, then alarm inputs, in the order of the config. */
  list(): readonly Thing[];
  places(): Places;
  /** Calls back after something of it changed: what answers, what it is. @returns what ends that. */
  onChanged(run: () => void): () => void;
}

/** Where there is no campus. */
export const noThings: Things = {
  list: () => [],
  places: () => ({ areas: [], doors: [] }),
  onChanged: () => () => {},
};
