/** What carries events to a platform, as a driver carries a device's words. It keeps nothing and retries nothing. */
import type { z } from 'zod';
import type { CampusData, CampusField } from './campus.ts';
import type { Clock } from './clock.ts';
import type { Log, Warning } from './driver.ts';
import type { Places, Thing } from './inventory.ts';
import type { Lane } from './lane.ts';
import type { CameraMedia } from './media.ts';

/** One event on its way: `body` is its JSON, with what may leave the campus and with its place in the order. */
export interface Outgoing {
  /** As the channel gave it for this event. */
  readonly address: string;
  /** `alarm.raised`. */
  readonly type: string;
  readonly device: string;
  readonly lane: Lane;
  /** A CloudEvent, JSON; parsed only by who must: a transport that passes it on as it is does not. */
  readonly body: string;
  /** How long the platform may keep it for somebody who is away, ms; undefined: for ever. */
  readonly lifetimeMs?: number | undefined;
}

/** Why a platform did not take an event. */
export type Refusal = 'busy' | 'forbidden' | 'unusable' | 'too-large' | 'refused' | 'lost';

/**
 * What the platform answered, in the engine's words.
 * - `taken`: it has it.
 * - `busy`: not now, whatever it is (MQTT 0x97, SIP 486, HTTP 503).
 * - `forbidden`, `unusable`: not this address, now and later (MQTT 0x87; 0x90).
 * - `too-large`: not this one, however often.
 * - `refused`: another refusal; it may be of the moment.
 * - `lost`: the channel is over, nobody knows.
 *
 * `code`: the protocol's own, for logs and metrics.
 */
export type Answer =
  | { readonly is: 'taken' }
  | { readonly is: Refusal; readonly reason: string; readonly code?: number };

/** The latest word on a device: what is, not what happened. */
export interface Shown {
  readonly device: string;
  readonly state: string;
  readonly active: readonly object[];
}

/** A platform's clock that is off by more is told of: the clocks of a campus are to be right within so much (GB/T 29315). */
export const CLOCK_OFF_MS = 5000;

/** How a channel is, as far as its protocol knows of such things; shown in /health. Times are RFC 3339. */
export interface ChannelState {
  /** Since when the platform knows us, and until when if nothing is said. */
  readonly registered?: { readonly since: string; readonly until?: string | undefined } | undefined;
  /** What the platform's clock is ahead of ours, ms; below 0: behind. undefined: it did not say what time it is. */
  readonly clockOffsetMs?: number | undefined;
  /** What it wants to be told of, and until when. */
  readonly subscriptions?: readonly { readonly to: string; readonly until: string }[];
  /** What goes to it: of which camera, since when, and to where. */
  readonly streams?: readonly {
    readonly camera: string;
    readonly kind: 'live' | 'playback' | 'download';
    readonly since: string;
    readonly to: string;
  }[];
  /** Its own ids of what is on the campus: by each, what it names. */
  readonly ids?: Readonly<Record<string, string>>;
}

export interface Channel {
  /** How it is connected, for the log: `{ mqtt: '5' }`. */
  readonly about: Readonly<Record<string, string>>;
  readonly limits: {
    /** Events on their way at once, as the platform asks. */
    readonly window: number;
    /** The largest body, bytes, for this address. */
    readonly bytes: (address: string) => number;
    /** Events of one lane on their way at once, where only their answers keep them in order; undefined: as the window. */
    readonly lane?: number;
  };
  /** For /health. */
  state?(): ChannelState;
  /** It waits for something else that the platform does first: meanwhile no answer is no sign. It ends that by itself. */
  isBusy?(): boolean;
  /** What is refused together: MQTT's topic, SIP's device, HTTP's path. A hold is of this. */
  address(event: Pick<Outgoing, 'type' | 'device'>): string;
  /** Calls `done` once, not before it returns; never, where the channel ends first. */
  send(event: Outgoing, done: (answer: Answer) => void): void;
  /** What is, retained where the protocol can. */
  show?(state: Shown): void;
  /** The identity has changed: shows it. */
  showIdentity?(): void;
  /** How far alarms have come, for who follows them. */
  showLives?(lives: readonly object[]): void;
  /**
   * Resolves with the reason when the channel is over, whoever ended it; with a StartOver, where a new one is wanted at
   * once. Never rejects.
   */
  readonly ended: Promise<Error>;
  /** Closes, after a goodbye where the gateway leaves by its own will; over within about `timeoutMs`. Never rejects. */
  close(timeoutMs: number, goodbye: boolean): Promise<void>;
}

