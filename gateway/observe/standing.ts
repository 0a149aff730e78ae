/**
 * What stands at devices, for /health and the log: alarms, and faults because of which none could come. From the states
 * that the recorder keeps. /health is for everybody on its port: what persons said or did is not in it.
 */
import type { Event } from '../../config/catalogue/events.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { isAlarmKind } from '../../drivers/contract/observation.ts';
import type { Part } from '../lifecycle/part.ts';
import type { Recorder, State } from '../road/recorder.ts';
import { burstLog } from './log.ts';

/** One thing that stands. */
export interface Standing {
  readonly kind: string;
  readonly cause?: string;
  /** The number of the zone, or the part, where it is one's. */
  readonly at?: string;
  /** The zone's, where who asks looks it up. */
  readonly name?: string;
  /** RFC 3339. */
  readonly since: string;
  readonly reason?: string;
}

/** How a device came to answer, or not to. */
export interface LinkWord {
  readonly since: string;
  readonly reason?: string;
  /** Accounts or units that do not answer, where the device has several. */
  readonly parts?: readonly string[];
}

/** Shown of one device, and of all. */
const OF_DEVICE_MAX = 20;
const SHOWN_MAX = 500;
const WORDS_MAX = 200;
/** Of a reason: of a camera's, all that the config names and it has not. */
const REASON_MAX = 1000;

interface Said {
  readonly kind: string;
  readonly cause?: string;
  readonly text?: string;
  readonly zone?: { readonly number: number; readonly name?: string };
  readonly details?: Readonly<Record<string, unknown>>;
}
const saidIn = ({ data }: Event) => data as unknown as Said;

/** A camera that is covered, or has no picture, sees no alarm; it says so as `video`. */
const BLINDING: readonly (string | undefined)[] = ['tampered', 'signal-lost'];
const isFault = ({ kind, cause }: Said) =>
  kind === 'fault' ||
  kind === 'battery' ||
  kind === 'power' ||
  (kind === 'video' && BLINDING.includes(cause));

/** What is wrong, as far as drivers say it: a sentence, or by how much a clock is off. */
function reasonOf({ details = {} }: Said): string | undefined {
  const { reason, seconds } = details;
  if (typeof reason === 'string' && reason !== '') return reason.slice(0, REASON_MAX);
  return typeof seconds === 'number' ? `${seconds} s` : undefined;
}

function placeOf({ zone, details = {} }: Said): string | undefined {
  const place = zone?.number ?? details['part'];
  const account = details['account'];
  const words = [account, place].filter((word) => word !== undefined && word !== '');
  return words.length === 0 ? undefined : words.join('/').slice(0, WORDS_MAX);
}

type NameOf = (state: State) => string | undefined;

function wordOf(state: State, nameOf?: NameOf): Standing {
  const { event } = state;
  const said = saidIn(event);
  const [at, name, reason] = [placeOf(said), nameOf?.(state), reasonOf(said)];
  return {
    kind: said.kind,
    ...(said.cause !== undefined && { cause: said.cause.slice(0, WORDS_MAX) }),
    ...(at !== undefined && { at }),
    ...(name !== undefined && { name }),
    since: event.time,
    ...(reason !== undefined && { reason }),
  };
}

/** Counts of all, and by device as many as are shown: faults before alarms, then as they began. */
export function standingOf(states: Iterable<State>, nameOf?: NameOf) {
  const alarms: State[] = [];
  const faults: State[] = [];
  for (const state of states) {
    const said = saidIn(state.event);
    if (!state.raised) continue;
    if (isFault(said)) faults.push(state);
    else if (isAlarmKind(said.kind)) alarms.push(state);
  }
  const devices: Record<string, Standing[]> = {};
  const bySequence = (one: State, other: State) => one.sequence - other.sequence;
  let shown = 0;
  for (const state of [...faults.sort(bySequence), ...alarms.sort(bySequence)]) {
    const of = devices[state.device] ?? [];
    if (shown >= SHOWN_MAX || of.length >= OF_DEVICE_MAX) continue;
    shown++;
    of.push(wordOf(state, nameOf));
    devices[state.device] = of;
  }
  return { faults: faults.length, alarms: alarms.length, devices };
}

