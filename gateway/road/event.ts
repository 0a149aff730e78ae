/** Makes events: an observation as a CloudEvent 1.0, and the events of the gateway itself. */
import { randomFillSync } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { closeReasons } from '../../config/catalogue/event-data.ts';
import { type Event, type EventType, type OwnEventType, typePrefix } from '../../config/catalogue/events.ts';
import { type AlarmClass, alarmClasses } from '../../drivers/contract/gb28181.ts';
import {
  type AlarmKind,
  isAlarmKind,
  type Observation,
  type ObservationKind,
  videoCauses,
} from '../../drivers/contract/observation.ts';

/** Codes of the alarm kinds where the device gave none. */
const alarmCodes: Record<AlarmKind, { sia: [string, string]; contactId: string; gb28181: AlarmClass }> = {
  panic: { sia: ['PA', 'PR'], contactId: '120', gb28181: alarmClasses.panic },
  duress: { sia: ['HA', 'HR'], contactId: '121', gb28181: alarmClasses.duress },
  fire: { sia: ['FA', 'FR'], contactId: '110', gb28181: alarmClasses.fire },
  intrusion: { sia: ['BA', 'BR'], contactId: '130', gb28181: alarmClasses.intrusion },
  perimeter: { sia: ['BA', 'BR'], contactId: '131', gb28181: alarmClasses.perimeter },
  fence: { sia: ['BA', 'BR'], contactId: '131', gb28181: alarmClasses.fence },
  collision: { sia: ['UA', 'UR'], contactId: '150', gb28181: alarmClasses.collision },
  tamper: { sia: ['TA', 'TR'], contactId: '137', gb28181: alarmClasses.tamper },
  medical: { sia: ['MA', 'MR'], contactId: '100', gb28181: alarmClasses.medical },
  gas: { sia: ['GA', 'GR'], contactId: '151', gb28181: alarmClasses.gas },
  water: { sia: ['WA', 'WR'], contactId: '154', gb28181: alarmClasses.water },
  environment: { sia: ['UA', 'UR'], contactId: '150', gb28181: alarmClasses.environment },
};

const typeOf: Record<
  Exclude<ObservationKind, AlarmKind>,
  readonly [raised: EventType, restored: EventType]
> = {
  fault: ['device.fault', 'device.restored'],
  battery: ['device.battery-low', 'device.restored'],
  power: ['device.power-lost', 'device.restored'],
  arming: ['arming.armed', 'arming.disarmed'],
  bypass: ['arming.bypassed', 'arming.unbypassed'],
  cancel: ['alarm.cancelled', 'alarm.cancelled'],
  credential: ['access.unknown', 'access.unknown'],
  link: ['device.offline', 'device.online'],
  entry: ['arming.entry-started', 'arming.entry-ended'],
  test: ['device.test-started', 'device.test-ended'],
  notice: ['notice.received', 'notice.ended'],
  contact: ['access.opened', 'access.closed'],
  'exit-request': ['access.exit-requested', 'access.exit-requested'],
  forced: ['access.forced', 'access.restored'],
  held: ['access.held', 'access.restored'],
  lockdown: ['access.lockdown-started', 'access.lockdown-ended'],
  visit: ['visitor.arrived', 'visitor.left'],
  video: ['video.motion', 'video.motion'],
};

export function eventTypeOf(observation: Observation): EventType {
  const { kind, state, cause, access: decided, visit, cancelled } = observation;
  if (isAlarmKind(kind)) return cancelled ? 'alarm.cancelled' : `alarm.${state}`;
  if (visit !== undefined) return `visitor.${visit.stage}`;
  if (decided?.children !== undefined) return 'access.pickup';
  if (decided !== undefined) return `access.${decided.decision}`;
  if (kind === 'video') return `video.${videoCauses.find((one) => one === cause) ?? 'motion'}`;
  return typeOf[kind][state === 'raised' ? 0 : 1];
}

/** What tells one state from another. */
export type StateOf = Omit<Observation, 'state'> & Partial<Pick<Observation, 'state'>>;

