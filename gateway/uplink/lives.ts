/**
 * The life of an alarm: seen, on disk, at each platform's broker, at each platform, acknowledged by an operator. The
 * newest are kept here and told to the platforms as they go on; `campus-gateway journal inspect` has all of them.
 */

import { type Event, typePrefix } from '../../config/catalogue/events.ts';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import type { Stage } from '../journal/index.ts';
import { createRecent } from '../lifecycle/recent.ts';
import { isoOf } from '../road/event.ts';

export interface Life {
  readonly id: string;
  readonly sequence: number;
  /** All times: RFC 3339. */
  readonly seen: string;
  readonly stored: string;
  readonly uplinks: Readonly<Record<string, Readonly<Partial<Record<Stage, string>>>>>;
  readonly acknowledged?: { readonly at: string; readonly by: string; readonly uplink: string };
}

export interface Lives {
  stored(event: Event, sequence: number): void;
  /** Everything up to a sequence, or this one alone, came so far with a platform. */
  reached(uplink: string, stage: Stage, which: { readonly id: string } | { readonly upTo: number }): void;
  get(id: string): Life | undefined;
  /** Calls back with the id of an alarm that has come further, until the function it gives is called. */
  onChange(listener: (id: string) => void): () => void;
}

const KEPT = 1000;

export function createLives(time: Pick<Clock, 'wall'> = systemClock): Lives {
  const lives = createRecent<string, Life>(KEPT);
  const listeners = new Set<(id: string) => void>();
  const change = (life: Life) => {
    lives.set(life.id, life);
    for (const listener of listeners) listener(life.id);
  };
  const reach = (life: Life, uplink: string, stage: Stage, at: string) => {
    const known = life.uplinks[uplink];
    if (known?.[stage] !== undefined) return;
    change({ ...life, uplinks: { ...life.uplinks, [uplink]: { ...known, [stage]: at } } });
  };
  return {
    get: (id) => lives.get(id),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stored(event, sequence) {
      const type = event.type.slice(typePrefix.length);
      if (type === 'alarm.acknowledged') {
        const {
          event: id,
          by,
          uplink,
        } = event.data['acknowledged'] as Record<'event' | 'by' | 'uplink', string>;
        const life = lives.get(id);
        if (life !== undefined) change({ ...life, acknowledged: { at: event.time, by, uplink } });
      }
      if (type !== 'alarm.raised') return;
      const { seenAt } = event.data['clock'] as { seenAt: string };
      lives.set(event.id, { id: event.id, sequence, seen: seenAt, stored: isoOf(time.wall()), uplinks: {} });
    },
    reached(uplink, stage, which) {
      const at = isoOf(time.wall());
      if ('id' in which) {
        const life = lives.get(which.id);
        if (life !== undefined) reach(life, uplink, stage, at);
        return;
      }
      for (const life of lives.values()) if (life.sequence <= which.upTo) reach(life, uplink, stage, at);
    },
  };
}
