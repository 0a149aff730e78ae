/**
 * The city's server: its page and its API, over what the consumers have stored. It lets people in as the console of a
 * gateway does, with the same accounts, and is closed in the same way: a route is for who looks after users unless it
 * says what right it needs.
 */
import type { Server as TlsServer } from 'node:tls';
import fastifySwagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import type { ConsoleConfig } from '../../config/sections/console.ts';
import { cityConnections, ownAddresses, portError } from '../../drivers/connections.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { isLoopback } from '../../drivers/contract/options.ts';
import { noteActs } from '../console/acts.ts';
import { addressFile, consoleAddress } from '../console/address.ts';
import { serveLogin } from '../console/api/login.ts';
import { serveOpenApi } from '../console/api/openapi.ts';
import { servePages } from '../console/api/pages.ts';
import { serveSessions } from '../console/api/sessions.ts';
import { serveSetup } from '../console/api/setup.ts';
import { serveTokens } from '../console/api/tokens.ts';
import { serveUsers } from '../console/api/users.ts';
import type { Me } from '../console/contract/me.ts';
import { createDoor } from '../console/door.ts';
import { readFrontEnd } from '../console/front-end.ts';
import { createClosedServer } from '../console/guard.ts';
import { type Identity, openIdentity } from '../console/identity.ts';
import { type ConsoleTls, openTls } from '../console/tls.ts';
import { replaceFile } from '../lifecycle/replaced-file.ts';
import { watchProcess } from '../observe/process.ts';
import { version } from '../version.ts';
import { createActs, type SendCommand } from './api/acts.ts';
import { serveAlarms } from './api/alarms.ts';
import { serveAudit } from './api/audit.ts';
import { serveCampuses } from './api/campuses.ts';
import { serveCity } from './api/city.ts';
import { patientReads } from './api/database.ts';
import { type EnrolContext, serveEnrolment } from './api/enrol.ts';
import { serveEvents } from './api/events.ts';
import { createFeed } from './api/feed.ts';
import { serveHealth } from './api/health.ts';
import { type CityMetrics, createCityMetrics, type SourceState } from './api/metrics.ts';
import { createShared } from './api/shared.ts';
import { createPages } from './api/stream.ts';
import type { RunningAuthority } from './authority/running.ts';
import { cityPages, citySite } from './site.ts';
import type { Reads } from './views.ts';

export interface PlatformServerOptions {
  /** What it is called, and the time zone of its times. */
  readonly city?: Partial<Me['campus']>;
  readonly listen: { readonly host: string; readonly port: number };
  /** Names, beside the host, that it answers to. */
  readonly names?: readonly string[];
  /** Whose word about who asks is taken. With one, TLS is the proxy's. */
  readonly proxies?: readonly string[];
  /** Default: none on loopback or behind a proxy; elsewhere one that it signs itself. */
  readonly tls?: ConsoleConfig['tls'];
  /** Accounts, sessions and the certificate. Instances on one machine may share it. */
  readonly dataDir: string;
  readonly reads: Reads;
  readonly command: SendCommand;
  readonly source: () => SourceState;
  /** Whether this instance can sign commands, and why not (authority/running.ts). */
  readonly signing?: Pick<RunningAuthority, 'signing' | 'cannotSign'>;
  /** Who enrols gateways; it may come and go. */
  readonly authority?: EnrolContext['authority'];
  readonly metrics?: CityMetrics;
  readonly time: Clock;
  readonly log: Log;
}

export interface PlatformServer {
  /** Without a slash at its end. */
  readonly address: string;
  /** Where the first administrator sets a password, once; the log says it, too. undefined: one has. */
  readonly setupUrl: string | undefined;
  close(): Promise<void>;
}

/** Less than from one beat of the pages to the next: each has a new look, and it is one for all. */
const LOOK_EACH_MS = 1500;
const CITY: Me['campus'] = { id: 'city', name: '', timezone: 'Asia/Shanghai' };

