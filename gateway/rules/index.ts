/**
 * What the gateway does by itself when something happens: a siren, a door, a light; with no uplink too, and with no
 * disk: an alarm that the disk does not take sets its rules off all the same.
 *
 * A rule that is set off again while its commands are on their way runs once more after them, and no more: a fence
 * that flaps a thousand times a second must not keep a line busy.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Event, type EventType, typePrefix } from '../../config/catalogue/events.ts';
import type { RuleConfig } from '../../config/schema.ts';
import type { Commands } from '../commands/index.ts';
import { type Happening, isAbout, isOn, rulesByType, type Surroundings } from './conditions.ts';

export interface LinkageOptions extends Surroundings {
  readonly rules: readonly RuleConfig[];
  readonly commands: Pick<Commands, 'act'>;
  readonly now: () => number;
}

export interface Linkage {
  /** Something happened, and is on disk or on its way there. The same event twice counts once. */
  take(event: Event): void;
  /**
   * Switches off what rules switched on, and drops what waits: for alarms of an area or a device, or, for `gateway`,
   * all. Gives how many rules that stopped.
   */
  reset(target: string): number;
  close(): void;
}

/** What is known to have been taken; an event comes twice at most, soon after each other. */
const REMEMBERED = 1000;
const RUNS_MAX = 1000;

/** What ends an action that lasts. */
const opposite: Readonly<Record<string, string>> = { activate: 'deactivate', hold: 'lock' };

/** What makes a picture or a clip. */
const PICTURES: readonly string[] = ['snapshot', 'clip'];

type Action = RuleConfig['do'][number];

/** A rule that an event set off. */
interface Run {
  readonly rule: RuleConfig;
  readonly event: Event;
  readonly device: string;
  readonly area: string | undefined;
  readonly stop: AbortController;
}

/** The kind, device and zone of an event, as rules ask for them. */
export function happeningOf(event: Event): Happening {
  const { kind, device, zone } = event.data as {
    kind?: Happening['kind'];
    device?: { id: string };
    zone?: { number: number };
  };
  return {
    type: event.type.slice(typePrefix.length) as EventType,
    kind,
    device: device?.id ?? 'gateway',
    zone: zone?.number,
  };
}

export function startLinkage(options: LinkageOptions): Linkage {
  const { rules, commands, now } = options;
  const byType = rulesByType(rules);
  const taken = new Set<string>();
  const busy = new Map<RuleConfig, { again: Event | undefined }>();
  /** What rules began, oldest first, and may have to be stopped. */
  const runs = new Set<Run>();
  /** By output: the event that switched it on last. */
  const holders = new Map<string, string>();
  const over = new AbortController();

  const act = (rule: RuleConfig, { target, action }: Action, wanted: object, cause: string) =>
    commands.act({ target, action, arguments: { ...wanted } }, rule.id, cause);

  const perform = async ({ rule, event, stop }: Run, action: Action) => {
    const { after, for: length, arguments: wanted } = action;
    const signal = AbortSignal.any([over.signal, stop.signal]);
    if (after > 0) await delay(after, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    // A picture belongs to what it is of.
    const about = PICTURES.includes(action.action) ? { event: event.id } : {};
    const lasting = length !== undefined && action.action === 'activate' ? { for: length / 1000 } : {};
    const { done } = await act(rule, action, { ...wanted, ...lasting, ...about }, event.id);
    const end = opposite[action.action];
    if (!done || end === undefined) return;
    const output = { output: wanted['output'] };
    const place = `${action.target}/${String(wanted['output'])}`;
    holders.set(place, event.id);
    // What another alarm has switched on since goes on.
    const finish = () => {
      if (holders.get(place) !== event.id) return;
      holders.delete(place);
      void act(rule, { ...action, action: end as Action['action'] }, output, event.id);
    };
    if (length !== undefined && action.action === 'hold')
      delay(length, undefined, { signal }).then(finish, () => {});
    if (stop.signal.aborted) finish();
    else stop.signal.addEventListener('abort', finish, { once: true });
  };

  const begin = (rule: RuleConfig, event: Event): Run => {
    const { device, zone } = happeningOf(event);
    const one = { rule, event, device, area: options.areaOf(device, zone), stop: new AbortController() };
    runs.add(one);
    for (const old of runs) {
      if (runs.size <= RUNS_MAX) break;
      runs.delete(old);
    }
    return one;
  };
  const stopAll = (fits: (one: Run) => boolean): number => {
    const found = [...runs].filter(fits);
    for (const one of found) {
      runs.delete(one);
      one.stop.abort();
    }
    return found.length;
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

  return {
    take(event) {
      if (taken.has(event.id)) return;
      taken.add(event.id);
      for (const old of taken) {
        if (taken.size <= REMEMBERED) break;
        taken.delete(old);
      }
      // A siren for each zone of a walk test wakes the street.
      if (event.data['test'] !== undefined) return;
      const what = happeningOf(event);
      if (what.type === 'alarm.acknowledged') {
        const { event: id } = event.data['acknowledged'] as { event: string };
        stopAll((one) => one.event.id === id && one.rule.stopOnAcknowledge);
      }
      for (const rule of byType.get(what.type) ?? []) {
        if (!isAbout(rule, what, options) || !isOn(rule, now(), options)) continue;
        const running = busy.get(rule);
        if (running === undefined) void run(rule, event);
        else running.again = event;
      }
    },
    reset: (target) => stopAll((one) => target === 'gateway' || target === one.device || target === one.area),
    close: () => over.abort(),
  };
}
