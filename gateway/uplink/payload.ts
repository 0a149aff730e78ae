/** An event as it goes over the wire: the journal's JSON, its place in the order, and nothing that must stay. */
import { createHmac } from 'node:crypto';
import type { Credential } from '../../drivers/contract.ts';
import { type Lane, readEvent } from '../event.ts';

/** CloudEvents over MQTT, structured mode (MQTT protocol binding 1.0, 3.2). */
export const EVENT_CONTENT_TYPE = 'application/cloudevents+json; charset=utf-8';

/** Where an event stands: its number, the one sent before it in its lane, and the journal that numbers. */
export interface Place {
  readonly sequence: number;
  readonly previous: number;
  readonly lane: Lane;
  readonly journal: string;
}

/** What of a card leaves the campus. */
export interface Privacy {
  /** What its number is replaced by; undefined: numbers leave as they are. */
  readonly cardKey: Buffer | undefined;
  /** Whether the ids of their holders leave. */
  readonly holders: boolean;
}
/** For the campus's own record. */
export const everything: Privacy = { cardKey: undefined, holders: true };

/** undefined: the event cannot be read any more, and so it cannot be known what of it must stay. */
export function payloadOf(
  { type, body }: { readonly type: string; readonly body: string },
  { sequence, previous, lane, journal }: Place,
  privacy: Privacy,
): string | undefined {
  const hides = privacy.cardKey !== undefined || !privacy.holders;
  const event = hides && type.startsWith('access.') ? hideCard(body, privacy) : body;
  if (event === undefined) return undefined;
  // The body is our own JSON object: more members fit before its last brace.
  return `${event.slice(0, -1)},"sequence":"${sequence}","previous":"${previous}","lane":"${lane}","journal":"${journal}"}`;
}

function hideCard(body: string, { cardKey, holders }: Privacy): string | undefined {
  const event = readEvent(body);
  if (event === undefined) return undefined;
  const { credential, access, ...data } = event.data as {
    credential?: Credential;
    access?: { holder?: string };
  };
  // Doors have access events too, and no card.
  if (credential === undefined) return body;
  const { number, facility, ...rest } = credential;
  const hash = () =>
    createHmac('sha256', cardKey ?? '')
      .update(`${facility ?? ''}/${number}`)
      .digest('base64url');
  const { holder: _holder, ...decision } = access ?? {};
  return JSON.stringify({
    ...event,
    data: {
      ...data,
      credential: cardKey === undefined ? credential : { ...rest, hash: hash() },
      ...(access !== undefined && { access: holders ? access : decision }),
    },
  });
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
