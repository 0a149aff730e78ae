/** Walk tests and maintenance: what they cause bears a mark. They end by themselves. */
import type { ArgumentsOf, Result } from '../../config/catalogue/actions.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { stateKeyOf } from '../road/event.ts';
import type { Recorder } from '../road/recorder.ts';
import type { Pass } from '../road/stage.ts';

/** As the catalogue of actions has it. */
const TEST_MAX_MS = 8 * 3_600_000;
/** The target that means all devices and areas. */
const WHOLE_CAMPUS = 'gateway';

export function createTests(options: {
  readonly onward: Pass;
  readonly states: Recorder['states'];
  readonly areaOf: (device: string, zone: number | undefined, account?: unknown) => string | undefined;
  readonly now: () => number;
}) {
  const { onward, states, areaOf, now } = options;
  const testing = (target: string): 'walk-test' | 'maintenance' | undefined => {
    const state = states.get(stateKeyOf({ device: target, kind: 'test', state: 'raised' }) ?? '');
    if (state?.raised !== true) return undefined;
    const { test, until } = state.event.data['details'] as {
      test: 'walk-test' | 'maintenance';
      until: string;
    };
    const left = Date.parse(until) - now();
    // A test that lasts longer than any may was begun under a wrong clock.
    return left > 0 && left <= TEST_MAX_MS ? test : undefined;
  };
  return {
    marked(observation: Observation): Observation {
      const area = areaOf(observation.device, observation.zone?.number, observation.details?.['account']);
      const ofArea = () => (area === undefined ? undefined : testing(area));
      const test = testing(observation.device) ?? ofArea() ?? testing(WHOLE_CAMPUS);
      return test === undefined ? observation : { ...observation, test };
    },
    async begin(device: string, { kind, for: seconds, by = '' }: ArgumentsOf<'test'>): Promise<Result> {
      const until = new Date(now() + seconds * 1000).toISOString();
      await onward({ device, kind: 'test', state: 'raised', details: { test: kind, until, by } });
      return { done: true, result: { until } };
    },
    async end(device: string): Promise<Result> {
      if (testing(device) !== undefined) await onward({ device, kind: 'test', state: 'restored' });
      return { done: true };
    },
    /** Ends those whose time is over. */
    endLate() {
      for (const { raised, event, device } of states.values())
        if (raised && event.data['kind'] === 'test' && testing(device) === undefined)
          onward({ device, kind: 'test', state: 'restored' }).catch(() => {});
    },
  };
}
