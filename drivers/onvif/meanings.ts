/**
 * What topics mean where the config says nothing else: those of the ONVIF Imaging, Analytics and Core specifications by
 * their names, those of makers by the words in them, since each firmware has its own. Pure.
 */
import type { Notification } from './notifications.ts';

export interface Meaning {
  readonly kind: 'video' | 'fault' | 'power' | 'fire';
  readonly cause?: string;
}

const video = (cause: string): Meaning => ({ kind: 'video', cause });
const fault = (cause: string): Meaning => ({ kind: 'fault', cause });
const fire: Meaning = { kind: 'fire' };

/** How a topic begins, the longer before the shorter. */
const named: readonly (readonly [topic: string, meaning: Meaning])[] = [
  ['RuleEngine/LineDetector', video('line-crossed')],
  ['VideoSource/GlobalSceneChange', video('tampered')],
  ['VideoSource/SignalLoss', video('signal-lost')],
  ['VideoSource/ImageTooDark', fault('image-too-dark')],
  ['VideoSource/ImageTooBright', fault('image-too-bright')],
  ['VideoSource/ImageTooBlurry', fault('image-too-blurry')],
  ['Device/HardwareFailure/StorageFailure', fault('storage')],
  ['Device/HardwareFailure/FanFailure', fault('fan')],
  ['Device/HardwareFailure/PowerSupplyFailure', { kind: 'power' }],
  ['Device/HardwareFailure/TemperatureCritical', fault('temperature')],
  ['Device/HardwareFailure', fault('hardware')],
  // The sensor of an Axis for people who move.
  ['Device/Sensor/PIR', video('motion')],
  ['RecordingConfig/JobState', fault('recording')],
];

/** Topics that begin so tell of the device, not of what it sees. */
const OF_THE_DEVICE =
  /^(Device|Media2?|Monitoring|Recording\w*|RecordingConfig|Configuration|Storage|Network|PTZ\w*|Log\w*|System|User|Credential|Door\w*|AccessControl)$/;
/** They count and record; they detect nothing. */
const NO_DETECTION = /-(count\w*|occupancy|aggregation|statistics?|heat-?map|record\w*|config\w*|log|queue)-/;

/** `LoiteringGuard` -> `-loitering-guard-`; `HumanShapeDetect` -> `-human-shape-detect-`. */
const wordsOf = (segment: string) =>
  `-${segment
    .replace(/([a-z\d])([A-Z])/g, '$1-$2')
    .replace(/[\s_.]+/g, '-')
    .toLowerCase()}-`;

/** The first that fits is meant; the last segment of a topic before those that it is under. */
const words: readonly (readonly [words: RegExp, meaning: Meaning])[] = [
  [/-(fire|smoke|flame)s?-|-(fire|smoke|flame)(detect|alarm|smoke)/, fire],
  [/loiter/, video('loitering')],
  [/cross|trip-?wire|fence-guard|virtual-?fence|-line-?(detect|alarm)/, video('line-crossed')],
  [/-(wrong|reverse)-?(way|direction)|retrograde|-reverse-/, video('wrong-way')],
  [/fast-?mov|rapid-?mov|-running-|run-?detect/, video('fast-movement')],
  [/crowd|gathering|-people-?density|-density-/, video('crowd')],
  [/abandon|unattended|left-?(object|behind|baggage|luggage)/, video('object-left')],
  [/objects?-?(is-)?(left|leave)-|-item-left/, video('object-left')],
  [/objects?-?(is-)?(removed|taken|token|missing)-|(removed|missing|taken)-?object/, video('object-removed')],
  [/object-?removal|-take-?(object|away)|-item-(taken|removed)/, video('object-removed')],
  [/face/, video('face')],
  [/-(human|person|people|pedestrian)|human-?shape/, video('person')],
  [/vehicle|-cars?-|motor-?detect/, video('vehicle')],
  [/-(animals?|pets?|dogs?|cats?)-/, video('animal')],
  [
    /tamper|-mask-?alarm|shading|-shelter|occlu|-blind-|-video-?(mask|blind|cover)|scene-?chang/,
    video('tampered'),
  ],
  [/(video|signal)-?(loss|lost)/, video('signal-lost')],
  [
    /intrusion|objects?-?inside|-(region-?)?(entrance|entering|entered|enter)-|field-?detection/,
    video('zone-entered'),
  ],
  [
    /-(sound|audio|noise)-?(detect|alarm|level|exception)|detected-sound|-trigger-level-|scream/,
    video('sound'),
  ],
  [/-motion|-vmd\d?-|-pir-|video-?motion|motion-?detect/, video('motion')],
];

/** Names of items that say what was seen (Tapo's one topic for all, and others). */
const items: readonly (readonly [name: RegExp, meaning: Meaning])[] = [
  [/^is-?(people|person|human)$/i, video('person')],
  [/^is-?vehicle$/i, video('vehicle')],
  [/^is-?(pet|animal)$/i, video('animal')],
  [/^is-?face$/i, video('face')],
  [/^is-?line-?cross(ed)?$/i, video('line-crossed')],
  [/^is-?(intrusion|inside)$/i, video('zone-entered')],
  [/^is-?tamper$/i, video('tampered')],
  [/^is-?motion$/i, video('motion')],
];

/** Classes of objects (ONVIF Analytics, 5.3.5), as cameras write them. */
const classes: readonly (readonly [name: RegExp, meaning: Meaning])[] = [
  [/human|person|people|pedestrian/i, video('person')],
  [/face/i, video('face')],
  [/vehicle|\bcar\b|truck|\bbus\b|bike|motorcycle|bicycle/i, video('vehicle')],
  [/animal|\bpet\b|\bdog\b|\bcat\b/i, video('animal')],
];
const CLASS_ITEM = /^(class(_?types?|es)?|object_?(class|type)|(object)?class_?types?)$/i;

/** What kind of object it was, in the camera's words. */
export const classOf = ({ data }: Notification): string | undefined =>
  Object.entries(data).find(([name, value]) => CLASS_ITEM.test(name) && value !== '')?.[1];

const startsWith = (topic: string, beginning: string) =>
  topic === beginning || topic.startsWith(`${beginning}/`);

/** undefined: we know no meaning, which is told. */
export function meaningOf(notification: Notification): Meaning | undefined {
  const { topic, data } = notification;
  const exact = named.find(([beginning]) => startsWith(topic, beginning));
  if (exact !== undefined) return exact[1];
  const segments = topic.split('/');
  if (OF_THE_DEVICE.test(segments[0] ?? '')) return undefined;
  const spoken = segments.map(wordsOf);
  if (spoken.some((segment) => NO_DETECTION.test(segment))) return undefined;
  const item = Object.keys(data)
    .map((name) => items.find(([pattern]) => pattern.test(name)))
    .find((found) => found !== undefined);
  for (const segment of spoken.slice(segments.length > 1 ? 1 : 0).reverse()) {
    const found = words.find(([pattern]) => pattern.test(segment));
    // `CellMotionDetector/People` says more in its last segment than in what it is under.
    if (found !== undefined) return found[1];
    if (item !== undefined) return item[1];
  }
  const seen = classOf(notification);
  if (!/^-object-/.test(spoken.at(-1) ?? '') && !spoken.includes('-object-analytics-')) return undefined;
  return classes.find(([pattern]) => seen !== undefined && pattern.test(seen))?.[1] ?? video('motion');
}
