/**
 * An operator takes an alarm, or closes it: at its campus, by a command, and the answer of the campus counts. The first
 * one wins, here and at the campus; who comes second hears who it was.
 *
 * What its campus cannot close would stand for ever: of one that is withdrawn or silent, or that knows no such alarm, as after
 * its disk was changed. `here` closes it in the city's database alone, then and only then.
 */
import { type Clock, within } from '../../../drivers/contract/clock.ts';
import type { Log } from '../../../drivers/contract/driver.ts';
import type { ActOutcome, ActReason, AlarmView, CampusView } from '../views.ts';
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
  /** At the desk alone, where the campus cannot. */
  readonly here: boolean;
  /** Beside what names the alarm and the operator. */
  readonly more: Readonly<Record<string, string>>;
}

export interface ActsOptions {
  readonly reads: PatientReads;
  readonly command: SendCommand;
  /** Why what is sent to a campus could not be signed, though it must be. */
  readonly cannotSign?: (prefix: string) => string | undefined;
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

/** In the words of a gateway (gateway/alarms/operators.ts). */
const refusalOf = (reason: string, { id }: AlarmView): ActOutcome =>
  reason === 'no-answer'
    ? refused(reason)
    : refused(
        reason.startsWith(`there is no alarm ${id} with the sequence `) ? 'unknown-alarm' : 'refused',
        reason,
      );

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

export function createActs({
  reads,
  command,
  cannotSign = () => undefined,
  time,
  log,
  onOutcome,
}: ActsOptions): Acts {
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
    const entry = {
      ...{ kind: 'alarm', action, alarm, campus, user: by, from },
      ...{ ...(act.here && { here: true }), ...act.more, ...more },
    };
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
  const ask = async (act: CampusAct, alarm: AlarmView, campus: CampusView): Promise<ActOutcome> => {
    // A command would wait for it, and the operator for nothing.
    if (campus.reasons.some((one) => one === 'offline' || one === 'stopped')) return refused('offline');
    if (alarm.sequence === '0') return refused('not-numbered');
    // It would be refused as if it were not allowed.
    const why = cannotSign(campus.prefix);
    if (why !== undefined) return refused('cannot-sign', why);
    const wanted = { event: alarm.id, sequence: alarm.sequence, by: act.by, ...act.more };
    const begun = time.elapsed();
    try {
      const asked = command(campus.prefix, 'gateway', act.action, wanted);
      const { done, reason = '' } = await within(asked, PATIENCE_MS, time, () => new NoAnswer());
      if (!done) return refusalOf(reason, alarm);
      const ms = Math.max(0, Math.round(time.elapsed() - begun));
      return (await seen(act)) ?? { done: true, ms };
    } catch (error) {
      if (error instanceof NoAnswer) return refused('no-answer');
      log.warn({ campus: campus.id, error: (error as Error).message }, 'a command could not be sent');
      return refused('broker');
    }
  };
  const atDesk = async (act: CampusAct): Promise<ActOutcome> => {
    const { action, alarm, campus, by, more } = act;
    const what = action === 'close' ? 'closed' : 'acknowledged';
    const { reason, note: words } = more;
    if (await reads.desk({ what, alarm, campus, by, at: time.wall(), reason, note: words }))
      return { done: true, ms: 0, here: true };
    const now = await alarmOf(act);
    const first = now?.closed ?? now?.acknowledged;
    return {
      ...{ done: false, reason: now?.closed === undefined ? 'taken' : 'closed' },
      ...{ by: first?.by, at: first?.at },
    };
  };
  const askOrNote = async (act: CampusAct, alarm: AlarmView): Promise<ActOutcome> => {
    const campus = await reads.campus(act.campus);
    const isWithdrawn = campus === undefined || campus.state === 'withdrawn';
    if (act.here && (isWithdrawn || campus.state === 'silent')) return await atDesk(act);
    if (isWithdrawn) return refused('withdrawn');
    const outcome = await ask(act, alarm, campus);
    const isUnknown = !outcome.done && outcome.reason === 'unknown-alarm';
    return act.here && isUnknown ? await atDesk(act) : outcome;
  };
  const perform = async (act: CampusAct): Promise<ActOutcome | undefined> => {
    const alarm = await alarmOf(act);
    if (alarm === undefined) return undefined;
    const before = alreadyDone(act, alarm);
    if (before !== undefined) return before;
    // Nothing is done that the audit does not have.
    await note(act, {});
    const outcome = await askOrNote(act, alarm);
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
    const key = `${act.action} ${act.campus} ${act.alarm} ${act.here}`;
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
