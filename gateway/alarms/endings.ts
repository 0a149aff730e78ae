/**
 * What a word of a panel ends. A restore ends each thing that it can mean, in the partition that it names, or in all
 * where it names none; a cancel ends the alarms of its partition as cancelled. Both look at what stands and at what is
 * on its way to the disk: an alarm and its cancel may come in one frame.
 */
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { createRecent } from '../lifecycle/recent.ts';
import type { Metrics } from '../observe/metrics.ts';
import { stateKeyOf } from '../road/event.ts';
import type { Recorder } from '../road/recorder.ts';
import type { Pass } from '../road/stage.ts';
import { createStanding, type Standing, type Thing } from '../road/standing.ts';

const UNTOLD: Receipt = { sequence: null, id: null, repeated: true };
/** Words that ended several things, remembered so that they are known when they come again. */
const WORDS_MAX = 1000;

const partitionOf = ({ details }: Thing) => details?.['partition'];

/** `given`, as the word about what stands. */
function about(given: Observation, { kind, zone, cause, details }: Thing): Observation {
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

type Found = Pick<Standing, 'at' | 'alarms'>;

interface Panels {
  /** Passes a word of a panel on, and knows of it until the disk does. */
  readonly pass: Pass;
  /** What stands, of those that `look` finds. */
  find(look: (standing: Found) => Iterable<readonly [string, Thing]>): readonly Thing[];
}

function createPanels(onward: Pass, known: Found): Panels {
  /** The latest words on their way to the disk, by state key. */
  const words = new Map<string, Observation>();
  const coming = createStanding();
  return {
    async pass(observation) {
      const key = stateKeyOf(observation);
      if (key === undefined) return await onward(observation);
      words.set(key, observation);
      if (observation.state === 'raised') coming.set(key, observation.device, observation);
      else coming.delete(key);
      try {
        return await onward(observation);
      } finally {
        if (words.get(key) === observation) {
          words.delete(key);
          coming.delete(key);
        }
      }
    },
    find(look) {
      const found: Thing[] = [];
      for (const [key, thing] of look(known)) if (!words.has(key)) found.push(thing);
      for (const [, thing] of look(coming)) found.push(thing);
      return found;
    },
  };
}

/** The restores of one that may end several things; the same one, where nothing of them stands and it is told. */
function restores(given: Observation, { find }: Panels): readonly Observation[] {
  const { device, kind, ends } = given;
  const causes = ends?.causes ?? [];
  const found = find((standing) => causes.flatMap((cause) => [...standing.at(device, given, cause)]));
  // One partition that is disarmed leaves the rest of the panel armed.
  const exact = found.filter((one) => partitionOf(one) === partitionOf(given));
  const ended = exact.length > 0 || (kind === 'arming' && partitionOf(given) !== undefined) ? exact : found;
  if (ended.length > 0) return ended.map((one) => about(given, one));
  return ends?.untold ? [] : [given];
}

/** The alarms that a cancel ends; the cancel itself, where there is none. */
function cancels(given: Observation, { find }: Panels): readonly Observation[] {
  const { device, cause } = given;
  // Who cancels a burglary says nothing of fire or people, and who cancels a fire nothing of a burglary.
  const classes = cause === 'burglary' ? (['burglary'] as const) : (['burglary', 'other'] as const);
  const found = find((standing) => classes.flatMap((which) => [...standing.alarms(device, given, which)]));
  const ended = cause === 'fire' ? found.filter(({ kind }) => kind === 'fire') : found;
  if (ended.length === 0) return [given];
  return ended.map((one) => ({ ...about(given, one), state: 'restored', cancelled: true }));
}

export function createEndings(options: {
  readonly onward: Pass;
  readonly standing: Recorder['standing'];
  readonly time: Pick<Clock, 'elapsed'>;
  readonly metrics: Pick<Metrics, 'discarded'>;
}): { readonly pass: Pass } {
  const { onward, standing, time, metrics } = options;
  const panels = createPanels(onward, standing);
  const words = createRecent<string, number>(WORDS_MAX);

  const passAll = async (given: Observation, all: readonly Observation[]): Promise<Receipt> => {
    const [first, ...more] = all;
    const { repeat, device } = given;
    const at = repeat && words.get(repeat.key);
    // It ended several things before, under keys of their own; what was raised since it does not mean.
    if (repeat !== undefined && at !== undefined && time.elapsed() - at < repeat.within) return UNTOLD;
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
      return given.details?.['account'] === undefined ? onward(given) : panels.pass(given);
    },
  };
}

const repeatKey = (key: string, observation: Observation) => `${key}/${stateKeyOf(observation)}`;
