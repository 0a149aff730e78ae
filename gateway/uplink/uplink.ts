/** One platform: connects, sends, and after a loss connects again and goes on from the cursor. */
import type { ArgumentsOf, Result } from '../../config/catalogue/actions.ts';
import type { EventType } from '../../config/catalogue/events.ts';
import { wantsOf } from '../../config/catalogue/filter.ts';
import type { UplinkConfig } from '../../config/sections/uplinks.ts';
import type { Lane } from '../../drivers/contract/lane.ts';
import {
  type Channel,
  type ChannelState,
  StartOver,
  type Transport,
} from '../../drivers/contract/transport.ts';
import { readPublicKey } from '../commands/command.ts';
import type { Source } from '../commands/index.ts';
import { createEnrolledKeys } from '../enrolment/kept.ts';
import type { Journal } from '../journal/index.ts';
import { burstLog } from '../observe/log.ts';
import { type Backlog, createBacklog, type Waiting } from './backlog.ts';
import { type Connected, connect, GOODBYE_MS } from './connected.ts';
import type { UplinkContext } from './context.ts';
import type { Delivery } from './delivery.ts';
import { createProgress, detailsOf, type UplinkDetails } from './details.ts';
import { createHolds, type Holds } from './holds.ts';
import { platformHost, type Unshown } from './host.ts';
import { privacyOf } from './payload.ts';
import { createReach } from './reach.ts';
import { createReconnect } from './reconnect.ts';
import { reportsOf } from './reports.ts';
import { createSuspicion } from './suspicion.ts';

/** How an uplink is, for /health. */
export interface UplinkState {
  readonly state: 'connected' | 'connecting';
  /** Why it is not connected, or what the platform refused last. */
  readonly reason?: string | undefined;
  /** How many events it wants and has not, as of the last look (backlog.ts). */
  readonly backlog: number;
  /** When the oldest of them was seen, RFC 3339. */
  readonly oldestUndelivered?: string | undefined;
  /** When another gateway was last seen there as this campus; for an hour. */
  readonly otherInstance?: string | undefined;
  /**
   * Addresses that the platform refuses, and topics of states that are not shown to it, why, and since when; they keep
   * the name that they have had in /health.
   */
  readonly held: readonly { readonly topic: string; readonly reason: string; readonly since: string }[];
  /** What the platform sent that could not be used, since the start: how often, by reason. */
  readonly discarded: Readonly<Record<string, number>>;
  /** How its channel is, where the protocol says more of it. */
  readonly channel?: ChannelState | undefined;
}

export interface Uplink {
  readonly id: string;
  start(): void;
  /** Sends a stretch of a lane once more, to the platform that asks. */
  replay(wanted: ArgumentsOf<'replay'>): Promise<Result>;
  state(): UplinkState;
  details(): UplinkDetails;
  /** What it wants and has not; `state` has it as of the last look. */
  readonly backlog: Pick<Backlog, 'now' | 'byLane' | 'look' | 'recount'>;
  /** Tells that these lanes got events, or that there are alarms to be sent from memory. */
  wake(lanes: ReadonlySet<Lane>): void;
  /** The journal's numbers are not what they were: starts over from its cursors. */
  reset(): void;
  /** The journal numbers on under a new id: so does this, over the connection that it has. */
  renumber(): void;
  /** The journal's lease is another one. */
  showIdentity(): void;
  /** The campus's master data are others. */
  campusChanged(): void;
  /** Waits at most `timeoutMs` until all is acknowledged, says goodbye, disconnects. */
  close(timeoutMs: number): Promise<void>;
}

/**
 * Where a platform has several addresses, one that is lost is no loss of them all: the first tries come soon. Those of a
 * city that lost all of them find nobody, and wait as others do from then on.
 */
const ELSEWHERE_TRIES = 5;
const ELSEWHERE_SPREAD_MS = 3000;

