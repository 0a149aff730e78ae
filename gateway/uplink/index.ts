/** The platforms: an uplink each, over the transport that the config names. */
import { isDeepStrictEqual } from 'node:util';
import type { Registry } from '../../config/catalogue/actions.ts';
import { type Event, eventTypes } from '../../config/catalogue/events.ts';
import { wantsOf } from '../../config/catalogue/filter.ts';
import type { Config } from '../../config/schema.ts';
import type { UplinkConfig } from '../../config/sections/uplinks.ts';
import type { Timer } from '../../drivers/contract/clock.ts';
import { type Lane, lanes } from '../../drivers/contract/lane.ts';
import type { Transport } from '../../drivers/contract/transport.ts';
import type { Interest } from '../journal/index.ts';
import type { Part } from '../lifecycle/part.ts';
import { version } from '../version.ts';
import { cardKey } from './card-key.ts';
import type { UplinkContext } from './context.ts';
import type { UplinkDetails } from './details.ts';
import { createLives } from './lives.ts';
import { createUplink, type Uplink, type UplinkState } from './uplink.ts';

/**
 * A copy of this machine is seen by a lease that it does not have. The shorter, the fewer copies go unseen until they push
 * the first one out; a lease costs a message of a KB or two, and a page written.
 */
const LEASE_MS = 300_000;

/** What a platform that is left has to take what is on its way; the rest goes over the new connection. */
const LEAVE_MS = 1000;

/** How long a disk is waited for that is asked for the backlog: how all is must be told where it hangs, too. */
const LOOK_MS = 1000;

export interface Uplinks extends Part {
  start(): void;
  /** An event is on disk. */
  onStored(event: Event, sequence: number): void;
  /** By id. */
  states(): Readonly<Record<string, UplinkState>>;
  /** In the order of the config. */
  details(): readonly UplinkDetails[];
  /** Looks how many events each platform wants and has not: the most of them. */
  lookAtBacklog(): Promise<number>;
  /** Events were removed before they were delivered. */
  recount(): void;
  /** Tells that these lanes got events, or that there are alarms to be sent from memory. */
  wake(lanes: ReadonlySet<Lane>): void;
  /** The journal's numbers are not what they were: starts over from its cursors. */
  reset(): void;
  /**
   * Takes up other platforms: those that differ are closed, then made anew, the others are left as they are; all of them
   * where the time zone is another one. Who stays is told where the campus's master data are others.
   * @returns the ids of what was closed or made. Rejects where one cannot be made: then all are as before.
   */
  configure(config: Pick<Config, 'campus' | 'uplinks' | 'timezone'>): Promise<readonly string[]>;
  /** The platforms as they are now, and what they want. */
  interests(): readonly Interest[];
  /** Waits at most `timeoutMs` until all is acknowledged, says goodbye, disconnects. */
  close(timeoutMs: number): Promise<void>;
}

interface Running {
  readonly config: UplinkConfig;
  readonly uplink: Uplink;
}

/** What is the same in another config, what is not there any more as it is, and what is to be made. */
function differencesOf(running: readonly Running[], next: readonly UplinkConfig[]) {
  const isIn = (one: UplinkConfig, all: readonly UplinkConfig[]) =>
    all.some((other) => isDeepStrictEqual(one, other));
  const now = running.map(({ config }) => config);
  return {
    stay: running.filter(({ config }) => isIn(config, next)),
    gone: running.filter(({ config }) => !isIn(config, next)),
    made: next.filter((config) => !isIn(config, now)),
  };
}

/** What was counted of it stays; what is of now would stand for ever. */
function forgetMetrics(
  uplink: string,
  { connected, held, backlog, oldestUndelivered }: UplinkContext['metrics'],
) {
  for (const gauge of [connected, held]) gauge.remove({ uplink });
  for (const lane of lanes) for (const gauge of [backlog, oldestUndelivered]) gauge.remove({ uplink, lane });
}

