/** Alarms that the disk could not take go from memory; they come again with a number once it takes them. */
import type { EventType } from '../../config/catalogue/events.ts';
import type { Outgoing } from '../../drivers/contract/transport.ts';
import type { Unsaved } from '../road/recorder.ts';
import type { RefusedEvent } from './context.ts';
import type { Sender } from './sender.ts';

export interface UnsavedSending {
  /** Sends those that were not sent, while fewer than `limit` events are on their way. */
  sendUpTo(limit: number): void;
}

export function createUnsavedSending(
  sender: Sender,
  of: {
    readonly unsaved: ReadonlyMap<string, Unsaved>;
    readonly takenUnsaved: Set<string>;
    readonly wants: (type: EventType) => boolean;
    readonly address: (event: Pick<Outgoing, 'type' | 'device'>) => string;
    readonly onRefused: (what: RefusedEvent) => void;
    readonly onAnswered: () => void;
  },
): UnsavedSending {
  const { unsaved, takenUnsaved, wants, address, onRefused, onAnswered } = of;
  const flying = new Set<string>();
  const send = (one: Unsaved) => {
    flying.add(one.id);
    sender.send(one, { sequence: 0, previous: 0, lane: 'urgent' }, (answer) => {
      flying.delete(one.id);
      takenUnsaved.add(one.id);
      if (answer.is !== 'taken') onRefused({ ...answer, address: address(one), held: false });
      onAnswered();
    });
  };
  return {
    sendUpTo(limit) {
      for (const one of unsaved.values()) {
        if (sender.inFlight() >= limit) return;
        if (!takenUnsaved.has(one.id) && !flying.has(one.id) && wants(one.type)) send(one);
      }
    },
  };
}
