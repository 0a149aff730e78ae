/** From the bytes of a message to what was observed, and its pictures. Pure: it may run in a thread apart. */
import { cutPictures, type Read, readTexts } from './codec.ts';
import { type Mapping, mapMessage } from './mapping.ts';
import type { Part } from './multipart.ts';
import type { Profile } from './profile.ts';
import { type Path, valueAt } from './reading.ts';
import { readTable } from './zkteco-tables.ts';

/** Without its pictures, a message is no larger: events of a day, as text. */
const TEXT_MAX = 500_000;

/** A message, as it goes to another thread: buffers arrive there as plain bytes. */
export interface Sent {
  readonly profile: Profile;
  readonly contentType: string;
  readonly bytes: Uint8Array;
  /** Of ZKTeco's push: the name of the table that the text is. */
  readonly table?: string | undefined;
  /** What of it is to be known for the answer. */
  readonly echo?: readonly Path[] | undefined;
  /** It only says that the terminal is there. */
  readonly isQuiet?: true | undefined;
}

/** `picture`: the first that came with it. `echoes`: what stood where `echo` says. */
export type Interpreted =
  | (Mapping & {
      readonly picture: { readonly contentType: string; readonly bytes: Uint8Array } | undefined;
      readonly echoes: readonly unknown[];
    })
  | { readonly refused: 'senseless' | 'too-large'; readonly reason: string };

/** Never throws. */
export function interpret({ profile, contentType, bytes, table, echo = [], isQuiet }: Sent): Interpreted {
  const cut = cutPictures(contentType, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (typeof cut === 'string') return { refused: 'senseless', reason: cut };
  if (cut.texts.reduce((sum, text) => sum + text.bytes.length, 0) > TEXT_MAX)
    return { refused: 'too-large', reason: 'a message that is too long' };
  const read = table === undefined ? readTexts(cut.texts) : bodyOfTable(table, cut.texts);
  if (typeof read === 'string') return { refused: 'senseless', reason: read };
  const own = table === undefined ? profile : { ...profile, events: [[]] };
  const mapping = isQuiet ? NOTHING : cut.texts.length === 0 ? ALONE : mapRead(own, read);
  if (typeof mapping === 'string') return { refused: 'senseless', reason: mapping };
  const problems = [...mapping.problems, ...(read.unread === undefined ? [] : [read.unread])];
  return {
    ...mapping,
    problems,
    picture: cut.pictures[0],
    echoes: echo.map((path) => valueAt(read.body, path)),
  };
}

const NOTHING: Mapping = { events: 0, mapped: [], problems: [] };
/** What it is counted by that is no text. */
export const NO_EVENT = 'a picture and no event';
const ALONE: Mapping = { ...NOTHING, unmapped: [NO_EVENT] };

/** As one body, or as several, as more of it is understood. */
function mapRead(profile: Profile, { body, apart }: Read): Mapping | string {
  const whole = mapMessage(profile, body);
  const each = apart === undefined ? undefined : mapMessage(profile, apart);
  const isMore =
    typeof each === 'object' && (typeof whole === 'string' || each.mapped.length > whole.mapped.length);
  return isMore ? each : whole;
}

function bodyOfTable(table: string, texts: readonly Part[]): Read | string {
  const rows = readTable(table, texts.map(({ bytes }) => bytes.toString('utf8')).join('\n'));
  return typeof rows === 'string' ? rows : { body: rows };
}
