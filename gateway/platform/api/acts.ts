/**
 * An operator takes an alarm, or closes it: at its campus, by a command, and the answer of the campus counts. The first
 * one wins, here and at the campus; who comes second hears who it was.
 */
import { type Clock, within } from '../../../drivers/contract/clock.ts';
import type { Log } from '../../../drivers/contract/driver.ts';
import type { ActOutcome, ActReason, AlarmView } from '../views.ts';
import type { PatientReads } from './database.ts';

/** Asks a campus for something. Rejects where the broker is away. */
export type SendCommand = (
  prefix: string,
  target: string,
  action: string,
  args: object,
) => Promise<{ readonly done: boolean; readonly reason?: string; readonly result?: object }>;

export type ActName = 'acknowledge' | 'close';

export interface Act {
  readonly action: ActName;
  /** The id of the alarm. */
  readonly alarm: string;
  /** The number of its campus; undefined: it is asked for by its id alone. */
  readonly campus: string | undefined;
  /** As the events have it. */
  readonly by: string;
  /** The address of who asks, for the audit. */
  readonly from: string;
  /** Beside what names the alarm and the operator. */
  readonly more: Readonly<Record<string, string>>;
}

export interface ActsOptions {
  readonly reads: PatientReads;
  readonly command: SendCommand;
  readonly time: Clock;
  readonly log: Log;
  /** For what is counted. */
  readonly onOutcome?: (action: ActName, outcome: ActOutcome) => void;
}

/** undefined: there is no such alarm; `several`: campuses have one of that id. Rejects with DatabaseError. */
export type Acts = (act: Act) => Promise<ActOutcome | 'several' | undefined>;
/** Whose it is, is known. */
type CampusAct = Act & { readonly campus: string };

/** An operator waits no longer. */
const PATIENCE_MS = 20_000;
/** What was done comes back as an event: so long the answer waits for it. */
const SEEN_WITHIN_MS = 2000;
const LOOK_EACH_MS = 50;
const DETAIL_MAX = 300;

class NoAnswer extends Error {}

const refused = (reason: ActReason, detail?: string): ActOutcome => ({
  done: false,
  reason,
  ...(detail !== undefined && { detail: detail.slice(0, DETAIL_MAX) }),
});

/** Who did it, where somebody has: nothing is left to do. Who does it again, as by a double click, hears no refusal. */
function alreadyDone(
  { action, by, more }: CampusAct,
  { acknowledged, closed }: AlarmView,
): ActOutcome | undefined {
  const again: ActOutcome = { done: true, ms: 0 };
  if (closed !== undefined) {
    const isSame = action === 'close' && closed.by === by && closed.reason === more['reason'];
    return isSame ? again : { done: false, reason: 'closed', by: closed.by, at: closed.at };
  }
  if (action === 'close' || acknowledged === undefined) return undefined;
  if (acknowledged.by === by) return again;
  return { done: false, reason: 'taken', by: acknowledged.by, at: acknowledged.at };
}

export function createActs({ reads, command, time, log, onOutcome }: ActsOptions): Acts {
  const running = new Map<
    string,
    { readonly by: string; readonly outcome: Promise<ActOutcome | undefined> }
  >();

  const alarmOf = async ({ alarm, campus }: CampusAct): Promise<AlarmView | undefined> => {
    const found = await reads.alarm(alarm, campus);
    return found === 'several' ? undefined : found;
  };
  const note = (act: CampusAct, more: object) => {
    const { action, alarm, campus, by, from } = act;
    const entry = { kind: 'alarm', action, alarm, campus, user: by, from, ...act.more, ...more };
    return reads.audit(time.wall(), JSON.stringify(entry));
  };
  /** It waits a little for the event, so that the page shows what was done; whose name that bears was first. */
  const seen = async (act: CampusAct): Promise<ActOutcome | undefined> => {
    const { action, by } = act;
    for (const until = time.elapsed() + SEEN_WITHIN_MS; time.elapsed() < until; ) {
      const alarm = await alarmOf(act).catch(() => undefined);
      const what = action === 'close' ? alarm?.closed : alarm?.acknowledged;
      if (what !== undefined && what.by !== by)
        return { done: false, reason: action === 'close' ? 'closed' : 'taken', by: what.by, at: what.at };
      if (what !== undefined) return undefined;
      await time.wait(LOOK_EACH_MS);
    }
    return undefined;
  };
  const ask = async (act: CampusAct, alarm: AlarmView): Promise<ActOutcome> => {
    const campus = await reads.campus(alarm.campus.id);
    if (campus === undefined || campus.state === 'withdrawn') return refused('withdrawn');
    // A command would wait for it, and the operator for nothing.
    if (campus.reasons.some((one) => one === 'offline' || one === 'stopped')) return refused('offline');
    const wanted = { event: alarm.id, sequence: alarm.sequence, by: act.by, ...act.more };
    const begun = time.elapsed();
    try {
      const asked = command(campus.prefix, 'gateway', act.action, wanted);
      const { done, reason = '' } = await within(asked, PATIENCE_MS, time, () => new NoAnswer());
      if (!done) return reason === 'no-answer' ? refused(reason) : refused('refused', reason);
      const ms = Math.max(0, Math.round(time.elapsed() - begun));
      return (await seen(act)) ?? { done: true, ms };
    } catch (error) {
      if (error instanceof NoAnswer) return refused('no-answer');
      log.warn({ campus: campus.id, error: (error as Error).message }, 'a command could not be sent');
      return refused('broker');
    }
  };
  const perform = async (act: CampusAct): Promise<ActOutcome | undefined> => {
    const alarm = await alarmOf(act);
    if (alarm === undefined) return undefined;
    const before = alreadyDone(act, alarm);
    if (before !== undefined) return before;
    if (alarm.sequence === '0') return refused('not-numbered');
    // Nothing is done that the audit does not have.
    await note(act, {});
    const outcome = await ask(act, alarm);
    await note(act, { outcome }).catch(() => {});
    onOutcome?.(act.action, outcome);
    return outcome;
  };
  const ofCampus = async (act: Act): Promise<CampusAct | 'several' | undefined> => {
    const { alarm, campus } = act;
    if (campus !== undefined) return { ...act, campus };
    const found = await reads.alarm(alarm);
    return found === undefined || found === 'several' ? found : { ...act, campus: found.campus.id };
  };
  return async (asked) => {
    const act = await ofCampus(asked);
    if (act === undefined || act === 'several') return act;
    const key = `${act.action} ${act.campus} ${act.alarm}`;
    for (let one = running.get(key); one !== undefined; one = running.get(key)) {
      const outcome = await one.outcome;
      // A double click is one act.
      if (one.by === act.by) return outcome;
      if (outcome === undefined) return undefined;
      if (outcome.done)
        return {
          ...{ done: false, reason: act.action === 'close' ? 'closed' : 'taken', by: one.by },
          at: new Date(time.wall()).toISOString(),
        };
      if (running.get(key) === one) running.delete(key);
    }
    const outcome = perform(act).finally(() => {
      if (running.get(key)?.outcome === outcome) running.delete(key);
    });
    running.set(key, { by: act.by, outcome });
    return await outcome;
  };
}
