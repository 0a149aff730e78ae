/**
 * What of our events is an alarm of GB/T 28181, and as what: one table (2016, annex A.2.5 and 9.4; 2022, A.2.5.3). An end
 * has no word there: what ended is not told. Pure.
 */
import { type AlarmClass, alarmClasses, alarmNames } from '../../contract/gb28181.ts';
import { inputName } from '../../contract/inventory.ts';
import { alarmKinds } from '../../contract/observation.ts';
import type { Fields } from './manscdp.ts';

/** AlarmMethod (2016, A.2.5). */
const DEVICE = 2;
const VIDEO = 5;
const FAULT = 6;

export interface AlarmRow extends AlarmClass {
  /** What it is called in the description, where no zone has a name for it. */
  readonly zh: string;
}

/** By `type`, then `kind` or `cause`; the finer word wins. */
export const alarmTable: Readonly<Record<string, AlarmRow>> = {
  ...Object.fromEntries(
    alarmKinds.map((kind) => [`alarm.raised ${kind}`, { ...alarmClasses[kind], zh: alarmNames[kind] }]),
  ),
  'access.forced': { priority: 2, method: DEVICE, zh: '门被强行打开' },
  'access.held': { priority: 4, method: DEVICE, zh: '门长时间未关' },
  'video.signal-lost': { priority: 2, method: DEVICE, type: 1, zh: '视频丢失' },
  'video.tampered': { priority: 2, method: VIDEO, type: 11, zh: '视频遮挡' },
  'video.motion': { priority: 4, method: VIDEO, type: 2, zh: '移动侦测' },
  'video.object-left': { priority: 3, method: VIDEO, type: 3, zh: '物品遗留' },
  'video.object-removed': { priority: 3, method: VIDEO, type: 4, zh: '物品移除' },
  'video.line-crossed': { priority: 3, method: VIDEO, type: 5, zh: '越线' },
  'video.zone-entered': { priority: 3, method: VIDEO, type: 6, zh: '区域入侵' },
  'video.wrong-way': { priority: 3, method: VIDEO, type: 7, zh: '逆行' },
  'video.loitering': { priority: 3, method: VIDEO, type: 8, zh: '徘徊' },
  'video.crowd': { priority: 3, method: VIDEO, type: 10, zh: '人员聚集' },
  'video.fast-movement': { priority: 3, method: VIDEO, type: 12, zh: '快速移动' },
  'device.fault storage': { priority: 3, method: FAULT, type: 1, zh: '存储故障' },
  'device.fault fan': { priority: 3, method: FAULT, type: 2, zh: '风扇故障' },
  'device.fault': { priority: 3, method: FAULT, zh: '设备故障' },
  'device.offline': { priority: 3, method: FAULT, zh: '设备离线' },
  'device.power-lost': { priority: 3, method: FAULT, zh: '市电断电' },
  'device.battery-low': { priority: 4, method: FAULT, zh: '电池电量低' },
};

/** The types of events that may be alarms: `alarm.raised`. */
export const alarmTypes: readonly string[] = [
  ...new Set(Object.keys(alarmTable).map((key) => key.split(' ')[0] ?? key)),
];

/** So much of an event as an alarm needs; as in docs/events. */
export interface AlarmEvent {
  readonly id: string;
  /** With or without the prefix of CloudEvents. */
  readonly type: string;
  readonly time: string;
  readonly data: {
    readonly kind?: string | undefined;
    readonly state?: string | undefined;
    readonly cause?: string | undefined;
    readonly device: { readonly id: string; readonly name?: string | undefined };
    readonly zone?:
      | { readonly number: number; readonly id?: string | undefined; readonly name?: string | undefined }
      | undefined;
    readonly details?: Readonly<Record<string, unknown>> | undefined;
    readonly test?: string | undefined;
  };
}

/** undefined: the standard has no alarm for it, or it is an end. */
export function rowOf({ type, data: { kind, cause, state } }: AlarmEvent): AlarmRow | undefined {
  if (state === 'restored') return undefined;
  const short = type.replace(/^cn\.campus\./, '');
  const of = (word: string | undefined) =>
    Object.hasOwn(alarmTable, `${short} ${word}`) ? alarmTable[`${short} ${word}`] : undefined;
  return of(cause) ?? of(kind) ?? (Object.hasOwn(alarmTable, short) ? alarmTable[short] : undefined);
}

/** Which alarm input it is of. */
export const inputOf = ({ data: { device, zone, details } }: AlarmEvent): string => {
  const account = details?.['account'];
  return inputName(device.id, typeof account === 'string' && account !== '' ? account : undefined, zone);
};

/** More is cut off by databases of platforms in use; the standard sets no limit. */
const DESCRIPTION_MAX = 200;

export interface AlarmOptions {
  /** Of the alarm input: 20 digits, type 134. */
  readonly device: string;
  readonly sn: number;
  /** IANA name of the campus's time zone. */
  readonly timeZone: string;
  /** The event's id stands at the end of the description, so that a second sending is known. */
  readonly withId: boolean;
}

/** `2026-11-28T23:30:00`: local time without a zone (2016, annex A: dateTime as in GB/T 7408); parsers refuse a `Z`. */
export function localTime(time: string, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('sv-SE', {
    ...{ timeZone, year: 'numeric', month: '2-digit', day: '2-digit' },
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
  });
  return parts.format(new Date(time)).replace(' ', 'T');
}

/** A Notify of an alarm; the same for the same event, however often. undefined: the standard has no alarm for it. */
export function alarmNotify(
  event: AlarmEvent,
  { device, sn, timeZone, withId }: AlarmOptions,
): Fields | undefined {
  const row = rowOf(event);
  if (row === undefined) return undefined;
  const { data, id, time } = event;
  const place = data.zone?.name ?? [data.device.name ?? data.device.id, data.zone?.number].join(' ').trim();
  const test = data.test === undefined ? '' : '（测试）';
  const words = `${row.zh}${test} ${place}`;
  const description = withId
    ? `${words.slice(0, DESCRIPTION_MAX - id.length - 1)} ${id}`
    : words.slice(0, DESCRIPTION_MAX);
  return [
    ['CmdType', 'Alarm'],
    ['SN', sn],
    ['DeviceID', device],
    ['AlarmPriority', row.priority],
    ['AlarmMethod', row.method],
    ['AlarmTime', localTime(time, timeZone)],
    ['AlarmDescription', description],
    ['Info', row.type === undefined ? undefined : [['AlarmType', row.type]]],
  ];
}