/**
 * What a device's states are told apart by: account or unit, partition, zone, kind and cause. Cards are no states, and
 * what is over as it happens. What a camera names is of one of its sources. Of arming the cause is how it came; a partition is armed or it is not.
 */
export function stateKeyOf({ device, zone, kind, cause, details, momentary }: StateOf): string | undefined {
  if (kind === 'credential' || kind === 'cancel' || momentary) return undefined;
  // A visitor comes at one terminal and leaves at another.
  if (kind === 'visit') return ['gateway', '', details?.['part'] ?? '', kind, ''].join('/');
  const source = details?.['source'] === undefined ? '' : `@${details['source']}`;
  const part = zone?.number ?? `${details?.['part'] ?? ''}${source}`;
  const partition = details?.['partition'];
  const account = `${details?.['account'] ?? ''}${partition === undefined ? '' : `:${partition}`}`;
  return [device, account, part, kind, kind === 'arming' ? '' : (cause ?? '')].join('/');
}

/** What is over and will not begin again has no state any more. */
export const endsForGood = ({ kind, state }: Observation): boolean =>
  state === 'restored' && (kind === 'visit' || kind === 'notice');

/** What an event must know beside the observation. */
export interface EventContext {
  readonly campusId: string;
  readonly deviceName?: string | undefined;
  /** The gateway's wall clock, epoch ms. */
  readonly now: number;
  readonly synchronised: boolean | null;
}

/** A burst names few moments, each many times: what the panel's clock says, and what ours does. */
const ISO_KEPT = 64;
const isoKept = Array.from({ length: ISO_KEPT }, () => ({ ms: Number.NaN, text: '' }));

/** RFC 3339 of epoch ms; the last ones are kept. */
export function isoOf(ms: number): string {
  const kept = isoKept[ms & (ISO_KEPT - 1)] as (typeof isoKept)[number];
  if (kept.ms !== ms) {
    kept.text = new Date(ms).toISOString();
    kept.ms = ms;
  }
  return kept.text;
}

const ID_RANDOM = 16;
const pool = Buffer.alloc(ID_RANDOM * 256);
let poolAt = pool.length;

