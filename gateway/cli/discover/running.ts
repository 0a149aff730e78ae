/** Asks the gateway that runs with a config who knocked at its ports and is in no config. */
import type { Config } from '../../../config/schema.ts';
import type { Driver } from '../../../drivers/contract/driver.ts';
import { drivers } from '../../../drivers/index.ts';
import { askGateway } from '../health/ask.ts';
import type { DiscoverOptions, Found, Look } from './found.ts';
import { panelFound } from './panel.ts';

type ConfigDevice = Config['devices'][number];
const ASK_EVERY_MS = 2000;
/** As a port for terminals counts who is none of its own. */
const STRANGERS = ['a request for what is not there', 'a terminal that is not in the config'];

/** The ports that devices of a config listen at, each with the first device. */
export function portsOf(config: Config | undefined): ReadonlyMap<number, string> {
  const ports = new Map<number, string>();
  for (const device of config?.devices ?? []) {
    const driver = (drivers as readonly Driver[]).find(({ name }) => name === device.driver);
    for (const { port } of driver?.listens?.(device as never) ?? [])
      if (!ports.has(port)) ports.set(port, device.id);
  }
  return ports;
}

/** What a device of the config shares with another of its line. */
function besideOf(device: ConfigDevice, account: string, from: string | undefined): Found | undefined {
  const { listen, connection } = device.options as {
    listen?: { host: string; port: number };
    connection?: object;
  };
  if (device.driver === 'dc09' && listen !== undefined) return panelFound(listen, account, from ?? '?');
  if (device.driver !== 'receiver') return undefined;
  return {
    kind: 'panel',
    driver: 'receiver',
    address: `${device.id} ${account.toUpperCase()}`,
    device: {
      id: `panel-${account}`,
      driver: 'receiver',
      ...(listen !== undefined && { listen }),
      ...(connection !== undefined && { connection: writtenAs(connection) }),
      accounts: [{ account }],
    },
    words: { en: `it reports through ${device.id}`, zh: `经 ${device.id} 上报` },
  };
}

/** Of options that were read, as the config writes them. */
const writtenAs = (connection: object): object =>
  'serialServer' in connection
    ? { serialServer: Object.values(connection.serialServer as object).join(':') }
    : connection;

/** The last of each kind is what a gateway tells, so it is asked again and again. */
export const askWhoKnocked = async (
  { config, forMs, clock, signal }: DiscoverOptions,
  { found, note }: Pick<Parameters<Look>[1], 'found' | 'note'>,
): Promise<void> => {
  if (config === undefined) return;
  const until = clock.elapsed() + forMs;
  const told = new Set<string>();
  do {
    const health = (await askGateway(config, clock))?.answer as
      | { lastDiscarded?: Record<string, Record<string, string>> }
      | undefined;
    for (const [id, reasons] of Object.entries(health?.lastDiscarded ?? {})) {
      const device = config.devices.find((one) => one.id === id);
      const [, account, from] =
        /^account ([0-9A-Za-z]{3,16}) from (\S+)$/.exec(reasons['unknown account'] ?? '') ?? [];
      const listed = account ?? reasons['an account that is not listed'];
      const one = device && listed !== undefined ? besideOf(device, listed, from) : undefined;
      if (one !== undefined) found(one);
      // Of terminals the gateway says itself what was perhaps meant.
      for (const reason of STRANGERS) {
        const detail = reasons[reason];
        if (detail === undefined || told.has(detail)) continue;
        told.add(detail);
        note({ en: `the gateway heard ${detail}`, zh: `网关收到 ${detail}` });
      }
    }
    await clock.wait(Math.min(ASK_EVERY_MS, Math.max(0, until - clock.elapsed())), signal);
  } while (clock.elapsed() < until && !signal.aborted);
};
