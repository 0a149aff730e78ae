/** What a config has already: its lines and addresses, each with the device whose it is. */
import type { Config } from '../../../config/schema.ts';
import { behind } from './ports.ts';

type Options = Readonly<Record<string, unknown>>;
const at = (value: unknown): { host: string; port: number } | undefined =>
  typeof value === 'object' && value !== null && 'host' in value && 'port' in value
    ? { host: String(value.host), port: Number(value.port) }
    : undefined;
const named = ({ host, port }: { host: string; port: number }) =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** The names of lines (`/dev/…` as it is behind its links, `HOST:PORT`) by the device that has each first. */
export function knownLines(config: Config | undefined): ReadonlyMap<string, string> {
  const known = new Map<string, string>();
  for (const { id, options } of config?.devices ?? []) {
    const { connection } = options as { connection?: Options };
    const serial = connection?.['serial'];
    const tcp = at(connection?.['tcp']) ?? at(connection?.['serialServer']);
    const name = typeof serial === 'string' ? behind(serial) : tcp && named(tcp);
    if (name !== undefined && !known.has(name)) known.set(name, id);
  }
  return known;
}

/** Hosts of cameras, each with its device. */
export const knownCameras = (config: Config | undefined): ReadonlyMap<string, string> =>
  new Map(
    (config?.devices ?? [])
      .filter(({ driver }) => driver === 'onvif')
      .map(({ id, options }) => [String((options as Options)['host']), id]),
  );