/** Begins to listen. @throws LineError where the port cannot be had, and what the disk says of the data folder. */
export async function startPlatformServer(options: PlatformServerOptions): Promise<PlatformServer> {
  const { listen, dataDir, reads, time, log } = options;
  const { names = [], proxies = [] } = options;
  const isOpen = isLoopback(listen.host) || proxies.length > 0;
  const reach = {
    ...{ ...listen, names: [...names], proxies: [...proxies] },
    tls: options.tls ?? (isOpen ? undefined : ('self-signed' as const)),
  };
  const journal = {
    async audit(at: number, body: string) {
      await reads.audit(at, body);
      return '';
    },
  };
  const identity = await openIdentity(
    dataDir,
    { journal, time, log },
    { sessionsFile: `console.sessions.${listen.port}`, hasScreens: false },
  );
  const tls = await openTls(reach, dataDir, ownAddresses(), { time, log });
  const server = await buildServer({ ...options, reach, journal }, { identity, tls });
  const close = async () => {
    await server.close();
    tls?.close();
    await identity.close();
  };
  const { host, port } = listen;
  await server.listen({ host, port }).catch(async (error) => {
    await close();
    throw portError(error, host, port, { who: 'the platform', key: '--listen' });
  });
  const address = consoleAddress(reach);
  // For who makes links at a terminal; without it they have no host.
  await replaceFile(addressFile(dataDir), `${address}\n`).catch(() => {});
  log.info(
    {
      address,
      ...(tls && { certificate: tls.isSelfSigned ? 'self-signed' : 'own', fingerprint: tls.fingerprint }),
    },
    'the page of the city is there',
  );
  const link = await identity.firstLink();
  const setupUrl = link && `${address}${link}`;
  if (setupUrl !== undefined)
    log.warn({ link: setupUrl }, 'no administrator has a password: this link sets it, once, within 24 hours');
  return { address, setupUrl, close };
}

interface BuildOptions extends PlatformServerOptions {
  readonly reach: Pick<ConsoleConfig, 'host' | 'port' | 'names' | 'proxies' | 'tls'>;
  readonly journal: { audit(at: number, body: string): Promise<string> };
}

/** It does not listen yet; `close` ends what its pages follow. */
async function buildServer(
  options: BuildOptions,
  { identity, tls }: { readonly identity: Identity; readonly tls: ConsoleTls | undefined },
): Promise<FastifyInstance> {
  const { reach, time, log, journal, source, command, signing } = options;
  const { metrics = createCityMetrics() } = options;
  const watching = watchProcess(metrics.registry);
  const city = { ...CITY, ...options.city };
  const now = () => time.wall();
  const context = { journal, metrics, time, log };
  const server = await createClosedServer(reach, identity.find, context, {
    noteAct: noteActs(context),
    tls: tls?.current,
    isStrict: () => tls?.isSelfSigned === false,
    as: {
      ...({ listener: 'platform', namesKey: '--name', share: cityConnections } as const),
      cookie: `campus-city-${reach.port}`,
    },
  });
  tls?.onChanged((next) => (server.server as unknown as TlsServer).setSecureContext(next));
  const door = createDoor(identity, {
    ...context,
    campus: city,
  });
  const reads = patientReads(options.reads, { time, log });
  const feed = createFeed((listener) => options.reads.follow(listener), reads, time);
  const [glances, lists] = [createShared(time), createShared(time)];
  feed.onChange(lists.forget);
  const look = () => glances.get('overview', LOOK_EACH_MS, reads.overview);
  const glance = async () => ({ ...(await look()), broker: source().connected });
  const web = readFrontEnd(citySite);
  const pages = createPages({ feed, look: glance, webVersion: web.version, time });
  const acts = createActs({
    ...{ reads, command, time, log, onOutcome: metrics.countAct },
    ...(signing !== undefined && { cannotSign: signing.cannotSign }),
  });
  server.addHook('onClose', async () => {
    await feed.close();
    reads.close();
    watching.close();
  });
  await server.register(fastifySwagger, {
    openapi: { info: { title: 'Campus Gateway: the city', version } },
    transform: jsonSchemaTransform,
  });
  for (const api of [
    serveLogin(identity, door),
    serveSetup(identity, door),
    serveUsers(identity, now),
    serveTokens(identity, now),
    serveSessions(identity, { journal }, now),
    servePages(web, identity, cityPages),
    serveCity(city, glance),
    serveCampuses(reads, lists),
    serveAlarms(reads, lists, acts),
    serveEvents(reads),
    serveAudit(reads),
    serveEnrolment({ authority: options.authority ?? (() => undefined), time, log }),
    pages.plugin,
    serveHealth({ look, source, metrics, pages, find: identity.find, signing: signing?.signing }),
    serveOpenApi(),
  ])
    await server.register(api);
  return server;
}
