/** Where the console is, as somebody opens it: by a name that it has, or on this machine. */
import type { ConsoleConfig } from '../../config/sections/console.ts';

const everywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** Without a slash at its end. */
export function consoleAddress({
  host,
  port,
  tls,
  names,
}: Pick<ConsoleConfig, 'host' | 'port' | 'tls' | 'names'>): string {
  const [name = everywhere[host] ?? host] = host in everywhere ? names : [];
  return `${tls === undefined ? 'http' : 'https'}://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** Where a password is set, by a one-time link: what follows the # reaches no server's log. */
export const setupPath = (secret: string) => `/setup#${secret}`;
