/**
 * The register of visitors: announced, come, gone; and who did not come, or is still there after the time.
 *
 * A visit is a state of the journal until it is over: after a restart the register is as it was. Terminals tell of
 * visits, platforms and people at the school announce and end them by command.
 */
import { z } from 'zod';
import type { Result } from '../../config/catalogue/actions.ts';
import { type Log, wrongArgument } from '../../drivers/contract/driver.ts';
import type { Observation, Receipt, Visit } from '../../drivers/contract/observation.ts';
import type { Task } from '../commands/registry.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Recorder } from '../road/recorder.ts';

export interface Visitors {
  /** In place of `record`: what a terminal says of a visit is put together with what is known. */
  take(observation: Observation): Promise<Receipt>;
  /** `expect-visitor`, `visitor-arrived`, `visitor-left`; undefined: it is none of them. */
  execute(task: Task): Promise<Result> | undefined;
  /** All visits that are not over. */
  list(): readonly Visit[];
  close(): void;
}

const visitId = z.string().min(1).max(64);
const expectSchema = z.strictObject({
  visit: visitId,
  name: z.string().min(1).max(100),
  host: z.string().max(100).optional(),
  purpose: z.string().max(200).optional(),
  until: z.iso.datetime({ offset: true }).describe('When they are to be gone again'),
});
const idSchema = z.strictObject({ visit: visitId });

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

export function createVisitors(options: {
  readonly record: (observation: Observation) => Promise<Receipt>;
  readonly states: Recorder['states'];
  readonly clock: Pick<WallClock, 'now' | 'onStep'>;
  readonly log: Log;
}): Visitors {
  const { record, states, clock, log } = options;

  const list = (): Visit[] =>
    [...states.values()].flatMap(({ raised, event }) =>
      raised && event.data['kind'] === 'visit' ? [event.data['visit'] as Visit] : [],
    );
  const put = (visit: Visit, observation: Partial<Observation> = {}) =>
    record({
      device: 'gateway',
      ...observation,
      kind: 'visit',
      state: visit.stage === 'left' || visit.stage === 'missed' ? 'restored' : 'raised',
      visit,
      details: { ...observation.details, part: visit.id },
    });

  /** The next word on a visit, with what is known of it; a string: it does not follow. */
  const next = (visit: Visit): Visit | string => {
    const known = list().find(({ id }) => id === visit.id);
    if (!follows[visit.stage].includes(known?.stage))
      return refusals[visit.stage] ?? `a visit that is ${known?.stage ?? 'not known'} cannot be that`;
    const said = Object.entries(visit).filter(([, value]) => value !== undefined);
    return { ...known, ...Object.fromEntries(said) } as Visit;
  };
  const advance = async (visit: Visit): Promise<Result> => {
    const whole = next(visit);
    if (typeof whole === 'string') return { done: false, reason: whole };
    await put(whole);
    return { done: true };
  };

  const look = () => {
    for (const visit of list()) {
      if (visit.until === undefined || Date.parse(visit.until) > clock.now()) continue;
      const stage = { expected: 'missed', arrived: 'overdue' }[visit.stage as string] as Visit['stage'];
      if (stage === undefined) continue;
      log.warn({ visit: visit.id, stage }, 'the time of a visit is over');
      put({ ...visit, stage }).catch(() => {});
    }
  };
  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  clock.onStep(look);

  return {
    async take(observation) {
      const { visit } = observation;
      if (visit === undefined) return await record(observation);
      const whole = next(visit);
      if (typeof whole !== 'string') return await put(whole, observation);
      // A terminal that says again what is known.
      log.debug({ visit: visit.id, stage: visit.stage }, whole);
      return { sequence: null, id: null, repeated: true };
    },
    execute({ action, arguments: wanted }) {
      const read = <T>(schema: z.ZodType<T>, then: (value: T) => Visit): Promise<Result> => {
        const parsed = schema.safeParse(wanted);
        return parsed.success
          ? advance(then(parsed.data))
          : Promise.resolve({ done: false, reason: wrongArgument(parsed.error) });
      };
      if (action === 'expect-visitor')
        return read(expectSchema, ({ visit, ...rest }) => ({ id: visit, stage: 'expected', ...rest }));
      if (action === 'visitor-arrived')
        return read(idSchema, ({ visit }) => ({ id: visit, stage: 'arrived' }));
      if (action === 'visitor-left') return read(idSchema, ({ visit }) => ({ id: visit, stage: 'left' }));
      return undefined;
    },
    list,
    close: () => clearInterval(timer),
  };
}
