/** What an event carries, as far as a page says it in words. */
import type { EventsPage, FoundEvent } from '../../../contract/events.ts';
import { nameOf } from '../../kit/me.ts';
import { label } from '../../kit/words.ts';

type Members = Readonly<Record<string, unknown>>;
export const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null ? (value as Members) : {};
export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;

export type Persons = EventsPage['persons'];
/** An id of the school's, with the name that its list gives. */
export const personOf = (id: string, persons: Persons): string => {
  const known = persons[id];
  return known === undefined ? id : [known.name, known.class, id].filter(Boolean).join(' · ');
};
export const childrenOf = (data: Members): readonly string[] => {
  const { children } = membersOf(data['access']);
  return Array.isArray(children) ? children.map(String) : [];
};
export const cardOf = (data: Members): string | undefined => {
  const { facility, number, format, erased } = membersOf(data['credential']);
  if (erased === true) return '—';
  const named = [textOf(facility), textOf(number)].filter(Boolean).join('-');
  return named || (format === undefined ? undefined : label('credential', String(format)));
};
/** What an operator said of an alarm. */
export const factOf = ({ type, data }: Pick<FoundEvent, 'type' | 'data'>): Members =>
  membersOf(data[type.slice(type.indexOf('.') + 1)]);

/** Where it was: device, and zone or door. */
export function whereOf({ device, subject, data }: FoundEvent): string {
  const zone = membersOf(data['zone']);
  const place = textOf(zone['name']) ?? textOf(zone['id']) ?? textOf(zone['number']) ?? subject;
  const named = textOf(membersOf(data['device'])['name']) ?? nameOf(device);
  return [named, place !== undefined && place !== device && nameOf(place)].filter(Boolean).join(' · ');
}

/** What it was beside its type. */
export function whatOf(event: FoundEvent, persons: Persons): string {
  const { data } = event;
  const access = membersOf(data['access']);
  const visit = membersOf(data['visit']);
  const fact = factOf(event);
  const holder = textOf(access['holder']);
  const details = membersOf(data['details']);
  const told = [
    label('kind', event.type.startsWith('alarm.') ? textOf(data['kind']) : undefined),
    label('cause', textOf(data['cause'])),
    label('reason', textOf(access['reason'])),
    holder === undefined ? cardOf(data) : personOf(holder, persons),
    ...childrenOf(data).map((child) => personOf(child, persons)),
    textOf(visit['name']),
    textOf(data['text']),
    label('closeReason', textOf(fact['reason'])),
    textOf(fact['note']),
    // Of one that was confirmed this is the id of what confirms it.
    event.type === 'alarm.confirmed' ? undefined : textOf(fact['by']),
    label('action', textOf(details['action'])),
    textOf(details['target']) && nameOf(textOf(details['target'])),
    label('reason', textOf(details['reason'])),
  ];
  // What its type says is not said again.
  return [...new Set(told)].filter((one) => one && one !== label('type', event.type)).join(' · ');
}