/** UUIDv7 of epoch ms; its random bytes are fetched for 256 ids at once, because each fetch costs 5 µs. */
function newId(msecs: number): string {
  if (poolAt === pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  poolAt += ID_RANDOM;
  return uuidv7({ msecs, random: pool.subarray(poolAt - ID_RANDOM, poolAt) });
}

function envelope(
  { campusId, now }: EventContext,
  device: string | undefined,
  type: EventType,
  time: number = now,
): Omit<Event, 'data'> {
  return {
    specversion: '1.0',
    id: newId(now),
    source: `/campus/${campusId}/${device === undefined ? 'gateway' : `device/${device}`}`,
    type: `${typePrefix}${type}`,
    time: isoOf(time),
    datacontenttype: 'application/json',
  };
}

/** What it is about in the device, where that is no zone. */
const subjectOf = (details: Observation['details'] = {}) =>
  details['part'] ?? (details['partition'] === undefined ? undefined : `partition-${details['partition']}`);

/** Makes the event of an observation. */
export function toEvent(observation: Observation, context: EventContext): Event {
  const { deviceName, synchronised } = context;
  const now = observation.seen ?? context.now;
  const {
    device,
    kind,
    state,
    zone,
    cause,
    at,
    codes,
    credential,
    text,
    details,
    test,
    momentary,
    raw,
    visit,
    picture,
    access: decided,
  } = observation;
  const trusted = at?.trusted === true;
  const subject = zone === undefined ? subjectOf(details) : (zone.id ?? `zone-${zone.number}`);
  const known = isAlarmKind(kind) ? alarmCodes[kind] : undefined;
  const raised = state === 'raised';
  // Of what was typed on keys the event says no more.
  const told = credential ?? (kind === 'credential' ? { format: 'keypad' } : undefined);
  const code = known
    ? {
        ...(codes?.contactId === undefined && { sia: known.sia[raised ? 0 : 1] }),
        ...(codes?.sia === undefined && { contactId: `${raised ? 'E' : 'R'}${known.contactId}` }),
        ...codes,
        gb28181: known.gb28181,
      }
    : codes;
  return {
    ...envelope(context, device, eventTypeOf(observation), trusted ? at.time : now),
    ...(subject !== undefined && { subject: String(subject) }),
    data: {
      kind,
      state,
      device: { id: device, ...(deviceName !== undefined && { name: deviceName }) },
      ...(zone !== undefined && { zone }),
      ...(cause !== undefined && { cause }),
      ...(code !== undefined && Object.keys(code).length > 0 && { code }),
      ...(text !== undefined && { text }),
      ...(details !== undefined && { details }),
      ...(told !== undefined && { credential: told }),
      ...(decided !== undefined && { access: decided }),
      ...(visit !== undefined && { visit }),
      ...(picture !== undefined && { picture }),
      ...(test !== undefined && { test }),
      ...(momentary === true && { momentary }),
      ...(raw !== undefined && { raw }),
      clock: {
        source: trusted ? 'device' : 'gateway',
        ...(at !== undefined && { deviceTime: isoOf(at.time) }),
        seenAt: isoOf(now),
        synchronised,
      },
    },
  };
}

/** What is said of an alarm later, by the type of the event that says it. */
export interface AlarmFacts {
  readonly 'alarm.acknowledged': { readonly event: string; readonly by: string; readonly uplink: string };
  readonly 'alarm.confirmed': { readonly event: string; readonly by: string };
  readonly 'alarm.closed': {
    readonly event: string;
    readonly reason: (typeof closeReasons)[number];
    readonly by: string;
    readonly uplink: string;
    readonly note?: string;
  };
}

/** An event beside an alarm: an operator took it, another zone confirmed it, it was closed. */
export function eventAbout<T extends keyof AlarmFacts>(
  alarm: Event,
  type: T,
  fact: AlarmFacts[T],
  context: EventContext,
): Event {
  const { now, synchronised } = context;
  const { device, kind, state, zone, cause, code } = alarm.data as {
    device: { id: string };
    kind: AlarmKind;
    state: 'raised';
    zone?: object;
    cause?: string;
    code?: object;
  };
  return {
    ...envelope(context, device.id, type),
    ...(alarm.subject !== undefined && { subject: alarm.subject }),
    data: {
      kind,
      state,
      device,
      ...(zone !== undefined && { zone }),
      ...(cause !== undefined && { cause }),
      ...(code !== undefined && { code }),
      [type.slice('alarm.'.length)]: fact,
      clock: { source: 'gateway', seenAt: isoOf(now), synchronised },
    },
  };
}

/** A picture or a clip, or a piece of one. */
export interface MediaAbout {
  readonly device: string;
  readonly picture: string;
  readonly contentType: string;
  readonly bytes: number;
  readonly parts: number;
  readonly part: number;
  readonly event?: string | undefined;
  /** The type of that event, where it is known. */
  readonly of?: EventType | undefined;
}

/** An event about a picture or a clip, without its content. */
export function mediaEvent(
  type: 'media.kept' | 'media.piece',
  { device, picture: reference, contentType, bytes, parts, part, event, of }: MediaAbout,
  context: EventContext,
): Event {
  const { now, synchronised } = context;
  return {
    ...envelope(context, device, type),
    data: {
      picture: reference,
      contentType,
      bytes,
      ...(type === 'media.piece' && { part, parts }),
      device: { id: device },
      ...(event !== undefined && { event }),
      ...(of !== undefined && { of }),
      clock: { source: 'gateway', seenAt: isoOf(now), synchronised },
    },
  };
}

/** An event of the gateway itself. */
export function gatewayEvent(
  type: OwnEventType,
  details: Readonly<Record<string, unknown>>,
  context: EventContext,
): Event {
  const { now, synchronised } = context;
  return {
    ...envelope(context, undefined, type),
    data: { clock: { source: 'gateway', seenAt: isoOf(now), synchronised }, details },
  };
}
