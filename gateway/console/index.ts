/** The technician's console, from the side of the road. */
import type { FastifyInstance } from 'fastify';
import type { Config } from '../../config/schema.ts';
import { ownAddresses, portError } from '../../drivers/connections.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Campus } from '../campus.ts';
import type { Part } from '../lifecycle/part.ts';
import type { Health } from '../observe/status.ts';
import { createPersons } from '../persons/index.ts';
import type { Recorder } from '../road/recorder.ts';
import { consoleAddress } from './address.ts';
import { zoneNamesOf } from './areas.ts';
import { type Board, type BoardOptions, boardPlacesOf, createBoard } from './board.ts';
import type { Identity } from './identity.ts';
import { createSearch, type Search, type SearchOptions } from './search/index.ts';
import type { ServerOptions } from './server.ts';
import { createSirens, type SirensOptions } from './sirens.ts';
import { aboutOf } from './system-look.ts';
import type { ConsoleTls } from './tls.ts';

export interface ConsoleOptions extends Omit<ServerOptions, 'search'> {
  readonly journal: ServerOptions['journal'] & SearchOptions['journal'];
  /** Another one than that of the data folder. */
  readonly search?: Search;
  readonly board: Board;
  readonly recorder: Pick<Recorder, 'onStored' | 'onUnsaved' | 'unsaved' | 'states'>;
}

/** What the config says of it; undefined: there is no console. */
export function consoleOptionsOf(
  config: Config,
  place: Pick<Campus, 'cameras' | 'names' | 'kindOf' | 'areaOf'>,
  health: () => Promise<Health>,
  context: {
    readonly recorder: BoardOptions['recorder'];
    readonly commands: SirensOptions['commands'];
    readonly time: Clock;
    readonly log: Log;
  },
) {
  const { cameras, names } = place;
  const { dataDir } = config;
  if (config.console === undefined) return undefined;
  const gates = config.access.doors.filter(({ pickup }) => pickup);
  return {
    config: config.console,
    of: config,
    dataDir,
    campus: { id: config.campus.id, name: config.campus.name, timezone: config.timezone },
    cameras,
    about: aboutOf(config),
    status: async () => {
      const { healthy, details } = await health();
      return { healthy, ...details };
    },
    names: Object.fromEntries(names),
    persons: createPersons(config.access.personsFile, context.log),
    board: createBoard({ ...context, dataDir, places: boardPlacesOf(config, place) }),
    sirens: createSirens(config.rules, { ...context, names }),
    doors: gates.map(({ id }) => id),
    gates: new Map(gates.map(({ id, name }) => [id, name])),
    doorConfigs: config.access.doors,
    zoneNames: zoneNamesOf(config.devices),
  };
}

export interface Console extends Part {
  /**
   * Where it is, until an administrator has a password with the token that lets in who is on this machine: for a
   * terminal, not for a log. undefined: it has not started.
   */
  readonly url: string | undefined;
  /** Where the first administrator sets a password, once; undefined: one has, or it has not started. */
  readonly setupUrl: string | undefined;
  /** The journal was opened anew: numbers are not what they were. */
  reload(): void;
  /** @throws what `listen` throws, and what the disk says of the data folder. */
  start(): Promise<void>;
}

export function createConsole(options: ConsoleOptions): Console {
  const { config, board, doors, cameras, log } = options;
  const { host, port } = config;
  const { dataDir: directory, lowDisk } = options.about;
  const search = options.search ?? createSearch({ ...options, directory, lowDisk });
  let server: FastifyInstance | undefined;
  let identity: Identity | undefined;
  let tls: ConsoleTls | undefined;
  let isThere = false;
  let setupUrl: string | undefined;
  const address = consoleAddress(config);
  return {
    get url() {
      const token = identity?.local.token;
      return isThere ? `${address}/${token === undefined ? '' : `#${token}`}` : undefined;
    },
    get setupUrl() {
      return setupUrl;
    },
    reload: board.reload,
    async start() {
      // Loaded by who has a console: a daemon of years keeps what it has loaded.
      const [{ buildServer }, { openIdentity }, { openTls }] = await Promise.all([
        import('./server.ts'),
        import('./identity.ts'),
        import('./tls.ts'),
      ]);
      identity = await openIdentity(options.dataDir, options);
      tls = await openTls(config, options.dataDir, ownAddresses(), options);
      server = await buildServer({ ...options, search }, { identity, tls });
      await server.listen({ host, port }).catch((error) => {
        throw portError(error, host, port, { who: 'the console', key: 'port' });
      });
      board.start();
      search.start();
      isThere = true;
      log.info({ address, doors, cameras: cameras.length, ...tlsOf(tls) }, 'the console is there');
      const link = await identity.firstLink();
      if (link === undefined) return;
      setupUrl = `${address}${link}`;
      log.warn(
        { link: setupUrl },
        'no administrator has a password: this link sets it, once, within 24 hours',
      );
    },
    async [Symbol.asyncDispose]() {
      await board[Symbol.asyncDispose]();
      await server?.close();
      tls?.close();
      await identity?.close();
      await search[Symbol.asyncDispose]();
    },
  };
}

const tlsOf = (tls: ConsoleTls | undefined) =>
  tls && { certificate: tls.isSelfSigned ? 'self-signed' : 'own', fingerprint: tls.fingerprint };
