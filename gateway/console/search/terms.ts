/**
 * What an event is found by, and the question that finds it, in the words of SQLite's full text search (FTS5). Pure.
 *
 * An event has three columns of terms:
 *   tags      what it is of, exactly: type, device, place, kind, the event that it is about, and, of persons, who. A tag is
 *             one word made of a letter and a hash, so that no tokenizer takes it apart
 *   words     what people read of it, but of persons
 *   persons   who it is about: numbers of cards, the school's ids, names of visitors
 *
 * Chinese has no gaps between words, and most words have two characters: each character is a term of its own, and what
 * is looked for is a phrase of them. Elsewhere a word is found by its beginning.
 */
import { hash } from 'node:crypto';
import type { Event, EventType } from '../../../config/catalogue/events.ts';
import { cardKey, normalNumber } from '../../../drivers/contract/card.ts';
import type { Credential, Visit } from '../../../drivers/contract/observation.ts';
import { createRecent } from '../../lifecycle/recent.ts';
import { labels } from '../web/words/labels.ts';

export interface Terms {
  readonly tags: string;
  readonly words: string;
  readonly persons: string;
}

/** What can be asked. All that is given must hold; of a list, one of it. */
export interface Criteria {
  /** Types of the catalogue. */
  readonly types?: readonly EventType[] | undefined;
  readonly device?: string | undefined;
  /** The id or the number of a zone, or the id of a door, a camera or an area. */
  readonly place?: string | undefined;
  /** Of an alarm: `fire`. */
  readonly kind?: string | undefined;
  /** The id of an event: what was said of it later. */
  readonly about?: string | undefined;
  /** What somebody typed: words, each of which must be there. */
  readonly text?: string | undefined;
  /** A card's number, an id of the school's, a name; `ids`: of those whose names these are in the school's list. */
  readonly person?: { readonly text: string; readonly ids: readonly string[] } | undefined;
  /** Whether words may be those of persons. */
  readonly mayNamePersons: boolean;
}

/** Of a text that a device sends, letters; what is further is not looked at. */
const TEXT_MAX = 500;
/** Of an event, terms; a list of 500 details is none that somebody reads. */
const TERMS_MAX = 200;
/** What somebody types. */
const TYPED_MAX = 12;
/** One letter begins so many words that all of them would have to be read. */
const BEGINNING_MIN = 2;

const HAN = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;
const TERMS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[[\p{L}\p{N}]--[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]]+/gv;

/** The terms of a text, in their order. NFKC: full-width letters are the letters that they show. */
const termsOf = (text: string, most: number): string[] =>
  (text.slice(0, TEXT_MAX).normalize('NFKC').toLowerCase().match(TERMS) ?? []).slice(0, most);

type Tag = 'type' | 'device' | 'place' | 'kind' | 'cause' | 'about' | 'person';
const letters: Readonly<Record<Tag, string>> = {
  type: 't',
  device: 'd',
  place: 'z',
  kind: 'k',
  cause: 'c',
  about: 'a',
  person: 'p',
};

/** Values come again and again, but for those of persons. */
const KNOWN_MAX = 10_000;
const known = createRecent<string, string>(KNOWN_MAX);

/** 64 bits of a hash: no two values of a campus have the same. */
function tag(of: Tag, value: string): string {
  const name = `${letters[of]}${value}`;
  const found = known.get(name);
  if (found !== undefined) return found;
  const made = `${letters[of]}${hash('sha256', value).slice(0, 16)}`;
  known.set(name, made);
  return made;
}

interface Data {
  readonly kind?: unknown;
  readonly cause?: unknown;
  readonly text?: unknown;
  readonly device?: { readonly id?: unknown; readonly name?: unknown };
  readonly zone?: { readonly number?: unknown; readonly id?: unknown; readonly name?: unknown };
  readonly code?: { readonly sia?: unknown; readonly contactId?: unknown };
  readonly details?: unknown;
  readonly credential?: Partial<Credential>;
  readonly access?: {
    readonly door?: unknown;
    readonly reason?: unknown;
    readonly holder?: unknown;
    readonly children?: unknown;
  };
  readonly visit?: Partial<Visit>;
  readonly event?: unknown;
  readonly [later: string]: unknown;
}

/** A text, or a number as one; of what is neither, nothing. */
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const membersOf = (value: unknown): readonly unknown[] =>
  typeof value === 'object' && value !== null ? Object.values(value) : [];

/** How a card is asked for: its number as it stands there, and as one writes it on any card. */
const cardTexts = ({ number, facility }: Partial<Credential>): readonly string[] => {
  if (typeof number !== 'string') return [];
  const key = cardKey(typeof facility === 'number' ? facility : undefined, number);
  return [number, normalNumber(number), ...(key === undefined ? [] : [key])];
};

/** What of an alarm somebody said later: `acknowledged`, `closed`, `confirmed`. */
const factOf = (data: Data, type: string): Readonly<Record<string, unknown>> =>
  Object(data[type.slice(type.indexOf('.') + 1)]) as Readonly<Record<string, unknown>>;

