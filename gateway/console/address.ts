/** Where the console is, as somebody opens it: by a name that it has, or on this machine. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ConsoleConfig } from '../../config/sections/console.ts';
import { readTextOf } from '../../drivers/files.ts';

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

/** Where the address of a platform's page is kept, for who makes links at a terminal; the last one that began is in it. */
export const addressFile = (dataDir: string) => join(dataDir, 'console.address');
const ADDRESS_MAX = 300;

/** undefined: there is none. @throws what the disk says. */
export function addressIn(dataDir: string): string | undefined {
  const file = addressFile(dataDir);
  return existsSync(file) ? readTextOf(file, ADDRESS_MAX).trim() : undefined;
}

/** Where a password is set, by a one-time link: what follows the # reaches no server's log. */
export const setupPath = (secret: string) => `/setup#${secret}`;
