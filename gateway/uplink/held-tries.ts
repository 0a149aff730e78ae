/** Tries what a platform refused, when its time has come, over the channel that is open. */
import type { EventType } from '../../config/catalogue/events.ts';
import type { Timer } from '../../drivers/contract/clock.ts';
import type { Lane } from '../../drivers/contract/lane.ts';
import type { Repeats } from './again.ts';
import type { Hold } from './holds.ts';
import type { LaneContext } from './lane.ts';

export interface HeldTries {
  /** Begins with the one that is due, if one is. */
  tryDue(): void;
  /** Looks when the next one will be. */
  schedule(): void;
  stop(): void;
}

export function createHeldTries(
  of: Pick<LaneContext, 'holds' | 'address' | 'wants' | 'time'> & {
    readonly resend: Repeats['resend'];
    /** An event is refused alone, as too many others are; the platform goes without. */
    readonly onGivenUp: (place: { readonly lane: Lane; readonly sequence: number }) => void;
    /** One is due, or was tried. */
    readonly onDue: () => void;
  },
): HeldTries {
  const { holds, address, wants, time, resend, onGivenUp, onDue } = of;
  let timer: Timer | undefined;
  let stopped = false;
  const tryOne = async (due: Hold) => {
    await holds.tryAgain(due, (from, upTo, progress) =>
      resend({
        lane: due.lane,
        after: from - 1,
        upTo,
        wants: (entry) => address(entry) === due.address && wants(entry.type as EventType),
        inChain: wants,
        progress,
        onStep: ({ sequence }, reason) => {
          if (!due.single && !holds.refuseOne(due.address, due.lane, sequence, reason))
            onGivenUp({ lane: due.lane, sequence });
        },
      }),
    );
    onDue();
  };
  const schedule = () => {
    const nextMs = holds.next();
    timer?.stop();
    if (nextMs !== undefined && !stopped) timer = time.after(Math.max(1, nextMs), onDue);
  };
  return {
    tryDue() {
      const due = holds.due();
      // Reading fails where the disk does: it is tried again in its time.
      if (due !== undefined) void tryOne(due).catch(() => {});
      schedule();
    },
    schedule,
    stop() {
      stopped = true;
      timer?.stop();
    },
  };
}
