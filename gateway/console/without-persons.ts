/**
 * An event for those who may not see persons: that somebody passed, where, when and how it was decided stays; who it was
 * goes. Pure.
 */
import type { Event } from '../../config/catalogue/events.ts';

/** Of what a terminal tells beside a card, a face or a visit, what says nothing about a person. */
const IMPERSONAL: ReadonlySet<string> = new Set(['part', 'match']);

/** What of a visit is about the visit. */
const VISIT = ['id', 'stage', 'until'] as const;

type Members = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The same event without names and numbers of persons. `raw` of a card has its number; `text` and the details of a card or a
 * visit are what a terminal likes to say of whom it saw.
 */
export function withoutPersons<E extends Pick<Event, 'data'>>(event: E): E {
  const { data } = event;
  const { credential, access, visit, text: _text, raw: _raw, details, ...rest } = data;
  if (credential === undefined && access === undefined && visit === undefined) return event;
  const left = isObject(details) ? Object.entries(details).filter(([name]) => IMPERSONAL.has(name)) : [];
  const isErased = isObject(credential) && credential['erased'] === true;
  return {
    ...event,
    data: {
      ...rest,
      ...(isObject(credential) && {
        credential: { format: credential['format'], ...(isErased && { erased: true }) },
      }),
      ...(isObject(access) && { access: anonymous(access) }),
      ...(isObject(visit) && { visit: Object.fromEntries(VISIT.map((name) => [name, visit[name]])) }),
      ...(left.length > 0 && { details: Object.fromEntries(left) }),
    },
  };
}

function anonymous({ holder: _holder, children: _children, ...decision }: Members): Members {
  return decision;
}
