/**
 * The register of visitors: announced, come, gone; and who did not come, or is still there after the time.
 *
 * A visit is a state of the journal until it is over: after a restart the register is as it was. Terminals tell of
 * visits, platforms and people at the school announce and end them by command.
 */
import type { Registry, Result } from '../../config/catalogue/actions.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Observation, Visit } from '../../drivers/contract/observation.ts';
import type { Part } from '../lifecycle/part.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Recorder } from '../road/recorder.ts';
import type { Pass, Stage } from '../road/stage.ts';

export interface VisitorOptions {
  readonly onward: Pass;
  readonly states: Recorder['states'];
  readonly registry: Registry;
  readonly clock: Pick<WallClock, 'now' | 'onStep'>;
  readonly time: Clock;
  readonly log: Log;
}

/** What a terminal says of a visit is put together with what is known. */
export interface Visitors extends Stage, Part {
  start(): void;
  /** All visits that are not over. */
  list(): readonly Visit[];
}

const LOOK_EVERY_MS = 30_000;
/** What comes after what; a visit that is not known may begin anywhere but at its end. */
const follows: Readonly<Record<Visit['stage'], readonly (Visit['stage'] | undefined)[]>> = {
  expected: [undefined, 'expected'],
  arrived: [undefined, 'expected'],
  overdue: ['arrived'],
  left: ['arrived', 'overdue'],
  missed: ['expected'],
};
const refusals: Readonly<Record<string, string>> = {
  expected: 'it was announced before and has begun',
  arrived: 'the visitor came before',
  left: 'the visitor is not here',
};
/** What a visit becomes when its time is over. */
const lateStages: Readonly<Partial<Record<Visit['stage'], Visit['stage']>>> = {
  expected: 'missed',
  arrived: 'overdue',
};

export function createVisitors({ onward, states, registry, clock, time, log }: VisitorOptions): Visitors {
  const list = (): Visit[] =>
    [...states.values()].flatMap(({ raised, event }) =>
      raised && event.data['kind'] === 'visit' ? [event.data['visit'] as Visit] : [],
    );
  const recordVisit = (visit: Visit, observation: Partial<Observation> = {}) =>
    onward({
      device: 'gateway',
      ...observation,
      kind: 'visit',
      state: visit.stage === 'left' || visit.stage === 'missed' ? 'restored' : 'raised',
      visit,
      details: { ...observation.details, part: visit.id },
    });

  /** The next word on a visit, with what is known of it; a string: it does not follow. */
  const completed = (visit: Visit): Visit | string => {
    const known = list().find(({ id }) => id === visit.id);
    if (!follows[visit.stage].includes(known?.stage))
      return refusals[visit.stage] ?? `a visit that is ${known?.stage ?? 'not known'} cannot be that`;
    const said = Object.entries(visit).filter(([, value]) => value !== undefined);
    return { ...known, ...Object.fromEntries(said) } as Visit;
  };
  const advance = async (visit: Visit): Promise<Result> => {
    const whole = completed(visit);
    if (typeof whole === 'string') return { done: false, reason: whole };
    await recordVisit(whole);
    return { done: true };
  };

  const recordLate = () => {
    for (const visit of list()) {
      if (visit.until === undefined || Date.parse(visit.until) > clock.now()) continue;
      const stage = lateStages[visit.stage];
      if (stage === undefined) continue;
      log.warn({ visit: visit.id, stage }, 'the time of a visit is over');
      recordVisit({ ...visit, stage }).catch(() => {});
    }
  };
  let timer: Timer | undefined;
  clock.onStep(recordLate);

  registry.serve({
    'expect-visitor': ({ arguments: { visit, ...rest } }) =>
      advance({ id: visit, stage: 'expected', ...rest }),
    'visitor-arrived': ({ arguments: { visit } }) => advance({ id: visit, stage: 'arrived' }),
    'visitor-left': ({ arguments: { visit } }) => advance({ id: visit, stage: 'left' }),
  });

  return {
    pass(observation) {
      const { visit } = observation;
      if (visit === undefined) return onward(observation);
      const whole = completed(visit);
      if (typeof whole !== 'string') return recordVisit(whole, observation);
      // A terminal that says again what is known.
      log.debug({ visit: visit.id, stage: visit.stage }, whole);
      return Promise.resolve({ sequence: null, id: null, repeated: true });
    },
    list,
    start() {
      timer = time.every(LOOK_EVERY_MS, recordLate);
    },
    async [Symbol.asyncDispose]() {
      timer?.stop();
    },
  };
}
