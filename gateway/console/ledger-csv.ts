/** The ledger as files for a spreadsheet: the cells as in exports of events (search/export.ts). */
import type { DayReport, DeviceLinks, DeviceRecord, Entry } from '../ledger/index.ts';
import { csvCell } from './search/export.ts';
import { labels } from './web/words/labels.ts';

export type LedgerLanguage = 'en' | 'zh';
type Words = readonly [en: string, zh: string];
interface Column<T> {
  readonly head: Words;
  readonly cell: (of: T) => unknown;
}

const HOUR_MS = 3_600_000;
const hours = (ms: number) => Math.round((ms / HOUR_MS) * 100) / 100;
const percent = (share: number | null) => (share === null ? '' : Math.round(share * 10_000) / 100);
const labelled = (
  group: keyof typeof labels,
  word: string | null | undefined,
  language: LedgerLanguage,
): string => {
  const known = (labels[group] as Readonly<Record<string, Words>>)[word ?? ''];
  return known?.[language === 'zh' ? 1 : 0] ?? word ?? '';
};

/** RFC 4180 in UTF-8 with a byte order mark. */
function csvOf<T>(columns: readonly Column<T>[], rows: readonly T[], language: LedgerLanguage): string {
  const at = language === 'zh' ? 1 : 0;
  const lines = [
    columns.map(({ head }) => csvCell(head[at])),
    ...rows.map((row) => columns.map(({ cell }) => csvCell(cell(row)))),
  ];
  return `\uFEFF${lines.map((cells) => `${cells.join(',')}\r\n`).join('')}`;
}

/** 2026-11-28 22:40:07, as every spreadsheet reads a time. */
function timesIn(timezone: string) {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: timezone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  return (at: number | null) => (at === null ? '' : format.format(at));
}

const kinds: Readonly<Record<string, Words>> = { fault: ['Fault', '故障'], hazard: ['Hazard', '隐患'] };
const states: Readonly<Record<string, Words>> = {
  open: ['Open', '未销号'],
  overdue: ['Overdue', '超期'],
  closed: ['Closed', '已销号'],
};

export interface CsvPlace {
  readonly language: LedgerLanguage;
  readonly timezone: string;
  /** What devices are called by people. */
  readonly names: Readonly<Record<string, string | undefined>>;
}

export function entriesCsv(
  entries: readonly (Entry & { readonly state: string })[],
  { language, timezone, names }: CsvPlace,
): string {
  const at = language === 'zh' ? 1 : 0;
  const local = timesIn(timezone);
  const columns: readonly Column<(typeof entries)[number]>[] = [
    { head: ['Number', '编号'], cell: ({ number }) => number },
    { head: ['Entry', '类别'], cell: ({ kind }) => kinds[kind]?.[at] },
    { head: ['State', '状态'], cell: ({ state }) => states[state]?.[at] },
    { head: ['Device', '设备'], cell: ({ device }) => device ?? '' },
    { head: ['Device name', '设备名称'], cell: ({ device }) => names[device ?? ''] ?? '' },
    { head: ['Place', '位置'], cell: ({ place }) => place ?? '' },
    { head: ['Fault', '故障类型'], cell: ({ fault }) => faultWords(fault, language) },
    { head: ['Cause', '原因'], cell: ({ cause }) => labelled('cause', cause, language) },
    { head: ['What', '内容'], cell: ({ what, reason }) => what ?? reason ?? '' },
    { head: ['Owner', '责任人'], cell: ({ owner }) => owner ?? '' },
    { head: ['Measure', '整改措施'], cell: ({ measure }) => measure ?? '' },
    { head: ['Deadline', '整改期限'], cell: ({ deadline }) => local(deadline) },
    { head: ['Since', '发生时间'], cell: ({ since }) => local(since) },
    { head: ['Entered', '登记时间'], cell: ({ openedAt }) => local(openedAt) },
    { head: ['By', '登记人'], cell: ({ openedBy }) => openedBy },
    { head: ['Over', '恢复时间'], cell: ({ endedAt }) => local(endedAt) },
    { head: ['Closed', '销号时间'], cell: ({ closedAt }) => local(closedAt) },
    { head: ['Closed by', '销号人'], cell: ({ closedBy }) => closedBy ?? '' },
    { head: ['Result', '整改结果'], cell: ({ result }) => result ?? '' },
  ];
  return csvOf(columns, entries, language);
}

/** What an entry of the gateway's is about. */
export const faultWords = (fault: string | null, language: LedgerLanguage): string =>
  fault === 'certificate'
    ? labelled('cause', 'certificate', language)
    : fault === 'link'
      ? labelled('type', 'device.offline', language)
      : labelled('kind', fault, language);

