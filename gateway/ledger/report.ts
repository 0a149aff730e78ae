/**
 * A day in numbers, put together from the events of its alarms, of its devices' links and from the ledger. Pure, and bounded:
 * a fence that alarms a million times in a day is counted, and looked at one by one no further than `HELD_MAX`.
 */
import { Temporal } from 'temporal-polyfill';
import { closeReasons } from '../../config/catalogue/event-data.ts';
import { type Event, typePrefix } from '../../config/catalogue/events.ts';
import type { Tallies } from './entry.ts';

type CloseReason = (typeof closeReasons)[number];

/** Of one zone, or of a device as a whole. */
export interface ZoneCount {
  readonly device: string;
  readonly account?: string | undefined;
  readonly zone?: number | undefined;
  /** As its events call it. */
  readonly name?: string | undefined;
  readonly count: number;
}
export interface Unacknowledged {
  readonly id: string;
  readonly sequence: number;
  readonly time: string;
  readonly kind: string;
  readonly device: string;
  readonly zone?: string | undefined;
}
export interface AlarmNumbers {
  /** Without those of tests. */
  readonly total: number;
  readonly tests: number;
  readonly byKind: Readonly<Record<string, number>>;
  /** By the hour in which they began, 0 to 23, in the campus's zone. */
  readonly byHour: readonly number[];
  /** The most frequent first. */
  readonly byZone: readonly ZoneCount[];
  /** What they turned out to be. */
  readonly byReason: Readonly<Partial<Record<CloseReason, number>>>;
  readonly real: number;
  readonly false: number;
  /** Of those that were closed as real or as false, 0 to 1; null: none was. */
  readonly falseRate: number | null;
  readonly unacknowledged: number;
  /** The first of them. */
  readonly waiting: readonly Unacknowledged[];
  /** Not closed. */
  readonly open: number;
  /** From the alarm until somebody took it, ms; null: nobody took any. */
  readonly takenMs: { readonly median: number; readonly worst: number } | null;
  /** More happened than can be looked at one by one: of the rest it is not known what became of them. */
  readonly isCut: boolean;
}
export interface DeviceDay {
  readonly device: string;
  readonly driver: string;
  readonly onlineMs: number;
  readonly offlineMs: number;
  /** The gateway did not run, or had not heard of it. */
  readonly unknownMs: number;
  readonly outages: number;
}
export interface DayReport {
  /** `2026-11-28`, in the campus's zone; epoch ms of its beginning and its end, or of now. */
  readonly day: string;
  readonly from: number;
  readonly to: number;
  /** When it was put together, epoch ms; what was closed later is not in it. */
  readonly madeAt: number;
  readonly isOver: boolean;
  readonly alarms: AlarmNumbers;
  /** Devices of the config, those first that were away for longest. */
  readonly devices: readonly DeviceDay[];
  readonly ledger: Tallies;
}

/** 20 MB. */
const HELD_MAX = 50_000;
const ZONES_MAX = 100;
const WAITING_MAX = 50;
const NAME_MAX = 100;

interface Held {
  readonly sequence: number;
  readonly event: Event;
  readonly isTest: boolean;
  takenAt?: number;
  reason?: CloseReason;
}
interface Said {
  readonly kind?: string;
  readonly test?: string;
  readonly device?: { readonly id?: string };
  readonly zone?: { readonly number?: number; readonly id?: string; readonly name?: string };
  readonly details?: Readonly<Record<string, unknown>>;
  readonly acknowledged?: { readonly event?: string };
  readonly closed?: { readonly event?: string; readonly reason?: CloseReason };
}
const saidIn = ({ data }: Event) => data as unknown as Said;
const zoneWords = ({ zone }: Said) => (zone?.name ?? zone?.id ?? zone?.number)?.toString().slice(0, NAME_MAX);

export interface AlarmCount {
  /** One of the urgent lane; the same twice counts once. */
  note(event: Event, sequence: number): void;
  /** All that it has is closed: what comes later changes nothing. */
  isSettled(): boolean;
  numbers(): AlarmNumbers;
}

