/**
 * How far each lane of an uplink has been sent, over all its channels: no receipt can be for more. What the process
 * before this one sent nobody knows to the last event; it was at most what the journal had when this one began to send.
 */
import { type Lane, lanes } from '../../drivers/contract/lane.ts';

export interface Reach {
  /** The last sequence that this process has sent. */
  sent(lane: Lane): number;
  noteSent(lane: Lane, sequence: number): void;
  /** Whether an earlier process may have sent it. */
  mayBeOfBefore(lane: Lane, sequence: number): boolean;
}

/** `last`: what the journal has of a lane; asked when the first event is sent, or the first receipt comes. */
export function createReach(last: (lane: Lane) => number): Reach {
  let before: ReadonlyMap<Lane, number> | undefined;
  const begin = () => {
    before ??= new Map(lanes.map((lane) => [lane, last(lane)]));
    return before;
  };
  const sent = new Map<Lane, number>();
  return {
    sent: (lane) => sent.get(lane) ?? 0,
    noteSent(lane, sequence) {
      begin();
      if (sequence > (sent.get(lane) ?? 0)) sent.set(lane, sequence);
    },
    mayBeOfBefore: (lane, sequence) => sequence <= (begin().get(lane) ?? 0),
  };
}
