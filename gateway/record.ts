/**
 * The step from "a device said" to "it is on disk": observation -> event -> journal, and nothing else.
 * It also knows the state of each device, zone and kind, because a state found on connecting is an event only
 * where it differs from what was known.
 */
import type { Log, Observation, Receipt } from '../drivers/contract.ts';
import {
  type Event,
  type EventType,
  eventTypeOf,
  gatewayEvent,
  laneOf,
  stateKeyOf,
  toEvent,
  typePrefix,
} from './event.ts';
import type { Journal } from './journal/index.ts';
import type { Clock } from './observe/clock.ts';
import { burstLog } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';

/** Follows events from the side: for the live view, for tests. Times are `performance.now()`. */
export interface Trace {
  seen?(event: Event): void;
  /** It was on disk already: no second event. */
  repeated?(event: Event): void;
  stored?(event: Event, sequence: number, seenAt: number): void;
  delivered?(uplink: string, id: string): void;
}

/** The latest word on one thing. */
export interface State {
  readonly device: string;
  readonly raised: boolean;
  readonly event: Event;
  readonly sequence: number;
}

export interface Recorder {
  record(observation: Observation): Promise<Receipt>;
  /** Puts an event of the gateway itself on disk. */
  recordOwn(
    type: Extract<EventType, `gateway.${string}`>,
    details: Readonly<Record<string, unknown>>,
  ): Promise<void>;
  /** By state key. */
  readonly states: ReadonlyMap<string, State>;
  close(): void;
  /** Calls back after a state changed, until the function it gives is called. */
  onState(listener: (state: State) => void): () => void;
}

export async function createRecorder(options: {
  readonly campusId: string;
  readonly deviceNames: ReadonlyMap<string, string | undefined>;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly trace?: Trace | undefined;
}): Promise<Recorder> {
  const { campusId, deviceNames, journal, clock, metrics, log, trace } = options;
  const failures = burstLog(log);
  const states = new Map<string, State>();
  const listeners = new Set<(state: State) => void>();
  for (const { key, sequence, body } of await journal.states()) {
    const event = JSON.parse(body) as Event;
    states.set(key, stateOf(event, sequence));
  }

  const context = (device?: string) => ({
    campusId,
    deviceName: device === undefined ? undefined : deviceNames.get(device),
    now: clock.now(),
    synchronised: clock.synchronised(),
  });

  const append = async (
    event: Event,
    type: EventType,
    device: string,
    more: Partial<Parameters<Journal['append']>[0]>,
  ) => {
    const seenAt = performance.now();
    trace?.seen?.(event);
    try {
      const appended = await journal.append({
        id: event.id,
        lane: laneOf(type),
        seenAt: clock.now(),
        type,
        device,
        body: JSON.stringify(event),
        ...more,
      });
      metrics.commitSeconds.observe((performance.now() - seenAt) / 1000);
      if (appended.repeated) {
        metrics.repeats.inc();
        trace?.repeated?.(event);
      } else {
        metrics.events.inc({ type });
        trace?.stored?.(event, appended.sequence, seenAt);
      }
      return appended;
    } catch (error) {
      metrics.refused.inc();
      const { code, message } = error as Error & { code?: string };
      failures.warn(
        `journal ${code}`,
        { code, error: message, type, device },
        'an event could not be put on disk; its device gets no acknowledgement',
      );
      throw error;
    }
  };

  return {
    states,
    onState(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async record(observation) {
      const stateKey = stateKeyOf(observation);
      if (observation.initial === true && stateKey !== undefined) {
        const known = states.get(stateKey);
        const raised = observation.state === 'raised';
        // Of what was never heard of, quiet is no news; that a device answers is.
        const same = known === undefined ? !raised && observation.kind !== 'link' : known.raised === raised;
        if (same) return { sequence: null, id: null, repeated: true };
      }
      const event = toEvent(observation, context(observation.device));
      const type = eventTypeOf(observation);
      const { repeat } = observation;
      const appended = await append(event, type, observation.device, { stateKey, repeat });
      if (stateKey !== undefined && !appended.repeated) {
        const state = stateOf(event, appended.sequence);
        states.set(stateKey, state);
        for (const listener of listeners) listener(state);
      }
      return appended;
    },
    close: () => failures.close(),
    async recordOwn(type, details) {
      await append(gatewayEvent(type, details, context()), type, 'gateway', {});
    },
  };
}

function stateOf(event: Event, sequence: number): State {
  const { device, state } = event.data as { device: { id: string }; state: string };
  return { device: device.id, raised: state === 'raised', event, sequence };
}

/** The retained state of one device: whether it answers, and what is active (alarms, faults, armed areas). */
export function deviceState(device: string, states: Iterable<State>) {
  const own = [...states].filter((state) => state.device === device);
  const links = own.filter(({ event }) => event.data['kind'] === 'link');
  const active = own.filter(({ raised, event }) => raised && event.data['kind'] !== 'link');
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