export function createUplink(config: UplinkConfig, transport: Transport, context: UplinkContext): Uplink {
  const { journal, recorder, log, metrics, time } = context;
  const uplink = config.id;
  const where = transport.where(config.options);
  const wants = wantsOf(config);
  const wantsAlarms = wants('alarm.raised');
  const stop = new AbortController();
  /** Before `stop`: what is open is left in order, and nothing is opened any more. */
  const closing = new AbortController();
  const bursts = burstLog(log, time);
  const { warn: burst } = bursts;
  let ofNumbering = beginNumbering(uplink, context);
  let current: Connected | undefined;
  let trouble: string | undefined;
  let running: Promise<void> | undefined;
  const takenUnsaved = new Set<string>();
  const suspicion = createSuspicion(uplink, log);
  const of = { source: sourceOf(config, log), delivery: () => current?.delivery, burst, signal: stop.signal };
  const { host, twin, discarded, unshown, campusChanged } = platformHost(config, context, of);
  const onTrouble = (reason: string) => {
    trouble = reason;
  };
  const backlog = createBacklog({ ...context, uplink, wants, takenUnsaved });
  const progress = createProgress(time);
  const reports = reportsOf(uplink, context, { burst, onTrouble, progress });

  /** Delivers over a channel until it ends. @returns why it ended. */
  const serve = async (channel: Channel): Promise<Error> => {
    trouble = undefined;
    log.info({ uplink, url: where, ...channel.about }, 'connected to the platform');
    for (const id of takenUnsaved) if (!recorder.unsaved.has(id)) takenUnsaved.delete(id);
    backlog.meet((event) => channel.address(event));
    current = connect(
      channel,
      () => ({
        ...config,
        ...context,
        ...reports,
        ...{ uplink, wants, takenUnsaved, unsaved: recorder.unsaved },
        ...{ receiptTimeoutMs: config.receiptTimeout, careful: suspicion.isCareful() },
        privacy: privacyOf(config, context.cardKey),
        ...ofNumbering,
      }),
      { ...context, wantsAlarms },
    );
    metrics.connected.set({ uplink }, 1);
    progress.noteConnected(channel.about);
    const [over, since] = [current, time.elapsed()];
    const reason = await over.ended;
    current = undefined;
    progress.noteDisconnected();
    metrics.connected.set({ uplink }, 0);
    const end = { ...(await over.end()), reason, lastedMs: time.elapsed() - since };
    if (!closing.signal.aborted) suspicion.noteEnd(end, ofNumbering.holds);
    return reason;
  };
  const onDisconnected = (reason: string) => {
    trouble = reason;
    if (closing.signal.aborted) return;
    const sentence = 'no connection to the platform; events are kept on disk';
    burst(`${uplink} ${reason}`, { uplink, url: where, reason }, sentence);
  };
  const reconnect = createReconnect(time, closing.signal, {
    async connect() {
      const channel = await transport.open(config.options, host);
      if (!closing.signal.aborted) return await serve(channel);
      // Nobody waits for it any more.
      await channel.close(GOODBYE_MS, false);
      return new Error('the uplink is closed');
    },
    onDisconnected,
    urgency: (tries) => ({ spreadMs: spreadOf(config, transport, context, tries), hot: suspicion.isHot() }),
  });

  return {
    ...{ id: uplink, backlog, campusChanged },
    start() {
      metrics.connected.set({ uplink }, 0);
      running ??= reconnect.run();
    },
    state: () => ({
      ...stateOf(current, backlog.now()),
      ...{ reason: trouble, otherInstance: twin.seen(), discarded: Object.fromEntries(discarded) },
      held: heldOf(ofNumbering.holds, unshown),
    }),
    details: () => detailsOf(config, transport, { journal, backlog, progress, unshown, current }),
    replay: (wanted) => replayOver(current?.delivery, journal, wants, wanted),
    wake(lanes) {
      current?.delivery.wake(lanes);
      if (current === undefined && wantsAlarms && lanes.has('urgent')) reconnect.hurry();
    },
    reset() {
      ofNumbering = beginNumbering(uplink, context);
      backlog.recount();
      current?.breakOff(new StartOver('the journal was opened anew'));
    },
    renumber() {
      ofNumbering = beginNumbering(uplink, context);
      current?.renumber();
    },
    showIdentity: () => current?.showIdentity(),
    async close(timeoutMs) {
      closing.abort();
      await current?.leave(timeoutMs);
      stop.abort();
      await running;
      bursts.close();
    },
  };
}

