/** What a gateway is to who starts it. */
import type { Config } from '../config/schema.ts';
import type { Clock } from '../drivers/contract/clock.ts';
import type { Log } from '../drivers/contract/driver.ts';
import type { Simulators } from './console/contract/simulators.ts';
import type { Reload } from './reload/index.ts';
import type { Trace } from './road/recorder.ts';

export interface Gateway {
  /** Rejects when the gateway cannot go on: the journal is gone. */
  readonly failed: Promise<never>;
  /** The address of the console, with the token of the data folder while that serves: for a terminal, not for a log. */
  readonly console?: string | undefined;
  /** Where the first administrator sets a password, once. */
  readonly setup?: string | undefined;
  /** Reads the config's file again and takes it up, or tells why not. Never rejects. */
  readonly reload: Reload['reload'];
  /** Devices first, then the uplinks, which get `drainMs` to deliver what is left; the journal last. */
  close(drainMs?: number): Promise<void>;
}

export interface GatewayOptions {
  readonly config: Config;
  readonly log: Log;
  /** The same log, whatever its own level is: of devices that are looked at closely. By default the log itself. */
  readonly verbose?: Log;
  readonly trace?: Trace | undefined;
  readonly time?: Clock;
  /** What the console's page of simulators drives; who started them ends them. */
  readonly simulators?: Simulators | undefined;
}
