/**
 * The latest word on each thing: device, zone and kind. A state found on connecting is an event only where it differs
 * from what was known, over a restart too.
 */
import { type Event, readEvent, typePrefix } from '../../config/catalogue/events.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { type DeviceObservation, isAlarmKind, type Observation } from '../../drivers/contract/observation.ts';
import type { Journal } from '../journal/index.ts';
import { signal } from '../lifecycle/signal.ts';
import { type StateOf, stateKeyOf } from './event.ts';
import { createStanding, type Standing, type Thing } from './standing.ts';

/** The latest word on one thing. */
export interface State {
  readonly device: string;
  readonly raised: boolean;
  readonly event: Event;
  readonly sequence: number;
}

export interface States {
  readonly byKey: ReadonlyMap<string, State>;
  isLoaded(): boolean;
  /** The key of an observation's state; undefined: it has none, or its device has so many that it gets no more. */
  keyOf(observation: Observation): string | undefined;
  /** Reads them from the journal. @throws JournalError */
  load(): Promise<void>;
  /** Whether what a device was found in differs from what was known. */
  isNews(key: string, observation: Pick<Observation, 'kind' | 'state'>): boolean;
  /** An event is on disk. `ends`: nothing needs to be known of it any more. */
  note(key: string, event: Event, sequence: number, ends: boolean): void;
  /** What panels raised and did not restore. */
  readonly standing: Pick<Standing, 'at' | 'alarms'>;
  /** Calls back after a state changed, until the function it gives is called. */
  onState(listener: (state: State) => void): () => void;
}

/**
 * Of one device, and of one panel where it has several. A camera names its sources as it likes, and a panel its zones:
 * one that names ever new ones is told all the same, but what is known of it no longer grows. Alarms have places of
 * their own, and codes that nobody knows few.
 */
const STATES_MAX = 5000;
const UNKNOWN_MAX = 200;

/** Who shares places, and how many there are. */
function placesOf(device: string, { kind, details }: Pick<Observation, 'kind' | 'details'>) {
  const account = details?.['account'] ?? '';
  if (details?.['unknownCode'] === true) return { key: `${device}/${account}/unknown`, max: UNKNOWN_MAX };
  return { key: `${device}/${account}/${isAlarmKind(kind) ? 'alarms' : ''}`, max: STATES_MAX };
}
const placesOfState = ({ device, event }: State) =>
  placesOf(device, event.data as unknown as Pick<Observation, 'kind' | 'details'>).key;

/** The key of the state that an event tells of: newer versions tell states apart by more than older ones did. */
const keyOfEvent = ({ data }: Event): string | undefined =>
  stateKeyOf({ ...(data as unknown as StateOf), device: (data as { device: { id: string } }).device.id });

function stateOf(event: Event, sequence: number): State {
  const { device, state } = event.data as { device: { id: string }; state: string };
  return { device: device.id, raised: state === 'raised', event, sequence };
}

export function createStates(journal: Pick<Journal, 'states'>, log: Log): States {
  const byKey = new Map<string, State>();
  const changed = signal<[State]>('a state', log);
  /** How many states there are of those that share places. */
  const counts = new Map<string, number>();
  const standing = createStanding();
  let loaded = false;
  const count = (places: string, more: 1 | -1) => {
    const sum = (counts.get(places) ?? 0) + more;
    if (sum > 0) counts.set(places, sum);
    else counts.delete(places);
  };
  const forget = (key: string) => {
    const before = byKey.get(key);
    if (before === undefined) return;
    count(placesOfState(before), -1);
    byKey.delete(key);
    standing.delete(key);
  };
  const set = (key: string, state: State) => {
    // A key tells who shares places: what is known stays in its own.
    if (!byKey.has(key)) count(placesOfState(state), 1);
    byKey.set(key, state);
    const thing = state.event.data as unknown as Thing;
    if (state.raised && thing.details?.['account'] !== undefined) standing.set(key, state.device, thing);
    else standing.delete(key);
  };
  return {
    byKey,
    isLoaded: () => loaded,
    keyOf(observation) {
      const key = stateKeyOf(observation);
      if (key === undefined || byKey.has(key)) return key;
      const places = placesOf(observation.device, observation);
      return (counts.get(places.key) ?? 0) < places.max ? key : undefined;
    },
    async load() {
      for (const { key, sequence, body } of await journal.states()) {
        const event = readEvent(body);
        if (event === undefined)
          log.error({ key, sequence }, 'the state of something cannot be read any more');
        else {
          const known = keyOfEvent(event) ?? key;
          if ((byKey.get(known)?.sequence ?? 0) <= sequence) set(known, stateOf(event, sequence));
        }
      }
      loaded = true;
    },
    isNews(key, { kind, state }) {
      const known = byKey.get(key);
      const raised = state === 'raised';
      // Of what was never heard of, quiet is no news; that a device answers is.
      return known === undefined ? raised || kind === 'link' : known.raised !== raised;
    },
    note(key, event, sequence, ends) {
      const state = stateOf(event, sequence);
      if (ends) forget(key);
      else set(key, state);
      changed.tell(state);
    },
    standing,
    onState: changed.on,
  };
}

/** The retained state of one device: whether it answers, and what is active (alarms, faults, armed areas). */
export function deviceState(device: string, states: Iterable<State>) {
  const links: State[] = [];
  const active: State[] = [];
  for (const state of states) {
    if (state.device !== device) continue;
    if (state.event.data['kind'] === 'link') links.push(state);
    else if (state.raised) active.push(state);
  }
  return {
    device,
    state: links.length === 0 ? 'unknown' : links.some((link) => link.raised) ? 'offline' : 'online',
    active: active.map(({ event, sequence }) => ({
      type: event.type.slice(typePrefix.length),
      kind: event.data['kind'],
      ...(event.subject !== undefined && { subject: event.subject }),
      ...(event.data['cause'] !== undefined && { cause: event.data['cause'] }),
      since: event.time,
      id: event.id,
      sequence: String(sequence),
    })),
  };
}

/** What stands of one device, as it was told. */
export function raisedOf(device: string, states: Iterable<State>): readonly DeviceObservation[] {
  const raised: DeviceObservation[] = [];
  for (const { device: of, raised: is, event } of states) {
    if (of !== device || !is) continue;
    const { kind, cause, zone, details } = event.data as unknown as DeviceObservation;
    const { clock } = event.data as { clock?: { seenAt?: string } };
    const seen = Date.parse(clock?.seenAt ?? event.time);
    raised.push({
      ...{ device, kind, state: 'raised' as const, seen },
      ...(cause !== undefined && { cause }),
      ...(zone !== undefined && { zone: { number: zone.number } }),
      ...(details !== undefined && { details }),
    });
  }
  return raised;
}
