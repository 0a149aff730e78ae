/** What a device can say: the words that drivers and the gateway share. Types, and no I/O. */
/** IEC 62642 / GB alarm words. An observation of one of these travels in the urgent lane. */
export const alarmKinds = [
  'panic',
  'intrusion',
  'perimeter',
  'fence',
  'tamper',
  'fire',
  'duress',
  'collision',
  'medical',
  'gas',
  'water',
  'environment',
] as const;

export type AlarmKind = (typeof alarmKinds)[number];
export const isAlarmKind = (kind: string): kind is AlarmKind =>
  (alarmKinds as readonly string[]).includes(kind);

/** Somebody is where nobody should be: it counts while the area is armed, and another zone that says so confirms it. */
export const zoneAlarmKinds = [
  'intrusion',
  'perimeter',
  'fence',
  'collision',
] as const satisfies readonly AlarmKind[];
export const isZoneAlarmKind = (kind: string): kind is (typeof zoneAlarmKinds)[number] =>
  (zoneAlarmKinds as readonly string[]).includes(kind);

/** What a zone can be: an alarm, or the contact of a door (raised: open), or the button beside it to go out. */
export const zoneKinds = [...alarmKinds, 'contact', 'exit-request'] as const;

/** Everything that can be said of a campus, by devices and by the gateway, in the order of the documents. */
export const observationKinds = [
  ...alarmKinds,
  'fault',
  'battery',
  'power',
  'arming',
  'bypass',
  'cancel',
  'credential',
  'contact',
  'exit-request',
  'forced',
  'held',
  'lockdown',
  'visit',
  'video',
  'link',
  'entry',
  'test',
  'notice',
] as const;

export type ObservationKind = (typeof observationKinds)[number];

/** What only the gateway says: whether a device answers, a lockdown, an entry delay, a notice. */
export const gatewayKinds = [
  'lockdown',
  'link',
  'entry',
  'notice',
] as const satisfies readonly ObservationKind[];

/** What a device can say; the gateway says some of it of its areas too. */
export type DeviceKind = Exclude<ObservationKind, (typeof gatewayKinds)[number]>;
export const deviceKinds = observationKinds.filter(
  (kind): kind is DeviceKind => !(gatewayKinds as readonly ObservationKind[]).includes(kind),
);

/** The standard codes beside the words: DC-03 letters ("PA") and Contact ID with its qualifier ("E120"). */
export interface StandardCodes {
  readonly sia?: string;
  readonly contactId?: string;
}

/** A card or key fob as the reader gave it. Numbers are decimal strings: 64-bit ids do not fit a double. */
export interface Credential {
  readonly format: string;
  readonly number: string;
  readonly facility?: number;
}

/** A visitor's visit. Times are RFC 3339. */
export interface Visit {
  readonly id: string;
  readonly stage: (typeof visitStages)[number];
  readonly name?: string | undefined;
  /** Whom they come to see. */
  readonly host?: string | undefined;
  readonly purpose?: string | undefined;
  /** When they are to be gone again. */
  readonly until?: string | undefined;
}

/** What a camera sees: the cause of an observation of the kind `video`. */
export const videoCauses = [
  'motion',
  'line-crossed',
  'zone-entered',
  'tampered',
  'signal-lost',
  'person',
  'vehicle',
  'animal',
  'face',
  'loitering',
  'crowd',
  'object-left',
  'object-removed',
  'wrong-way',
  'fast-movement',
  'sound',
] as const;

/** `missed`: expected, and did not come; `overdue`: still there after the time. */
export const visitStages = ['expected', 'arrived', 'left', 'overdue', 'missed'] as const;

/** What a restore ends, where its own cause does not say it. */
export interface Ending {
  /** Causes of the same kind, `''` for none: each that stands of the same zone and account is ended. */
  readonly causes: readonly string[];
  /** Where none of them stands it is no event. */
  readonly untold?: true;
}

/** A zone 防区 of a device as the config names it. */
export interface Zone {
  readonly number: number;
  readonly id?: string;
  readonly name?: string;
}

/**
 * What a device said, or the gateway of one, of an area or of itself.
 *
 * - `state` `raised`: the alarm, fault or loss began; the area was armed; the zone was bypassed; the card was shown.
 * - `state` `restored`: it ended.
 * - `at`: when the device says that it happened, epoch ms, and whether its clock can be believed.
 * - `initial`: the state as found on connecting, not a change: it becomes an event only where it differs from
 *   what the gateway knew. Level-reading drivers set it on the first poll, so that no alarm or restore is lost
 *   over a reconnect or a restart, and none is told twice.
 * - `repeat`: the same `key` within `within` ms is the same event (a panel that missed our ACK sends it again); within 0 it is
 *   none, and only its key is kept.
 * - `cause`: what, more finely, e.g. `broken-wire` under `fence`. Alarms of one zone differ by kind and cause.
 * - `details.account`, `details.partition`: of which panel and partition; the same zone in two of them is two.
 * - `momentary`: it happens and is over, and nothing is known of it later: no restore will end it.
 * - `past`: told later than it happened, as by a reader that was cut off: no door moves for it now, and a zone alarms
 *   where it has been armed since before.
 * - `cancelled`: of an alarm that ended because a user of the panel cancelled it.
 */
export interface Observation {
  readonly device: string;
  readonly kind: ObservationKind;
  readonly state: 'raised' | 'restored';
  readonly zone?: Zone;
  readonly cause?: string;
  readonly at?: { readonly time: number; readonly trusted: boolean };
  /** When the gateway saw it, epoch ms, where that is not now: an alarm after its entry delay. */
  readonly seen?: number;
  /** It was caused by a test, and is told as such. */
  readonly test?: 'walk-test' | 'maintenance';
  readonly initial?: boolean;
  readonly momentary?: boolean;
  readonly past?: boolean;
  readonly cancelled?: boolean;
  readonly ends?: Ending;
  readonly repeat?: { readonly key: string; readonly within: number };
  readonly codes?: StandardCodes;
  readonly credential?: Credential;
  /**
   * What somebody typed on a reader's keys, instead of a card: of `credential`. Only whoever decides about doors sees
   * it: it goes into no event, no log and no key.
   */
  readonly code?: string;
  /** What the gateway decided about the card, at which door. */
  readonly access?: {
    readonly door: string;
    readonly decision: 'granted' | 'denied' | 'unknown';
    readonly reason?: string;
    readonly holder?: string;
    readonly direction?: 'in' | 'out';
    /** Whom a guardian came for, where doors are for picking up. */
    readonly children?: readonly string[];
  };
  /** Of `visit`: a visitor, and how far the visit has come. */
  readonly visit?: Visit;
  /** A picture of it: its reference, as `Host.keep` gave it. */
  readonly picture?: string;
  readonly text?: string;
  readonly details?: Readonly<Record<string, string | number | boolean>>;
  readonly raw?: string;
}

/** What a driver may report: no word of the gateway's own. */
export interface DeviceObservation extends Observation {
  readonly kind: DeviceKind;
}

/**
 * The event is on disk under this number.
 * `repeated`: it was there before; `sequence` and `id` are then those of the first one, or, where an `initial`
 * observation told nothing new, both are null.
 */
export interface Receipt {
  readonly sequence: number | null;
  readonly id: string | null;
  readonly repeated: boolean;
}