/** Serves `replay`. @throws Error where a config names a transport that is not among `transports`. */
export function createUplinks(
  {
    campus,
    timezone,
    uplinks: configs,
    dataDir,
  }: Pick<Config, 'campus' | 'timezone' | 'uplinks' | 'dataDir'>,
  given: Omit<UplinkContext, 'campus' | 'campusData' | 'timeZone' | 'version' | 'lives' | 'cardKey'> & {
    /** By default the one in the data folder. */
    readonly cardKey?: Buffer;
    readonly transports: readonly Transport[];
    readonly registry: Registry;
  },
): Uplinks {
  const lives = createLives(given.time);
  const key = given.cardKey ?? cardKey(dataDir, given.log);
  let campusData = campus;
  const about = { campus: campus.id, campusData: () => campusData };
  let context = { ...given, ...about, cardKey: key, timeZone: timezone, version, lives };
  const make = (config: UplinkConfig): Running => {
    const transport = context.transports.find(({ name }) => name === config.protocol);
    if (transport === undefined) throw new Error(`uplink ${config.id}: no protocol ${config.protocol}`);
    return { config, uplink: createUplink(config, transport, context) };
  };
  let running = configs.map(make);
  let isStarted = false;
  const each = () => running.map(({ uplink }) => uplink);
  context.registry.serve({
    async replay({ from, arguments: wanted }) {
      const uplink = each().find(({ id }) => from.kind === 'uplink' && id === from.id);
      return (await uplink?.replay(wanted)) ?? { done: false, reason: 'only a platform gets a replay' };
    },
  });
  const { journal, time, metrics } = context;
  journal.knownAs.onRenumbered(() => {
    for (const uplink of each()) uplink.renumber();
  });
  let renewals: Timer | undefined;
  const renewLease = () =>
    journal.knownAs.renewLease().then(
      () => {
        for (const uplink of each()) uplink.showIdentity();
      },
      // The disk fails: the old one stays.
      () => {},
    );
  const lookAtBacklog = async () => {
    const waiting = each().map(async (uplink) => {
      const patience = new AbortController();
      await Promise.race([uplink.backlog.look(), time.wait(LOOK_MS, patience.signal)]);
      patience.abort();
      for (const [lane, { events, since }] of Object.entries(uplink.backlog.byLane())) {
        const age = since === undefined ? 0 : Math.max(0, time.wall() - since) / 1000;
        metrics.backlog.set({ uplink: uplink.id, lane }, events);
        metrics.oldestUndelivered.set({ uplink: uplink.id, lane }, age);
      }
      return uplink.backlog.now().events;
    });
    return Math.max(0, ...(await Promise.all(waiting)));
  };
  metrics.beforeLook(lookAtBacklog);
  const close = async (timeoutMs: number) => {
    renewals?.stop();
    // What a reload makes from now on is not begun.
    isStarted = false;
    await Promise.all(each().map((uplink) => uplink.close(timeoutMs)));
  };
  return {
    start() {
      renewals ??= time.every(LEASE_MS, () => void renewLease());
      isStarted = true;
      for (const uplink of each()) uplink.start();
    },
    onStored: lives.stored,
    states: () => Object.fromEntries(each().map((uplink) => [uplink.id, uplink.state()])),
    details: () => each().map((uplink) => uplink.details()),
    lookAtBacklog,
    recount() {
      for (const uplink of each()) uplink.backlog.recount();
    },
    wake(lanes) {
      for (const uplink of each()) uplink.wake(lanes);
    },
    reset() {
      for (const uplink of each()) uplink.reset();
    },
    async configure({ campus: data, uplinks: next, timezone: timeZone }) {
      const { stay, gone, made } =
        timeZone === context.timeZone
          ? differencesOf(running, next)
          : { stay: [], gone: running, made: next };
      const before = { context, campusData };
      // Before it is opened anew: a session, a port and a name at a platform are one's at a time.
      await Promise.all(gone.map(({ uplink }) => uplink.close(LEAVE_MS)));
      for (const { config } of gone) forgetMetrics(config.id, metrics);
      const takeOn = (those: readonly UplinkConfig[]) => {
        const anew = those.map(make);
        running = [...stay, ...anew];
        if (isStarted) for (const { uplink } of anew) uplink.start();
      };
      try {
        context = { ...context, timeZone };
        // What is new of the campus is for who is there now: who may know less of it than before was closed.
        campusData = data;
        takeOn(made);
        for (const uplink of each()) uplink.campusChanged();
      } catch (error) {
        ({ context, campusData } = before);
        takeOn(gone.map(({ config }) => config));
        throw error;
      }
      return [...new Set([...gone.map(({ config }) => config.id), ...made.map(({ id }) => id)])];
    },
    interests: () =>
      running.map(({ config }) => ({ id: config.id, types: eventTypes.filter(wantsOf(config)) })),
    close,
    [Symbol.asyncDispose]: () => close(0),
  };
}
