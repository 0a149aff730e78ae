/** How devices answered, by days: of the availability that the gateway keeps, some at a time, so that nobody waits for all. */
import type { Availabilities } from '../availability/index.ts';
import type { Availability } from '../console/contract/devices.ts';
import type { DeviceDay } from './report.ts';

export interface DeviceLinks extends Pick<Availability, 'share' | 'days'> {
  readonly device: string;
  readonly driver: string;
  readonly onlineMs: number;
  readonly offlineMs: number;
  readonly outages: number;
}

/** One takes some 50 µs. */
const A_TURN = 10;
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Of the last 30 days. Rejects where the journal cannot be read just now. */
export async function linksOfAll(
  devices: readonly { readonly id: string; readonly driver: string }[],
  availability: Pick<Availabilities, 'of'>,
): Promise<readonly DeviceLinks[]> {
  const found: DeviceLinks[] = [];
  for (const { id, driver } of devices) {
    const { share, days } = await availability.of(id);
    const sum = (of: (one: (typeof days)[number]) => number) =>
      days.reduce((total, one) => total + of(one), 0);
    found.push({
      ...{ device: id, driver, share, days },
      onlineMs: sum(({ onlineMs }) => onlineMs),
      offlineMs: sum(({ offlineMs }) => offlineMs),
      outages: sum(({ outages }) => outages),
    });
    if (found.length % A_TURN === 0) await nextTurn();
  }
  return found;
}

/** Of one day, those first that were away for longest; empty: it is not among the days that are kept. */
export function dayOf(links: readonly DeviceLinks[], day: string): readonly DeviceDay[] {
  return links
    .flatMap(({ device, driver, days }) => {
      const found = days.find((one) => one.day === day);
      if (found === undefined) return [];
      const { onlineMs, offlineMs, unknownMs, outages } = found;
      return [{ device, driver, onlineMs, offlineMs, unknownMs, outages }];
    })
    .sort((a, b) => b.offlineMs - a.offlineMs);
}
