/**
 * What a word of a panel ends. A restore ends each thing that it can mean, in the partition that it names, or in all
 * where it names none; a cancel ends the alarms of its partition as cancelled. Both look at what stands and at what is
 * on its way to the disk: an alarm and its cancel may come in one frame.
 */
import type { Clock } from '../../drivers/contract/clock.ts';
import { alarmKinds, type Observation, type Receipt } from '../../drivers/contract/observation.ts';
import { createRecent } from '../lifecycle/recent.ts';
import type { Metrics } from '../observe/metrics.ts';
import { type StateOf, stateKeyOf } from '../road/event.ts';
import type { Recorder } from '../road/recorder.ts';
import type { Pass } from '../road/stage.ts';
import { confirmingKinds } from './confirmation.ts';

/** A cover that is open stays open, whoever cancels what. */
const cancellable: readonly string[] = alarmKinds.filter((kind) => kind !== 'tamper');
const UNTOLD: Receipt = { sequence: null, id: null, repeated: true };
/** Words that ended several things, remembered so that they are known when they come again. */
const WORDS_MAX = 1000;

/** A thing that stands. */
type Standing = Omit<StateOf, 'state'>;

const accountOf = ({ details }: Standing) => details?.['account'];
const partitionOf = ({ details }: Standing) => details?.['partition'];
/** Whether both may be of one partition: what names none is of the whole panel. */
const mayMeet = (a: Standing, b: Standing) =>
  partitionOf(a) === undefined || partitionOf(b) === undefined || partitionOf(a) === partitionOf(b);

/** `given`, as the word about what stands. */
function about(given: Observation, { kind, zone, cause, details }: Standing): Observation {
  const { zone: _zone, cause: _cause, details: said = {}, ends: _ends, ...rest } = given;
  const { partition: _partition, ...others } = said;
  const partition = details?.['partition'];
  return {
    ...rest,
    kind,
    ...(zone !== undefined && { zone }),
    ...(cause !== undefined && { cause }),
    details: { ...others, ...(partition !== undefined && { partition }) },
  };
}

interface Panels {
  /** Passes a word of a panel on, and knows of it until the disk does. */
  readonly pass: Pass;
  /** What stands of the account of an observation. */
  standing(of: Observation): readonly Standing[];
  isRaised(observation: Observation): boolean;
}

function createPanels(onward: Pass, raisedOf: Recorder['raisedOf']): Panels {
  /** The latest words on their way to the disk, by device and state key. */
  const coming = new Map<string, Map<string, Observation>>();
  return {
    async pass(observation) {
      const key = stateKeyOf(observation);
      if (key === undefined) return await onward(observation);
      const { device } = observation;
      const words = coming.get(device) ?? new Map<string, Observation>();
      coming.set(device, words.set(key, observation));
      try {
        return await onward(observation);
      } finally {
        if (words.get(key) === observation) words.delete(key);
        if (words.size === 0 && coming.get(device) === words) coming.delete(device);
      }
    },
    standing(of) {
      const { device } = of;
      const words = coming.get(device);
      const known = [...raisedOf(device)].flatMap(([key, { event }]): Standing[] =>
        words?.has(key) ? [] : [{ ...(event.data as unknown as StateOf), device }],
      );
      const raised = [...(words?.values() ?? [])].filter(({ state }) => state === 'raised');
      return [...known, ...raised].filter((one) => accountOf(one) === accountOf(of));
    },
    isRaised(observation) {
      const key = stateKeyOf(observation);
      if (key === undefined) return false;
      const word = coming.get(observation.device)?.get(key);
      return word === undefined ? raisedOf(observation.device).has(key) : word.state === 'raised';
    },
  };
}

/** The restores of one that may end several things; the same one, where nothing of them stands and it is told. */
function restores(given: Observation, { standing, isRaised }: Panels): readonly Observation[] {
  const { kind, zone, ends } = given;
  const causes = ends?.causes ?? [];
  const exact = causes
    .map((cause) => about(given, { ...given, cause: cause === '' ? undefined : cause } as Standing))
    .filter(isRaised);
  if (exact.length > 0) return exact;
  const near = standing(given).filter(
    (one) =>
      one.kind === kind &&
      one.zone?.number === zone?.number &&
      (kind === 'arming' || causes.includes(one.cause ?? '')) &&
      // One partition that is disarmed leaves the rest of the panel armed.
      (kind === 'arming' ? partitionOf(given) === undefined : mayMeet(one, given)),
  );
  if (near.length > 0) return near.map((one) => about(given, one));
  return ends?.untold ? [] : [given];
}

/** The alarms that a cancel ends; the cancel itself, where there is none. */
function cancels(given: Observation, { standing }: Panels): readonly Observation[] {
  // Who cancels a burglary says nothing of fire or people.
  const kinds: readonly string[] = given.cause === 'burglary' ? confirmingKinds : cancellable;
  const ended = standing(given).filter((one) => kinds.includes(one.kind) && mayMeet(one, given));
  if (ended.length === 0) return [given];
  return ended.map((one) => ({ ...about(given, one), state: 'restored', cancelled: true }));
}

export function createEndings(options: {
  readonly onward: Pass;
  readonly raisedOf: Recorder['raisedOf'];
  readonly time: Pick<Clock, 'elapsed'>;
  readonly metrics: Pick<Metrics, 'discarded'>;
}): { readonly pass: Pass } {
  const { onward, raisedOf, time, metrics } = options;
  const panels = createPanels(onward, raisedOf);
  const words = createRecent<string, number>(WORDS_MAX);

  const passAll = async (given: Observation, all: readonly Observation[]): Promise<Receipt> => {
    const [first, ...more] = all;
    const { repeat, device } = given;
    const at = repeat && words.get(repeat.key);
    // It ended several things before, under keys of their own; what was raised since it does not mean.
    if (repeat !== undefined && at !== undefined && time.elapsed() - at <= repeat.within) return UNTOLD;
    if (first === undefined) {
      metrics.discarded.inc({ device, reason: 'a restore of nothing that stands' });
      return UNTOLD;
    }
    if (more.length === 0) return await panels.pass(first);
    const each = all.map((one) =>
      panels.pass(
        repeat === undefined ? one : { ...one, repeat: { ...repeat, key: repeatKey(repeat.key, one) } },
      ),
    );
    const receipts = await Promise.all(each);
    if (repeat !== undefined) words.set(repeat.key, time.elapsed());
    return receipts.find(({ repeated }) => !repeated) ?? UNTOLD;
  };

  return {
    pass(given) {
      if (given.kind === 'cancel') return passAll(given, cancels(given, panels));
      if (given.ends !== undefined) return passAll(given, restores(given, panels));
      // Only panels have accounts, and only their words are ended by others of theirs.
      return accountOf(given) === undefined ? onward(given) : panels.pass(given);
    },
  };
}

const repeatKey = (key: string, observation: Observation) => `${key}/${stateKeyOf(observation)}`;
