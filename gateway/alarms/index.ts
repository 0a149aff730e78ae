/**
 * The life of alarms before they are recorded: a zone that flaps becomes a fault and a count instead of 10,000
 * alarms; a second zone, or a camera, confirms the first; what a walk test or maintenance causes bears a mark.
 *
 * The first alarms of a zone always go out at once, each. Panic, duress and fire are never folded.
 */
import { z } from 'zod';
import { type Event, typePrefix } from '../../config/catalogue/events.ts';
import { type Log, wrongArgument } from '../../drivers/contract/driver.ts';
import type { AlarmKind, Observation, Receipt } from '../../drivers/contract/observation.ts';
import type { Result, Task } from '../commands/index.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Metrics } from '../observe/metrics.ts';
import { stateKeyOf } from '../road/event.ts';
import type { Recorder } from '../road/recorder.ts';

export interface AlarmOptions {
  readonly recorder: Pick<Recorder, 'record' | 'recordAbout' | 'states'>;
  readonly clock: Pick<WallClock, 'now'>;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Devices and areas. */
  readonly targets: readonly string[];
  areaOf(device: string, zone: number | undefined): string | undefined;
  /** The areas that a camera sees. */
  areasSeenBy(camera: string): readonly string[];
}

export interface Alarms {
  /** In place of `record`. @throws what `record` throws. */
  record(observation: Observation): Promise<Receipt>;
  /** An event is on disk, or on its way there. */
  take(event: Event): void;
  /** `test` and `end-test`; undefined: it is neither. */
  execute(task: Task): Promise<Result> | undefined;
  close(): void;
}

/** Of somebody who is where he should not be: another zone that says so confirms it. */
const confirming: readonly AlarmKind[] = ['intrusion', 'perimeter', 'fence', 'collision'];
const foldable: readonly AlarmKind[] = [...confirming, 'tamper'];
/** So many alarms of one zone in a window are told each; the next are counted. */
const TOLD = 3;
const WINDOW_MS = 60_000;
/** IEC 62642-1 calls an alarm confirmed that a second, independent detector tells within 30 to 60 minutes. */
const CONFIRM_MS = 30 * 60_000;
/** What a camera sees later than that may be somebody else. */
const SEEN_WITHIN_MS = 2 * 60_000;
const sightings = ['video.motion', 'video.line-crossed', 'video.zone-entered'].map(
  (type) => typePrefix + type,
);
const TEST_MAX_S = 8 * 3600;
const LOOK_EVERY_MS = 10_000;

const testSchema = z.strictObject({
  kind: z.enum(['walk-test', 'maintenance']),
  for: z.number().positive().max(TEST_MAX_S).describe('Seconds'),
  by: z.string().max(100).optional(),
});

/** One zone, kind and cause that alarms again and again. */
interface Fold {
  /** When its latest alarms were told, `performance.now()`. */
  told: number[];
  /** Not told since. */
  count: number;
  last: Observation | undefined;
  timer: NodeJS.Timeout | undefined;
  receipt: Receipt;
}

