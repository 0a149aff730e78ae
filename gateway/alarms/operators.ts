/** Operators take alarms and close them: at a platform's desk or at the school's own console. */
import type { ArgumentsOf, Handlers, Result } from '../../config/catalogue/actions.ts';
import { type Event, readEvent, typePrefix } from '../../config/catalogue/events.ts';
import type { Journal } from '../journal/index.ts';
import type { Recorder } from '../road/recorder.ts';

export function operatorHandlers(
  journal: Pick<Journal, 'read'>,
  recordFollowUp: Recorder['recordFollowUp'],
): Handlers<'acknowledge' | 'close'> {
  /** The alarm that is named, by its number and its id. */
  const alarmOf = async ({ event: id, sequence }: ArgumentsOf<'acknowledge'>): Promise<Event | undefined> => {
    const [entry] = await journal.read('urgent', sequence - 1, 1);
    if (entry?.sequence !== sequence || entry.id !== id) return undefined;
    const event = readEvent(entry.body);
    return event?.type === `${typePrefix}alarm.raised` ? event : undefined;
  };
  const note = async (
    wanted: ArgumentsOf<'acknowledge'>,
    record: (alarm: Event) => ReturnType<Recorder['recordFollowUp']>,
  ): Promise<Result> => {
    const alarm = await alarmOf(wanted);
    if (alarm === undefined)
      return {
        done: false,
        reason: `there is no alarm ${wanted.event} with the sequence ${wanted.sequence}`,
      };
    const { sequence } = await record(alarm);
    return { done: true, result: { sequence: String(sequence) } };
  };
  return {
    acknowledge: ({ arguments: wanted, from }) =>
      note(wanted, (alarm) => {
        const { event, by } = wanted;
        return recordFollowUp(alarm, 'alarm.acknowledged', { event, by, uplink: from.id });
      }),
    close: ({ arguments: wanted, from }) =>
      note(wanted, (alarm) => {
        const { event, by, reason, note: words } = wanted;
        const fact = { event, reason, ...(words !== undefined && { note: words }), by, uplink: from.id };
        return recordFollowUp(alarm, 'alarm.closed', fact);
      }),
  };
}
