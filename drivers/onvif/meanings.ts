/**
 * What topics mean where the config says nothing else: those of the ONVIF Imaging, Analytics and Core specifications by
 * their names, those of makers by the words in them, since each firmware has its own. Pure.
 */
import type { Notification } from './notifications.ts';

export interface Meaning {
  readonly kind: 'video' | 'fault' | 'power' | 'fire' | 'tamper';
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
  // Of Axis: its sensor for people who move, its housing, its card, its links, its level of sound. Of its three topics of
  // temperature this one says what the others say together.
  ['Device/Sensor/PIR', video('motion')],
  ['Device/Casing/Open', { kind: 'tamper' }],
  ['Storage/Disruption', fault('storage')],
  ['Device/Network/Lost', fault('network')],
  ['Device/Status/Temperature/Above_or_below', fault('temperature')],
  ['AudioSource/TriggerLevel', video('sound')],
  ['RecordingConfig/JobState', fault('recording')],
];

/** What topics tell of faults. */
export const faultCauses: readonly string[] = named.flatMap(([, { kind, cause = '' }]) =>
  kind === 'fault' ? [cause] : [],
);

/** Topics that begin so tell of the device, not of what it sees. */
const OF_THE_DEVICE =
  /^(Device|Media2?|Monitoring|Recording\w*|RecordingConfig|Configuration|Storage|Network|PTZ\w*|Log\w*|System|User|Credential|Door\w*|AccessControl)$/;
/** They count and record; they detect nothing. */
const NO_DETECTION = /-(count\w*|occupancy|aggregation|statistics?|heat-?map|record\w*|config\w*|log|queue)-/;

/** `LoiteringGuard` -> `-loitering-guard-`; `TPSmartEvent` -> `-tp-smart-event-`; `vmd3_video` -> `-vmd-3-video-`. */
const wordsOf = (segment: string) =>
  `-${segment
    .replace(/([a-z\d])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .replace(/([A-Za-z])(\d)|(\d)([A-Za-z])/g, '$1$3-$2$4')
    .replace(/[^\p{L}\d]+/gu, '-')
    .toLowerCase()}-`;

/** Whole words: `face` is none of `interface`, nor `smoke` of `smokeless`. */
const any = (...alternatives: readonly string[]) => new RegExp(`-(?:${alternatives.join('|')})-`);
/** What is written as one with the word before it: `facedetection`, `FaceDetect`, `Face`. */
const DETECT = '(?:-?(?:detect|detects|detected|detection|detector|alarm))?';

/**
 * A fire, unless the word beside it makes another thing of it: a fire escape, lane, door or extinguisher (消防通道, 灭火器), a
 * firewall, a campfire, gunfire, a smoke-free area, a person who smokes (抽烟). What may stand before it is open, since makers
 * put their names there; what follows it is not.
 */
const FIRE = new RegExp(
  [
    '(?<!-(?:camp|bon|no|non|anti|gun|cross|cease|persons?|people|human|driver|call|phone))',
    `-(?:(?:fire|smoke|flame)s?${DETECT}|fire-?smoke)-`,
    '(?:$|(?:and|or|smoke|fire|flame|detect|detects|detected|detection|detector|alarm|warning|event|state|status|active)-',
    '|(?:triggered|level|point|source|spot|area|region|zone|rule|analytics|temperature|\\d+)-)',
  ].join(''),
);

