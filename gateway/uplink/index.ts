/** The platforms: an uplink each, over the transport that the config names. */
import type { Registry } from '../../config/catalogue/actions.ts';
import type { Event } from '../../config/catalogue/events.ts';
import type { Config } from '../../config/schema.ts';
import type { Timer } from '../../drivers/contract/clock.ts';
import type { Lane } from '../../drivers/contract/lane.ts';
import type { Transport } from '../../drivers/contract/transport.ts';
import type { Part } from '../lifecycle/part.ts';
import { version } from '../version.ts';
import { cardKey } from './card-key.ts';
import type { UplinkContext } from './context.ts';
import { createLives } from './lives.ts';
import { createUplink, type UplinkState } from './uplink.ts';

/**
 * A copy of this machine is seen by a lease that it does not have. The shorter, the fewer copies go unseen until they push
 * the first one out; a lease costs a message of a KB or two, and a page written.
 */
const LEASE_MS = 300_000;

/** How long a disk is waited for that is asked for the backlog: how all is must be told where it hangs, too. */
const LOOK_MS = 1000;

export interface Uplinks extends Part {
  start(): void;
  /** An event is on disk. */
  onStored(event: Event, sequence: number): void;
  /** By id. */
  states(): Readonly<Record<string, UplinkState>>;
  /** Looks how many events each platform wants and has not: the most of them. */
  lookAtBacklog(): Promise<number>;
  /** Events were removed before they were delivered. */
  recount(): void;
  /** Tells that these lanes got events, or that there are alarms to be sent from memory. */
  wake(lanes: ReadonlySet<Lane>): void;
  /** The journal's numbers are not what they were: starts over from its cursors. */
  reset(): void;
  /** Waits at most `timeoutMs` until all is acknowledged, says goodbye, disconnects. */
  close(timeoutMs: number): Promise<void>;
}

/** Serves `replay`. @throws Error where a config names a transport that is not among `transports`. */
export function createUplinks(
  {
    campus,
    timezone,
    uplinks: configs,
    dataDir,
  }: Pick<Config, 'campus' | 'timezone' | 'uplinks' | 'dataDir'>,
  given: Omit<UplinkContext, 'campus' | 'timeZone' | 'version' | 'lives' | 'cardKey'> & {
    /** By default the one in the data folder. */
    readonly cardKey?: Buffer;
    readonly transports: readonly Transport[];
    readonly registry: Registry;
  },
): Uplinks {
  const lives = createLives(given.time);
  const key = given.cardKey ?? cardKey(dataDir, given.log);
  const context = { ...given, cardKey: key, campus: campus.id, timeZone: timezone, version, lives };
  const uplinks = configs.map((config) => {
    const transport = context.transports.find(({ name }) => name === config.protocol);
    if (transport === undefined) throw new Error(`uplink ${config.id}: no protocol ${config.protocol}`);
    return createUplink(config, transport, context);
  });
  context.registry.serve({
    async replay({ from, arguments: wanted }) {
      const uplink = uplinks.find(({ id }) => from.kind === 'uplink' && id === from.id);
      return (await uplink?.replay(wanted)) ?? { done: false, reason: 'only a platform gets a replay' };
    },
  });
  const { journal, time, metrics } = context;
  journal.knownAs.onRenumbered(() => {
    for (const uplink of uplinks) uplink.renumber();
  });
  let renewals: Timer | undefined;
  const renewLease = () =>
    journal.knownAs.renewLease().then(
      () => {
        for (const uplink of uplinks) uplink.showIdentity();
      },
      // The disk fails: the old one stays.
      () => {},
    );
  const lookAtBacklog = async () => {
    const waiting = uplinks.map(async (uplink) => {
      const patience = new AbortController();
      await Promise.race([uplink.backlog.look(), time.wait(LOOK_MS, patience.signal)]);
      patience.abort();
      const { events, since } = uplink.backlog.now();
      const age = since === undefined ? 0 : Math.max(0, time.wall() - since) / 1000;
      metrics.backlog.set({ uplink: uplink.id }, events);
      metrics.oldestUndelivered.set({ uplink: uplink.id }, age);
      return events;
    });
    return Math.max(0, ...(await Promise.all(waiting)));
  };
  metrics.beforeLook(lookAtBacklog);
  const close = async (timeoutMs: number) => {
    renewals?.stop();
    await Promise.all(uplinks.map((uplink) => uplink.close(timeoutMs)));
  };
  return {
    start() {
      renewals ??= time.every(LEASE_MS, () => void renewLease());
      for (const uplink of uplinks) uplink.start();
    },
    onStored: lives.stored,
    states: () => Object.fromEntries(uplinks.map((uplink) => [uplink.id, uplink.state()])),
    lookAtBacklog,
    recount() {
      for (const uplink of uplinks) uplink.backlog.recount();
    },
    wake(lanes) {
      for (const uplink of uplinks) uplink.wake(lanes);
    },
    reset() {
      for (const uplink of uplinks) uplink.reset();
    },
    close,
    [Symbol.asyncDispose]: () => close(0),
  };
}
