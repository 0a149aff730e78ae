/**
 * Erasing a person from the journal on request: what their card, their id or their visit said of them goes out of the
 * events, of the cards that a platform sent, and of the answers to commands; that somebody passed, where and when,
 * stays. Pure but for the tables that it is given.
 *
 * What is written in place of an old text has its length: SQLite then overwrites it where it stands, moves nothing,
 * and leaves no copy of it in another page.
 */
import type Database from 'better-sqlite3';
import {
  type CardName,
  cardKey,
  cardOfKey,
  isCard as isSameCard,
  normalNumber,
  sameKeys,
} from '../../drivers/contract/card.ts';
import { keyNormaliser } from './credentials.ts';

export type CardNumber = CardName;

/** Whom: a card, the school's id of a person (holder or child), or a visit. */
export interface Person {
  readonly card?: CardNumber | undefined;
  readonly holder?: string | undefined;
  readonly visit?: string | undefined;
  /** Cards that are theirs now: also where nobody's id stands beside them. */
  readonly cards?: readonly CardNumber[] | undefined;
}

export interface EraseStep {
  readonly person: Person;
  readonly after: number;
  readonly limit: number;
}

export interface Erased {
  readonly looked: number;
  readonly events: number;
  readonly last: number;
  /** References of pictures that were of them alone. */
  readonly pictures: readonly string[];
  /** Texts that named them, as they stood in the file. */
  readonly traces: readonly string[];
}

export interface ErasedRows {
  /** Their cards, as far as a platform said. */
  readonly cards: readonly CardNumber[];
  readonly traces: readonly string[];
}

