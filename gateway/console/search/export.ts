/**
 * Events as a file for people: CSV for a spreadsheet, JSON for a program. Written a stretch at a time in the search's own
 * thread, so that a year's events hold nothing up.
 *
 * CSV is RFC 4180 in UTF-8 with a byte order mark, without which a Chinese Excel reads GB 18030. What a device or a visitor
 * wrote is never a formula: a cell that would begin like one gets an apostrophe before it
 * (https://owasp.org/www-community/attacks/CSV_Injection).
 */
import type { Event } from '../../../config/catalogue/events.ts';
import { labels } from '../web/words/labels.ts';
import { withoutPersons } from '../without-persons.ts';
import { eventIn } from './event-in.ts';
import type { FoundEvent, Page, Query } from './finder.ts';

export const exportFormats = ['csv', 'json'] as const;
export type ExportFormat = (typeof exportFormats)[number];

export interface Writing {
  readonly query: Omit<Query, 'limit'>;
  readonly format: ExportFormat;
  readonly language: 'en' | 'zh';
  /** IANA; undefined: the machine's. */
  readonly timezone: string | undefined;
  /** Whether persons may be named. */
  readonly persons: boolean;
  /** Events of the stretches before. */
  readonly written: number;
}
export interface Chunk {
  readonly text: string;
  readonly events: number;
  /** `before` of the next query; undefined: that was the end. */
  readonly next?: number | undefined;
}

/** Some 20 ms of the thread: a question of somebody who looks waits no longer. */
const CHUNK = 500;

export function createExporter(find: (query: Query) => Page): (writing: Writing) => Chunk {
  return ({ query, written, ...how }) => {
    const isFirst = query.before === undefined;
    const { events, next } = find({ ...query, limit: CHUNK });
    const rows = events.map((found) => ({ found, event: eventOf(found, how.persons) }));
    const text =
      how.format === 'csv'
        ? csvOf(rows, how, isFirst)
        : jsonOf(rows, { isFirst, isLast: next === undefined, written });
    return { text, events: events.length, next };
  };
}

interface Row {
  readonly found: FoundEvent;
  /** undefined: it cannot be read any more. */
  readonly event: Event | undefined;
}

function eventOf({ body }: FoundEvent, persons: boolean): Event | undefined {
  const event = eventIn(body);
  return event === undefined || persons ? event : withoutPersons(event);
}

const isoOf = (at: number | null) => (at === null ? '' : new Date(at).toISOString());

/** One array over all stretches: one that is cut off is no JSON, and is seen to be cut off. */
function jsonOf(
  rows: readonly Row[],
  { isFirst, isLast, written }: { isFirst: boolean; isLast: boolean; written: number },
): string {
  const items = rows.map(({ found: { sequence, storedAt, type }, event }) =>
    JSON.stringify({
      ...(event ?? { type, unreadable: true }),
      sequence: String(sequence),
      ...(storedAt !== null && { storedAt: isoOf(storedAt) }),
    }),
  );
  const between = written > 0 && items.length > 0 ? ',\n' : '';
  return `${isFirst ? '[\n' : ''}${between}${items.join(',\n')}${isLast ? '\n]\n' : ''}`;
}

interface Data {
  readonly kind?: unknown;
  readonly state?: unknown;
  readonly cause?: unknown;
  readonly text?: unknown;
  readonly device?: { readonly name?: unknown };
  readonly zone?: { readonly number?: unknown; readonly id?: unknown; readonly name?: unknown };
  readonly code?: { readonly sia?: unknown; readonly contactId?: unknown };
  readonly credential?: { readonly format?: unknown; readonly facility?: unknown; readonly number?: unknown };
  readonly access?: Readonly<Record<string, unknown>>;
  readonly visit?: Readonly<Record<string, unknown>>;
  readonly details?: unknown;
  readonly [later: string]: unknown;
}
interface Cells extends Row {
  readonly data: Data;
  /** What an operator said of an alarm. */
  readonly fact: Readonly<Record<string, unknown>>;
  readonly local: (at: number) => string;
  readonly language: Writing['language'];
}

const listOf = (value: unknown) => (Array.isArray(value) ? value.join(' ') : '');
const cardOf = ({ facility, number }: NonNullable<Data['credential']>) =>
  number === undefined ? '' : [facility, number].filter((part) => part !== undefined).join('-');

