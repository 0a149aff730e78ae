/** The panels of a receiver: one an account, what is known of each, whose a frame is, and which of them are silent. */
import type { PanelPresence } from '../alarm-codes/panel.ts';
import { senderCheck } from '../connections.ts';
import { type Device, type Host, LineError } from '../contract/driver.ts';
import type { Dc09Frame } from './codec.ts';
import { openKey, type PanelKey } from './keys.ts';
import type { Account, Options } from './options.ts';
import type { SaidByNumber } from './repeats.ts';

export interface Panel extends PanelPresence {
  readonly config: Account;
  readonly key: PanelKey | undefined;
  /** Whether its frames may come from this address. */
  readonly mayBeAt: (address: string) => boolean;
  /** Events that are on their way to the disk. */
  waiting: number;
  /** What it said last, by the numbers of its messages. */
  readonly said: SaidByNumber;
  /** Wall clock at which the panel's own clock was last seen right; absent: never, or wrong since. */
  clockRightAt?: number;
}

export interface Panels {
  readonly all: readonly Panel[];
  /** Whose a frame is. undefined: nobody's. */
  of(frame: Dc09Frame, address: string): Panel | undefined;
  /** Others, while the port is open: what is known of those that stay is known still. @throws as `openPanels`. */
  configure(devices: readonly Device[]): void;
}

/** @throws LineError E_LINE_REFUSED where a key cannot be had. */
export function openPanels(devices: readonly Device<Options>[], host: Pick<Host, 'clock' | 'log'>): Panels {
  let all = panelsOf(devices, [], host);
  let find = whose(all);
  return {
    get all() {
      return all;
    },
    of: (frame, address) => find(frame, address),
    configure(next) {
      all = panelsOf(next as readonly Device<Options>[], all, host);
      find = whose(all);
    },
  };
}

/** `before`: those that are there; one of the same config is the same. */
function panelsOf(
  devices: readonly Device<Options>[],
  before: readonly Panel[],
  { clock, log }: Pick<Host, 'clock' | 'log'>,
): readonly Panel[] {
  const now = clock.elapsed();
  return devices.flatMap((device) =>
    device.options.accounts.map((config): Panel => {
      const known = before.find((panel) => panel.device === device.id && panel.config === config);
      if (known !== undefined) return known;
      const { account, keyFile } = config;
      const key = keyFile === undefined ? undefined : openKey(keyFile, { device: device.id, account }, log);
      if (typeof key === 'string') throw new LineError('E_LINE_REFUSED', key);
      const mayBeAt = senderCheck(config.from);
      return {
        device: device.id,
        config,
        key,
        mayBeAt,
        heard: now,
        waiting: 0,
        said: new Map(),
        online: undefined,
      };
    }),
  );
}

/** Leading zeros fill a number up to what a panel's form wants: `008312` is 8312, where no other account is. */
const bare = (account: string) => account.replace(/^0+(?=.)/, '');

/** The account in the data, for a frame that has none in its head: `#1234|Nri1/BA1`. */
const accountInData = /^#([0-9A-Za-z]{1,16})(?:\||$)/;
/** The same without `#`: some text, unless it is a panel's. */
const bareInData = /^([0-9A-Za-z]{3,16})\|/;
/** So many keys are tried on a frame that does not say whose it is. */
const MAX_TRIED = 256;

function whose(all: readonly Panel[]): Panels['of'] {
  const exact = new Map(all.map((panel) => [panel.config.account.toUpperCase(), panel]));
  const byBare = new Map<string, Panel | undefined>();
  for (const [account, panel] of exact) {
    const name = bare(account);
    byBare.set(name, byBare.has(name) ? undefined : panel);
  }
  const named = (name: string) => exact.get(name.toUpperCase()) ?? byBare.get(bare(name.toUpperCase()));
  /** The panel that a frame's data names; null: it names none. */
  const inData = (data = ''): Panel | undefined | null => {
    const [, marked] = accountInData.exec(data) ?? [];
    if (marked !== undefined) return named(marked);
    return named(bareInData.exec(data)?.[1] ?? '') ?? null;
  };
  /** Of a frame without any account: the only panel that is there, those first that have their address in the config. */
  const onlyAt = (address: string): Panel | undefined => {
    const there = all.filter((panel) => panel.mayBeAt(address));
    const bound = there.filter((panel) => panel.config.from !== undefined);
    return there.length === 1 ? there[0] : bound.length === 1 ? bound[0] : undefined;
  };
  /** Of an encrypted frame without an account in its head: whose key opens it. */
  const opened = (frame: Dc09Frame, address: string): Panel | undefined => {
    const keyed = all.filter((panel) => panel.key !== undefined && panel.mayBeAt(address));
    return keyed.slice(0, MAX_TRIED).find((panel) => {
      const message = panel.key?.open(frame);
      if (message?.timestamp === undefined) return false;
      const own = inData(message.data);
      return own === null || own === panel;
    });
  };
  return (frame, address) => {
    // A transmitter may have a number of its own, which nobody told us, beside that of its panel.
    if (frame.account !== undefined) return named(frame.account) ?? inData(frame.data) ?? undefined;
    if (frame.cipherText !== undefined) return opened(frame, address);
    const own = inData(frame.data);
    return own === null ? onlyAt(address) : own;
  };
}
