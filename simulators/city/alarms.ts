/** The alarms of a simulated campus: one panic button, that somebody lets go of after a while, and what desks do with them. */
import type { Clock } from '../../drivers/contract/clock.ts';
import { type Fact, idOf, type Made, type Said } from './events.ts';

/** What became of a command. */
export interface Result {
  readonly done: boolean;
  readonly reason?: string;
  readonly result?: Readonly<Record<string, unknown>>;
}

/** As in the config of a gateway. */
const UPLINK = 'city';
/** Since it was pressed last: whoever came has seen to it. */
const HELD_MS = 30_000;
/** Known for a desk, the newest; those that a desk has closed are forgotten before others. */
const KNOWN_MAX = 256;

interface Known {
  readonly alarm: Made;
  /** The numbers of the events that say so: the first one counts. */
  acknowledged?: number;
  closed?: number;
}

/** An alarm that is named, and who asks, as a command has it. */
export interface Named {
  readonly event: string;
  readonly sequence: number;
  readonly by: string;
}

export interface CityAlarms {
  /** The button was pressed, which that event says. */
  raised(alarm: Made): void;
  acknowledge(wanted: Named): Result;
  close(wanted: Named & Pick<Fact, 'reason' | 'note'>): Result;
  /** Lets go of a button that was held for long enough, or `now`: one end for all alarms before it. */
  letGo(now?: boolean): void;
}

/** `tell` makes an event of it. */
export function createAlarms(time: Clock, journal: string, tell: (said: Said) => Made): CityAlarms {
  const known = new Map<number, Known>();
  let pressedAt: number | undefined;

  const note = (what: 'acknowledged' | 'closed', { event, sequence, by, ...more }: Named): Result => {
    const one = known.get(sequence);
    if (one === undefined || idOf(journal, one.alarm) !== event)
      return { done: false, reason: `there is no alarm ${event} with the sequence ${sequence}` };
    // One alarm is taken once; who says so again hears of the first.
    one[what] ??= tell({ type: `alarm.${what}`, fact: { event, ...more, by, uplink: UPLINK } }).sequence;
    return { done: true, result: { sequence: String(one[what]) } };
  };
  return {
    raised(alarm) {
      known.set(alarm.sequence, { alarm });
      pressedAt = time.elapsed();
      if (known.size <= KNOWN_MAX) return;
      const closed = [...known.values()].find((one) => one.closed !== undefined);
      const [oldest = 0] = known.keys();
      known.delete(closed?.alarm.sequence ?? oldest);
    },
    acknowledge: (wanted) => note('acknowledged', wanted),
    close: (wanted) => note('closed', wanted),
    letGo(now = false) {
      if (pressedAt === undefined || (!now && time.elapsed() - pressedAt < HELD_MS)) return;
      pressedAt = undefined;
      tell({ type: 'alarm.restored' });
    },
  };
}
