/** The panels of a receiver: one an account, what is known of each, and which of them are silent. */
import type { Clock } from '../contract/clock.ts';
import { type Device, type Host, LineError } from '../contract/driver.ts';
import { FileTooLargeError, readBytesOf, SECRET_FILE_MAX } from '../files.ts';
import { parseKey } from './codec.ts';
import { senderCheck } from './listen.ts';
import type { Account, Options } from './options.ts';

export interface Panel {
  readonly device: string;
  readonly config: Account;
  readonly key: Buffer | undefined;
  /** Whether its frames may come from this address. */
  readonly mayBeAt: (address: string) => boolean;
  /** `elapsed` at the last good frame. */
  heard: number;
  online: boolean | undefined;
  /** Events that are on their way to the disk. */
  waiting: number;
  /** Wall clock at which the panel's own clock was last seen right; absent: never, or wrong since. */
  clockRightAt?: number;
}

/** The key of a file, or why there is none. */
export function readKey(file: string): Buffer | string {
  let content: Buffer;
  try {
    content = readBytesOf(file, SECRET_FILE_MAX);
  } catch (error) {
    if (error instanceof FileTooLargeError) return error.message;
    return `the key file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`;
  }
  return (
    parseKey(content) ??
    `the key file ${file} holds ${content.length} bytes; a key is 16, 24 or 32 bytes, or the same as hex`
  );
}

export function openPanels(devices: readonly Device<Options>[], time: Clock): Map<string, Panel> {
  const panels = new Map<string, Panel>();
  const now = time.elapsed();
  for (const device of devices) {
    for (const config of device.options.accounts) {
      const key = config.keyFile === undefined ? undefined : readKey(config.keyFile);
      if (typeof key === 'string') throw new LineError('E_LINE_REFUSED', key);
      panels.set(config.account.toUpperCase(), {
        device: device.id,
        config,
        key,
        mayBeAt: senderCheck(config.from),
        heard: now,
        waiting: 0,
        online: undefined,
      });
    }
  }
  return panels;
}

export function superviseAll(panels: Iterable<Panel>, host: Host) {
  const now = host.clock.elapsed();
  for (const panel of panels) {
    const { supervision, account } = panel.config;
    if (supervision === undefined || panel.online === false || now - panel.heard <= supervision) continue;
    panel.online = false;
    host.link(
      panel.device,
      'offline',
      `account ${account} silent for more than ${supervision / 1000} s`,
      account,
    );
  }
}