const stateOf = (
  channel: Connected | undefined,
  { events, since }: Waiting,
): Pick<UplinkState, 'state' | 'channel' | 'backlog' | 'oldestUndelivered'> => ({
  state: channel === undefined ? 'connecting' : 'connected',
  channel: channel?.state(),
  backlog: events,
  oldestUndelivered: since === undefined ? undefined : new Date(since).toISOString(),
});

/** What is known of the platform under one numbering. */
const beginNumbering = (uplink: string, { journal, time, metrics }: UplinkContext) => ({
  holds: createHolds(uplink, journal, time, (addresses) => metrics.held.set({ uplink }, addresses)),
  reach: createReach(journal.last),
});

/** Sends a stretch once more to a platform that is there. */
async function replayOver(
  delivery: Delivery | undefined,
  journal: Journal,
  wants: (type: EventType) => boolean,
  { journal: id, lane, after, upTo }: ArgumentsOf<'replay'>,
): Promise<Result> {
  if (id !== journal.id)
    return { done: false, reason: `the journal is ${journal.id}; ${id} is not here any more` };
  if (delivery === undefined) return { done: false, reason: 'the platform is not connected' };
  const { taken, refused } = await delivery.resend({
    lane,
    after,
    upTo: Math.min(upTo, journal.last(lane)),
    wants: ({ type }) => wants(type as EventType),
    inChain: wants,
  });
  const result = { events: taken };
  if (refused === undefined) return { done: true, result };
  if (refused.is === 'lost') return { done: false, unknown: true, reason: refused.reason, result };
  return { done: false, reason: `the platform refuses ${refused.sequence}: ${refused.reason}`, result };
}

/** Whose commands they are: what the config allows, and whose signatures are believed. */
function sourceOf(
  { id, commands, commandKeys, commandRate, enrolmentFile }: UplinkConfig,
  log: UplinkContext['log'],
): Source {
  const own = commandKeys.map(({ publicKeyFile, ...rest }) => ({
    ...rest,
    key: readPublicKey(publicKeyFile),
  }));
  const onBroken = (error: string) =>
    log.error({ uplink: id, error }, 'the keys of commands of an enrolment cannot be read');
  const enrolled = enrolmentFile === undefined ? () => [] : createEnrolledKeys(enrolmentFile, onBroken);
  return {
    ...{ kind: 'uplink', id, rules: commands, rate: commandRate },
    get keys() {
      return [...own, ...enrolled()];
    },
  };
}

const heldOf = (holds: Holds, unshown: Unshown): UplinkState['held'] =>
  [...holds.list().map(({ address, held }) => [address, held] as const), ...unshown].map(
    ([topic, { reason, since }]) => ({ topic, reason, since: new Date(since).toISOString() }),
  );

/** Over what try number `tries` is spread: with an alarm that the platform has not got, it does not wait. */
function spreadOf(config: UplinkConfig, transport: Transport, context: UplinkContext, tries: number): number {
  const { journal, recorder } = context;
  const isBehind = journal.position(config.id, 'urgent').sequence < journal.last('urgent');
  if (wantsOf(config)('alarm.raised') && (recorder.unsaved.size > 0 || isBehind)) return 0;
  const isElsewhere = tries <= ELSEWHERE_TRIES && (transport.addresses?.(config.options) ?? 1) > 1;
  return isElsewhere ? Math.min(ELSEWHERE_SPREAD_MS, config.reconnectSpread) : config.reconnectSpread;
}
