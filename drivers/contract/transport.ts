/** What carries events to a platform, as a driver carries a device's words. It keeps nothing and retries nothing. */
import type { z } from 'zod';
import type { Clock } from './clock.ts';
import type { Log } from './driver.ts';
import type { Lane } from './lane.ts';

/** One event on its way: `body` is its JSON, with what may leave the campus and with its place in the order. */
export interface Outgoing {
  /** `alarm.raised`. */
  readonly type: string;
  readonly device: string;
  readonly lane: Lane;
  /** The event, JSON; parsed only by who must: a transport that passes it on as it is does not. */
  readonly body: string;
}

/**
 * What the platform answered, in the engine's words.
 * - `taken`: it has it; `heard: false`: it says that nobody listens for it.
 * - `busy`: not now, whatever it is (MQTT 0x97, SIP 486, HTTP 503).
 * - `forbidden`, `unusable`: not this address, now and later (MQTT 0x87; 0x90).
 * - `too-large`: not this one, however often.
 * - `refused`: another refusal; it may be of the moment.
 * - `lost`: the channel is over, nobody knows.
 */
export type Answer =
  | { readonly is: 'taken'; readonly heard: boolean }
  | { readonly is: 'busy' | 'forbidden' | 'unusable' | 'too-large' | 'refused'; readonly reason: string }
  | { readonly is: 'lost'; readonly reason: string };

/** The latest word on a device: what is, not what happened. */
export interface Shown {
  readonly device: string;
  readonly state: string;
  readonly active: readonly object[];
}

export interface Channel {
  /** How it is connected, for the log: `MQTT 5`. */
  readonly protocol: string;
  readonly limits: {
    /** Events on their way at once. */
    readonly window: number;
    /** The largest body, bytes, for this address. */
    readonly bytes: (address: string) => number;
  };
  /**
   * What is refused together: MQTT's topic, SIP's device, HTTP's path. A hold is of this. undefined: this platform has
   * no word for it, and the event is dealt with.
   */
  address(event: Pick<Outgoing, 'type' | 'device'>): string | undefined;
  /** Calls `done` once, not before it returns; never, where the channel ends first. */
  send(event: Outgoing, done: (answer: Answer) => void): void;
  /** What is, retained where the protocol can. */
  show?(state: Shown): void;
  /** How far alarms have come, for who follows them. */
  showLives?(lives: readonly object[]): void;
  /** When the platform's certificate ends, epoch ms. */
  readonly certificateEnds?: number | undefined;
  /** Resolves with the reason when the channel is over, whoever ended it. Never rejects. */
  readonly ended: Promise<Error>;
  /** Says goodbye, at most `timeout` ms, and closes. */
  close(timeout: number): Promise<void>;
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
  /** The ids of all that has a state: devices and areas. */
  readonly devices: readonly string[];
  /** Whether the config lets this platform ask for anything, or for this. */
  readonly mayAsk: (action?: string) => boolean;
  /** Carries out a command for `target`. @returns the answer. Never rejects. */
  command(bytes: Uint8Array, target: string): Promise<{ readonly id: string | null } & object>;
  /** The platform says what it has stored: bytes as they came. */
  receipt(bytes: Uint8Array): void;
  /** It sent what cannot be used: counted by `reason`, one of a few fixed sentences; what varies goes into `detail`. */
  discarded(reason: string, detail?: string): void;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the uplink closes. */
  readonly signal: AbortSignal;
}

/** What a platform protocol is. `options` are the members of an uplink in the config that are its own. */
export interface Transport<Options extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly title: { readonly en: string; readonly zh: string };
  readonly options: Options;
  /** What the options' schema alone cannot see. */
  problems?(options: z.output<Options>): readonly { path: readonly (string | number)[]; message: string }[];
  /** Where it connects to, for logs and /health: without secrets. */
  where(options: z.output<Options>): string;
  /** Connects once. @throws TransportError with the reason. */
  open(options: z.output<Options>, host: PlatformHost): Promise<Channel>;
}

/** Gives the types of a transport's options to its functions. */
export function defineTransport<Options extends z.ZodObject>(
  transport: Transport<Options>,
): Transport<Options> {
  return transport;
}

/** The platform cannot be reached, or refuses. */
export class TransportError extends Error {
  readonly code = 'E_UPLINK_CONNECT';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TransportError';
  }
}
