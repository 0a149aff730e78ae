/** A journal with very many events, as of a campus over months: put straight into its file, before a gateway opens it. */
import { mkdirSync } from 'node:fs';
import { v7 as uuidv7 } from 'uuid';
import { type EventType, laneOf, typePrefix } from '../../config/catalogue/events.ts';
import { lanes } from '../../drivers/contract/lane.ts';
import type { NewEntry } from '../../gateway/journal/batch.ts';
import { journalFile } from '../../gateway/journal/recovery.ts';
import { openStore } from '../../gateway/journal/store.ts';

/** What goes on at a school, in the shares in which it does. */
const TYPES: readonly EventType[] = [
  ...Array.from({ length: 12 }, () => 'access.granted' as const),
  ...Array.from({ length: 4 }, () => 'video.motion' as const),
  'access.denied',
  'access.opened',
  'access.closed',
  'video.person',
  'video.line-crossed',
  'device.offline',
  'device.online',
  'alarm.raised',
];
const KINDS = ['perimeter', 'fence', 'intrusion', 'panic', 'fire', 'tamper'];
const PLACES = ['北围墙', '南围墙', '教学楼大厅', '图书馆二层走廊', '体育馆', '食堂后门', '实验楼', '门卫室'];
/** Three a minute: a million are eight months. */
const EVERY_MS = 20_000;
const BATCH = 5000;

function dataOf(
  type: EventType,
  i: number,
): { readonly device: string; readonly data: object; readonly subject?: string } {
  const clock = { source: 'gateway', seenAt: '2026-03-01T00:00:00.000Z', synchronised: true };
  const place = PLACES[i % PLACES.length] ?? '';
  if (type.startsWith('access.')) {
    const device = `reader-${i % 24}`;
    const subject = `gate-${i % 6}`;
    const person = (i * 7919) % 3000;
    const credential = { format: 'wiegand26', facility: 12, number: String(10_000 + person) };
    const access = {
      door: subject,
      decision: 'granted',
      holder: `s-${person}`,
      direction: i % 2 === 0 ? 'in' : 'out',
    };
    return {
      device,
      subject,
      data: {
        kind: 'credential',
        state: 'raised',
        device: { id: device, name: '读卡器' },
        credential,
        access,
        clock,
      },
    };
  }
  const device = type.startsWith('video.') ? `camera-${i % 40}` : `panel-${i % 4}`;
  const zone = { number: i % 64, id: `zone-${i % 64}`, name: place };
  const kind =
    type === 'alarm.raised' ? (KINDS[i % KINDS.length] ?? '') : type.startsWith('video.') ? 'video' : 'link';
  const code =
    type === 'alarm.raised'
      ? { code: { sia: 'BA', contactId: 'E130' }, raw: `[#1234|Nri1/BA${i % 64}]` }
      : {};
  return {
    device,
    subject: zone.id,
    data: { kind, state: 'raised', device: { id: device, name: place }, zone, ...code, clock },
  };
}

/** The event of a number, from 1. */
function entryOf(i: number, startAt: number): NewEntry {
  const type = TYPES[(i * 2_654_435_761) % TYPES.length] ?? 'video.motion';
  const seenAt = startAt + i * EVERY_MS;
  const id = uuidv7({ msecs: seenAt });
  const { device, subject, data } = dataOf(type, i);
  const time = new Date(seenAt).toISOString();
  const event = {
    specversion: '1.0',
    id,
    source: `/campus/45000001/device/${device}`,
    type: typePrefix + type,
    time,
    subject,
  };
  const body = JSON.stringify({ ...event, datacontenttype: 'application/json', data });
  return { id, lane: lanes.indexOf(laneOf(type)), seenAt, type, device, body };
}

/**
 * Fills the journal of a data folder, of a gateway that does not run; the last of them are of now.
 * @param more what is to be among them, by number: the needle in the hay.
 */
export function fillJournal(
  directory: string,
  count: number,
  {
    now = Date.now(),
    more = () => undefined,
  }: { readonly now?: number; readonly more?: (i: number) => Partial<NewEntry> | undefined } = {},
): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const store = openStore(journalFile(directory));
  const startAt = now - (count + 1) * EVERY_MS;
  for (let first = 1; first <= count; first += BATCH) {
    const entries: NewEntry[] = [];
    for (let i = first; i < Math.min(first + BATCH, count + 1); i++)
      entries.push({ ...entryOf(i, startAt), ...more(i) });
    store.commit({ entries, cursors: [], marks: [], held: [] });
  }
  store.markClean(true);
  store.close();
}