/** Of each device that was ever heard of, since when it answers, or does not and why. */
export function linksOf(states: Iterable<State>): Readonly<Record<string, LinkWord>> {
  const links = new Map<string, State[]>();
  for (const state of states) {
    if (saidIn(state.event).kind !== 'link') continue;
    const of = links.get(state.device) ?? [];
    of.push(state);
    links.set(state.device, of);
  }
  return Object.fromEntries(
    [...links].map(([device, of]) => {
      const down = of.filter(({ raised }) => raised).sort((one, other) => one.sequence - other.sequence);
      const last = of.reduce((one, other) => (other.sequence > one.sequence ? other : one));
      const { event } = down[0] ?? last;
      const text = down.length > 0 ? saidIn(event).text : undefined;
      const parts = down
        .map((one) => saidIn(one.event).details?.['part'])
        .filter((part) => typeof part === 'string')
        .slice(0, OF_DEVICE_MAX);
      return [
        device,
        {
          since: event.time,
          ...(text !== undefined && { reason: text.slice(0, WORDS_MAX) }),
          ...(parts.length > 0 && { parts }),
        },
      ];
    }),
  );
}

/** `yard: clock: -28800 s` */
function inWords(device: string, { kind, cause, at, reason }: Standing): string {
  const what = kind === 'fault' || kind === 'video' ? (cause ?? kind) : kind;
  const words = [
    at === undefined ? device : `${device} ${at}`,
    what,
    ...(reason === undefined ? [] : [reason]),
  ];
  return words.join(': ');
}

/** Named in the line at the start. */
const NAMED_MAX = 10;

/**
 * Says in the log that a fault began, and that it ended, once each; and at the start what stands from before. Of many of
 * one cause at once, as of all zones of a panel, the first and how many.
 */
export function logFaults(
  { log, time }: { readonly log: Log; readonly time: Clock },
  recorder: Pick<Recorder, 'states' | 'onState'>,
): Part {
  const begun = burstLog(log, time);
  const ended = burstLog({ warn: (...line) => log.info(...line) }, time);
  const keyOf = ({ device, event }: State) => {
    const { kind, cause, details } = saidIn(event);
    return [device, placeOf(saidIn(event)), kind, cause, details?.['partition']].join('\n');
  };
  const standing = new Set<string>();
  let stopFollowing: (() => void) | undefined;
  const note = (state: State) => {
    const said = saidIn(state.event);
    if (!isFault(said)) return;
    const key = keyOf(state);
    if (standing.has(key) === state.raised) return;
    const word = wordOf(state);
    const kind = `${state.device} ${word.kind} ${word.cause}`;
    const { since, ...what } = word;
    const fields = { device: state.device, ...what };
    if (state.raised) {
      standing.add(key);
      begun.warn(kind, { ...fields, since }, `a fault began: ${inWords(state.device, word)}`);
    } else {
      standing.delete(key);
      ended.warn(kind, fields, `a fault is over: ${inWords(state.device, word)}`);
    }
  };
  return {
    start() {
      const before = [...recorder.states.values()].filter(
        ({ raised, event }) => raised && isFault(saidIn(event)),
      );
      for (const state of before) standing.add(keyOf(state));
      stopFollowing = recorder.onState(note);
      if (before.length === 0) return;
      const named = before.slice(0, NAMED_MAX).map((state) => inWords(state.device, wordOf(state)));
      const more = before.length > NAMED_MAX ? '; …' : '';
      log.warn(
        { faults: before.length },
        `faults that stand from before the start: ${named.join('; ')}${more}`,
      );
    },
    [Symbol.asyncDispose]: async () => {
      stopFollowing?.();
      begun.close();
      ended.close();
    },
  };
}