/** What the engine gives a transport. */
export interface PlatformHost {
  readonly uplink: string;
  readonly campus: string;
  /** Of the program, and of its contract with platforms. */
  readonly version: string;
  readonly contract: string;
  /** RFC 3339. */
  readonly startedAt: string;
  /** IANA name of the campus's time zone, for platforms that want local time. */
  readonly timeZone: string;
  /** Of each name its number in a series, from 1: given once, and kept for ever. @throws Error where it is not on disk. */
  numbers(series: string, names: readonly string[]): Promise<readonly number[]>;
  /** What cameras see, live and kept. */
  readonly media: CameraMedia;
  /** The school, with what of it may leave over this uplink; the same object until it is another. */
  campusData(): CampusData;
  /** What there is on the campus: the cameras first, then alarm inputs, in the order of the config. */
  inventory(): readonly Thing[];
  /** Areas and doors; absent: it is a tool's. */
  places?(): Places;
  /** Calls back after something of it changed, what answers, what it is, or `campusData`. @returns what ends that. */
  onInventory(run: () => void): () => void;
  /** The ids of all that has a state: devices and areas. */
  readonly devices: readonly string[];
  /**
   * By what a platform can tell this gateway from another that calls itself the same: the journal's numbering, and a
   * random word of it that changes now and then. To be shown where nothing else is, and to stay when it is gone.
   * undefined: the journal is not open yet.
   */
  identity(): { readonly journal: string; readonly lease: string } | undefined;
  /**
   * The platform shows this of the gateway; `live`: somebody says it now. Resolves once what follows from it is done:
   * the identity may be another one then. Never rejects.
   */
  shown(said: { readonly journal?: unknown; readonly lease?: unknown }, live: boolean): Promise<void>;
  /** The platform says that another has taken our session over. */
  takenOver(): void;
  /** A channel beside the gateway's own, for a tool: it sends, shows nothing and hears nothing. */
  readonly aside?: boolean;
  /** Whether the config waits for receipts of this platform. */
  readonly receipts: boolean;
  /** Whether the config lets this platform ask for anything, or for this. */
  mayAsk(action?: string): boolean;
  /** Whether it lets anybody there ask this of a target, without a signature. Absent: it is a tool's. */
  mayAskUnsigned?(action: string, target: string): boolean;
  /**
   * Carries out a command for `target`, or refuses it where the transport says what is `wrong` with the way it came.
   * @returns the answer; undefined: none is due, too many came. Never rejects.
   */
  command(
    bytes: Uint8Array,
    target: string,
    wrong?: string,
  ): Promise<({ readonly id: string | null } & object) | undefined>;
  /**
   * Carries out what the platform ordered in words of its protocol, which has neither times nor a signature, or refuses it.
   * `id` (at most 64 characters) names the order among all of this platform's: the same one acts once, over a restart too.
   * Never rejects.
   */
  ask(order: {
    readonly id: string;
    readonly action: string;
    readonly target: string;
    readonly arguments: Readonly<Record<string, unknown>>;
  }): Promise<{
    readonly done: boolean;
    readonly reason?: string;
    readonly result?: Readonly<Record<string, unknown>>;
  }>;
  /**
   * The alarms of late that no operator has taken or closed yet, the newest first: `body` is the event as it is kept, and
   * never goes out as it is. @throws Error where the disk gives none.
   */
  untaken(): Promise<readonly { readonly sequence: number; readonly body: string }[]>;
  /** The platform says what it has stored: bytes as they came. */
  receipt(bytes: Uint8Array): void;
  /** When a certificate ends, epoch ms; to be said again now and then. */
  certificate(whose: 'gateway' | 'broker', endsAt: number): void;
  /** Nothing is shown (`Channel.show`), or heard, at `topic` for now, and why; undefined: it is again. Shown in /health. */
  notShown(topic: string, reason: string | undefined): void;
  /** It sent what cannot be used: counted by `reason`, one of a few fixed sentences; what varies goes into `detail`. */
  discarded(reason: string, detail?: string): void;
  /** It goes without something of an event that counts as taken: counted as `discarded` is. */
  leftOut(reason: string, detail?: string): void;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the uplink closes. */
  readonly signal: AbortSignal;
}