/** @param type without its prefix, as the journal has it. */
export function termsOfEvent(event: Pick<Event, 'data' | 'subject'>, type: string, device: string): Terms {
  const data = event.data as Data;
  const { credential, access, visit, zone, details } = data;
  const isPersonal = credential !== undefined || visit !== undefined;
  const fact = factOf(data, type);
  const persons = [
    ...(credential === undefined ? [] : cardTexts(credential)),
    textOf(access?.holder),
    ...listOf(access?.children).map(textOf),
    textOf(visit?.id),
    textOf(visit?.name),
    textOf(visit?.host),
    textOf(visit?.purpose),
    ...(isPersonal ? [textOf(data.text), ...membersOf(details).map(textOf)] : []),
  ];
  const places = [event.subject, zone?.id, zone?.number, access?.door].map(textOf);
  const words = [
    device,
    ...places,
    textOf(data.kind),
    textOf(data.cause),
    textOf(data.device?.name),
    textOf(zone?.name),
    textOf(data.code?.sia),
    textOf(data.code?.contactId),
    textOf(access?.reason),
    textOf(credential?.format),
    textOf(fact['by']),
    textOf(fact['reason']),
    textOf(fact['note']),
    ...(isPersonal ? [] : [textOf(data.text), ...membersOf(details).map(textOf)]),
  ];
  const about = [data.event, fact['event']].map(textOf);
  return {
    tags: [
      tag('type', type),
      tag('device', device),
      ...tagsOf('place', places),
      ...tagsOf('kind', [textOf(data.kind)]),
      ...tagsOf('cause', [textOf(data.cause)]),
      ...tagsOf('about', about),
      ...tagsOf('person', persons),
    ].join(' '),
    words: joined(words),
    persons: joined(persons),
  };
}

const tagsOf = (of: Tag, values: readonly string[]): readonly string[] =>
  [...new Set(values)].filter((value) => value !== '').map((value) => tag(of, value));

function joined(texts: readonly string[]): string {
  const terms: string[] = [];
  for (const text of new Set(texts)) {
    if (terms.length >= TERMS_MAX) break;
    terms.push(...termsOf(text, TERMS_MAX - terms.length));
  }
  return terms.join(' ');
}

/**
 * The question in FTS5's language (https://sqlite.org/fts5.html#full_text_query_syntax); what was typed is in quotes and
 * has nothing but letters and digits. undefined: all events; null: none, for what was typed has no word.
 */
export function questionOf(criteria: Criteria): string | undefined | null {
  const { types, device, place, kind, about, text, person } = criteria;
  const all: string[] = [];
  if (types !== undefined) all.push(anyOf(types.map((type) => `tags : ${tag('type', type)}`)));
  if (device !== undefined) all.push(`tags : ${tag('device', device)}`);
  if (place !== undefined) all.push(`tags : ${tag('place', place)}`);
  if (kind !== undefined) all.push(`tags : ${tag('kind', kind)}`);
  if (about !== undefined) all.push(`tags : ${tag('about', about)}`);
  if (person !== undefined) all.push(personQuestion(person));
  if (text !== undefined) all.push(...typedQuestions(text, criteria.mayNamePersons));
  if (all.includes('')) return null;
  return all.length === 0 ? undefined : all.join(' AND ');
}

const anyOf = (questions: readonly string[]): string =>
  questions.length === 0 ? '' : `(${questions.join(' OR ')})`;

function personQuestion({ text, ids }: NonNullable<Criteria['person']>): string {
  const named = [text.trim(), normalNumber(text.trim()), ...ids];
  const phrase = phraseOf(termsOf(text, TYPED_MAX));
  return anyOf([
    ...tagsOf('person', named).map((one) => `tags : ${one}`),
    ...(phrase === '' ? [] : [`persons : ${phrase}`]),
  ]);
}

/** One for each piece between blanks: 北墙 3号 asks for both. */
function typedQuestions(text: string, mayNamePersons: boolean): readonly string[] {
  const pieces = text.trim().split(/\s+/u).slice(0, TYPED_MAX);
  const columns = mayNamePersons ? '{words persons}' : 'words';
  return pieces.map((piece) => {
    const phrase = phraseOf(termsOf(piece, TYPED_MAX));
    const meant = tagsCalled(piece);
    return anyOf([
      ...(phrase === '' ? [] : [`${columns} : ${phrase}`]),
      ...meant.map((one) => `tags : ${one}`),
    ]);
  });
}

function phraseOf(terms: readonly string[]): string {
  const last = terms.at(-1);
  if (last === undefined) return '';
  const beginning = last.length >= BEGINNING_MIN && !HAN.test(last) ? ' *' : '';
  return `"${terms.join(' ')}"${beginning}`;
}

/** Tags of the types, kinds and causes that are called so on the pages, in either language: 越线, "panic". */
function tagsCalled(piece: string): readonly string[] {
  const typed = piece.normalize('NFKC').toLowerCase();
  if (typed.length < BEGINNING_MIN) return [];
  // Of what is not Chinese words are meant, and not letters somewhere in them.
  const isMeant = (word: string) =>
    HAN.test(typed) ? word.includes(typed) : ` ${word.toLowerCase()}`.includes(` ${typed}`);
  const isCalled = (words: readonly string[]) => words.some(isMeant);
  const called = (of: Tag, names: Readonly<Record<string, readonly string[]>>) =>
    Object.entries(names).flatMap(([name, words]) => (isCalled(words) ? [tag(of, name)] : []));
  const named = Object.keys(labels.type).filter((type) => type === typed || type.startsWith(`${typed}.`));
  return [
    ...named.map((type) => tag('type', type)),
    ...called('type', labels.type),
    ...called('kind', labels.kind),
    ...called('cause', labels.cause),
  ];
}
