/**
 * What a driver is, and the words that drivers and the gateway share.
 *
 * A driver says what it observed, in the field's words; the gateway makes the event of it. A driver never
 * buffers, never retries an uplink and never knows MQTT. It acknowledges its device only after `report`
 * resolves, because only then is the event on disk.
 */
import { z } from 'zod';

/** IEC 62642 / GB alarm words. An observation of one of these travels in the urgent lane. */
export const alarmKinds = [
  'panic',
  'intrusion',
  'perimeter',
  'fence',
  'tamper',
  'fire',
  'duress',
  'collision',
] as const;
export type AlarmKind = (typeof alarmKinds)[number];

/** What a zone can be: an alarm, or the contact of a door (raised: open), or the button beside it to go out. */
export const zoneKinds = [...alarmKinds, 'contact', 'exit-request'] as const;

/** Everything a device can say. `link` is the supervisor's word for "this device answers". */
export const observationKinds = [
  ...alarmKinds,
  'fault',
  'battery',
  'power',
  'arming',
  'bypass',
  'credential',
  'contact',
  'exit-request',
  'forced',
  'held',
  'lockdown',
  'visit',
  'video',
  'link',
  'entry',
  'test',
  'notice',
] as const;
export type ObservationKind = (typeof observationKinds)[number];

/** The standard codes beside the words: DC-03 letters ("PA") and Contact ID with its qualifier ("E120"). */
export interface StandardCodes {
  readonly sia?: string;
  readonly contactId?: string;
}

/** A card, key fob or code as the reader gave it. Numbers are decimal strings: 64-bit ids do not fit a double. */
export interface Credential {
  readonly format: string;
  readonly number: string;
  readonly facility?: number;
}

/** A visitor's visit. Times are RFC 3339. */
export interface Visit {
  readonly id: string;
  readonly stage: (typeof visitStages)[number];
  readonly name?: string | undefined;
  /** Whom they come to see. */
  readonly host?: string | undefined;
  readonly purpose?: string | undefined;
  /** When they are to be gone again. */
  readonly until?: string | undefined;
}
/** What a camera sees: the cause of an observation of the kind `video`. */
export const videoCauses = ['motion', 'line-crossed', 'zone-entered', 'tampered', 'signal-lost'] as const;
/** `missed`: expected, and did not come; `overdue`: still there after the time. */
export const visitStages = ['expected', 'arrived', 'left', 'overdue', 'missed'] as const;

/** A zone 防区 of a device as the config names it. */
export interface Zone {
  readonly number: number;
  readonly id?: string;
  readonly name?: string;
}

/**
 * What a device said.
 *
 * - `state` `raised`: the alarm, fault or loss began; the area was armed; the zone was bypassed; the card was shown.
 * - `state` `restored`: it ended.
 * - `at`: when the device says that it happened, epoch ms, and whether its clock can be believed.
 * - `initial`: the state as found on connecting, not a change: it becomes an event only where it differs from
 *   what the gateway knew. Level-reading drivers set it on the first poll, so that no alarm or restore is lost
 *   over a reconnect or a restart, and none is told twice.
 * - `repeat`: the same `key` within `within` ms is the same event (a panel that missed our ACK sends it again).
 * - `cause`: what, more finely, e.g. `broken-wire` under `fence`. Alarms of one zone differ by kind and cause.
 */
export interface Observation {
  readonly device: string;
  readonly kind: ObservationKind;
  readonly state: 'raised' | 'restored';
  readonly zone?: Zone;
  readonly cause?: string;
  readonly at?: { readonly time: number; readonly trusted: boolean };
  /** When the gateway saw it, epoch ms, where that is not now: an alarm after its entry delay. */
  readonly seen?: number;
  /** It was caused by a test, and is told as such. */
  readonly test?: 'walk-test' | 'maintenance';
  readonly initial?: boolean;
  readonly repeat?: { readonly key: string; readonly within: number };
  readonly codes?: StandardCodes;
  readonly credential?: Credential;
  /** What the gateway decided about the card, at which door. */
  readonly access?: {
    readonly door: string;
    readonly decision: 'granted' | 'denied' | 'unknown';
    readonly reason?: string;
    readonly holder?: string;
    readonly direction?: 'in' | 'out';
    /** Whom a guardian came for, where doors are for picking up. */
    readonly children?: readonly string[];
  };
  /** Of `visit`: a visitor, and how far the visit has come. */
  readonly visit?: Visit;
  /** A picture of it: its reference, as `Host.keep` gave it. */
  readonly picture?: string;
  readonly text?: string;
  readonly details?: Readonly<Record<string, string | number | boolean>>;
  readonly raw?: string;
}

/**
 * The event is on disk under this number.
 * `repeated`: it was there before; `sequence` and `id` are then those of the first one, or, where an `initial`
 * observation told nothing new, both are null.
 */
export interface Receipt {
  readonly sequence: number | null;
  readonly id: string | null;
  readonly repeated: boolean;
}

/** A log line is a sentence for the technician with structured fields. */
export interface Log {
  debug(fields: object, sentence: string): void;
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
}

