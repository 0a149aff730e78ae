/**
 * Which of what a terminal says it said before. What is told twice by mistake can be seen and is put up with; what is
 * taken for a repeat by mistake is an alarm that is lost. So it is a repeat
 *
 * - with the same number and time, and of the same person, for a day: what was missed is fetched, what was kept sent again;
 * - of who passes, with the same number and bytes, where no time is said;
 * - with the same bytes and a time of now, within a minute, and no word between that it ended or began;
 * - else with the same bytes, where nobody heard the answer to them: then they were sent again.
 *
 * A number of 0 is none (the profiles say so), and a clock that was never set or stands still says no time.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../contract/clock.ts';
import type { DeviceObservation, Observation } from '../contract/observation.ts';
import { type Mapped, OLDEST } from './mapping.ts';

/** What became of the answer: on its way, with the terminal, or lost: then it sends the same again. */
export type Hearing = () => 'pending' | 'heard' | 'lost';

const KEY_WITHIN_MS = 86_400_000;
const SAME_WITHIN_MS = 60_000;
/** A time that is no older is of now: clocks are a little apart, and terminals try for a while. */
const FRESH_MS = 120_000;
/** A clock that says the same for so long stands still; two things in one second are no more than that apart. */
const STANDS_MS = 10_000;
/** Of a message, each. */
const REMEMBERED_MAX = 5000;

interface Said {
  /** What it was told under. */
  readonly key: string;
  /** How often it was new. */
  readonly count: number;
  readonly turn: number;
  readonly hearing: Hearing;
}

/** What an event says, as far as another way to be told says it too. */
function meaningOf(one: Mapped, { kind, state, zone, cause = '', details }: DeviceObservation): string {
  const who =
    one.kind === 'credential'
      ? one.credential.number
      : one.kind === 'visit'
        ? `${one.visit.id}/${one.visit.stage}`
        : one.who;
  const parts = [kind, state, zone?.number, cause, details?.['partition'], who, one.nth];
  return parts.filter((part) => part !== undefined && part !== '').join('/');
}

/** @returns of a message, given its bytes: the repeat of each of its events, in their order. */
export function createRepeats(device: string, clock: Pick<Clock, 'wall' | 'elapsed'>) {
  const told = new Map<string, Said>();
  const turnOf = createTurns();
  const standsAt = createStanding(clock);

  const again = (
    base: string,
    within: number,
    { turn, hearing, mayBeHeard }: Pick<Said, 'turn' | 'hearing'> & { readonly mayBeHeard: boolean },
  ): NonNullable<Observation['repeat']> => {
    const before = told.get(base);
    told.delete(base);
    const isAgain =
      before === undefined || before.hearing() === 'lost' || (mayBeHeard && before.turn === turn);
    const count = before === undefined ? 0 : isAgain ? before.count : before.count + 1;
    const key = count === 0 ? base : `${base}/again-${count}`;
    told.set(base, { key, count, turn, hearing });
    for (const [oldest] of told) {
      if (told.size <= REMEMBERED_MAX) break;
      told.delete(oldest);
    }
    return { key: `http-push/${device}/${key}`, within };
  };

  return (bytes: Buffer, { hearing, isToldOnce }: { hearing: Hearing; isToldOnce: boolean }) => {
    let digest: string | undefined;
    const digestOf = () => {
      digest ??= createHash('sha256').update(bytes).digest('base64');
      return digest;
    };
    return (one: Mapped, observation: DeviceObservation, i: number): Observation['repeat'] => {
      const { at, past } = observation;
      const meaning = meaningOf(one, observation);
      const said = at !== undefined && at.time >= OLDEST ? at.time : undefined;
      const isStanding = said !== undefined && past !== true && standsAt(said, meaning);
      const turn = past === true ? 0 : turnOf(observation);
      // Only a change of it is told.
      if (observation.initial === true) return undefined;
      const time = isStanding ? undefined : said;
      if (one.key !== undefined && time !== undefined)
        return { key: `http-push/${device}/${one.key}/${time}/${meaning}`, within: KEY_WITHIN_MS };
      const isOfSomebody = one.kind === 'credential' || one.kind === 'visit';
      if (one.key !== undefined && at === undefined && isOfSomebody)
        return again(`${one.key}/${digestOf()}/${meaning}`, KEY_WITHIN_MS, {
          turn,
          hearing,
          mayBeHeard: true,
        });
      // Of a stream, of which nobody sends anything again.
      if (isToldOnce) return undefined;
      const mayBeHeard = time !== undefined && Math.abs(clock.wall() - time) <= FRESH_MS;
      return again(`${digestOf()}/${i}`, SAME_WITHIN_MS, { turn, hearing, mayBeHeard });
    };
  };
}

/** Doors and inputs of one terminal, with what they can be. */
const STATES_MAX = 5000;

/** Counts how often something began and ended: what began anew is another thing, whatever it is called. */
function createTurns() {
  const turns = new Map<string, { readonly state: string; readonly count: number }>();
  return ({ kind, state, zone, details }: DeviceObservation): number => {
    if (kind === 'credential' || kind === 'visit') return 0;
    const what = `${kind}/${zone?.number ?? ''}/${details?.['partition'] ?? ''}`;
    const last = turns.get(what);
    if (last?.state === state) return last.count;
    const count = (last?.count ?? 0) + 1;
    if (turns.size < STATES_MAX || last !== undefined) turns.set(what, { state, count });
    return count;
  };
}

/** Whether a terminal's clock stands still: it said this very time before, of something else, a while ago. */
function createStanding(clock: Pick<Clock, 'elapsed'>) {
  let last: { readonly time: number; readonly since: number; readonly meaning: string } | undefined;
  let standsAt: number | undefined;
  return (time: number, meaning: string): boolean => {
    const now = clock.elapsed();
    if (last?.time !== time) last = { time, since: now, meaning };
    else if (last.meaning !== meaning && now - last.since > STANDS_MS) standsAt = time;
    return time === standsAt;
  };
}
