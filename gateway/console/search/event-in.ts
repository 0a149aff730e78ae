/** The event of a row, as `readEvent` of the catalogue reads it, which would bring all of zod into the thread of the search. */
import type { Event } from '../../../config/catalogue/events.ts';

/** undefined: its bytes are not what was written. */
export function eventIn(body: string): Event | undefined {
  try {
    const event = JSON.parse(body) as Event;
    return typeof event.data === 'object' && event.data !== null ? event : undefined;
  } catch {
    return undefined;
  }
}
