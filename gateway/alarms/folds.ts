/**
 * A zone that flaps becomes a fault and a count instead of 10,000 alarms. The first alarms of a zone always go out at
 * once, each. Panic, duress and fire are never folded.
 */
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Recorder } from '../road/recorder.ts';
import type { Pass } from '../road/stage.ts';

/** So many alarms of one zone in a window are told each; the next are counted. */
const TOLD = 3;
const WINDOW_MS = 60_000;
/** So many zones are remembered: a panel may name ever new ones. */
const FOLDS_MAX = 10_000;

/** One zone, kind and cause that alarms again and again. */
interface Fold {
  /** When its latest alarms were told, `elapsed`. */
  told: number[];
  /** Not told since. */
  count: number;
  last: Observation | undefined;
  /** Its last alarm that was not told. */
  raised: Observation | undefined;
  /** While it is counted. */
  timer: Timer | undefined;
  receipt: Receipt;
}

export function createFolds(options: {
  readonly onward: Pass;
  readonly states: Recorder['states'];
  readonly time: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}) {
  const { onward, states, time, log, metrics } = options;
  const folds = new Map<string, Fold>();

  const tellFlapping = (
    key: string,
    { device, zone, details = {} }: Observation,
    state: 'raised' | 'restored',
    count: number,
  ) =>
    onward({
      device,
      kind: 'fault',
      cause: 'flapping',
      state,
      ...(zone !== undefined && { zone }),
      details: {
        count,
        of: key,
        ...(details['account'] !== undefined && { account: details['account'] }),
        ...(details['partition'] !== undefined && { partition: details['partition'] }),
      },
    });
  const countOn = (key: string, fold: Fold) => {
    fold.timer = time.after(WINDOW_MS, () => void endWindow(key, fold).catch(() => {}));
  };
  /** At the end of a window: what was counted, as one alarm; quiet for a whole window: the fault is over. */
  const endWindow = async (key: string, fold: Fold) => {
    fold.timer = undefined;
    const { count, last, raised } = fold;
    if (last === undefined) return void folds.delete(key);
    if (count === 0) {
      folds.delete(key);
      await tellFlapping(key, last, 'restored', 0);
      // Its last word may not have been told.
      if (last.state === 'restored' && states.get(key)?.raised === true) await onward(last);
      return;
    }
    fold.count = 0;
    countOn(key, fold);
    // Under the repeat of the last alarm, and never under that of its end, which is to be told later.
    const alarm = raised ?? last;
    await onward({ ...alarm, state: 'raised', details: { ...alarm.details, repeats: count } });
  };

  return {
    /** `key`: its state key. */
    async fold(key: string, observation: Observation): Promise<Receipt> {
      const now = time.elapsed();
      const known = folds.get(key) ?? {
        told: [],
        count: 0,
        last: undefined,
        raised: undefined,
        timer: undefined,
        receipt: { sequence: null, id: null, repeated: true },
      };
      folds.set(key, known);
      // Forgotten, a zone that is quiet may be told three times again.
      for (const [old, { timer }] of folds) {
        if (folds.size <= FOLDS_MAX) break;
        if (timer === undefined && old !== key) folds.delete(old);
      }
      if (known.timer !== undefined) {
        known.last = observation;
        if (observation.state === 'raised') {
          known.count++;
          known.raised = observation;
          metrics.folded.inc({ device: observation.device });
        }
        return { ...known.receipt, repeated: true };
      }
      if (observation.state === 'restored') return await onward(observation);
      known.told = known.told.filter((at) => now - at < WINDOW_MS);
      if (known.told.length < TOLD) {
        const receipt = await onward(observation);
        // What a panel sent twice is one alarm; what the disk refused, and comes again, is none yet.
        if (!receipt.repeated) known.told.push(now);
        known.receipt = receipt;
        return receipt;
      }
      known.last = observation;
      known.raised = observation;
      known.count = 1;
      metrics.folded.inc({ device: observation.device });
      countOn(key, known);
      log.warn(
        { device: observation.device, zone: observation.zone },
        'a zone flaps; its alarms are counted',
      );
      await tellFlapping(key, observation, 'raised', TOLD + 1);
      return { ...known.receipt, repeated: true };
    },
    close() {
      for (const one of folds.values()) one.timer?.stop();
    },
  };
}
