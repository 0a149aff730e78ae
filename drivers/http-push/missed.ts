/**
 * What happened while a terminal's stream was away, out of its memory: Hikvision's AcsEvent search (ISAPI), Dahua's record
 * finder (HTTP API). What of it is known is told again under the same key, and is no second event. Each entry is made what
 * the stream would have said, with a mark that it is past.
 */
import type { Clock } from '../contract/clock.ts';
import { ask, type HttpAnswer } from '../http.ts';
import type { Login } from '../login.ts';
import { isRecord } from './codec.ts';
import type { Message } from './intake.ts';

/** Of one search: events of a long holiday. */
const PAGES_MAX = 200;
/** What Hikvision gives at once at most. */
const HIKVISION_PAGE = 30;
const DAHUA_PAGE = 100;
const PAGE_MAX_BYTES = 500_000;
const TIMEOUT_MS = 20_000;

export interface Missed {
  /** The address of the stream. */
  readonly url: string;
  /** Epoch ms. */
  readonly since: number;
  readonly until: number;
  /** Of the terminal's local times. */
  readonly offset: string;
  readonly login: Login;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

type Take = (message: Message) => Promise<unknown>;

/** Whether this stream is of a terminal that can be asked. */
export const canBeAsked = (url: string): boolean => finderOf(url) !== undefined;

/** @throws Error with a sentence, where it cannot be had. */
export async function fetchMissed(missed: Missed, take: Take): Promise<void> {
  await finderOf(missed.url)?.(missed, take);
}

function finderOf(url: string): ((missed: Missed, take: Take) => Promise<void>) | undefined {
  const { pathname } = new URL(url);
  if (/\/alertStream$/i.test(pathname)) return findHikvision;
  return /\/eventManager\.cgi$/i.test(pathname) ? findDahua : undefined;
}

async function askAt(path: string, missed: Missed, body?: object): Promise<HttpAnswer> {
  const { url, login, signal, clock } = missed;
  const credentials = login.credentials();
  const leave = await login.enter('missed');
  try {
    const answer = await ask(new URL(path, url).href, {
      ...(body !== undefined && {
        method: 'POST' as const,
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
      ...{ credentials, signal, clock, maxBytes: PAGE_MAX_BYTES, timeout: TIMEOUT_MS },
    });
    if (answer.status === 401) throw login.refused('missed');
    login.accepted('missed');
    if (answer.status !== 200) throw new Error(`it answers ${answer.status}`);
    return answer;
  } finally {
    leave();
  }
}

const asMessage = (events: readonly unknown[]): Message => ({
  contentType: 'application/json',
  bytes: Buffer.from(JSON.stringify(events)),
  isToldOnce: true,
});

/** `2026-11-24T07:40:01`, at this offset. */
function localTime(ms: number, offset: string): string {
  const [hours = 0, minutes = 0] = offset.slice(1).split(':').map(Number);
  const shift = (hours * 60 + minutes) * 60_000 * (offset.startsWith('-') ? -1 : 1);
  return new Date(ms + shift).toISOString().slice(0, 19);
}

/** ISAPI, POST /ISAPI/AccessControl/AcsEvent: page by page, `MORE` as long as there are some. */
async function findHikvision(missed: Missed, take: Take): Promise<void> {
  const { since, until, offset } = missed;
  const searchID = `campus-${until}`;
  let position = 0;
  for (let page = 0; page < PAGES_MAX && !missed.signal.aborted; page++) {
    const condition = {
      searchID,
      searchResultPosition: position,
      maxResults: HIKVISION_PAGE,
      major: 0,
      minor: 0,
      startTime: `${localTime(since, offset)}${offset}`,
      endTime: `${localTime(until, offset)}${offset}`,
    };
    const { body } = await askAt('/ISAPI/AccessControl/AcsEvent?format=json', missed, {
      AcsEventCond: condition,
    });
    const found: unknown = JSON.parse(body.toString('utf8'));
    const { InfoList, responseStatusStrg } = (
      isRecord(found) && isRecord(found['AcsEvent']) ? found['AcsEvent'] : {}
    ) as {
      readonly InfoList?: unknown;
      readonly responseStatusStrg?: unknown;
    };
    const entries = Array.isArray(InfoList) ? InfoList.filter(isRecord) : [];
    if (entries.length === 0) return;
    await take(asMessage(entries.map(alertOf)));
    position += entries.length;
    if (responseStatusStrg !== 'MORE') return;
  }
}

function alertOf({ major, minor, time, ...info }: Readonly<Record<string, unknown>>): object {
  return {
    eventType: 'AccessControllerEvent',
    dateTime: time,
    AccessControllerEvent: { ...info, majorEventType: major, subEventType: minor, currentEvent: false },
  };
}

/** HTTP API, recordFinder.cgi: the next page begins at the time of the last record. */
async function findDahua(missed: Missed, take: Take): Promise<void> {
  const { until, offset } = missed;
  let since = missed.since;
  let isText = false;
  for (let page = 0; page < PAGES_MAX && !missed.signal.aborted; page++) {
    const time = (ms: number) =>
      encodeURIComponent(isText ? localTime(ms, offset).replace('T', ' ') : String(Math.floor(ms / 1000)));
    const path = `/cgi-bin/recordFinder.cgi?action=find&name=AccessControlCardRec&StartTime=${time(since)}&EndTime=${time(until)}&count=${DAHUA_PAGE}`;
    const text = (await askAt(path, missed)).body.toString('utf8');
    if (/^\s*Error/.test(text)) {
      if (isText) throw new Error('it does not know the record finder');
      // Some want local times, as text.
      isText = true;
      continue;
    }
    const records = readRecords(text);
    if (records.length === 0) return;
    await take(
      asMessage(
        records.map((record) => ({
          Code: 'AccessControl',
          Kept: true,
          Data: { UTC: record['CreateTime'], ...record },
        })),
      ),
    );
    const last = Number(records.at(-1)?.['CreateTime']) * 1000;
    if (records.length < DAHUA_PAGE || !(last > since)) return;
    since = last;
  }
}

/** `records[0].UserID=88`, a line each; empty where there are none. */
export function readRecords(text: string): readonly Readonly<Record<string, string>>[] {
  const records = new Map<number, Record<string, string>>();
  for (const line of text.split(/\r?\n/)) {
    const [, index, name, value] = /^records\[(\d{1,4})\]\.([A-Za-z]{1,40})=(.*)$/.exec(line) ?? [];
    if (index === undefined || name === undefined || value === undefined) continue;
    const record = records.get(Number(index)) ?? {};
    record[name] = value;
    records.set(Number(index), record);
  }
  return [...records].sort(([a], [b]) => a - b).map(([, record]) => record);
}
