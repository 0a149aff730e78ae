/** A journal of a school's years, made in seconds: what a search has to find its way in. */

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { openJournal } from '../gateway/journal/index.ts';

export interface ManyEvents {
  readonly count: number;
  /** Of the newest, epoch ms. */
  readonly until: number;
  /** Between two, ms. */
  readonly every: number;
  /** The name of the zone of every thousandth, an alarm. */
  readonly rare: string;
}

/**
 * Fills the journal of a data folder that has none yet. Of each thousand events one is an alarm of the panel, and the others
 * passages of cards and what cameras see; they are `every` ms apart, the last one at `until`.
 */
export async function writeManyEvents(
  dataDir: string,
  { count, until, every, rare }: ManyEvents,
): Promise<void> {
  const journal = await openJournal(dataDir);
  await journal.close();
  const db = new Database(join(dataDir, 'journal.sqlite'));
  // Nobody reads it yet, and a test that is cut off makes it anew.
  db.pragma('synchronous = OFF');
  db.pragma('journal_mode = OFF');
  const event = (type: string, device: string, data: string) =>
    `'{"specversion":"1.0","id":"' || id || '","source":"/campus/4503000001/device/${device}","type":"cn.campus.${type}",` +
    `"time":"' || time || '","datacontenttype":"application/json","data":{${data},"device":{"id":"${device}"},` +
    `"clock":{"source":"gateway","seenAt":"' || time || '","synchronised":true}}}'`;
  const alarm = event(
    'alarm.raised',
    'panel',
    `"kind":"panic","state":"raised","zone":{"number":9,"name":"' || :rare || '"}`,
  );
  const seen = event('video.person', 'yard', '"kind":"video","state":"raised","cause":"person"');
  const card = `"credential":{"format":"ascii","number":"' || (n % 1800) || '"}`;
  const decided = `"access":{"door":"gate","decision":"granted","holder":"p-' || (n % 1800) || '"}`;
  const passed = event('access.granted', 'reader', `"kind":"credential","state":"raised",${card},${decided}`);
  const one = (rare: string, third: string, other: string) =>
    `CASE WHEN n % 1000 = 0 THEN ${rare} WHEN n % 3 = 0 THEN ${third} ELSE ${other} END`;
  db.prepare(
    `WITH RECURSIVE
       numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count),
       times (n, at) AS (SELECT n, :until - (:count - n) * :every FROM numbers),
       named (n, at, id, time) AS (
         SELECT n, at, printf('%08x-%04x-7%03x-8000-%012x', at >> 16, at & 65535, n % 4096, n),
           strftime('%Y-%m-%dT%H:%M:%S', at / 1000, 'unixepoch') || printf('.%03dZ', at % 1000)
         FROM times)
     INSERT INTO event (lane, id, seen_at, stored_at, type, device, body)
     SELECT ${one('0', '1', '1')}, id, at, at + 2,
       ${one("'alarm.raised'", "'video.person'", "'access.granted'")}, ${one("'panel'", "'yard'", "'reader'")},
       ${one(alarm, seen, passed)}
     FROM named`,
  ).run({ count, until, every, rare });
  db.pragma('journal_mode = WAL');
  db.close();
}
