/** What was done about a thing that alarmed, in the order of time. */
import type { Raising } from '../../contract/alarms.ts';

type Act = 'raised' | 'confirmed' | 'acknowledged' | 'ended' | 'closed';
export interface Step {
  readonly act: Act;
  readonly at: string;
  readonly raising: Raising;
  /** Of so many alarms at once: who takes or closes a thing does it to each of its alarms. */
  readonly times: number;
}

/** Those of one alarm, as they follow on each other where their times are alike. */
function stepsOf(raising: Raising): readonly Step[] {
  const { time, confirmed, acknowledged, ended, closed } = raising;
  const at = {
    raised: time,
    confirmed: confirmed?.at,
    acknowledged: acknowledged?.at,
    ended: ended?.at,
    closed: closed?.at,
  };
  return Object.entries(at).flatMap(([act, moment]) =>
    moment === undefined ? [] : [{ act: act as Act, at: moment, raising, times: 1 }],
  );
}

/** What makes two of them one, where nothing lies between them; undefined: nothing does. */
function sameOf({ act, raising }: Step): string | undefined {
  if (act === 'raised') return undefined;
  const { at: _at, ...said } = raising[act] ?? { at: '' };
  return JSON.stringify([act, said]);
}
/** Many alarms are taken and closed one after the other, no faster than the console may command. */
const ONE_ACT_MS = 60_000;
const momentOf = ({ at }: Step) => Date.parse(at);

/** @param raisings the newest first. @returns the newest step first. */
export function stepsInTime(raisings: readonly Raising[]): readonly Step[] {
  // From the oldest on: what is alike in time stays as it follows on each other.
  const all = [...raisings].reverse().flatMap(stepsOf);
  const steps: Step[] = [];
  for (const step of all.sort((one, other) => momentOf(one) - momentOf(other))) {
    const last = steps.at(-1);
    const same = sameOf(step);
    const isOne =
      last !== undefined &&
      same !== undefined &&
      same === sameOf(last) &&
      momentOf(step) - momentOf(last) < ONE_ACT_MS;
    if (isOne) steps[steps.length - 1] = { ...step, times: last.times + 1 };
    else steps.push(step);
  }
  return steps.reverse();
}