/** The first that fits is meant; the last segment of a topic before those that it is under. */
const words: readonly (readonly [words: RegExp, meaning: Meaning])[] = [
  // Not `FireWall`, nor what only bears the word: `FireEscapeDetection`, `FireLane` (消防通道), `FireExtinguisher`, `CampFire`.
  [FIRE, fire],
  [any('loiter(?:s|ed|ing)?(?:-?detection)?'), video('loitering')],
  [
    any(
      ...['cross(?:es|ed|ing)?', '(?:line|border)-?cross(?:ed|ing)?', 'trip-?wires?', 'fence-guard'],
      ...['virtual-?fence', 'line-?(?:detect|detected|detection|detector|alarm)'],
    ),
    video('line-crossed'),
  ],
  [
    any('(?:wrong|reverse)-?(?:way|direction)', 'retrograde', 'reverse-(?:driving|moving|movement|motion)'),
    video('wrong-way'),
  ],
  [
    any(
      '(?:fast|rapid)-?mov(?:e|ed|ing|ement)',
      'run(?:ning)?-?detect(?:ion|or)?',
      '(?:people|person)-running',
    ),
    video('fast-movement'),
  ],
  [
    any(
      '(?:over)?crowd(?:s|ed|ing)?',
      'crowd-?detection',
      '(?:people|personnel)?-?gathering',
      'people-?density',
    ),
    video('crowd'),
  ],
  [
    any(
      'abandon(?:ed|ment)?',
      'unattended',
      'unattended-?(?:baggage|object)',
      'left-?(?:object|behind|baggage|luggage)',
    ),
    video('object-left'),
  ],
  [any('objects?-?(?:is-)?(?:left|leave|abandoned)', 'item-left'), video('object-left')],
  [
    any(
      'objects?-?(?:is-)?(?:removed|removal|taken|token|missing)',
      ...['(?:removed|missing|taken)-?objects?', 'take-?(?:object|away)', 'item-(?:taken|removed)'],
    ),
    video('object-removed'),
  ],
  [any(`faces?${DETECT}(?!-?masks?-)`, 'face-?recognition'), video('face')],
  [
    any(`(?:human|person|people|pedestrian)s?${DETECT}`, 'human-?(?:shape|body)(?:-?detect(?:ion)?)?'),
    video('person'),
  ],
  [any(`vehicles?${DETECT}`, 'cars?', 'motor-?vehicle', 'motor-?detect(?:ion)?'), video('vehicle')],
  [any('animals?', 'pets?', 'dogs?', 'cats?'), video('animal')],
  [
    any(
      ...[
        `tamper(?:s|ed|ing)?${DETECT}`,
        '(?<!-(?:face|no|without|wear|wearing)-)mask-?alarm',
        'shading',
        'shelter(?:ed)?',
        'occlu(?:de|ded|sion)',
      ],
      ...[
        'blind(?:ed|ing)?',
        'video-?(?:mask|blind|cover)(?:ed|ing)?',
        'scene-?chang(?:e|ed|ing)',
        'scene-?change-?detection',
      ],
    ),
    video('tampered'),
  ],
  [any('(?:video|signal)-?(?:loss|lost)'), video('signal-lost')],
  [
    any(
      ...['intrusions?(?:-?detect(?:ion|or))?', 'objects?-?inside', 'field-?detect(?:ion|or)'],
      '(?:region-?)?(?:entrance|entering|entered|enter)',
    ),
    video('zone-entered'),
  ],
  [
    any(
      '(?:sound|audio|noise)-?(?:detect|detected|detection|detector|alarm|level|exception)',
      'detected-sound',
      'scream(?:ing)?',
    ),
    video('sound'),
  ],
  [any(`(?:video-?)?motions?${DETECT}`, 'vmd', 'pir'), video('motion')],
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

/** Which items of a notification say what was seen, each by itself. */
export const sayingItems = ({ data }: Notification): readonly string[] =>
  Object.keys(data).filter((name) => items.some(([pattern]) => pattern.test(name)));

/** Classes of objects (ONVIF Analytics, 5.3.5), as cameras write them. */
const classes: readonly (readonly [name: RegExp, meaning: Meaning])[] = [
  [any('human', 'persons?', 'people', 'pedestrians?'), video('person')],
  [any('faces?'), video('face')],
  [
    any('vehicles?', 'cars?', 'trucks?', 'bus(?:es)?', 'bikes?', 'motorcycles?', 'bicycles?'),
    video('vehicle'),
  ],
  [any('animals?', 'pets?', 'dogs?', 'cats?'), video('animal')],
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
  return (
    classes.find(([pattern]) => seen !== undefined && pattern.test(wordsOf(seen)))?.[1] ?? video('motion')
  );
}