interface PersonalData {
  readonly credential?: { readonly format: string; readonly number?: string; readonly facility?: number };
  readonly access?: { readonly holder?: string; readonly children?: readonly string[] };
  readonly visit?: {
    readonly id: string;
    readonly stage: string;
    readonly until?: string;
    readonly name?: string;
    readonly host?: string;
  };
  readonly picture?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** How texts of a person stand in the file: as JSON, and, of a number, as the end of a key. */
export const tracesOf = (texts: readonly (string | undefined)[], number?: string): readonly string[] => [
  ...texts.flatMap((text) => (text === undefined ? [] : [JSON.stringify(text)])),
  ...(number === undefined ? [] : [`/${number}`]),
];

/** However the card is written there and here. */
const isSame = (card: CardNumber, found: PersonalData['credential']) =>
  typeof found?.number === 'string' && isSameCard(card, { ...found, number: found.number });

/** `json`, an object, with the length of `old` in bytes, where it is not longer. */
function asLongAs(old: string, json: string): string {
  const less = Buffer.byteLength(old) - Buffer.byteLength(json);
  return less <= 0 ? json : `${json.slice(0, -1)}${' '.repeat(less)}}`;
}

/** The body of an event without this person; undefined: it is not about them. */
export function withoutPerson(
  body: string,
  { card, holder, visit, cards = [] }: Person,
): (Pick<Erased, 'traces'> & { readonly body: string; readonly picture?: string | undefined }) | undefined {
  let event: { readonly data: PersonalData & { readonly text?: string; readonly raw?: string } };
  try {
    event = JSON.parse(body) as typeof event;
    if (typeof event.data !== 'object' || event.data === null) return undefined;
  } catch {
    return undefined;
  }
  const { credential, access, visit: own, picture, text: _text, raw: _raw, details, ...data } = event.data;
  const isCard =
    (card !== undefined && isSame(card, credential)) ||
    (access?.holder === undefined && cards.some((one) => isSame(one, credential)));
  const isHolder = holder !== undefined && access?.holder === holder;
  const isChild = holder !== undefined && access?.children?.includes(holder) === true;
  const isVisit = visit !== undefined && own?.id === visit;
  const isHost = holder !== undefined && own?.host === holder;
  if (!isCard && !isHolder && !isChild && !isVisit && !isHost) return undefined;
  if (isHost && !isCard && !isHolder && !isVisit) {
    // Why somebody came says whom they came to.
    const { id, stage, until, name } = own;
    const left = { ...event, data: { ...event.data, visit: { id, stage, until, name } } };
    return { body: asLongAs(body, JSON.stringify(left)), traces: tracesOf([holder]) };
  }
  if (isChild && !isCard && !isHolder) {
    const children = access?.children?.filter((child) => child !== holder);
    const left = { ...event, data: { ...event.data, access: { ...access, children } } };
    return { body: asLongAs(body, JSON.stringify(left)), traces: tracesOf([holder]) };
  }
  const { holder: _holder, children, ...decision } = access ?? {};
  const left = {
    ...event,
    data: {
      ...data,
      ...(credential !== undefined && { credential: { format: credential.format, erased: true } }),
      ...(access !== undefined && {
        access: { ...decision, ...(children !== undefined && { children: [] }) },
      }),
      ...(own !== undefined && { visit: { id: own.id, stage: own.stage, until: own.until } }),
      ...(details?.['part'] !== undefined && { details: { part: details['part'] } }),
    },
  };
  return {
    body: asLongAs(body, JSON.stringify(left)),
    picture,
    traces: tracesOf([credential?.number, access?.holder, own?.name], credential?.number),
  };
}

/** Erases in some events, the oldest first; inside a transaction of the caller's. */
export function eraser(db: Database.Database) {
  const look = db.prepare<[number, number], { sequence: number; key: string | null; body: string }>(
    'SELECT sequence, repeat_key AS key, body FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?',
  );
  const update = db.prepare<[string, string | null, number]>(
    'UPDATE event SET body = ?, repeat_key = ? WHERE sequence = ?',
  );
  return ({ person, after, limit }: EraseStep): Erased => {
    const looked = look.all(after, limit);
    const pictures: string[] = [];
    const traces = new Set<string>();
    let events = 0;
    for (const { sequence, key, body } of looked) {
      const found = mayName(body) ? withoutPerson(body, person) : undefined;
      if (found === undefined) continue;
      // Keys have a card's number in them, or a hash that can be guessed. No key is of dashes alone.
      update.run(found.body, key === null ? null : '-'.repeat(Buffer.byteLength(key)), sequence);
      events++;
      for (const trace of found.traces) traces.add(trace);
      if (found.picture !== undefined) pictures.push(found.picture);
    }
    return {
      looked: looked.length,
      events,
      last: looked.at(-1)?.sequence ?? 0,
      pictures,
      traces: [...traces],
    };
  };
}

/** Whatever its type: a card can raise an alarm. */
const mayName = (body: string) => /"(credential|access|visit)":\{/.test(body);

/** Shorter ones stand in too many texts that are not about them. */
const TRACE_LETTERS = 4;

/** Erases among the cards of platforms and the answers to commands; inside a transaction of the caller's. */
export function rowEraser(db: Database.Database) {
  const normalise = keyNormaliser(db);
  const cardsLike = db.prepare<[string, string, string], { key: string; body: string }>(
    `SELECT key, body FROM credential WHERE instr(substr(key, instr(key, '/') + 1) || '/', ? || '/') = 1
     OR instr(body, ?) > 0 OR key IN (SELECT value FROM json_each(?))`,
  );
  const remove = db.prepare<[string]>('DELETE FROM credential WHERE key = ?');
  const update = db.prepare<[string, string]>('UPDATE credential SET body = ? WHERE key = ?');
  const outcomes = db.prepare<[string], { number: number; outcome: string }>(
    'SELECT number, outcome FROM command WHERE instr(outcome, ?) > 0',
  );
  const setOutcome = db.prepare<[string, number]>('UPDATE command SET outcome = ? WHERE number = ?');

  const eraseCard = (
    key: string,
    body: string,
    { card, holder }: Person,
    keys: readonly string[],
  ): CardNumber | undefined => {
    const own = cardOfKey(key);
    const holding = JSON.parse(body) as { holder: string; children?: readonly string[] };
    const isOfAny =
      (card?.facility === undefined || (own.format !== undefined && own.facility === card.facility)) &&
      own.number === normalNumber(card?.number ?? '');
    if (keys.includes(key) || isOfAny || (holder !== undefined && holding.holder === holder)) {
      remove.run(key);
      return own;
    }
    if (holder !== undefined && holding.children?.includes(holder) === true) {
      const children = holding.children.filter((child) => child !== holder);
      update.run(asLongAs(body, JSON.stringify({ ...holding, children })), key);
    }
    return undefined;
  };
  return (person: Person): ErasedRows => {
    const { card, holder } = person;
    // Rows of before are written as they came.
    normalise();
    const key = card && cardKey(card.facility, card.number);
    const keys = key === undefined ? [] : sameKeys(key);
    const found = cardsLike.all(
      normalNumber(card?.number ?? ''),
      holder === undefined ? '\0' : JSON.stringify(holder),
      JSON.stringify(keys),
    );
    const cards = found.flatMap(({ key: own, body }) => eraseCard(own, body, person, keys) ?? []);
    const named = card && { number: normalNumber(card.number) };
    const numbers = new Set([card, named, ...cards].flatMap((one) => one?.number ?? []));
    for (const text of [holder, ...numbers]) {
      if (text === undefined || text.length < TRACE_LETTERS) continue;
      for (const { number, outcome } of outcomes.all(text)) {
        const { done, unknown } = JSON.parse(outcome) as { done: boolean; unknown?: true };
        setOutcome.run(asLongAs(outcome, JSON.stringify({ done, unknown, reason: 'erased' })), number);
      }
    }
    return { cards, traces: [...tracesOf([holder]), ...[...numbers].flatMap((one) => tracesOf([one], one))] };
  };
}
