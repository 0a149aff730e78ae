/**
 * What a driver is.
 *
 * A driver says what it observed, in the field's words; the gateway makes the event of it. A driver never
 * buffers, never retries an uplink and never knows MQTT. It acknowledges its device only after `report`
 * resolves, because only then is the event on disk.
 */
import type { z } from 'zod';
import type { Clock } from './clock.ts';
import type { About } from './inventory.ts';
import type { DeviceObservation, Receipt } from './observation.ts';
import type { Tap } from './tap.ts';

/** A log line is a sentence for the technician with structured fields. */
export interface Log {
  debug(fields: object, sentence: string): void;
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
}

/** A function that is called in a thread apart: values go there and come back as copies. */
export interface Job {
  /** The URL of its module, a `new URL('./x.ts', import.meta.url).href`. */
  readonly module: string;
  /** The name that the module exports it by. */
  readonly name: string;
  readonly input: unknown;
}

/** What the gateway gives a driver. */
export interface Host {
  /** Resolves when the event is on disk, not before. Rejects when it could not be written: do not acknowledge. */
  report(observation: DeviceObservation): Promise<Receipt>;
  /** This device answers (or no longer does). Repeating what is known costs nothing. `part` names an account or a unit. */
  link(device: string, state: 'online' | 'offline', reason?: string, part?: string): void;
  /** It told what it is. */
  about?(device: string, about: About): void;
  /**
   * Bytes or frames that made no sense: counted by `reason`, which is one of a few fixed sentences, and logged once
   * a burst. What varies goes into `detail`. `device`: or the name of the line, of what no device of the config said.
   */
  discarded(device: string, reason: string, bytes: number, detail?: string): void;
  /**
   * What is known to be raised of a device, from before this session or the last start: `seen` says since when. For a
   * driver that ends what its device never says to have ended.
   */
  raised?(device: string): readonly DeviceObservation[];
  /** It told what no rule maps: no event, counted by `what` (a topic, a code) and listed in /health for the installer. */
  unmapped(device: string, what: string): void;
  /**
   * Keeps a picture beside the journal. `about`: it stands for itself, and is told: of the alarm `event`, where it is
   * of one. @returns its reference, for `Observation.picture`. Rejects where the disk
   * refuses: the observation goes without it.
   */
  keep(
    device: string,
    picture: { readonly contentType: string; readonly bytes: Uint8Array },
    about?: { readonly event?: string | undefined },
  ): Promise<string>;
  /**
   * Does what may cost much, the reading of foreign bytes of unbounded shape, where it holds nobody up: in a thread
   * that is ended when it does not answer. Rejects with what the function threw, when it is late (2 s), and when too
   * many wait.
   */
  isolated(job: Job): Promise<unknown>;
  /** Who looks on: told of each read and write of the wire. Lines of drivers/line.ts are tapped there. */
  readonly tap?: Tap;
  readonly log: Log;
  /** Aborted when the session must end. */
  readonly signal: AbortSignal;
  /** The only way to time. */
  readonly clock: Clock;
}

/** What the gateway asks of a device. */
export interface Command {
  readonly id: string;
  readonly device: string;
  readonly action: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** By `elapsed` of the clock: it is not begun later. Judged anew right before it goes on the wire, where it has to wait. */
  readonly notAfter?: number | undefined;
}

/** `unknown`: it may have been done; the device did not answer. `result`: what was asked for. */
export type Outcome =
  | { readonly done: true; readonly result?: Readonly<Record<string, unknown>> }
  | { readonly done: false; readonly reason: string; readonly unknown?: true };

