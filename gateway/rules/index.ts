/**
 * What the gateway does by itself when something happens: a siren, a door, a light; with no uplink too, and with no
 * disk: an alarm that the disk does not take sets its rules off all the same.
 *
 * A rule that is set off again while its commands are on their way runs once more after them, and no more: a fence
 * that flaps a thousand times a second must not keep a line busy.
 */
import { isDeepStrictEqual } from 'node:util';
import { actionOf, type Registry } from '../../config/catalogue/actions.ts';
import { type Event, type EventType, typePrefix } from '../../config/catalogue/events.ts';
import type { Config } from '../../config/schema.ts';
import type { RuleConfig } from '../../config/sections/rules.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Commands } from '../commands/index.ts';
import type { Part } from '../lifecycle/part.ts';
import { createRecent } from '../lifecycle/recent.ts';
import type { WallClock } from '../observe/clock.ts';
import { type Happening, isAbout, isOn, rulesByType, type Surroundings } from './conditions.ts';

export interface RulesOptions extends Surroundings {
  readonly commands: Pick<Commands, 'performForRule'> & Registry;
  /** Tells people of an event; `sequence` undefined: it is not on disk. */
  readonly tell: (rule: RuleConfig, event: Event, sequence: number | undefined) => void;
  readonly clock: Pick<WallClock, 'now'>;
  readonly time: Clock;
}

export interface Rules extends Part {
  /** Something happened, and is on disk or on its way there. The same event twice counts once. */
  onRecorded(event: Event, sequence?: number): void;
  /** Tells people of an event of before the start, as far as they were not told; does nothing else. */
  tellAgain(event: Event, sequence: number): void;
  /** Other rules, or another calendar. What rules have begun goes on to its end: a siren that sounds is switched off in time. */
  configure(config: Pick<Config, 'rules' | 'calendar' | 'timezone'>): void;
}

/** What is known to have been followed; an event comes twice at most, soon after each other. */
const REMEMBERED = 1000;
const RUNS_MAX = 1000;

type Action = RuleConfig['do'][number];

/** A rule that an event set off. */
interface Run {
  readonly rule: RuleConfig;
  readonly event: Event;
  readonly device: string;
  readonly area: string | undefined;
  readonly stop: AbortController;
}

/** The kind, device, zone and account of an event, as rules ask for them. */
export function happeningOf(event: Event): Happening {
  const { kind, device, zone, details } = event.data as {
    kind?: Happening['kind'];
    device?: { id: string };
    zone?: { number: number };
    details?: { account?: unknown };
  };
  return {
    type: event.type.slice(typePrefix.length) as EventType,
    kind,
    device: device?.id ?? 'gateway',
    zone: zone?.number,
    account: details?.account,
  };
}

/** A set that forgets the oldest. */
function addBounded<T>(set: Set<T>, value: T, most: number) {
  set.add(value);
  for (const old of set) {
    if (set.size <= most) break;
    set.delete(old);
  }
}

