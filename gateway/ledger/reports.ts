/** Days in numbers: of the journal as long as it has them, else as they were kept; and the digests for platforms. */
import type { LedgerConfig } from '../../config/sections/ledger.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Recorder } from '../road/recorder.ts';
import type { Asking } from './asking.ts';
import { boundsOfDay, daysOfMonth, digestOf, periodsBefore } from './digest.ts';
import { type DeviceLinks, dayOf } from './links.ts';
import type { DayReport } from './report.ts';

export interface ReportsContext {
  readonly asking: Asking;
  readonly links: () => Promise<readonly DeviceLinks[]>;
  readonly recorder: Pick<Recorder, 'recordOwn'>;
  readonly now: () => number;
  readonly log: Log;
}

export interface Reports {
  /** Of `2026-11-28`; undefined: that day is not yet. Rejects where the disk refuses. @throws RangeError: it is no day. */
  of(day: string): Promise<DayReport | undefined>;
  /** Keeps the day before, and tells of it, where it is time and was not done. */
  look(): Promise<void>;
}

/** A page that is open asks again and again. */
const FRESH_MS = 10_000;
/** Of the days that were asked for last. */
const CACHED_MAX = 40;
/** When a day is kept that nobody wants a digest of. */
const KEPT_AT = '01:00';
const keys = { kept: 'kept-day', day: 'digest-day', month: 'digest-month' } as const;

export function createReports(
  config: LedgerConfig,
  { dataDir, timezone }: { readonly dataDir: string; readonly timezone: string },
  { asking, links, recorder, now, log }: ReportsContext,
): Reports {
  const { ask } = asking;
  const cached = new Map<string, { readonly at: number; readonly report: Promise<DayReport> }>();

  const make = async (day: string, from: number, to: number): Promise<DayReport> => {
    const madeAt = now();
    const end = Math.min(to, madeAt);
    const [{ alarms, isPart }, kept, tallies, all] = await Promise.all([
      asking.readDay({ dataDir, from, to: end, timezone }),
      ask('keptReport', { day }),
      ask('tallies', { from, to: end }),
      links(),
    ]);
    const devices = dayOf(all, day);
    // The journal begins in this day or after it: what was kept knows more.
    const isLess = isPart && kept !== undefined && kept.alarms.total > alarms.total;
    return {
      ...{ day, from, to: end, madeAt, isOver: to <= madeAt, ledger: tallies },
      alarms: isLess ? kept.alarms : alarms,
      devices: devices.length > 0 || kept === undefined ? devices : kept.devices,
    };
  };
  const of = async (day: string): Promise<DayReport | undefined> => {
    const { from, to } = boundsOfDay(day, timezone);
    const at = now();
    if (from > at) return undefined;
    const known = cached.get(day);
    if (known !== undefined && Math.abs(at - known.at) < FRESH_MS) return await known.report;
    const report = make(day, from, to);
    cached.delete(day);
    cached.set(day, { at, report });
    for (const old of cached.keys()) if (cached.size > CACHED_MAX) cached.delete(old);
    report.catch(() => cached.delete(day));
    return await report;
  };

  const daily = async (day: string) => {
    const report = (await of(day)) as DayReport;
    await ask('keepReport', { report });
    await ask('remember', { key: keys.kept, value: day });
    return report;
  };
  const monthly = async (month: string) => {
    const reports: DayReport[] = [];
    for (const day of daysOfMonth(month)) reports.push((await of(day)) as DayReport);
    const [first, last] = [reports[0]?.from ?? 0, reports.at(-1)?.to ?? 0];
    return digestOf('month', month, reports, await ask('tallies', { from: first, to: last }));
  };
  /** What was done last; on the first look ever, or after a clock that ran ahead, all up to now counts as done. */
  const lastOf = async (key: string, newest: string): Promise<string> => {
    const noted = await ask('noted', { key });
    if (noted !== undefined && noted <= newest) return noted;
    await ask('remember', { key, value: newest });
    return newest;
  };
  let last: { kept: string; day: string; month: string } | undefined;
  return {
    of,
    async look() {
      const { digest } = config;
      const periods = periodsBefore(now(), timezone);
      last ??= {
        kept: await lastOf(keys.kept, periods.day),
        day: await lastOf(keys.day, periods.day),
        month: await lastOf(keys.month, periods.month),
      };
      if (periods.time < (digest?.at ?? KEPT_AT)) return;
      if (last.kept < periods.day) {
        await daily(periods.day);
        last.kept = periods.day;
      }
      if (digest === undefined) return;
      const tell = async (
        key: 'day' | 'month',
        details: () => Promise<Readonly<Record<string, unknown>>>,
      ) => {
        const of = periods[key];
        if (last === undefined || last[key] >= of) return;
        await recorder.recordOwn('ledger.digest', await details());
        await ask('remember', { key: keys[key], value: of });
        last[key] = of;
        log.info({ of }, 'the platforms were told of it in numbers');
      };
      await tell('day', async () => {
        const report = (await of(periods.day)) as DayReport;
        return digestOf('day', periods.day, [report], report.ledger);
      });
      if (digest.monthly) await tell('month', () => monthly(periods.month));
    },
  };
}
