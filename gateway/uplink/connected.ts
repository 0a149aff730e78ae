/** A channel that is open, and what works over it. */
import type { Channel, ChannelState } from '../../drivers/contract/transport.ts';
import { type Delivery, type DeliveryOptions, type Outstanding, startDelivery } from './delivery.ts';
import { showStates } from './show.ts';

export interface Connected {
  /** Another one after each new numbering. */
  readonly delivery: Delivery;
  /** Resolves with the reason when it is of no use any more. */
  readonly ended: Promise<Error>;
  /** undefined: its protocol says nothing of it. */
  state(): ChannelState | undefined;
  /** Our identity has changed: shows it. */
  showIdentity(): void;
  /** There is a new numbering: what is not dealt with goes out under it, over the same channel. */
  renumber(): void;
  /** Ends it. */
  breakOff(reason: Error): void;
  /** After `ended`: closes. @returns what was sent and not answered. */
  end(): Promise<Outstanding>;
  /** Waits at most `timeoutMs` until all is acknowledged, says goodbye, disconnects. */
  leave(timeoutMs: number): Promise<void>;
}

/** A channel has so long to close. */
export const GOODBYE_MS = 500;

/** `options`: of each delivery, as they are when it begins. */
export function connect(
  channel: Channel,
  options: () => Omit<DeliveryOptions, 'onFailed'>,
  shows: Parameters<typeof showStates>[1],
): Connected {
  const { time } = shows;
  const broken = Promise.withResolvers<Error>();
  const begin = () => startDelivery(channel, { ...options(), onFailed: broken.resolve });
  let delivery = begin();
  let over = false;
  const stop = () => {
    over = true;
    delivery.stop();
  };
  const shown = showStates(channel, shows);
  return {
    get delivery() {
      return delivery;
    },
    ended: Promise.race([channel.ended, broken.promise]),
    renumber() {
      if (over) return;
      // An answer to an old number moves no cursor any more.
      delivery.stop();
      // Whose numbers they are comes before the first of them.
      channel.showIdentity?.();
      delivery = begin();
    },
    breakOff(reason) {
      // At once: no answer moves the cursor any more.
      stop();
      broken.resolve(reason);
    },
    state: () => channel.state?.(),
    showIdentity: () => channel.showIdentity?.(),
    async end() {
      const outstanding = delivery.outstanding();
      stop();
      shown.stop();
      await channel.close(GOODBYE_MS, false);
      return outstanding;
    },
    async leave(timeoutMs) {
      const patience = new AbortController();
      const late = time.wait(timeoutMs, patience.signal);
      await Promise.race([delivery.drained(), channel.ended, late]);
      // A timer left behind would hold the process up after all is done.
      patience.abort();
      shown.stop();
      await channel.close(GOODBYE_MS, true);
    },
  };
}
