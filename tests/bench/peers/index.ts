/** The brokers beside which the gateway is measured, where they are installed. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { tell } from '../parts.ts';
import { nats } from './nats.ts';
import type { Peer } from './peer.ts';
import { rabbitmq } from './rabbitmq.ts';

const peers: readonly Peer[] = [rabbitmq, nats];

export const isInstalled = (program: string) =>
  (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** Those that are installed; says which are not. */
export function installedPeers(): readonly Peer[] {
  return peers.filter((peer) => {
    const missing = peer.programs.filter((program) => !isInstalled(program));
    if (missing.length > 0)
      tell(`SKIPPED ${peer.name}: ${missing.join(', ')} is not installed (Debian's package ${peer.package})`);
    return missing.length === 0;
  });
}