export function createRules(rules: readonly RuleConfig[], options: RulesOptions): Rules {
  const { commands, clock, areaOf } = options;
  let all = rules;
  let byType = rulesByType(rules);
  let around: Surroundings = options;
  const followed = createRecent<string, true>(REMEMBERED);
  const busy = new Map<RuleConfig, { again: Event | undefined }>();
  /** What rules began, oldest first, and may have to be stopped. */
  const runs = new Set<Run>();
  const over = new AbortController();
  const perform = performer({ ...options, signal: over.signal });

  const begin = (rule: RuleConfig, event: Event): Run => {
    const { device, zone, account } = happeningOf(event);
    const one = { rule, event, device, area: areaOf(device, zone, account), stop: new AbortController() };
    addBounded(runs, one, RUNS_MAX);
    return one;
  };
  const run = async (rule: RuleConfig, event: Event) => {
    const state: { again: Event | undefined } = { again: undefined };
    busy.set(rule, state);
    for (let next: Event | undefined = event; next !== undefined && !over.signal.aborted; ) {
      state.again = undefined;
      const one = begin(rule, next);
      await Promise.all(rule.do.map((action) => perform(one, action)));
      next = state.again;
    }
    busy.delete(rule);
  };
  /** Switches off what rules switched on, and drops what waits. @returns how many that stopped. */
  const stopRuns = (fits: (one: Run) => boolean): number => {
    const found = [...runs].filter(fits);
    for (const one of found) {
      runs.delete(one);
      one.stop.abort();
    }
    return found.length;
  };
  commands.serve({
    async reset({ target }) {
      const stopped = stopRuns((one) => target === 'gateway' || target === one.device || target === one.area);
      return { done: true, result: { stopped } };
    },
  });

  /** The rules that an event sets off now. */
  const setOff = (event: Event): readonly RuleConfig[] => {
    // A siren for each zone of a walk test wakes the street.
    if (event.data['test'] !== undefined) return [];
    const what = happeningOf(event);
    return (byType.get(what.type) ?? []).filter(
      (rule) => isAbout(rule, what, options) && isOn(rule, clock.now(), around),
    );
  };

  return {
    tellAgain(event, sequence) {
      for (const rule of setOff(event)) options.tell(rule, event, sequence);
    },
    onRecorded(event, sequence) {
      if (followed.get(event.id) === true) return;
      followed.set(event.id, true);
      // A siren for each zone of a walk test wakes the street.
      if (event.data['test'] !== undefined) return;
      const what = happeningOf(event);
      // Who closes an alarm that nobody took has taken it, too.
      if (what.type === 'alarm.acknowledged' || what.type === 'alarm.closed') {
        const fact = what.type === 'alarm.closed' ? 'closed' : 'acknowledged';
        const { event: id } = event.data[fact] as { event: string };
        stopRuns((one) => one.event.id === id && one.rule.stopOnAcknowledge);
      }
      for (const rule of setOff(event)) {
        options.tell(rule, event, sequence);
        if (rule.do.length === 0) continue;
        const running = busy.get(rule);
        if (running === undefined) void run(rule, event);
        else running.again = event;
      }
    },
    configure({ rules: next, calendar, timezone }) {
      around = { areaOf, isArmed: options.isArmed, calendar, timezone };
      // One that is as it was is the same: it waits for what it has begun.
      all = next.map((rule) => all.find((known) => isDeepStrictEqual(known, rule)) ?? rule);
      byType = rulesByType(all);
    },
    async [Symbol.asyncDispose]() {
      over.abort();
    },
  };
}

/** Carries out one action of a rule, and ends it where it lasts. */
function performer({
  commands,
  time,
  signal,
}: Pick<RulesOptions, 'commands' | 'time'> & { readonly signal: AbortSignal }) {
  /** By output: the event that switched it on last. */
  const holders = new Map<string, string>();
  return async (
    { rule, event, stop }: Run,
    { target, action, after, for: lengthMs, arguments: wanted }: Action,
  ) => {
    const { about, timed, endedBy } = actionOf(action);
    const act = (name: string, given: object) =>
      commands.performForRule({ target, action: name, arguments: { ...given } }, rule.id, event.id);
    const stopped = AbortSignal.any([signal, stop.signal]);
    if (after > 0) await time.wait(after, stopped);
    if (stopped.aborted) return;
    const { done } = await act(action, {
      ...wanted,
      ...(lengthMs !== undefined && timed === true && { for: lengthMs / 1000 }),
      // A picture belongs to what it is of.
      ...(about === true && { event: event.id }),
    });
    if (!done || endedBy === undefined) return;
    const output = { output: wanted['output'] };
    const place = `${target}/${String(wanted['output'])}`;
    holders.set(place, event.id);
    // What another alarm has switched on since goes on.
    const finish = () => {
      if (holders.get(place) !== event.id) return;
      holders.delete(place);
      void act(endedBy, output);
    };
    if (lengthMs !== undefined && timed !== true)
      void time.wait(lengthMs, stopped).then((how) => how === 'over' && finish());
    if (stop.signal.aborted) finish();
    else stop.signal.addEventListener('abort', finish, { once: true });
  };
}
