/** The panels behind a receiver, one an account, and which of them, or whether the line itself, are silent. */
import type { Device, Host } from '../contract/driver.ts';
import { type Account, accountKey, type Options } from './options.ts';

interface Heard {
  /** `elapsed` when something was understood last. */
  heard: number;
  online: boolean | undefined;
}
export interface Panel extends Heard {
  readonly device: string;
  readonly config: Account;
}

export interface Accounts {
  find(account: string): Panel | undefined;
  /** The line said something that is understood. */
  heardLine(): void;
  heard(panel: Panel): void;
  /** Who was silent for longer than they may be is told to be offline. */
  supervise(): void;
  /** Nothing could be heard meanwhile: the process stood still. */
  forgive(): void;
}

export function createAccounts(devices: readonly Device<Options>[], host: Host): Accounts {
  const time = host.clock;
  const now = time.elapsed();
  const panels = new Map<string, Panel>();
  for (const { id, options } of devices)
    for (const config of options.accounts)
      panels.set(accountKey(config.account), { device: id, config, heard: now, online: undefined });
  const lines = devices.map(({ id, options: { supervision } }) => ({
    device: id,
    supervision,
    heard: now,
    online: undefined as boolean | undefined,
  }));
  const isSilent = ({ heard, online }: Heard, supervision: number | undefined) =>
    supervision !== undefined && online !== false && time.elapsed() - heard > supervision;
  const longer = (supervision = 0) => `silent for more than ${supervision / 1000} s`;

  return {
    find: (account) => panels.get(accountKey(account)),
    heardLine() {
      for (const line of lines) {
        line.heard = time.elapsed();
        line.online = true;
        host.link(line.device, 'online');
      }
    },
    heard(panel) {
      panel.heard = time.elapsed();
      panel.online = true;
      host.link(panel.device, 'online', undefined, panel.config.account);
    },
    supervise() {
      for (const line of lines) {
        if (!isSilent(line, line.supervision)) continue;
        line.online = false;
        host.link(line.device, 'offline', `the receiver's line is ${longer(line.supervision)}`);
      }
      for (const panel of panels.values()) {
        const { account, supervision } = panel.config;
        if (!isSilent(panel, supervision)) continue;
        panel.online = false;
        host.link(panel.device, 'offline', `account ${account} ${longer(supervision)}`, account);
      }
    },
    forgive() {
      for (const one of [...lines, ...panels.values()]) one.heard = time.elapsed();
    },
  };
}
