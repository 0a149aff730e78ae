/** What an uplink needs of the gateway, and what its parts tell each other. */
import type { CampusData } from '../../drivers/contract/campus.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Things } from '../../drivers/contract/inventory.ts';
import type { Lane } from '../../drivers/contract/lane.ts';
import type { CameraMedia } from '../../drivers/contract/media.ts';
import type { Refusal } from '../../drivers/contract/transport.ts';
import type { Commands } from '../commands/index.ts';
import type { Journal } from '../journal/index.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Recorder, Trace } from '../road/recorder.ts';
import type { Lives } from './lives.ts';

export interface UplinkContext {
  readonly campus: string;
  readonly version: string;
  readonly startedAt: string;
  readonly timeZone: string;
  /** The ids of all that has a state. */
  readonly devices: readonly string[];
  readonly journal: Journal;
  readonly recorder: Recorder;
  readonly lives: Lives;
  readonly commands: Pick<Commands, 'receiveCommand' | 'order'>;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly time: Clock;
  readonly cardKey: Buffer;
  /** The campus as the config in force has it: all of it, what may leave says the uplink. */
  readonly campusData: () => CampusData;
  /** What there is on the campus. */
  readonly things: Things;
  /** What cameras see, for who asks. */
  readonly media: CameraMedia;
  /** The content of a piece of a picture, base64. */
  readonly contentOf: (body: string) => Promise<string | undefined>;
  readonly trace?: Trace | undefined;
  /** The platform says that it has everything of a lane after `from` and up to `to`. */
  readonly received?: (uplink: string, lane: Lane, from: number, to: number) => void;
  /** The broker of a platform has taken one event; with receipts that is not yet the platform. */
  readonly taken?: (uplink: string, lane: Lane, sequence: number) => void;
}

/** Where an event goes, and which it is. */
export interface Addressed {
  readonly address: string;
  readonly lane: Lane;
  readonly sequence: number;
}

/** An event that the platform did not take. `held`: its address is, now and later. */
export interface RefusedEvent {
  readonly address: string;
  readonly is: Refusal;
  readonly reason: string;
  readonly code?: number | undefined;
  readonly held: boolean;
}