/** What is wrong with an uplink of the config. `path` starts inside it. */
export interface UplinkProblem {
  readonly path: readonly (string | number)[];
  readonly en: string;
  readonly zh: string;
}

/** What of persons an uplink lets leave the campus: members that all uplinks have. */
export interface Leaving {
  readonly names: boolean;
  readonly pictures: boolean;
}

/** What a tool found out about the way to a platform. `bad`: no event gets there like this. */
export interface Finding {
  readonly is: 'good' | 'note' | 'bad';
  readonly en: string;
  readonly zh: string;
}

/** What a probe gets. */
export interface ProbeHost {
  readonly clock: Clock;
  /** IANA name of the campus's time zone. */
  readonly timeZone: string;
  readonly campus: string;
  readonly uplink: string;
  /** Classes of the events that it is to get. */
  readonly classes: readonly string[];
  /** Whether the config waits for receipts, and lets it ask for something. */
  readonly receipts: boolean;
  readonly commands: boolean;
}

/** What a platform protocol is. `options` are the members of an uplink in the config that are its own. */
export interface Transport<Options extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly title: { readonly en: string; readonly zh: string };
  readonly options: Options;
  /** What it has a word for of the campus's master data, beside its name; absent: nothing. */
  readonly campusFields?: readonly CampusField[];
  /** The platform has no word for what it has stored: its answer is all that is heard of an event. */
  readonly withoutReceipts?: true;
  /** What the options' schema alone cannot see. */
  problems?(options: z.output<Options>, leaving: Leaving): readonly UplinkProblem[];
  /** Patterns of the events that it has a word for, as in `events` of an uplink; undefined: all. Others are passed over. */
  carries?(options: z.output<Options>, leaving: Leaving): readonly string[];
  /** What is wrong between uplinks of this protocol, each right by itself. */
  clashes?(
    uplinks: readonly { readonly id: string; readonly options: z.output<Options> }[],
    campus: string,
  ): readonly (UplinkProblem & { readonly uplink: string })[];
  warnings?(options: z.output<Options>, leaving: Leaving): readonly Warning[];
  /** What of the campus the options name: it must be there. `place`: a thing, its device or an area. */
  names?(options: z.output<Options>): readonly {
    readonly path: readonly (string | number)[];
    readonly name: string;
    readonly of: Thing['kind'] | 'place';
  }[];
  /** What the platform orders cannot be signed: a right that wants a signature allows nothing. */
  readonly signsNothing?: true;
  /** Areas that the options name, and what the platform asks of them, which its rights must allow. */
  areas?(options: z.output<Options>): readonly {
    readonly path: readonly (string | number)[];
    readonly id: string;
    readonly asks: readonly string[];
  }[];
  /** Where it connects to, for logs and /health: without secrets. */
  where(options: z.output<Options>): string;
  /** How many addresses the platform has: where one is lost, another is tried soon; absent: one. */
  addresses?(options: z.output<Options>): number;
  /** Whether it may look at cameras (`PlatformHost.media`), and hear them; absent: it does neither. */
  watches?(options: z.output<Options>): { readonly audio: boolean };
  /** Connects once. `options` have their secrets and absolute paths. @throws Error with the reason. */
  open(options: z.output<Options>, host: PlatformHost): Promise<Channel>;
  /**
   * Tries the way to the platform for a tool, where no gateway runs: once, a refused password too, and leaves the
   * platform as it was. `options` as in `open`. Never rejects.
   */
  probe?(options: z.output<Options>, host: ProbeHost): Promise<readonly Finding[]>;
}

/** Gives the types of a transport's options to its functions. */
export function defineTransport<Options extends z.ZodObject>(
  transport: Transport<Options>,
): Transport<Options> {
  return transport;
}

/** The channel ended by our own will, or for a cause that is none of its events and is worked round: the next one needs no waiting. */
export class StartOver extends Error {
  readonly code = 'E_UPLINK_START_OVER';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartOver';
  }
}

/** The platform does not take us for whom we say that we are: that is tried again, and seldom. */
export class LoginRefused extends Error {
  readonly code = 'E_UPLINK_LOGIN_REFUSED';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LoginRefused';
  }
}
