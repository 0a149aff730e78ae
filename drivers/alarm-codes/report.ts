/** What a panel reports, out of its codes: an event that names what it is, and whom or what the number behind it names. */
import {
  type Credential,
  type DeviceObservation,
  type Ending,
  isAlarmKind,
  type Zone,
} from '../contract/observation.ts';
import { type ZoneOptions, zoneOf } from '../contract/options.ts';
import { type AlarmCode, type CodeKind, contactIdCodes, type Numbered, siaCodes } from './table.ts';

/** What a code says. */
export interface Meaning {
  readonly kind: CodeKind;
  readonly state: 'raised' | 'restored';
  readonly cause?: string;
  readonly numbered: Numbered;
  readonly momentary: boolean;
  /** Of what restores: what it ends. */
  readonly ends?: Ending;
  /** No row has it. */
  readonly unknown?: true;
}

export interface PanelEvent {
  readonly meaning: Meaning;
  readonly codes: { readonly sia?: string; readonly contactId?: string };
  /** The zone, area or door that the code names, by `meaning.numbered`. */
  readonly number?: number;
  /** As the panel wrote them. */
  readonly partition?: string;
  readonly user?: string;
  /** The name of the zone or user, as the panel has it. */
  readonly text?: string;
  /** It is said before and still so: news only to whom missed it. */
  readonly still?: true;
  /** The name of the partition, likewise. */
  readonly partitionName?: string;
}

const opens = ({ kind, cause, numbered, momentary }: AlarmCode): Meaning => ({
  kind,
  state: 'raised',
  ...(cause !== undefined && { cause }),
  numbered,
  momentary,
});
/** `rows`: all that this restore ends; the first gives its name. */
const closes = (rows: readonly [AlarmCode, ...AlarmCode[]]): Meaning => {
  const [{ kind, cause, numbered, momentary }] = rows;
  // Arming has no cause of its own in what is known of a partition: it is armed or it is not.
  const named = kind === 'arming' ? undefined : cause;
  const causes = [...new Set(rows.filter((row) => row.kind === kind).map((row) => row.cause ?? ''))];
  return {
    kind,
    state: 'restored',
    ...(named !== undefined && { cause: named }),
    numbered,
    momentary,
    ends: { causes: kind === 'arming' ? [''] : causes },
  };
};

function meaningsOfSia(): ReadonlyMap<string, Meaning> {
  const meanings = new Map(siaCodes.map((row) => [row.code, opens(row)]));
  for (const code of new Set(siaCodes.flatMap(({ ends }) => ends))) {
    const rows = siaCodes.filter(({ ends }) => ends.includes(code));
    meanings.set(code, closes(rows as [AlarmCode, ...AlarmCode[]]));
  }
  return meanings;
}
const sia = meaningsOfSia();
const contactId = new Map(contactIdCodes.map((row) => [row.code, row]));

/** The last letters of codes that end something, and of those that they may end (DC-03, annex A). */
const endings: Readonly<Record<string, string>> = { R: 'ATSBMLVX', J: 'TSM', H: 'ATNM' };

/**
 * A code that no row has: a fault with its code. Of the shape of a restore it ends such a fault, or nothing: a second
 * fault would never end.
 */
function unknownSia(code: string): Meaning {
  const [first = '', last = ''] = code;
  const unknown = { kind: 'fault', numbered: 'zone', momentary: false, unknown: true } as const;
  const ended = endings[last];
  if (ended === undefined) return { ...unknown, state: 'raised', cause: `code-${code}` };
  const causes = [...ended].map((letter) => `code-${first}${letter}`);
  return { ...unknown, state: 'restored', ends: { causes, untold: true } };
}

/** Two capital letters of DC-03. */
export const meaningOfSia = (code: string): Meaning => sia.get(code) ?? unknownSia(code);

/** Codes that stand for a second one, too. */
export const alsoOfSia: ReadonlyMap<string, string> = new Map(
  siaCodes.flatMap(({ code, also }) => (also === undefined ? [] : [[code, also] as const])),
);

/** The code of two letters that ends another one. */
export const restoreOfSia = (code: string): string | undefined =>
  siaCodes.find((row) => row.code === code)?.ends[0];

/** An event of a code and the number behind it, which names what the code says: a user, or a place. */
export function siaEvent(code: string, number?: number): PanelEvent {
  const meaning = meaningOfSia(code);
  const isUser = meaning.numbered === 'user';
  return {
    meaning,
    codes: {},
    ...(number !== undefined && (isUser ? { user: String(number) } : { number })),
  };
}