/** What the gateway gives a driver. */
export interface Host {
  /** Resolves when the event is on disk, not before. Rejects when it could not be written: do not acknowledge. */
  report(observation: Observation): Promise<Receipt>;
  /** This device answers (or no longer does). Repeating what is known costs nothing. `part` names an account or a unit. */
  link(device: string, state: 'online' | 'offline', reason?: string, part?: string): void;
  /**
   * Bytes or frames that made no sense: counted by `reason`, which is one of a few fixed sentences, and logged once
   * a burst. What varies goes into `detail`.
   */
  discarded(device: string, reason: string, bytes: number, detail?: string): void;
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
  readonly log: Log;
  /** Aborted when the session must end. */
  readonly signal: AbortSignal;
  /** The wall clock, epoch ms. Durations come from `performance.now()`. */
  now(): number;
}

/** What the gateway asks of a device. */
export interface Command {
  readonly id: string;
  readonly device: string;
  readonly action: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}
/** `unknown`: it may have been done; the device did not answer. `result`: what was asked for. */
export type Outcome =
  | { readonly done: true; readonly result?: Readonly<Record<string, unknown>> }
  | { readonly done: false; readonly reason: string; readonly unknown?: true };

/** What is wrong with the arguments of a command, as the reason of its refusal. */
export function wrongArgument({ issues: [issue] }: z.ZodError): string {
  return `arguments.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`;
}

/**
 * A driver at work on one wire.
 * `ended` resolves after `close`, and rejects when the line is gone: the supervisor then opens a new session.
 */
export interface Session {
  readonly ended: Promise<void>;
  execute?(command: Command): Promise<Outcome>;
  close(): Promise<void>;
}

/** A device of the config, its options validated by its driver's schema. */
export interface Device<Options = unknown, Profile = unknown> {
  readonly id: string;
  readonly name?: string;
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
}

export interface Driver<Schema extends z.ZodObject = z.ZodObject, Profile extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly title: { readonly en: string; readonly zh: string };
  readonly options: Schema;
  /** Where the options hold `profile: NAME`, the schema of that file. */
  readonly profile?: Profile;
  /** Names the wire: devices with the same name share one session. */
  line(device: Device<z.output<Schema>, z.output<Profile>>): string;
  problems?(device: Device<z.output<Schema>, z.output<Profile>>): readonly Problem[];
  /** What a device can be told: rules and rights in the config are checked against it. */
  commands?(device: Device<z.output<Schema>, z.output<Profile>>): readonly DeviceCommand[];
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

/**
 * What a codec makes of bytes: a frame, or bytes that are none, with the reason. Nothing disappears.
 * `push` never throws and holds no more than the codec's longest frame.
 */
export type Decoded<Frame> =
  | { readonly frame: Frame }
  | { readonly discarded: number; readonly reason: string };
export interface Decoder<Frame> {
  push(chunk: Uint8Array): Decoded<Frame>[];
  /** The line fell silent: what is pending is no frame. */
  silence(): Decoded<Frame>[];
}

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `200ms`, `60s`, `5m`, `12h`, `30d` -> milliseconds. */
export function duration() {
  return z
    .string()
    .regex(/^\d{1,9}(ms|s|m|h|d)$/, 'a duration such as 200ms, 60s, 5m, 12h or 30d')
    .transform((text) => {
      const unit = text.replace(/^\d+/, '') as keyof typeof unitMs;
      return Number.parseInt(text, 10) * unitMs[unit];
    });
}

/** `10.0.0.9:4001` or `[::1]:502` -> host and port. */
export function hostPort() {
  return z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[^\s:[\]]+):\d{1,5}$/, 'HOST:PORT, such as 10.0.0.9:4001')
    .transform((text, context) => {
      const colon = text.lastIndexOf(':');
      const port = Number(text.slice(colon + 1));
      if (port < 1 || port > 65_535) context.addIssue({ code: 'custom', message: 'a port from 1 to 65535' });
      return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port };
    });
}

/** An id that goes into topics and `source`: no space, slash, `+` or `#`. */
export function identifier() {
  return z
    .string()
    .regex(
      /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u,
      'letters, digits, ".", "_" and "-", at most 64, a letter or digit first',
    );
}

/** A zone as the config names it, under any driver that has zones. */
export const zoneOptions = z.strictObject({
  zone: z.int().min(0).max(9999).describe('The number of the zone 防区 in the device'),
  id: identifier().optional().describe('Its name in events (`subject`); default `zone-N`'),
  kind: z.enum(zoneKinds).optional().describe('What an alarm of this zone means'),
  name: z.string().max(100).optional().describe('Its name for people'),
});
export type ZoneOptions = z.output<typeof zoneOptions>;

/** The zone with this number, as an observation carries it; unlisted zones keep their number. */
export function zoneOf(zones: readonly ZoneOptions[], number: number): Zone {
  const found = zones.find((zone) => zone.zone === number);
  return {
    number,
    ...(found?.id !== undefined && { id: found.id }),
    ...(found?.name !== undefined && { name: found.name }),
  };
}
