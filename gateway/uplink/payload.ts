/** An event as it goes over the wire: the journal's JSON, its place in the order, and nothing that must stay. */
import { createHmac } from 'node:crypto';
import { readEvent } from '../../config/catalogue/events.ts';
import type { UplinkConfig } from '../../config/sections/uplinks.ts';
import { normalNumber } from '../../drivers/contract/card.ts';
import type { Lane } from '../../drivers/contract/lane.ts';
import type { Credential, Observation, Visit } from '../../drivers/contract/observation.ts';

/** Where an event stands: its number, the one sent before it in its lane, and the journal that numbers. */
export interface Place {
  readonly sequence: number;
  readonly previous: number;
  readonly lane: Lane;
  readonly journal: string;
}

/** What of persons leaves the campus. */
export interface Privacy {
  /** What card numbers are replaced by; undefined: they leave as they are. */
  readonly cardKey: Buffer | undefined;
  /** Whether the school's ids of those who show cards leave. */
  readonly holders: boolean;
  /** Whether the ids of children who are picked up leave. */
  readonly children: boolean;
  /** Whether names of visitors, and texts of terminals, leave. */
  readonly names: boolean;
  /** Whether pictures and what names them leave. */
  readonly pictures: boolean;
}
/** For the campus's own record. */
export const everything: Privacy = {
  cardKey: undefined,
  holders: true,
  children: true,
  names: true,
  pictures: true,
};
/** What the config of an uplink says. */
export function privacyOf(
  {
    cardNumbers,
    holders,
    children,
    names,
    pictures,
  }: Pick<UplinkConfig, 'cardNumbers' | 'holders' | 'children' | 'names' | 'pictures'>,
  key: Buffer,
): Privacy {
  return { cardKey: cardNumbers === 'hashed' ? key : undefined, holders, children, names, pictures };
}

/** undefined: the event cannot be read any more, and so it cannot be known what of it must stay. */
export function payloadOf(
  { type, body }: { readonly type: string; readonly body: string },
  { sequence, previous, lane, journal }: Place,
  privacy: Privacy,
): string | undefined {
  const personal = type.startsWith('access.') || type.startsWith('visitor.');
  const pictured = !privacy.pictures && !type.startsWith('media.') && body.includes('"picture":');
  const event = personal || pictured ? hide(body, privacy) : body;
  if (event === undefined) return undefined;
  // The body is our own JSON object: more members fit before its last brace.
  return `${event.slice(0, -1)},"sequence":"${sequence}","previous":"${previous}","lane":"${lane}","journal":"${journal}"}`;
}

/** Of the details of a card or a visit, those that say nothing about a person. */
const IMPERSONAL = ['part', 'match'];

function hide(body: string, privacy: Privacy): string | undefined {
  const event = readEvent(body);
  if (event === undefined) return undefined;
  const { cardKey, holders, children, names, pictures } = privacy;
  const { credential, access, visit, picture, text, details, raw, ...data } = event.data as {
    credential?: Credential;
    access?: NonNullable<Observation['access']>;
    visit?: Visit;
    picture?: string;
    text?: string;
    details?: Readonly<Record<string, unknown>>;
    raw?: string;
  };
  const about = credential !== undefined || visit !== undefined;
  const { holder, children: own, ...decision } = access ?? {};
  const { name: _name, host: _host, purpose: _purpose, ...bare } = visit ?? {};
  const left = Object.entries(details ?? {}).filter(([key]) => !about || names || IMPERSONAL.includes(key));
  return JSON.stringify({
    ...event,
    data: {
      ...data,
      ...(credential !== undefined && { credential: hideNumber(credential, cardKey) }),
      ...(access !== undefined && {
        access: {
          ...decision,
          ...(holder !== undefined && holders && { holder }),
          ...(own !== undefined && children && { children: own }),
        },
      }),
      ...(visit !== undefined && { visit: names ? visit : bare }),
      ...(picture !== undefined && pictures && { picture }),
      ...(text !== undefined && (!about || names) && { text }),
      ...(left.length > 0 && { details: Object.fromEntries(left) }),
      ...(raw !== undefined && (!about || cardKey === undefined) && { raw }),
    },
  });
}

function hideNumber(credential: Partial<Credential>, cardKey: Buffer | undefined) {
  if (cardKey === undefined) return credential;
  const { number, facility, ...rest } = credential;
  // Erased on request.
  if (number === undefined) return credential;
  // One card has one hash, with leading zeros and without.
  const hash = createHmac('sha256', cardKey)
    .update(`${facility ?? ''}/${normalNumber(number)}`)
    .digest('base64url');
  return { ...rest, hash };
}

/** The body of a piece of a picture with its content, base64. */
export function withContent(body: string, content: string | undefined): string {
  const event = readEvent(body);
  if (event === undefined || content === undefined) return body;
  return JSON.stringify({ ...event, data: { ...event.data, content } });
}

/** What an event can do without, the least needed first. */
const DISPENSABLE = ['raw', 'details', 'text', 'code'] as const;

/**
 * A payload within `limit` bytes: what is dispensable goes, and `data.reduced` names it. undefined: it does not fit
 * even so.
 */
export function fitting(payload: string, limit: number): string | undefined {
  // A UTF-16 unit is three bytes of UTF-8 at most: most payloads need no counting.
  if (payload.length * 3 <= limit || Buffer.byteLength(payload) <= limit) return payload;
  const event = readEvent(payload);
  if (event === undefined) return undefined;
  let data: Readonly<Record<string, unknown>> = event.data;
  const reduced: string[] = [];
  for (const name of DISPENSABLE) {
    if (data[name] === undefined) continue;
    const { [name]: _gone, ...rest } = data;
    reduced.push(name);
    data = { ...rest, reduced };
    const smaller = JSON.stringify({ ...event, data });
    if (Buffer.byteLength(smaller) <= limit) return smaller;
  }
  return undefined;
}
