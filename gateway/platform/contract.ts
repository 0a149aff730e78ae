/**
 * What the parts of the city's platform know of each other: sources bring messages, the consumer puts them into the
 * database in batches, and answers with receipts; the API and the page read.
 *
 *   broker ──source──▶ consumer ──batch──▶ PostgreSQL ──NOTIFY──▶ API, page
 *      ▲                  │ receipts, replay                        │ acknowledge, close
 *      └──────────────────┴─────────────────────────────────────────┘
 */
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';

/** An event as it came, as far as a store must understand it (docs/platform.md, "What comes"). */
export interface Received {
  /** What comes before `/event/` or `/media/` in the topic: names the campus. */
  readonly prefix: string;
  readonly id: string;
  readonly type: string;
  /** RFC 3339, as it came. */
  readonly time: string;
  readonly journal: string;
  readonly lane: string;
  /** 0: from the memory of a gateway whose disk fails; in no chain. */
  readonly sequence: number;
  readonly previous: number;
  readonly body: string;
  /** Epoch ms: when this consumer had it. */
  readonly receivedAt: number;
}

/** Everything of a lane up to `upTo` is stored. */
export interface Receipt {
  readonly prefix: string;
  readonly journal: string;
  readonly lane: string;
  readonly upTo: number;
}

/** After `after` and up to `upTo` something is missing. */
export interface Gap extends Receipt {
  readonly after: number;
  /** How often it was asked for. */
  readonly asked: number;
}

/** What a campus shows of itself, retained: `presence`, `campus`, and what else has no chain. The newest counts. */
export interface Shown {
  readonly prefix: string;
  readonly what: 'presence' | 'campus';
  readonly body: string;
  readonly receivedAt: number;
  /** It was kept by the broker, and says nothing of now. */
  readonly isRetained?: boolean;
}

/** What several consumers share. Each call is one transaction; all is decided inside it. */
export interface Store {
  /**
   * Stores a batch; committed, with what was new of it and the receipts that may leave now. @throws: let it come again;
   * what was stored of it nonetheless is a duplicate then.
   */
  take(batch: readonly Received[]): Promise<{
    readonly fresh: readonly Received[];
    readonly receipts: readonly Receipt[];
    /** Where another lane of those numberings is, whoever stored it: a receipt names all lanes. */
    readonly beside?: readonly Receipt[];
  }>;
  /**
   * Gaps that it is time to ask for: each is given to one consumer. Those asked for often enough are given up. `root`: of
   * campuses below it; others may be at another broker, where nobody would hear the question.
   */
  gaps(
    now: number,
    root?: string,
  ): Promise<{ readonly ask: readonly Gap[]; readonly receipts: readonly Receipt[] }>;
  /** A gap that the campus cannot fill. Once; nothing where it was filled meanwhile. */
  pass(gap: Gap): Promise<readonly Receipt[]>;
  /** How far each lane is complete, of each campus or of one. */
  positions(prefix?: string): Promise<readonly Receipt[]>;
  show(shown: Shown): Promise<void>;
  /** Somebody hears what campuses below a root say, now: who is silent meanwhile is silent, and not unheard. Each minute. */
  listen(root: string, now: number): Promise<void>;
  /** Forgets the months before that of a moment, epoch ms; how far chains are complete stays. @returns what was dropped. */
  dropBefore(at: number): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** What a source hands over. */
export interface SourceHost {
  /**
   * An event or a piece of a picture. Resolves when it is committed, and may be acknowledged; rejects: let it come again.
   * `isCopy`: it comes by another way as well, which is no sign of anything.
   */
  onEvent(topic: string, payload: Uint8Array, isCopy?: boolean): Promise<void>;
  /** What is in no chain, of each consumer by itself: presence, master data, replies. */
  onNote(topic: string, payload: Uint8Array, retained: boolean): void;
  /** For health and log; each change once. */
  onState(state: { readonly connected: boolean; readonly reason?: string }): void;
  readonly time: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A broker's way to carry messages. It comes back by itself, for ever. Topics have slashes, whatever the broker writes. */
export interface Source {
  /** Resolves when the broker has it. Rejects where it is away: what matters is said again by who asked. */
  publish(topic: string, payload: string, options?: { readonly retain?: boolean }): Promise<void>;
  /** No more is handed over; resolves when what was is settled. Publishing still works. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

export interface SourceOptions {
  /** Several addresses of one broker by commas: they are tried in turn. */
  readonly url: string;
  /** Consumers of one group share the events. */
  readonly group: string;
  /** The beginning of each campus's topics. */
  readonly root: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly ca?: Uint8Array | undefined;
  /** Its session with an MQTT broker outlives it under this name. Default: none does. */
  readonly name?: string | undefined;
  /** An event that has no receipt comes again: an MQTT broker may hear PUBACK before the commit. */
  readonly receipts: boolean;
}

/** Resolves when it is subscribed. @throws what the broker says, where it refuses at the beginning. */
export type OpenSource = (options: SourceOptions, host: SourceHost) => Promise<Source>;