/** The first thing that is wrong, with where it stands: `to.0: Invalid input`. */
export function wrongOf({ issues: [issue] }: z.ZodError): string {
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`;
}

/** What is wrong with the arguments of a command, as the reason of its refusal. */
export const wrongArgument = (error: z.ZodError): string => `arguments.${wrongOf(error)}`;

/**
 * A driver at work on one wire.
 * `ended` resolves after `close`, and rejects when the line is gone: the supervisor then opens a new session.
 */
export interface Session {
  readonly ended: Promise<void>;
  execute?(command: Command): Promise<Outcome>;
  /**
   * The config of this wire changed while it is open: `devices` are those of now, in its order, and those that are as they were
   * are the same objects. For wires that many share, listeners and buses: what did not change goes on without a break.
   * Where it rejects, and where a driver has none, the session is closed and another opened.
   */
  configure?(devices: readonly Device[]): Promise<void>;
  close(): Promise<void>;
}

/** A device of the config, its options validated by its driver's schema. */
export interface Device<Options = unknown, Profile = unknown> {
  readonly id: string;
  readonly name?: string;
  /** Where it is, for people. */
  readonly place?: string;
  readonly driver: string;
  readonly options: Options;
  /** The device model, where the driver has profiles: the content of the file that `profile` named. */
  readonly profile?: Profile;
  /** What it can be told, as its driver says. */
  readonly commands?: readonly DeviceCommand[];
}

/** Something that a device can be told: an action, of one of its outputs. */
export interface DeviceCommand {
  readonly action: string;
  readonly output?: string;
}

/** A mistake in a device's options that the schema alone cannot see. `path` starts inside the device. */
export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** The same in Chinese, where somebody wrote it. */
  readonly zh?: string;
}

/** What works and should not stay so. `path` starts inside the device, or the uplink. */
export interface Warning {
  readonly path: readonly (string | number)[];
  readonly en: string;
  readonly zh: string;
}

/** A mistake between devices of one `line`, each right by itself. `path` starts inside `device`, the later one. */
export interface Clash extends Warning {
  readonly device: string;
}

/** A port that a device needs. `path` starts inside the device. */
export interface Listening {
  readonly path: readonly (string | number)[];
  readonly host: string;
  readonly port: number;
  readonly over: readonly ('tcp' | 'udp')[];
}

export interface Driver<Schema extends z.ZodObject = z.ZodObject, Profile extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly title: { readonly en: string; readonly zh: string };
  readonly options: Schema;
  /** Where the options hold `profile: NAME`, the schema of that file. */
  readonly profile?: Profile;
  /** What makes a file that the options name, where it is not there yet: by its key, a sentence. */
  readonly madeBy?: Readonly<Record<string, { readonly en: string; readonly zh: string }>>;
  /** Names the wire: devices with the same name share one session. */
  line(device: Device<z.output<Schema>, z.output<Profile>>): string;
  problems?(device: Device<z.output<Schema>, z.output<Profile>>): readonly Problem[];
  /** What is wrong between devices of one `line`, in the order of the config. */
  clashes?(devices: readonly Device<z.output<Schema>, z.output<Profile>>[]): readonly Clash[];
  warnings?(device: Device<z.output<Schema>, z.output<Profile>>): readonly Warning[];
  /** Where it listens; devices of one `line` share it. */
  listens?(device: Device<z.output<Schema>, z.output<Profile>>): readonly Listening[];
  /** What a device can be told: rules and rights in the config are checked against it. */
  commands?(device: Device<z.output<Schema>, z.output<Profile>>): readonly DeviceCommand[];
  /** What puts the wire's pieces into words (contract/tap.ts, `Explain`), for a thread apart. */
  explain?(device: Device<z.output<Schema>, z.output<Profile>>): Pick<Job, 'module' | 'name'>;
  /** @throws LineError when the line cannot be had. */
  open(devices: readonly Device<z.output<Schema>, z.output<Profile>>[], host: Host): Promise<Session>;
}

/** Gives the types of a driver's options to its functions. */
export function defineDriver<Schema extends z.ZodObject, Profile extends z.ZodType = z.ZodType>(
  driver: Driver<Schema, Profile>,
): Driver<Schema, Profile> {
  return driver;
}

/**
 * The line is gone, or cannot be had.
 * - `E_LINE_LOST`: it was there and ended.
 * - `E_LINE_REFUSED`: it could not be opened.
 * - `E_PORT_TAKEN`: another program listens there.
 */
export class LineError extends Error {
  readonly code: 'E_LINE_LOST' | 'E_LINE_REFUSED' | 'E_PORT_TAKEN';
  constructor(code: LineError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LineError';
    this.code = code;
  }
}
