/** An event for who has no right to know whose card it was. */
import type { Event } from '../../config/catalogue/events.ts';

/** What is left of an event that is about persons. */
export function withoutPersons(event: Event): Event {
  const {
    access: _access,
    visitor: _visitor,
    credential: _credential,
    text: _text,
    details: _details,
    ...data
  } = event.data as Record<string, unknown>;
  return { ...event, data } as Event;
}
