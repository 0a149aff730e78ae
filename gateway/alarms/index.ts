/**
 * The life of alarms: a restore ends what it names, a zone that flaps is folded, what a test causes bears a mark, a
 * second zone or a camera confirms, operators take and close.
 */
import type { Registry } from '../../config/catalogue/actions.ts';
import type { Event } from '../../config/catalogue/events.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { isZoneAlarmKind } from '../../drivers/contract/observation.ts';
import type { Journal } from '../journal/index.ts';
import type { Part } from '../lifecycle/part.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Metrics } from '../observe/metrics.ts';
import { stateKeyOf } from '../road/event.ts';
import type { Recorder } from '../road/recorder.ts';
import type { Pass, Stage } from '../road/stage.ts';
import { createConfirmation } from './confirmation.ts';
import { createEndings } from './endings.ts';
import { createFolds } from './folds.ts';
import { operatorHandlers } from './operators.ts';
import { createTests } from './tests.ts';

export interface AlarmOptions {
  readonly onward: Pass;
  readonly states: Recorder['states'];
  readonly standing: Recorder['standing'];
  readonly recordFollowUp: Recorder['recordFollowUp'];
  readonly journal: Pick<Journal, 'read'>;
  readonly registry: Registry;
  readonly clock: Pick<WallClock, 'now'>;
  readonly time: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What alarms must know of the place. */
export interface AlarmPlaces {
  areaOf(device: string, zone: number | undefined, account?: unknown): string | undefined;
  /** The areas that a camera sees. */
  areasSeenBy(camera: string): readonly string[];
}

export interface Alarms extends Stage, Part {
  /** An event is on disk, or on its way there. */
  onRecorded(event: Event): void;
}

const LOOK_EVERY_MS = 10_000;

export function createAlarms({ areaOf, areasSeenBy }: AlarmPlaces, options: AlarmOptions): Alarms {
  const { onward, states, standing, recordFollowUp, journal, registry, clock, time } = options;
  const folds = createFolds(options);
  const tests = createTests({ onward, states, areaOf, now: clock.now });
  registry.serve({
    ...operatorHandlers(journal, recordFollowUp),
    test: ({ target, arguments: wanted }) => tests.begin(target, wanted),
    'end-test': ({ target }) => tests.end(target),
  });
  let timer: Timer | undefined;
  const passOne: Pass = (observation) => {
    const { kind, test, cancelled } = observation;
    const isFoldable = isZoneAlarmKind(kind) || kind === 'tamper';
    const may = isFoldable && test === undefined && cancelled !== true;
    const key = may ? stateKeyOf(observation) : undefined;
    return key === undefined ? onward(observation) : folds.fold(key, observation);
  };
  const endings = createEndings({ onward: passOne, standing, time, metrics: options.metrics });
  return {
    pass: (given) => endings.pass(tests.marked(given)),
    onRecorded: createConfirmation({ recordFollowUp, areaOf, areasSeenBy, time }),
    start() {
      timer = time.every(LOOK_EVERY_MS, tests.endLate);
    },
    async [Symbol.asyncDispose]() {
      timer?.stop();
      folds.close();
    },
  };
}
