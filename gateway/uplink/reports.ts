/** What delivery says: counted, logged, told. */
import type { Lane } from '../../drivers/contract/lane.ts';
import type { UplinkContext } from './context.ts';
import type { DeliveryOptions } from './delivery.ts';
import type { Progress } from './details.ts';

export function reportsOf(
  uplink: string,
  { metrics, lives, recorder, trace, received, taken, log }: UplinkContext,
  of: {
    readonly onTrouble: (reason: string) => void;
    readonly progress: Pick<Progress, 'noteTaken' | 'noteStored'>;
    readonly burst: (key: string, fields: object, sentence: string) => void;
  },
) {
  /** The platform goes without it, and is told. */
  const noteDropped = (
    { lane, sequence }: { readonly lane: Lane; readonly sequence: number },
    why: string,
  ) => {
    metrics.dropped.inc({ uplink, lane });
    log.error({ uplink, lane, sequence }, why);
    const range = { first: sequence, last: sequence };
    void recorder.recordOwn('gateway.dropped', { uplink, lane, events: 1, ...range });
  };
  return {
    onDelivered(entry, lane) {
      metrics.delivered.inc({ uplink, lane });
      of.progress.noteTaken(lane, entry.sequence);
      if (lane === 'urgent') lives.reached(uplink, 'broker', { id: entry.id });
      trace?.delivered?.(uplink, entry.id);
      taken?.(uplink, lane, entry.sequence);
    },
    onReceived(lane, from, to) {
      of.progress.noteStored(lane, to);
      if (lane === 'urgent') lives.reached(uplink, 'platform', { upTo: to });
      received?.(uplink, lane, from, to);
    },
    onUnreadable: (place) => noteDropped(place, 'an event is not in the journal as it was written'),
    onGivenUp: (place) =>
      noteDropped(place, 'an event was given up: the platform refuses it, and too many others'),
    onRefused({ address, is, code, reason, held }) {
      of.onTrouble(`${address}: ${reason}`);
      metrics.publishRefused.inc({ uplink, code: code ?? is });
      of.burst(
        `${uplink} refused ${code ?? is}`,
        { uplink, address, code, reason },
        held
          ? 'the platform refuses an address; its events are kept and tried again, the others go on'
          : 'the platform takes no events for now; they are kept and tried again',
      );
    },
  } satisfies Partial<DeliveryOptions>;
}
