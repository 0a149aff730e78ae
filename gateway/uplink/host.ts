/** What a transport gets of the gateway: where to put what the platform says, and what it may know. */
import { isDeepStrictEqual } from 'node:util';
import { contractVersion } from '../../config/catalogue/events.ts';
import type { UplinkConfig } from '../../config/sections/uplinks.ts';
import { pickCampus } from '../../drivers/contract/campus.ts';
import { lanes } from '../../drivers/contract/lane.ts';
import type { PlatformHost } from '../../drivers/contract/transport.ts';
import { fitsTarget } from '../commands/command.ts';
import type { Source } from '../commands/index.ts';
import { createReasons } from '../observe/reasons.ts';
import type { UplinkContext } from './context.ts';
import type { Delivery } from './delivery.ts';
import { readReceipt } from './receipts.ts';
import { type TwinWatch, watchTwin } from './twin.ts';
import { untakenAlarms } from './untaken.ts';

const DAY_MS = 86_400_000;
/** Days before its end from which a certificate is told of. */
const EXPIRY_NOTICE_DAYS = 30;

/** What is not shown to the platform for now: why and since when, epoch ms, by topic. */
export type Unshown = ReadonlyMap<string, { readonly reason: string; readonly since: number }>;

/** `delivery`: of the channel that is open; before it is, what the platform says is too early. */
export function platformHost(
  config: UplinkConfig,
  context: UplinkContext,
  of: {
    readonly source: Source;
    readonly delivery: () => Delivery | undefined;
    readonly burst: (key: string, fields: object, sentence: string) => void;
    readonly signal: AbortSignal;
  },
): {
  readonly host: PlatformHost;
  readonly twin: Pick<TwinWatch, 'seen'>;
  /** How often, by reason. */
  readonly discarded: ReadonlyMap<string, number>;
  readonly unshown: Unshown;
  /** The campus's master data are others: tells the transport, where something of it may leave. */
  campusChanged(): void;
} {
  const { version, startedAt, timeZone, devices, journal, recorder, commands, metrics, log, time } = context;
  const uplink = config.id;
  const reasonOf = createReasons();
  const counts = new Map<string, number>();
  const unshown = new Map<string, { readonly reason: string; readonly since: number }>();
  const count = (said: string, more: string | undefined, what: string) => {
    const { reason, detail } = reasonOf(said, more);
    metrics.uplinkDiscarded.inc({ uplink, reason });
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
    of.burst(`${uplink} ${reason}`, { uplink, detail }, `${what}: ${reason}`);
  };
  const discarded = (reason: string, detail?: string) =>
    count(reason, detail, 'the platform sent what cannot be used');
  const campus = watchCampus(config, context);
  const twin = watchTwin(uplink, { journal, recorder, burst: of.burst, discarded, time });
  const host: PlatformHost = {
    uplink,
    campus: context.campus,
    version,
    contract: contractVersion,
    startedAt,
    timeZone,
    numbers: journal.numbers,
    media: context.media,
    campusData: campus.data,
    inventory: context.things.list,
    places: context.things.places,
    onInventory(run) {
      const ends = [context.things.onChanged(run), campus.onChanged(run)];
      return () => {
        for (const end of ends) end();
      };
    },
    devices,
    receipts: config.receipts,
    identity() {
      const { id, lease } = journal.knownAs;
      return id === '' ? undefined : { journal: id, lease };
    },
    shown: twin.shown,
    takenOver: twin.takenOver,
    mayAsk: (action) =>
      config.commands.some(({ actions }) => action === undefined || actions.some((one) => one === action)),
    mayAskUnsigned: (action, target) =>
      config.commands.some(
        ({ actions, targets, signed, issuers }) =>
          !signed &&
          issuers === undefined &&
          actions.some((one) => one === action) &&
          targets.some((one) => fitsTarget(one, target)),
      ),
    command: (bytes, target, wrong) => commands.receiveCommand(bytes, target, of.source, wrong),
    ask: (order) => commands.order(order, of.source),
    untaken: () => untakenAlarms(journal),
    receipt(bytes) {
      const read = readReceipt(bytes);
      if ('wrong' in read) return discarded('not a receipt', read.wrong);
      const { receipt } = read;
      if (receipt.journal !== journal.id) return discarded('a receipt for another journal', receipt.journal);
      for (const lane of lanes) {
        const stored = receipt[lane];
        if (stored !== undefined && of.delivery()?.confirm(lane, stored) === false)
          discarded('a receipt for what was never sent', `${lane} ${stored}`);
      }
    },
    certificate: watchCertificates(uplink, context),
    notShown(topic, reason) {
      const since = unshown.get(topic)?.since ?? time.wall();
      if (reason === undefined) unshown.delete(topic);
      else unshown.set(topic, { reason, since });
    },
    discarded,
    leftOut: (reason, detail) => count(reason, detail, 'an event goes without what cannot be sent'),
    clock: time,
    log,
    signal: of.signal,
  };
  return { host, twin, discarded: counts, unshown, campusChanged: campus.look };
}

/** Shows when a certificate ends, and makes an event of it, once a day, in its last month. */
function watchCertificates(
  uplink: string,
  { metrics, recorder, log, time }: UplinkContext,
): PlatformHost['certificate'] {
  const toldAt = new Map<string, number>();
  return (whose, endsAt) => {
    const now = time.wall();
    const days = Math.floor((endsAt - now) / DAY_MS);
    metrics.certificateEnds.set({ uplink, whose }, endsAt / 1000);
    if (days > EXPIRY_NOTICE_DAYS || now - (toldAt.get(whose) ?? 0) < DAY_MS) return;
    toldAt.set(whose, now);
    const details = { uplink, whose, days, ends: new Date(endsAt).toISOString() };
    log.warn(details, 'a certificate ends soon; put a new one in its place');
    void recorder.recordOwn('gateway.certificate-expiring', details);
  };
}

/** What of the campus's master data may leave over this uplink. */
function watchCampus({ campus: fields }: UplinkConfig, { campusData }: UplinkContext) {
  const followers = new Set<() => void>();
  let now = pickCampus(campusData(), fields);
  return {
    data: () => now,
    onChanged(run: () => void) {
      followers.add(run);
      return () => void followers.delete(run);
    },
    look() {
      const next = pickCampus(campusData(), fields);
      if (isDeepStrictEqual(now, next)) return;
      now = next;
      for (const run of followers) run();
    },
  };
}
