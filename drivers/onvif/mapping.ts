/** From a camera's topics to what it observed. Pure. */
import { z } from 'zod';
import { alarmKinds, type DeviceObservation, videoCauses } from '../contract/observation.ts';
import { classOf, meaningOf } from './meanings.ts';
import { type Notification, plainTopic } from './notifications.ts';

export const eventRule = z.strictObject({
  topic: z
    .string()
    .min(1)
    .describe('How its topic begins: RuleEngine/LineDetector; prefixes make no difference'),
  source: z
    .string()
    .optional()
    .describe('Only of this source: the name of a rule, or the token of an input or a channel'),
  kind: z
    .enum([...alarmKinds, 'video', 'contact', 'exit-request', 'fault', 'power', 'ignore'])
    .describe('What it means: an alarm, a `video` event, a fault; or nothing'),
  cause: z
    .string()
    .max(50)
    .optional()
    .describe(`Of \`video\`: ${videoCauses.join(', ')}`),
  zone: z.int().min(0).max(9999).optional().describe('Its number as a zone 防区 of this camera'),
  inverted: z.boolean().default(false).describe('Whether `false` is the alarm'),
});
export type EventRule = z.output<typeof eventRule>;

/** Names of items that bear a state, in small letters; others do where they say `true` or `false`. */
const STATES = [
  'ismotion',
  'isinside',
  'istamper',
  'state',
  'logicalstate',
  'failed',
  'critical',
  'active',
  'level',
  'motion',
  'issounddetected',
  'isloitering',
  'iscrossed',
  'value',
  'status',
];
const truth: Readonly<Record<string, boolean>> = {
  ...{ true: true, '1': true, on: true, yes: true, active: true },
  ...{ false: false, '0': false, off: false, no: false, inactive: false },
};
/** RecordingConfig/JobState (ONVIF Recording Control, 5.21): what is not active does not record. */
const jobStates: Readonly<Record<string, boolean>> = {
  active: false,
  partiallyactive: false,
  idle: true,
  error: true,
};
const statesOf = (topic: string) => (topic.startsWith('RecordingConfig/JobState') ? jobStates : truth);

/** undefined: it bears no state, it only happened. */
function stateOf({ topic, data }: Notification): boolean | undefined {
  const entries = Object.entries(data).map(
    ([name, value]) => [name.toLowerCase(), value.toLowerCase()] as const,
  );
  const named = STATES.map((state) => entries.find(([name]) => name === state)).find(
    (one) => one !== undefined,
  );
  const value =
    named ??
    entries.find(([name, one]) => /^is[a-z]/.test(name) && one in truth) ??
    entries.find(([, one]) => /^(true|false|active|inactive)$/.test(one));
  return value === undefined ? undefined : statesOf(topic)[value[1]];
}

/** What tells one source from another, for people: the rule's name before tokens. */
const partOf = ({ source }: Notification) =>
  source['Rule'] ?? source['RuleName'] ?? source['InputToken'] ?? Object.values(source)[0];

/**
 * What tells one object of a source from another; undefined: there is one state of it. An `ObjectId` among the data is
 * no key: the end may come with another one.
 */
const objectOf = ({ key }: Notification) => (key === undefined ? undefined : Object.values(key).join('/'));

export interface Meant {
  readonly observation: DeviceObservation;
  /** It has no end of its own. */
  readonly passing: boolean;
  /** Which of several objects, where they are told apart. */
  readonly object: string | undefined;
}

/** `unmapped`: no rule says what it means; undefined: it is nothing, as a rule or the standard says. */
export function observationOf(
  notification: Notification,
  device: string,
  rules: readonly EventRule[],
): Meant | 'unmapped' | undefined {
  const { topic, operation, source } = notification;
  const rule = rules.find(({ topic: given, source: only }) => {
    const beginning = plainTopic(given);
    if (topic !== beginning && !topic.startsWith(`${beginning}/`)) return false;
    return only === undefined || Object.values(source).includes(only);
  });
  const found = rule ?? meaningOf(notification);
  if (found === undefined) return 'unmapped';
  if (found.kind === 'ignore') return undefined;
  const { kind, cause } = found;
  const state = stateOf(notification);
  // What only happens is not inverted: it happened.
  const raised = operation !== 'Deleted' && (state === undefined || state !== (rule?.inverted ?? false));
  // Initialized with the quiet value is no event: the recorder knows, by `initial`.
  const initial = operation === 'Initialized';
  // Of what only happens nobody tells the beginning, nor that it will not happen again.
  if ((initial || operation === 'Deleted') && state === undefined) return undefined;
  const part = partOf(notification);
  const seen = classOf(notification);
  const details = { ...(part !== undefined && { part }), ...(seen !== undefined && { class: seen }) };
  return {
    passing: state === undefined,
    object: state === undefined ? undefined : objectOf(notification),
    observation: {
      device,
      kind,
      state: raised ? 'raised' : 'restored',
      ...(cause !== undefined && { cause }),
      ...(rule?.zone !== undefined && { zone: { number: rule.zone } }),
      ...(initial && { initial }),
      ...(Object.keys(details).length > 0 && { details }),
    },
  };
}
