/**
 * Erasing a person from the journal on request: what their card, their id or their visit said of them goes out of the
 * events; that somebody passed, where and when, stays. Pure but for the table that it is given.
 */
import type Database from 'better-sqlite3';

/** Whom: a card, the school's id of a person (holder or child), or a visit. */
export interface Person {
  readonly card?: { readonly number: string; readonly facility?: number | undefined } | undefined;
  readonly holder?: string | undefined;
  readonly visit?: string | undefined;
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
}

interface PersonalData {
  readonly credential?: { readonly format: string; readonly number?: string; readonly facility?: number };
  readonly access?: { readonly holder?: string; readonly children?: readonly string[] };
  readonly visit?: { readonly id: string; readonly stage: string; readonly until?: string };
  readonly picture?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The body of an event without this person; undefined: it is not about them. */
export function withoutPerson(
  body: string,
  { card, holder, visit }: Person,
): { readonly body: string; readonly picture?: string | undefined } | undefined {
  let event: { readonly data: PersonalData & { readonly text?: string; readonly raw?: string } };
  try {
    event = JSON.parse(body) as typeof event;
    if (typeof event.data !== 'object' || event.data === null) return undefined;
  } catch {
    return undefined;
  }
  const { credential, access, visit: own, picture, text: _text, raw: _raw, details, ...data } = event.data;
  const isCard =
    card !== undefined &&
    credential?.number === card.number &&
    (card.facility === undefined || credential.facility === card.facility);
  const isHolder = holder !== undefined && access?.holder === holder;
  const isChild = holder !== undefined && access?.children?.includes(holder) === true;
  const isVisit = visit !== undefined && own?.id === visit;
  if (!isCard && !isHolder && !isChild && !isVisit) return undefined;
  if (isChild && !isCard && !isHolder) {
    const children = access?.children?.filter((child) => child !== holder);
    return { body: JSON.stringify({ ...event, data: { ...event.data, access: { ...access, children } } }) };
  }
  const { holder: _holder, children, ...decision } = access ?? {};
  return {
    body: JSON.stringify({
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
    }),
    picture,
  };
}

/** Erases in some events, the oldest first; inside a transaction of the caller's. */
export function eraser(db: Database.Database) {
  const look = db.prepare<[number, number], { sequence: number; type: string; body: string }>(
    'SELECT sequence, type, body FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?',
  );
  const update = db.prepare<[string, number]>('UPDATE event SET body = ? WHERE sequence = ?');
  return ({ person, after, limit }: EraseStep): Erased => {
    const looked = look.all(after, limit);
    const pictures: string[] = [];
    let events = 0;
    for (const { sequence, type, body } of looked) {
      if (!type.startsWith('access.') && !type.startsWith('visitor.')) continue;
      const found = withoutPerson(body, person);
      if (found === undefined) continue;
      update.run(found.body, sequence);
      events++;
      if (found.picture !== undefined) pictures.push(found.picture);
    }
    return { looked: looked.length, events, last: looked.at(-1)?.sequence ?? 0, pictures };
  };
}
