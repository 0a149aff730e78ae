/** Who is told how far events came with platforms, each alone: one that fails harms no delivery. */
import type { Log } from '../../drivers/contract/driver.ts';
import { signal } from '../lifecycle/signal.ts';
import type { UplinkContext } from './context.ts';

type Received = Parameters<NonNullable<UplinkContext['received']>>;
type Taken = Parameters<NonNullable<UplinkContext['taken']>>;

export interface Reached {
  /** What uplinks tell. */
  readonly tell: Required<Pick<UplinkContext, 'received' | 'taken'>>;
  follow(follower: {
    readonly onReceived?: (...told: Received) => void;
    readonly onTaken?: (...told: Taken) => void;
  }): void;
}

export function createReached(log: Log): Reached {
  const received = signal<Received>('what a platform has', log);
  const taken = signal<Taken>('what a broker has', log);
  return {
    tell: { received: received.tell, taken: taken.tell },
    follow({ onReceived, onTaken }) {
      if (onReceived !== undefined) received.on(onReceived);
      if (onTaken !== undefined) taken.on(onTaken);
    },
  };
}
