/** Simulated campuses at a cluster, and how they are. */
import { systemClock } from '../../../drivers/contract/clock.ts';
import { type CityOptions, type CityProgress, type CityReport, runCity } from '../../../simulators/city.ts';

/** What their numbers begin with. */
export const OF_CITY = '4503';

export interface Simulated {
  connected(): number;
  /** All of them, at once. */
  areConnected(): boolean;
  /** They are, and hear what they are told; events are made. */
  hasBegun(): boolean;
  /** Makes no more, and waits for what was made. */
  end(): Promise<CityReport>;
  /** When its time is over. */
  readonly report: Promise<CityReport>;
}

/** Each numbers anew: it has a seed of its own. */
let cities = 0;

/** With receipts; until it is ended, where no time is given. */
export function startCity(
  urls: readonly string[],
  of: Pick<CityOptions, 'campuses' | 'rate'> & Partial<Pick<CityOptions, 'alarms' | 'withinMs' | 'forMs'>>,
): Simulated {
  const enough = new AbortController();
  let progress: CityProgress | undefined;
  const report = runCity({
    ...{ urls, mqtt: { protocolVersion: 4 }, alarms: 0, withinMs: 0, forMs: 3_600_000, ...of },
    ...{ receipts: true, observe: false, faults: [], seed: ++cities, time: systemClock },
    ...{ signal: new AbortController().signal, enough: enough.signal },
    tell: (now) => {
      progress = now;
    },
  });
  const connected = () => progress?.connected ?? 0;
  return {
    ...{ connected, report },
    areConnected: () => connected() === of.campuses,
    hasBegun: () => (progress?.made ?? 0) > 0,
    end: () => {
      enough.abort();
      return report;
    },
  };
}