const typeWords: Readonly<Record<string, readonly [en: string, zh: string]>> = labels.type;

interface Column {
  readonly en: string;
  readonly zh: string;
  readonly cell: (of: Cells) => unknown;
}
const columns: readonly Column[] = [
  { en: 'Time', zh: '时间', cell: ({ event, found, local }) => local(timeOf(event, found)) },
  { en: 'Time (UTC)', zh: '时间（UTC）', cell: ({ event, found }) => isoOf(timeOf(event, found)) },
  {
    en: 'Event',
    zh: '事件',
    cell: ({ found, language }) => typeWords[found.type]?.[language === 'zh' ? 1 : 0],
  },
  { en: 'Type', zh: '类型', cell: ({ found }) => found.type },
  { en: 'Kind', zh: '种类', cell: ({ data }) => data.kind },
  { en: 'State', zh: '状态', cell: ({ data }) => data.state },
  { en: 'Cause', zh: '原因', cell: ({ data }) => data.cause },
  { en: 'Device', zh: '设备', cell: ({ found }) => found.device },
  { en: 'Device name', zh: '设备名称', cell: ({ data }) => data.device?.name },
  { en: 'Zone', zh: '防区', cell: ({ data }) => data.zone?.id ?? data.zone?.number },
  { en: 'Zone name', zh: '防区名称', cell: ({ data }) => data.zone?.name },
  { en: 'Door', zh: '门', cell: ({ data }) => data.access?.['door'] },
  { en: 'Decision', zh: '判定', cell: ({ data }) => data.access?.['decision'] },
  { en: 'Reason', zh: '理由', cell: ({ data, fact }) => data.access?.['reason'] ?? fact['reason'] },
  { en: 'Card', zh: '卡号', cell: ({ data }) => data.credential && cardOf(data.credential) },
  { en: 'Holder', zh: '持卡人编号', cell: ({ data }) => data.access?.['holder'] },
  { en: 'Children', zh: '学生编号', cell: ({ data }) => listOf(data.access?.['children']) },
  { en: 'Visitor', zh: '访客', cell: ({ data }) => data.visit?.['name'] },
  { en: 'Visits', zh: '被访人', cell: ({ data }) => data.visit?.['host'] },
  { en: 'Text', zh: '文字', cell: ({ data }) => data.text },
  { en: 'By', zh: '操作人', cell: ({ fact }) => fact['by'] },
  { en: 'Note', zh: '备注', cell: ({ fact }) => fact['note'] },
  { en: 'SIA', zh: 'SIA 代码', cell: ({ data }) => data.code?.sia },
  { en: 'Contact ID', zh: 'Contact ID 代码', cell: ({ data }) => data.code?.contactId },
  { en: 'Details', zh: '详情', cell: ({ data }) => data.details && JSON.stringify(data.details) },
  { en: 'Sequence', zh: '序号', cell: ({ found }) => found.sequence },
  { en: 'Id', zh: '标识', cell: ({ event }) => event?.id },
];

function timeOf(event: Event | undefined, { seenAt }: FoundEvent): number {
  const time = Date.parse(event?.time ?? '');
  return Number.isNaN(time) ? seenAt : time;
}

/** What a spreadsheet takes for a formula, full-width signs included. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

/** One cell: quoted where it must be, and never a formula. */
export function csvCell(value: unknown): string {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  const safe = typeof value === 'string' && FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function csvOf(
  rows: readonly Row[],
  { language, timezone }: Pick<Writing, 'language' | 'timezone'>,
  isFirst: boolean,
): string {
  const local = localTimes(timezone);
  const lines = rows.map((row) => {
    const data: Data = row.event?.data ?? {};
    const fact = Object(data[row.found.type.slice(row.found.type.indexOf('.') + 1)]) as Cells['fact'];
    const cells: Cells = { ...row, data, fact, local, language };
    return columns.map(({ cell }) => csvCell(cell(cells))).join(',');
  });
  const head = isFirst ? `\uFEFF${columns.map((column) => csvCell(column[language])).join(',')}\r\n` : '';
  return head + lines.map((line) => `${line}\r\n`).join('');
}

/** 2026-11-28 22:40:07, as every spreadsheet reads a time. */
function localTimes(timezone: string | undefined): (at: number) => string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    ...(timezone !== undefined && { timeZone: timezone }),
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  return (at) => format.format(at);
}
