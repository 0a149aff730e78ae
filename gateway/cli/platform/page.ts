/** The page of a city and its API, of one instance of the platform. */
import { ownAddresses } from '../../../drivers/connections.ts';
import { isLoopback } from '../../../drivers/contract/options.ts';
import { createCityMetrics } from '../../platform/api/metrics.ts';
import { openReads } from '../../platform/database/index.ts';
import type { Platform } from '../../platform/index.ts';
import { type PlatformServerOptions, startPlatformServer } from '../../platform/server.ts';
import type { WantedPage } from './page-options.ts';

/** The log says where it is. @returns what ends it. @throws StoreError, LineError where the port cannot be had, and what the disk says of the data folder. */
export async function startPage(
  wanted: WantedPage,
  platform: Pick<Platform, 'command' | 'state' | 'registry' | 'enrolment'>,
  { database, time, log }: { readonly database: string } & Pick<PlatformServerOptions, 'time' | 'log'>,
): Promise<() => Promise<void>> {
  const reads = await openReads(database, { time, log });
  try {
    const tls = wanted.tls ?? (await platform.enrolment.pageCertificate(namesOf(wanted)));
    const { close } = await startPlatformServer({
      ...wanted,
      ...(tls !== undefined && { tls }),
      authority: platform.enrolment.authority,
      signing: platform.enrolment,
      ...{ reads, time, log, command: platform.command },
      source: () => ({ ...platform.state() }),
      metrics: createCityMetrics(platform.registry),
    });
    return async () => {
      await close();
      await reads.close();
    };
  } catch (error) {
    await reads.close();
    throw error;
  }
}

/** Under what gateways ask for it, where it has TLS of its own; empty: it has none. */
function namesOf({ listen: { host }, names = [], proxies = [] }: WantedPage): readonly string[] {
  if (proxies.length > 0 || (isLoopback(host) && names.length === 0)) return [];
  const isEverywhere = host === '0.0.0.0' || host === '::';
  return [...names, ...(isEverywhere ? ownAddresses() : [host]), 'localhost', '127.0.0.1'];
}
