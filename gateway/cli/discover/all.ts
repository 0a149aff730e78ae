/** Looks for devices in several ways at once, and tells each find once. */
import type { DiscoverListener, DiscoverOptions, Found, Look, Way } from './found.ts';

/** A crowd, or one that answers without end, is told no further than this. */
const FOUND_MAX = 1000;

/** Loaded by who looks that way. */
const looks: Readonly<Record<Way, () => Promise<Look>>> = {
  onvif: async () => (await import('./cameras.ts')).lookForCameras,
  serial: async () => (await import('./lines.ts')).lookAtLines,
  mdns: async () => (await import('./mdns.ts')).lookForAnnounced,
  knock: async () => (await import('./knocks.ts')).waitForKnocks,
  modbus: async () => (await import('./net.ts')).lookForModbus,
};

/**
 * Resolves when every way has come to its end, or the signal aborts. Nothing is ever written to a device, no password
 * tried but the one that is given, and nobody asked who is not of the network or the lines that the options name.
 * @throws Error where no way can be gone at all: there is no such interface, or no network. One of several is noted.
 */
export async function discoverAll(
  options: DiscoverOptions,
  listener: DiscoverListener,
): Promise<readonly Found[]> {
  const all = new Map<string, Found>();
  const told = {
    note() {},
    ...listener,
    knows: (host: string) => [...all.values()].some(({ device }) => device['host'] === host),
    found(one: Found) {
      const name = `${one.driver} ${one.address}`;
      if (all.has(name) || all.size >= FOUND_MAX) return;
      all.set(name, one);
      listener.found(one);
    },
  };
  const failures: unknown[] = [];
  const look = async (way: Way) => {
    try {
      await (await looks[way]())(options, told);
    } catch (error) {
      failures.push(error);
      const { message } = error as Error;
      // Of the only way, and of the last one where none could be gone, it is thrown.
      if (failures.length < options.ways.length)
        told.note({ en: `${way}: ${message}`, zh: `${way}：${message}` });
    }
  };
  await Promise.all(options.ways.map(look));
  if (failures.length > 0 && failures.length === options.ways.length) throw failures.at(-1);
  return [...all.values()];
}
