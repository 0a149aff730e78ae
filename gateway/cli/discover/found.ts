/** What discovery finds: each find is a device of the config, ready to be written into it. */
import { Document, isMap, type YAMLMap } from 'yaml';
import type { Config } from '../../../config/schema.ts';
import type { Clock } from '../../../drivers/contract/clock.ts';

/** The ways in which devices are looked for. */
export const ways = ['onvif', 'mdns', 'serial', 'modbus', 'knock'] as const;
export type Way = (typeof ways)[number];

/** A sentence in both languages. */
export interface Words {
  readonly en: string;
  readonly zh: string;
}

export type FoundKind = 'camera' | 'channel' | 'reader' | 'modbus' | 'receiver' | 'panel' | 'terminal';

export interface Found {
  /** `channel`: of a recorder. `receiver`: an alarm receiver that prints lines. `panel`, `terminal`: they knocked. */
  readonly kind: FoundKind;
  /** The driver's name. */
  readonly driver: string;
  /** Where it is: an address, or a line's name. The same device has the same one, whichever way it was found. */
  readonly address: string;
  /** As in `devices` of the config, `id` and `driver` included; secrets are named as files that need not be there yet. */
  readonly device: Readonly<Record<string, unknown>>;
  /** What it says that it is, and what is to be looked at. */
  readonly words: Words;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface DiscoverOptions {
  readonly ways: readonly Way[];
  /** How long answers and knocks are waited for, and lines listened to, ms. */
  readonly forMs: number;
  /** The name of a network interface; without, the machine's default. */
  readonly interface?: string | undefined;
  /** Serial ports by path; without, all that there are. */
  readonly ports?: readonly string[] | undefined;
  /** Serial servers, raw TCP: each is looked at as a serial port is. */
  readonly serialServers?: readonly HostPort[] | undefined;
  /** Where Modbus TCP, and RTU over TCP, are looked for: IPv4 addresses, names, and ranges such as 192.168.1.0/24. */
  readonly nets?: readonly string[] | undefined;
  /** TCP ports that are tried there; without, 502. */
  readonly tcpPorts?: readonly number[] | undefined;
  /** The last unit that is asked on a Modbus line; without, 16. */
  readonly lastUnit?: number | undefined;
  /** Ports at which knocks are waited for. */
  readonly listen?: readonly number[] | undefined;
  /** With which a recorder is asked for its channels, once; without, only what anybody may ask. */
  readonly login?: { readonly username: string; readonly passwordFile: string } | undefined;
  /** What a gateway has already: its lines and ports are left alone, and its devices are not found again. */
  readonly config?: Config | undefined;
  readonly clock: Clock;
  /** Ends it early: what was found until then stands. */
  readonly signal: AbortSignal;
}

export interface Progress {
  readonly way: Way;
  readonly words: Words;
  readonly done: number;
  readonly total: number;
}

export interface DiscoverListener {
  found(one: Found): void;
  progress(now: Progress): void;
  /** What was left alone, or could not be asked, and why. */
  note?(words: Words): void;
}

/** A way of looking. It ends when the signal aborts, and throws nothing for one device that answers nonsense. */
export type Look = (
  options: DiscoverOptions,
  listener: Required<DiscoverListener> & {
    /** Whether something at this host was found already. */
    knows(host: string): boolean;
  },
) => Promise<void>;

/** A device as one line of YAML: `- { id: gate, driver: osdp, … }`. */
export function yamlLineOf({ device }: Pick<Found, 'device'>): string {
  const document = new Document([device]);
  const [first] = (document.contents as unknown as { items: unknown[] }).items;
  if (isMap(first)) (first as YAMLMap).flow = true;
  return document.toString({ lineWidth: 0 }).trimEnd();
}
