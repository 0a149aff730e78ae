/** What somebody does about an alarm, at its campus; and what came of it, beside the alarm. */
import { signal } from '@preact/signals';
import { post } from '../../console/web/kit/api.ts';
import { momentOf, numberOf } from '../../console/web/kit/format.ts';
import { label, t } from '../../console/web/kit/words.ts';
import type { ActOutcome, AlarmView } from '../views.ts';
import { campuses } from './city.ts';
import { alarmKey } from './order.ts';
import { actReason, duty } from './words/city.ts';

/** By the keys of alarms: what the campus said last, to this page. */
export const outcomes = signal<ReadonlyMap<string, ActOutcome | 'asking'>>(new Map());
const OUTCOMES_MAX = 500;

function note(key: string, outcome: ActOutcome | 'asking' | undefined): void {
  const all = new Map(outcomes.value);
  all.delete(key);
  if (outcome !== undefined) all.set(key, outcome);
  outcomes.value = new Map([...all].slice(-OUTCOMES_MAX));
}

async function act(alarm: AlarmView, what: 'acknowledge' | 'close', body: object): Promise<ActOutcome> {
  const key = alarmKey(alarm);
  const path = `/api/alarms/${encodeURIComponent(alarm.id)}/${what}?campus=${encodeURIComponent(alarm.campus.id)}`;
  note(key, 'asking');
  try {
    const outcome = await post<ActOutcome>(path, body);
    note(key, outcome);
    return outcome;
  } catch (error) {
    note(key, undefined);
    throw error;
  }
}

/** Whether only the desk can: its campus is away, or knows no such alarm. A signal is read. */
export function isForDesk(alarm: AlarmView): boolean {
  const state = campuses.data.value?.get(alarm.campus.id)?.state;
  const outcome = outcomes.value.get(alarmKey(alarm));
  const isUnknown =
    typeof outcome === 'object' && (outcome.done ? outcome.here : outcome.reason === 'unknown-alarm');
  return state === 'silent' || state === 'withdrawn' || isUnknown === true;
}
const where = (alarm: AlarmView) => (isForDesk(alarm) ? { here: true } : {});

/** @throws ApiError where the platform itself did not do it; what the campus said is no error. */
export const acknowledge = (alarm: AlarmView): Promise<ActOutcome> => act(alarm, 'acknowledge', where(alarm));
export function closeAlarm(alarm: AlarmView, reason: string, note: string): Promise<ActOutcome> {
  const said = note.trim();
  return act(alarm, 'close', { ...where(alarm), reason, ...(said !== '' && { note: said }) });
}

/** What came of it, in words. */
export function outcomeWords(outcome: ActOutcome): string {
  if (outcome.done && outcome.here) return t(duty.notedHere);
  if (outcome.done) return t(duty.tookMs, { ms: numberOf(outcome.ms) });
  const { reason, by = '', at, detail } = outcome;
  const time = at === undefined ? '' : momentOf(at);
  return t(actReason[reason], { who: by, time, why: detail === undefined ? '' : label('reason', detail) });
}
