/** Where the console is, as somebody on this machine opens it. */
import type { ConsoleConfig } from '../../config/sections/console.ts';

/** Without a slash at its end. */
export function consoleAddress(config: Pick<ConsoleConfig, 'host' | 'port' | 'tls'> | undefined): string {
  if (config === undefined) return '';
  const { host, port, tls } = config;
  return `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
