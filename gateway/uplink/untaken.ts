/** The alarms that no operator has taken or closed yet, for platforms whose protocol names none when it resets them. */
import { readEvent, typePrefix } from '../../config/catalogue/events.ts';
import type { Journal } from '../journal/index.ts';

/** Urgent events that are looked at: what is older waits for an operator. */
const LOOKED_AT = 500;

export interface Untaken {
  readonly sequence: number;
  /** The event, JSON, as the journal has it. */
  readonly body: string;
}

/** The newest first. @throws JournalError. */
export async function untakenAlarms(
  journal: Pick<Journal, 'readBack' | 'last'>,
): Promise<readonly Untaken[]> {
  const taken = new Set<unknown>();
  const found: Untaken[] = [];
  for (const { id, sequence, body } of await journal.readBack(
    'urgent',
    journal.last('urgent') + 1,
    LOOKED_AT,
  )) {
    const event = readEvent(body);
    const type = event?.type.slice(typePrefix.length) ?? '';
    // A follow-up is younger than its alarm, so it was seen before.
    for (const word of ['acknowledged', 'closed'])
      if (type === `alarm.${word}`) taken.add((event?.data[word] as { event?: unknown } | undefined)?.event);
    if (type === 'alarm.raised' && !taken.has(id)) found.push({ sequence, body });
  }
  return found;
}