/** Whether a code of two letters is one that a row has, or that ends one. */
export const isKnownSia = (code: string): boolean => sia.has(code);

/**
 * @param qualifier DC-05, 3.3: 1 new event or opening, 3 new restore or closing, 6 said before and still so.
 * @param code Three digits.
 */
export function meaningOfContactId(qualifier: string, code: string): Meaning {
  const row = contactId.get(code);
  const ends = qualifier === '3';
  if (row === undefined) {
    const cause = `code-${code}`;
    const unknown = { kind: 'fault', cause, numbered: 'zone', momentary: false, unknown: true } as const;
    return ends
      ? { ...unknown, state: 'restored', ends: { causes: [cause], untold: true } }
      : { ...unknown, state: 'raised' };
  }
  const { kind, arms } = row;
  // Who passed, cancelled or tested has done so, whatever the qualifier.
  if (kind === 'credential' || kind === 'cancel' || kind === 'none') return opens(row);
  // An event of 400 to 459 is an opening, a restore a closing: 1 disarms and 3 arms.
  if (kind === 'arming') return arms || ends ? opens(row) : closes([row]);
  return ends || row.ends.length > 0 ? closes([row]) : opens(row);
}

/** A partition by its number: `01` and `1` are one; 0 is the whole panel, and no partition. */
const partitionOf = (given: string | undefined): string | undefined => given?.replace(/^0+/, '') || undefined;

/**
 * What the zone says that it is, where the code is of a burglary only: a button on a burglary zone is a button. What the
 * code says of fire, panic or tamper is never hidden, and an alarm stays one.
 */
function kindOf(
  { kind, numbered }: Meaning,
  number: number | undefined,
  zones: readonly ZoneOptions[],
): CodeKind {
  if ((kind !== 'intrusion' && kind !== 'perimeter') || numbered !== 'zone') return kind;
  const configured = zones.find(({ zone }) => zone === number)?.kind;
  return configured !== undefined && isAlarmKind(configured) ? configured : kind;
}

/** What is passed at a door of the panel itself. */
function passage(event: PanelEvent, zone: Zone | undefined, device: string) {
  const { meaning, user = '0' } = event;
  const credential: Credential = { format: 'panel-user', number: user };
  const at = zone?.id ?? (zone === undefined ? device : `door-${zone.number}`);
  const decision = meaning.cause === 'granted' ? 'granted' : 'denied';
  return { credential, access: { door: at, decision } } as const;
}

/** What is observed, without what the protocol adds: when, the repeat, the raw frame. */
export type Reported = Pick<
  DeviceObservation,
  | 'device'
  | 'kind'
  | 'state'
  | 'cause'
  | 'zone'
  | 'codes'
  | 'text'
  | 'ends'
  | 'momentary'
  | 'initial'
  | 'credential'
  | 'access'
> & { readonly details: Readonly<Record<string, string | number | boolean>> };

/**
 * The observation of an event of a panel. undefined: the panel only says that it is there.
 * @param about The device, its account and the zones of that.
 */
export function observationOf(
  event: PanelEvent,
  about: { readonly device: string; readonly account: string; readonly zones: readonly ZoneOptions[] },
): Reported | undefined {
  const { meaning, codes, number, text, partitionName, user } = event;
  if (meaning.kind === 'none') return undefined;
  const { device, account, zones } = about;
  const kind = kindOf(meaning, number, zones) as DeviceObservation['kind'];
  const isPlace = meaning.numbered === 'zone' || meaning.numbered === 'door';
  const zone = isPlace && number !== undefined ? zoneOf(zones, number) : undefined;
  const area = meaning.numbered === 'area' && number !== undefined ? String(number) : undefined;
  const partition = partitionOf(event.partition) ?? partitionOf(area);
  const isPassage = kind === 'credential';
  const cause = isPassage ? undefined : meaning.cause;
  return {
    device,
    kind,
    state: meaning.state,
    ...(cause !== undefined && { cause }),
    ...(zone !== undefined && { zone }),
    codes,
    ...(text !== undefined && { text }),
    ...(meaning.ends !== undefined && { ends: meaning.ends }),
    ...(meaning.momentary && { momentary: true }),
    ...(event.still && { initial: true }),
    ...(isPassage && passage(event, zone, device)),
    details: {
      account,
      ...(partition !== undefined && { partition }),
      ...(partitionName !== undefined && { partitionName }),
      ...(user !== undefined && { user }),
      ...(meaning.unknown && { unknownCode: true }),
    },
  };
}
