/**
 * The console's server: pages and their API. Each file of api/ is a plugin that says its routes, and the server is
 * closed: a route is for administrators unless it says what right it needs (guard.ts).
 */
import type { Server as TlsServer } from 'node:tls';
import fastifySwagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import type { ConsoleConfig } from '../../config/sections/console.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import { version } from '../version.ts';
import type { WebServerContext } from '../web-server.ts';
import { noteActs } from './acts.ts';
import { type AlarmsOptions, serveAlarms } from './api/alarms.ts';
import { type AreasOptions, serveAreas } from './api/areas.ts';
import { type BackupOptions, serveBackup } from './api/backup.ts';
import { type CamerasOptions, serveCameras } from './api/cameras.ts';
import { type CommandsOptions, serveCommands } from './api/commands.ts';
import { type ConfigOptions, serveConfig } from './api/config.ts';
import { type DevicesOptions, serveDevices } from './api/devices.ts';
import { type DoctorOptions, serveDoctor } from './api/doctor.ts';
import { type DoorsOptions, serveDoors } from './api/doors.ts';
import { type EventsOptions, serveEvents } from './api/events.ts';
import { type GateOptions, serveGate } from './api/gate.ts';
import { type LedgerOptions, serveLedger } from './api/ledger.ts';
import { type LiveOptions, serveLive } from './api/live.ts';
import { serveLogin } from './api/login.ts';
import { type MeOptions, serveMe } from './api/me.ts';
import { type MediaOptions, serveMedia } from './api/media.ts';
import { type NoticesOptions, serveNotices } from './api/notices.ts';
import { serveOpenApi } from './api/openapi.ts';
import { servePages } from './api/pages.ts';
import { type PlanOptions, servePlan } from './api/plan.ts';
import { type PlatformsOptions, servePlatforms } from './api/platforms.ts';
import { serveSessions } from './api/sessions.ts';
import { serveSetup } from './api/setup.ts';
import { type SimulatorsOptions, serveSimulators } from './api/simulators.ts';
import { serveStream } from './api/stream.ts';
import { type SystemOptions, serveSystem } from './api/system.ts';
import { serveTokens } from './api/tokens.ts';
import { serveUsers } from './api/users.ts';
import { serveWalkTest, type WalkTestOptions } from './api/walk-test.ts';
import { createDoor, type DoorOptions } from './door.ts';
import { readFrontEnd } from './front-end.ts';
import { createClosedServer } from './guard.ts';
import type { Identity } from './identity.ts';
import { createLook, type OverviewOptions } from './overview.ts';
import { createScreens } from './screens.ts';
import { createStream, type StreamOptions } from './stream.ts';
import type { ConsoleTls } from './tls.ts';
import { createTroubles } from './troubles.ts';

export interface ServerOptions
  extends WebServerContext,
    DoorOptions,
    MeOptions,
    OverviewOptions,
    AlarmsOptions,
    AreasOptions,
    DoorsOptions,
    SimulatorsOptions,
    GateOptions,
    NoticesOptions,
    EventsOptions,
    CommandsOptions,
    MediaOptions,
    LiveOptions,
    PlatformsOptions,
    SystemOptions,
    DoctorOptions,
    BackupOptions,
    LedgerOptions,
    ConfigOptions,
    PlanOptions,
    CamerasOptions,
    DevicesOptions,
    WalkTestOptions {
  readonly config: ConsoleConfig;
  readonly campus: MeOptions['campus'];
  readonly cameras: MeOptions['cameras'];
  readonly of: LedgerOptions['of'] &
    PlanOptions['of'] &
    CamerasOptions['of'] &
    DevicesOptions['of'] &
    WalkTestOptions['of'];
  readonly arming: AreasOptions['arming'];
  readonly uplinks: PlatformsOptions['uplinks'] & WalkTestOptions['uplinks'];
  readonly about: SystemOptions['about'];
  readonly reloading: SystemOptions['reloading'] & ConfigOptions['reloading'];
  readonly devices: PlanOptions['devices'] & DevicesOptions['devices'];
  readonly commands: CommandsOptions['commands'] & CamerasOptions['commands'];
  readonly media: MediaOptions['media'] & CamerasOptions['media'];
  readonly board: AlarmsOptions['board'] & PlanOptions['board'];
  readonly access: DoorsOptions['access'] & PlanOptions['access'] & GateOptions['access'];
  readonly time: Clock;
  readonly recorder: StreamOptions['recorder'] & SystemOptions['recorder'] & PlanOptions['recorder'];
  readonly journal: DoorOptions['journal'] &
    EventsOptions['journal'] &
    StreamOptions['journal'] &
    SystemOptions['journal'];
  readonly metrics: WebServerContext['metrics'] &
    PlatformsOptions['metrics'] &
    SystemOptions['metrics'] &
    DevicesOptions['metrics'];
  readonly clock: OverviewOptions['clock'] & SystemOptions['clock'];
}

/** Who it lets in, and how it is reached. */
export interface ServerParts {
  readonly identity: Identity;
  readonly tls: ConsoleTls | undefined;
}

/** It does not listen yet; `onClose` ends what its pages follow. */
export async function buildServer(
  options: ServerOptions,
  { identity, tls }: ServerParts,
): Promise<FastifyInstance> {
  const now = () => options.time.wall();
  const guard = {
    noteAct: noteActs(options),
    tls: tls?.current,
    isStrict: () => tls?.isSelfSigned === false,
  };
  const server = await createClosedServer(options.config, identity.find, options, guard);
  tls?.onChanged((next) => (server.server as unknown as TlsServer).setSecureContext(next));
  const door = createDoor(identity, options);
  const frontEnd = readFrontEnd();
  const look = createLook(options, () => options.board.glance().standing);
  const troubles = createTroubles(options.states, options.time);
  const stream = createStream({ ...options, look, webVersion: frontEnd.version });
  server.addHook('onListen', async () => stream.start());
  server.addHook('preClose', async () => stream.close());
  await server.register(fastifySwagger, {
    openapi: { info: { title: 'Campus Gateway: the console', version } },
    transform: jsonSchemaTransform,
  });
  for (const api of [
    serveLogin(identity, door),
    serveSetup(identity, door),
    serveUsers(identity, now),
    serveTokens(identity, now),
    serveSessions(identity, options, now),
    servePages(frontEnd, identity),
    serveMe(options, look),
    serveStream(stream),
    serveAlarms(options),
    serveGate(createScreens(options, frontEnd.version), options),
    serveAreas(options, troubles),
    serveDoors(options, troubles),
    serveDevices(options),
    serveSimulators(options),
    serveNotices(options),
    serveEvents(options),
    serveCommands(options.config, options),
    serveMedia(options),
    serveLive(options),
    servePlatforms(options),
    serveSystem(options),
    serveDoctor(options),
    serveBackup(options),
    serveLedger(options),
    serveConfig(options),
    serveCameras(options),
    servePlan(options),
    serveWalkTest(options),
    serveOpenApi(),
  ])
    await server.register(api);
  return server;
}
