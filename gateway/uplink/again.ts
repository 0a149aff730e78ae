/** What is sent once more, beside the live events and in their window: a replay, and what was refused before. */
import { type Lane, lanes } from '../../drivers/contract/lane.ts';
import type { Answer, Outgoing } from '../../drivers/contract/transport.ts';
import type { Entry, Journal } from '../journal/index.ts';
import type { Addressed } from './context.ts';
import { type Resent, resend, type Stretch } from './resend.ts';
import type { Sender } from './sender.ts';

export interface Repeats {
  /** Sends a stretch; resolves when all of it was answered, or one of it refused. */
  resend(stretch: Stretch): Promise<Resent>;
  /** Sends what waits of a lane, while fewer than `limit` are on their way. */
  sendUpTo(lane: Lane, limit: number): void;
  /** Sent and not answered. */
  flying(): readonly Addressed[];
  /** What waits or flies is lost with the channel. */
  stop(): void;
}

interface Waiting {
  readonly lane: Lane;
  readonly entry: Entry;
  readonly previous: number;
  readonly resolve: (answer: Answer) => void;
}

/** `onWaiting`: there is something for `sendUpTo`. */
export function createRepeats(
  sender: Sender,
  of: {
    readonly journal: Journal;
    readonly address: (event: Pick<Outgoing, 'type' | 'device'>) => string;
    readonly onWaiting: () => void;
  },
): Repeats {
  const waiting = lanes.map((): Waiting[] => []);
  const flying = new Set<Waiting>();
  const lost: Answer = { is: 'lost', reason: 'the connection ended' };
  let stopped = false;
  return {
    resend: (stretch) =>
      resend(
        of.journal,
        stretch,
        (entry, previous) =>
          new Promise((resolve) => {
            // A read of the journal may end after that.
            if (stopped) return resolve(lost);
            waiting[lanes.indexOf(stretch.lane)]?.push({ lane: stretch.lane, entry, previous, resolve });
            of.onWaiting();
          }),
      ),
    sendUpTo(lane, limit) {
      const ofLane = waiting[lanes.indexOf(lane)] ?? [];
      while (sender.inFlight() < limit) {
        const one = ofLane.shift();
        if (one === undefined) return;
        const { entry, previous, resolve } = one;
        flying.add(one);
        sender.send(entry, { sequence: entry.sequence, previous, lane }, (answer) => {
          flying.delete(one);
          resolve(answer);
          setImmediate(of.onWaiting);
        });
      }
    },
    flying: () =>
      [...flying].map(({ lane, entry }) => ({ address: of.address(entry), lane, sequence: entry.sequence })),
    stop() {
      stopped = true;
      for (const { resolve } of [...flying, ...waiting.flatMap((ofLane) => ofLane.splice(0))]) resolve(lost);
    },
  };
}
