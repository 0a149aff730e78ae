/** A broker that keeps what it acknowledges: what the gateway is measured beside. */
import type { ChildProcess } from 'node:child_process';

export interface Peer {
  readonly name: string;
  /** The Debian package that has it, and the programs it needs of it. */
  readonly package: string;
  readonly programs: readonly string[];
  /** Takes a folder and ports; starts nothing. */
  readonly prepare: () => Promise<PreparedBroker>;
}

export interface PreparedBroker {
  /** Of MQTT 3.1.1: neither of them has 5 in Debian's version. */
  readonly port: number;
  /** Starts it in its folder; again, once it was stopped or killed. Resolves when it takes connections. */
  start(): Promise<ChildProcess>;
  /** Ends what it needed beside its own process. */
  close(): Promise<void>;
}