export function devicesCsv(
  devices: readonly (DeviceRecord & { readonly driver: string | null })[],
  { language, names }: CsvPlace,
): string {
  type Row = (typeof devices)[number];
  const known = (name: 'maker' | 'model' | 'serial' | 'firmware') => (one: Row) =>
    one.said[name] ?? one.notes[name] ?? '';
  const columns: readonly Column<Row>[] = [
    { head: ['Device', '设备'], cell: ({ id }) => id },
    { head: ['Name', '名称'], cell: ({ id }) => names[id] ?? '' },
    { head: ['Class', '类别'], cell: ({ driver }) => labelled('driver', driver, language) },
    { head: ['Place', '位置'], cell: ({ notes }) => notes.place ?? '' },
    { head: ['Maker', '厂商'], cell: known('maker') },
    { head: ['Model', '型号'], cell: known('model') },
    { head: ['Serial number', '序列号'], cell: known('serial') },
    { head: ['Firmware', '固件'], cell: known('firmware') },
    { head: ['Installed on', '安装日期'], cell: ({ notes }) => notes.installedOn ?? '' },
    { head: ['Warranty until', '质保到期'], cell: ({ notes }) => notes.warrantyUntil ?? '' },
    { head: ['Note', '备注'], cell: ({ notes }) => notes.note ?? '' },
  ];
  return csvOf(columns, devices, language);
}

export function linksCsv(links: readonly DeviceLinks[], { language, names }: CsvPlace): string {
  const columns: readonly Column<DeviceLinks>[] = [
    { head: ['Device', '设备'], cell: ({ device }) => device },
    { head: ['Name', '名称'], cell: ({ device }) => names[device] ?? '' },
    { head: ['Class', '类别'], cell: ({ driver }) => labelled('driver', driver, language) },
    { head: ['Answered, % of 30 days', '30 天在线率（%）'], cell: ({ share }) => percent(share) },
    { head: ['Away, hours', '离线（小时）'], cell: ({ offlineMs }) => hours(offlineMs) },
    { head: ['Outages', '中断次数'], cell: ({ outages }) => outages },
  ];
  return csvOf(columns, links, language);
}

/** A day, as rows of what, of what, how many. */
export function dayCsv({ alarms, devices, ledger }: DayReport, { language, names }: CsvPlace): string {
  const say = ([en, zh]: Words) => (language === 'zh' ? zh : en);
  const row = (group: Words, name: string, value: unknown) => ({ group: say(group), name, value });
  const ofAlarms: Words = ['Alarms', '报警'];
  const rows = [
    row(ofAlarms, say(['All', '合计']), alarms.total),
    row(ofAlarms, say(['Of tests', '测试']), alarms.tests),
    row(ofAlarms, say(['Not acknowledged', '未确认']), alarms.unacknowledged),
    row(ofAlarms, say(['Not closed', '未结案']), alarms.open),
    row(ofAlarms, say(['False, %', '误报率（%）']), percent(alarms.falseRate)),
    ...Object.entries(alarms.byKind).map(([kind, count]) =>
      row(['By kind', '按种类'], labelled('kind', kind, language), count),
    ),
    ...Object.entries(alarms.byReason).map(([reason, count]) =>
      row(['By what it was', '按结案原因'], labelled('closeReason', reason, language), count),
    ),
    ...alarms.byHour.map((count, hour) => row(['By hour', '按小时'], `${hour}:00`, count)),
    ...alarms.byZone.map(({ device, account, zone, name, count }) =>
      row(
        ['By zone', '按防区'],
        [names[device] ?? device, account, name ?? zone].filter((one) => one !== undefined).join(' '),
        count,
      ),
    ),
    ...devices.map(({ device, offlineMs }) =>
      row(['Away, hours', '离线（小时）'], names[device] ?? device, hours(offlineMs)),
    ),
    ...(['fault', 'hazard'] as const).flatMap((kind) =>
      (['opened', 'closed', 'open', 'overdue'] as const).map((what) =>
        row(kinds[kind] as Words, say(tallyWords[what]), ledger[kind][what]),
      ),
    ),
  ];
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { head: ['What', '项目'], cell: ({ group }) => group },
    { head: ['Of what', '明细'], cell: ({ name }) => name },
    { head: ['How many', '数量'], cell: ({ value }) => value },
  ];
  return csvOf(columns, rows, language);
}
const tallyWords = {
  opened: ['Entered', '登记'],
  closed: ['Closed', '销号'],
  open: ['Open', '未销号'],
  overdue: ['Overdue', '超期'],
} as const satisfies Readonly<Record<string, Words>>;
