/** What people are told, in their language: a line that says what and where, then when, and why now. Pure. */
import { Temporal } from 'temporal-polyfill';
import type { ContactConfig } from '../../config/sections/contacts.ts';
import type { Entry, Fact } from './entry.ts';

/** The words of types, kinds and causes; one that is not known is given back as it is. */
export type WordsFor = (list: 'type' | 'kind' | 'cause', name: string) => readonly [en: string, zh: string];

export interface TextOptions {
  readonly wordsFor: WordsFor;
  /** The school's name. */
  readonly campus: string;
  /** IANA name. */
  readonly timezone: string;
}

type Language = 'en' | 'zh';

/** What a robot takes at once, bytes of UTF-8: WeCom 2048; DingTalk and Feishu 20,000. */
const TEXT_MAX = 2048;

/** `2026-11-29 08:12:30`, in the campus's zone. */
function timeIn(time: string, timezone: string): string {
  const local = Temporal.Instant.from(time).toZonedDateTimeISO(timezone);
  return `${local.toPlainDate()} ${local.toPlainTime().toString({ smallestUnit: 'second' })}`;
}

function spanOf(ms: number, language: Language): string {
  const s = Math.round(ms / 1000);
  if (s < 120 || s % 60 !== 0) return language === 'zh' ? `${s} 秒` : `${s} s`;
  return language === 'zh' ? `${s / 60} 分钟` : `${s / 60} min`;
}

/** What and where: the subject of a mail. `names`: of persons, where they may be told. */
export function headline(
  { fact }: Pick<Entry, 'fact'>,
  language: Language,
  { wordsFor }: Pick<TextOptions, 'wordsFor'>,
): string {
  const zh = language === 'zh';
  const word = (list: Parameters<WordsFor>[0], name: string) => wordsFor(list, name)[zh ? 1 : 0];
  const type = word('type', fact.type);
  const isAlarm = fact.type.startsWith('alarm.');
  const kind = isAlarm && fact.kind !== undefined ? word('kind', fact.kind) : undefined;
  const cause = fact.cause === undefined ? undefined : word('cause', fact.cause);
  const what = [kind, cause].filter((part) => part !== undefined).join(zh ? '，' : ', ');
  const place = placeOf(fact, zh);
  if (zh) return `【${type}】${what}${what !== '' && place !== '' ? ' ' : ''}${place}`;
  return `[${type}] ${what}${what !== '' && place !== '' ? ': ' : ''}${place}`;
}

function placeOf({ device, deviceName, zone, area, place }: Fact, zh: boolean): string {
  const named = deviceName ?? device ?? '';
  const whole = zone === undefined ? named : `${named} ${zh ? '防区' : 'zone'} ${zone}`;
  const around = [place, area].filter((part) => part !== undefined).join(zh ? '，' : ', ');
  return around === '' ? whole : `${whole}${zh ? `（${around}）` : ` (${around})`}`;
}

function linesOf(
  entry: Entry,
  language: Language,
  names: readonly string[],
  options: TextOptions,
): readonly string[] {
  const { fact, when, waitMs } = entry;
  const zh = language === 'zh';
  const who = [...names, ...(fact.visitor === undefined ? [] : [fact.visitor])];
  const span = spanOf(waitMs, language);
  const why = {
    'at-once': [],
    unacknowledged: [zh ? `${span}内无人确认，请立即处理` : `nobody took it within ${span}: act now`],
    'platforms-away': [
      zh
        ? '所有平台均未连接，该事件未送达，请电话报告'
        : 'no platform is connected and none has it: telephone',
    ],
  }[when];
  return [
    headline(entry, language, options),
    ...(who.length > 0 ? [zh ? `人员：${who.join('、')}` : `who: ${who.join(', ')}`] : []),
    `${options.campus} ${timeIn(fact.time, options.timezone)}`,
    ...why,
  ];
}

/** As much of a text as fits; it never ends within a character. */
function cut(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text;
  const end = '…';
  let bytes = Buffer.byteLength(end);
  let kept = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > most) break;
    kept += character;
  }
  return kept + end;
}

/**
 * One text of the first of several entries: as many as fit whole, the others are for the next message. The first is in it
 * in any case, cut where it alone is too long. `namesOf`: names of persons, by entry.
 */
export function textOf(
  entries: readonly Entry[],
  { language }: Pick<ContactConfig, 'language'>,
  namesOf: (entry: Entry) => readonly string[],
  options: TextOptions,
): { readonly text: string; readonly told: number } {
  const languages: readonly Language[] = language === 'both' ? ['zh', 'en'] : [language];
  const blocks = entries.map((entry) =>
    languages.map((one) => linesOf(entry, one, namesOf(entry), options).join('\n')).join('\n'),
  );
  let told = 1;
  while (told < blocks.length && Buffer.byteLength(blocks.slice(0, told + 1).join('\n\n')) <= TEXT_MAX)
    told++;
  return { text: cut(blocks.slice(0, told).join('\n\n'), TEXT_MAX), told };
}

/** The subject of a mail about several entries. */
export function subjectOf(
  entries: readonly Entry[],
  { language }: Pick<ContactConfig, 'language'>,
  options: TextOptions,
): string {
  const [first] = entries;
  if (first === undefined) return options.campus;
  const head = headline(first, language === 'en' ? 'en' : 'zh', options);
  const more = entries.length > 1 ? ` (+${entries.length - 1})` : '';
  return cut(`${options.campus} ${head}${more}`, 200);
}
