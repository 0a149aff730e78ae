/** The panels behind a receiver, one an account, and which of them, or whether the line itself, are silent. */
import { type PanelPresence, supervisePanels } from '../alarm-codes/panel.ts';
import type { Device, Host } from '../contract/driver.ts';
import { type Account, accountKey, type Options } from './options.ts';

export interface Panel extends PanelPresence {
  readonly config: Account;
}

export interface Accounts {
  find(account: string): Panel | undefined;
  /** The line said something that is understood. */
  heardLine(): void;
  /** Who was silent for longer than they may be is told to be offline. */
  supervise(): void;
  /** Nothing could be heard meanwhile: the process stood still. */
  forgive(): void;
  /** Others, while the wire is open: what is known of those that stay is known still. */
  configure(devices: readonly Device<Options>[]): void;
}

export function createAccounts(devices: readonly Device<Options>[], host: Host): Accounts {
  const time = host.clock;
  let panels = new Map<string, Panel>();
  let lines: {
    device: string;
    supervision: number | undefined;
    heard: number;
    online: boolean | undefined;
  }[] = [];
  const configure = (next: readonly Device<Options>[]) => {
    const now = time.elapsed();
    const before = panels;
    panels = new Map();
    for (const { id, options } of next)
      for (const config of options.accounts) {
        const known = before.get(accountKey(config.account));
        const fresh = { device: id, config, heard: now, online: undefined };
        panels.set(accountKey(config.account), known?.config === config ? known : fresh);
      }
    lines = next.map(({ id: device, options: { supervision } }) => {
      const known = lines.find((line) => line.device === device && line.supervision === supervision);
      return known ?? { device, supervision, heard: now, online: undefined };
    });
  };
  configure(devices);

  return {
    configure,
    find: (account) => panels.get(accountKey(account)),
    heardLine() {
      for (const line of lines) {
        line.heard = time.elapsed();
        line.online = true;
        host.link(line.device, 'online');
      }
    },
    supervise() {
      for (const line of lines) {
        const { supervision } = line;
        const isSilent = supervision !== undefined && time.elapsed() - line.heard > supervision;
        if (!isSilent || line.online === false) continue;
        line.online = false;
        const silence = `the receiver's line is silent for more than ${supervision / 1000} s`;
        host.link(line.device, 'offline', silence);
      }
      supervisePanels(panels.values(), host);
    },
    forgive() {
      for (const one of [...lines, ...panels.values()]) one.heard = time.elapsed();
    },
  };
}
