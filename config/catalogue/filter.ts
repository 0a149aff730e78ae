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

/**
 * Which events a platform gets: what its config names, of what its protocol has a word for (`carries`; undefined: all), and
 * of pictures nothing unless it says so.
 */
export function wantsOf({
  events,
  pictures,
  carries,
}: {
  readonly events: readonly string[];
  readonly pictures: boolean;
  readonly carries?: readonly string[] | undefined;
}) {
  const named = eventFilter(events);
  const carried = eventFilter(carries ?? ['*']);
  return (type: EventType) => named(type) && carried(type) && (pictures || classOf(type) !== 'media');
}