/** Counts the alarms that began from `from` to before `to`, epoch ms, by their own time. */
export function countAlarms(from: number, to: number, timezone: string): AlarmCount {
  const held = new Map<string, Held>();
  const byKind: Record<string, number> = {};
  const byHour = Array.from({ length: 24 }, () => 0);
  const zones = new Map<string, { count: number } & Omit<ZoneCount, 'count'>>();
  let [total, tests, open] = [0, 0, 0];
  let isCut = false;

  const raise = (event: Event, sequence: number) => {
    const at = Date.parse(event.time);
    if (!(at >= from && at < to) || held.has(event.id)) return;
    const said = saidIn(event);
    const isTest = said.test !== undefined;
    if (isTest) tests++;
    else {
      total++;
      const kind = said.kind ?? 'unknown';
      byKind[kind] = (byKind[kind] ?? 0) + 1;
      const { hour } = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone);
      byHour[hour] = (byHour[hour] ?? 0) + 1;
      countZone(said);
    }
    if (held.size >= HELD_MAX) {
      isCut = true;
      return;
    }
    held.set(event.id, { sequence, event, isTest });
    open++;
  };
  const countZone = ({ device, zone, details }: Said) => {
    const account = details?.['account'];
    const place = {
      device: device?.id ?? '',
      ...(account !== undefined && { account: String(account).slice(0, NAME_MAX) }),
      ...(zone?.number !== undefined && { zone: zone.number }),
    };
    const key = JSON.stringify(place);
    const known = zones.get(key) ?? {
      ...place,
      ...(zone?.name !== undefined && { name: zone.name.slice(0, NAME_MAX) }),
      count: 0,
    };
    known.count++;
    if (zones.has(key) || zones.size < HELD_MAX) zones.set(key, known);
  };
  const take = (event: Event) => {
    const { acknowledged, closed } = saidIn(event);
    const one = held.get((acknowledged ?? closed)?.event ?? '');
    if (one === undefined) return;
    // Who closes an alarm has taken it.
    one.takenAt ??= Date.parse(event.time);
    if (closed === undefined || one.reason !== undefined) return;
    one.reason = closed.reason ?? 'unknown';
    open--;
  };
  return {
    note(event, sequence) {
      const type = event.type.slice(typePrefix.length);
      if (type === 'alarm.raised') raise(event, sequence);
      else if (type === 'alarm.acknowledged' || type === 'alarm.closed') take(event);
    },
    isSettled: () => open === 0 && !isCut,
    numbers() {
      const own = [...held.values()].filter(({ isTest }) => !isTest);
      const byReason: Partial<Record<CloseReason, number>> = {};
      for (const { reason } of own) if (reason !== undefined) byReason[reason] = (byReason[reason] ?? 0) + 1;
      const { real = 0 } = byReason;
      const wrong = closeReasons
        .filter((one) => one.startsWith('false-'))
        .reduce((sum, one) => sum + (byReason[one] ?? 0), 0);
      const untaken = own.filter(({ takenAt }) => takenAt === undefined);
      return {
        ...{ total, tests, byKind, byHour, byReason, real, isCut },
        byZone: [...zones.values()].sort((a, b) => b.count - a.count).slice(0, ZONES_MAX),
        false: wrong,
        falseRate: real + wrong === 0 ? null : wrong / (real + wrong),
        unacknowledged: untaken.length,
        waiting: untaken.slice(0, WAITING_MAX).map(waitingOf),
        open: own.filter(({ reason }) => reason === undefined).length,
        takenMs: delaysOf(own),
      };
    },
  };
}

function waitingOf({ event, sequence }: Held): Unacknowledged {
  const said = saidIn(event);
  const zone = zoneWords(said);
  return {
    ...{ id: event.id, sequence, time: event.time },
    ...{ kind: said.kind ?? 'unknown', device: said.device?.id ?? '' },
    ...(zone !== undefined && { zone }),
  };
}

function delaysOf(own: readonly Held[]): AlarmNumbers['takenMs'] {
  const delays = own
    .flatMap(({ event, takenAt }) =>
      takenAt === undefined ? [] : [Math.max(0, takenAt - Date.parse(event.time))],
    )
    .sort((a, b) => a - b);
  const [median, worst] = [delays[Math.floor((delays.length - 1) / 2)], delays.at(-1)];
  return median === undefined || worst === undefined ? null : { median, worst };
}