export function createAlarms(options: AlarmOptions): Alarms {
  const { recorder, clock, log, metrics, targets, areaOf, areasSeenBy } = options;
  const folds = new Map<string, Fold>();
  /** The last alarm of each area, for its confirmation. */
  const latest = new Map<string, { readonly event: Event; readonly zone: string; readonly at: number }>();

  const testing = (target: string): 'walk-test' | 'maintenance' | undefined => {
    const state = recorder.states.get(stateKeyOf({ device: target, kind: 'test', state: 'raised' }) ?? '');
    if (state?.raised !== true) return undefined;
    const { test, until } = state.event.data['details'] as {
      test: 'walk-test' | 'maintenance';
      until: string;
    };
    const left = Date.parse(until) - clock.now();
    // A test that lasts longer than any may was begun under a wrong clock.
    return left > 0 && left <= TEST_MAX_S * 1000 ? test : undefined;
  };
  const marked = (observation: Observation): Observation => {
    const area = areaOf(observation.device, observation.zone?.number);
    const test = testing(observation.device) ?? (area === undefined ? undefined : testing(area));
    return test === undefined ? observation : { ...observation, test };
  };

  const flapping = (
    key: string,
    { device, zone }: Observation,
    state: 'raised' | 'restored',
    count: number,
  ) =>
    recorder.record({
      device,
      kind: 'fault',
      cause: 'flapping',
      state,
      ...(zone !== undefined && { zone }),
      details: { count, of: key },
    });

  /** At the end of a window: what was counted, as one alarm; quiet for a whole window: the fault is over. */
  const endWindow = async (key: string, fold: Fold) => {
    fold.timer = undefined;
    const { count, last } = fold;
    if (last === undefined) return void folds.delete(key);
    if (count === 0) {
      folds.delete(key);
      await flapping(key, last, 'restored', 0);
      // Its last word may not have been told.
      if (last.state === 'restored' && recorder.states.get(key)?.raised === true) await recorder.record(last);
      return;
    }
    fold.count = 0;
    fold.timer = setTimeout(() => void endWindow(key, fold).catch(() => {}), WINDOW_MS);
    await recorder.record({ ...last, state: 'raised', details: { ...last.details, repeats: count } });
  };

  const fold = async (key: string, observation: Observation): Promise<Receipt> => {
    const now = performance.now();
    const known = folds.get(key) ?? {
      told: [],
      count: 0,
      last: undefined,
      timer: undefined,
      receipt: { sequence: null, id: null, repeated: true },
    };
    folds.set(key, known);
    if (known.timer !== undefined) {
      known.last = observation;
      if (observation.state === 'raised') {
        known.count++;
        metrics.folded.inc({ device: observation.device });
      }
      return { ...known.receipt, repeated: true };
    }
    if (observation.state === 'restored') return await recorder.record(observation);
    known.told = known.told.filter((at) => now - at < WINDOW_MS);
    if (known.told.length < TOLD) {
      const receipt = await recorder.record(observation);
      // What a panel sent twice is one alarm; what the disk refused, and comes again, is none yet.
      if (!receipt.repeated) known.told.push(now);
      known.receipt = receipt;
      return receipt;
    }
    known.last = observation;
    known.count = 1;
    metrics.folded.inc({ device: observation.device });
    known.timer = setTimeout(() => void endWindow(key, known).catch(() => {}), WINDOW_MS);
    log.warn({ device: observation.device, zone: observation.zone }, 'a zone flaps; its alarms are counted');
    await flapping(key, observation, 'raised', TOLD + 1);
    return { ...known.receipt, repeated: true };
  };

  const test = async ({ target, action, arguments: wanted }: Task): Promise<Result> => {
    if (!targets.includes(target)) return { done: false, reason: `there is no ${target}` };
    const about = { device: target, kind: 'test' } as const;
    if (action === 'end-test') {
      if (testing(target) !== undefined) await recorder.record({ ...about, state: 'restored' });
      return { done: true };
    }
    const parsed = testSchema.safeParse(wanted);
    if (!parsed.success) {
      return { done: false, reason: wrongArgument(parsed.error) };
    }
    const until = new Date(clock.now() + parsed.data.for * 1000).toISOString();
    const { kind, by = '' } = parsed.data;
    await recorder.record({ ...about, state: 'raised', details: { test: kind, until, by } });
    return { done: true, result: { until } };
  };

  /** Ends tests whose time is over. */
  const look = () => {
    for (const { raised, event, device } of recorder.states.values())
      if (raised && event.data['kind'] === 'test' && testing(device) === undefined)
        recorder.record({ device, kind: 'test', state: 'restored' }).catch(() => {});
  };
  const timer = setInterval(look, LOOK_EVERY_MS);

  /** An alarm is confirmed once, by whoever is first. */
  const confirm = (alarm: Event, by: Event) =>
    recorder.recordAbout(alarm, 'alarm.confirmed', { event: alarm.id, by: by.id }).catch(() => {});
  const see = (event: Event, camera: string) => {
    for (const area of areasSeenBy(camera)) {
      const alarm = latest.get(area);
      if (alarm !== undefined && performance.now() - alarm.at < SEEN_WITHIN_MS)
        void confirm(alarm.event, event);
    }
  };

  return {
    async record(given) {
      const observation = marked(given);
      const key = stateKeyOf(observation);
      const may = (foldable as readonly string[]).includes(observation.kind);
      return key === undefined || !may || observation.test !== undefined
        ? await recorder.record(observation)
        : await fold(key, observation);
    },
    take(event) {
      const {
        kind,
        device,
        zone,
        test: mark,
      } = event.data as {
        kind: AlarmKind;
        device: { id: string };
        zone?: { number: number };
        test?: string;
      };
      if (sightings.includes(event.type) && event.data['state'] === 'raised') return see(event, device.id);
      if (event.type !== 'cn.campus.alarm.raised' || mark !== undefined || zone === undefined) return;
      if (!confirming.includes(kind)) return;
      const place = areaOf(device.id, zone.number) ?? device.id;
      const before = latest.get(place);
      const own = { event, zone: `${device.id}/${zone.number}`, at: performance.now() };
      const confirms = before !== undefined && before.zone !== own.zone && own.at - before.at < CONFIRM_MS;
      // Who is confirmed is confirmed once; the one that confirms can be confirmed by a third.
      latest.set(place, own);
      if (confirms) void confirm(before.event, event);
    },
    execute: (task) => (['test', 'end-test'].includes(task.action) ? test(task) : undefined),
    close() {
      clearInterval(timer);
      for (const one of folds.values()) clearTimeout(one.timer);
    },
  };
}
