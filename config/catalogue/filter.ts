/** Which events a pattern names: `alarm.*`, `device.offline`, `*`. */
import { classOf, type EventType, eventTypes } from './events.ts';

export function matches(pattern: string, type: EventType): boolean {
  return (
    pattern === '*' || pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1)))
  );
}

/** The types that any of the patterns names. */
export function eventFilter(patterns: readonly string[]): (type: EventType) => boolean {
  const wanted = new Set(eventTypes.filter((type) => patterns.some((pattern) => matches(pattern, type))));
  return (type) => wanted.has(type);
}

/** Which events a platform gets: what its config names, and of pictures nothing unless it says so. */
export function wantsOf({
  events,
  pictures,
}: {
  readonly events: readonly string[];
  readonly pictures: boolean;
}) {
  const named = eventFilter(events);
  return (type: EventType) => named(type) && (pictures || classOf(type) !== 'media');
}
