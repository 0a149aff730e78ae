/** From a camera's topics to what it observed. Pure. */
import { z } from 'zod';
import { alarmKinds, type DeviceObservation } from '../contract/observation.ts';
import type { Notification } from './codec.ts';

export const eventRule = z.strictObject({
  topic: z.string().min(1).describe('How its topic begins: RuleEngine/LineDetector'),
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
    .describe('Of `video`: motion, line-crossed, zone-entered, tampered, signal-lost'),
  zone: z.int().min(0).max(9999).optional().describe('Its number as a zone 防区 of this camera'),
  inverted: z.boolean().default(false).describe('Whether `false` is the alarm'),
});
export type EventRule = z.output<typeof eventRule>;

const rule = (topic: string, kind: EventRule['kind'], cause?: string): EventRule => ({
  topic,
  kind,
  inverted: false,
  ...(cause !== undefined && { cause }),
});

/** What topics mean where the config says nothing else (ONVIF Imaging, Analytics and Core specifications). */
const defaults: readonly EventRule[] = [
  rule('RuleEngine/CellMotionDetector/Motion', 'video', 'motion'),
  rule('RuleEngine/MotionRegionDetector/Motion', 'video', 'motion'),
  rule('VideoSource/MotionAlarm', 'video', 'motion'),
  rule('RuleEngine/LineDetector/Crossed', 'video', 'line-crossed'),
  rule('RuleEngine/FieldDetector/ObjectsInside', 'video', 'zone-entered'),
  rule('RuleEngine/TamperDetector/Tamper', 'video', 'tampered'),
  rule('VideoSource/GlobalSceneChange', 'video', 'tampered'),
  rule('VideoSource/SignalLoss', 'video', 'signal-lost'),
  rule('VideoSource/ImageTooDark', 'fault', 'image-too-dark'),
  rule('VideoSource/ImageTooBright', 'fault', 'image-too-bright'),
  rule('VideoSource/ImageTooBlurry', 'fault', 'image-too-blurry'),
  rule('Device/HardwareFailure/StorageFailure', 'fault', 'storage'),
  rule('Device/HardwareFailure/FanFailure', 'fault', 'fan'),
  rule('Device/HardwareFailure/PowerSupplyFailure', 'power'),
  rule('Device/HardwareFailure/TemperatureCritical', 'fault', 'temperature'),
  rule('RecordingConfig/JobState', 'fault', 'recording'),
];

/** Names of items that bear a state. */
const STATES = [
  'IsMotion',
  'IsInside',
  'IsTamper',
  'State',
  'LogicalState',
  'Failed',
  'Critical',
  'Active',
  'Value',
];
const truth: Readonly<Record<string, boolean>> = {
  true: true,
  '1': true,
  false: false,
  '0': false,
  // RecordingConfig/JobState: what is not active does not record.
  active: false,
  idle: true,
  error: true,
};

/** undefined: it bears no state, it only happened. */
function stateOf(data: Notification['data']): boolean | undefined {
  const named = STATES.map((name) => data[name]).find((value) => value !== undefined);
  const value = named ?? Object.values(data).find((one) => /^(true|false)$/i.test(one));
  return value === undefined ? undefined : truth[value.toLowerCase()];
}

/** What tells one source from another, for people: the rule's name before tokens. */
const partOf = ({ source }: Notification) =>
  source['Rule'] ?? source['RuleName'] ?? source['InputToken'] ?? Object.values(source)[0];

/** undefined: it says nothing to us. `passing`: it has no end of its own. */
export function observationOf(
  notification: Notification,
  device: string,
  rules: readonly EventRule[],
): { readonly observation: DeviceObservation; readonly passing: boolean } | undefined {
  const { topic, operation, source, data } = notification;
  const fits = (one: EventRule) =>
    (topic === one.topic || topic.startsWith(`${one.topic}/`)) &&
    (one.source === undefined || Object.values(source).includes(one.source));
  const found = rules.find(fits) ?? defaults.find(fits);
  if (found === undefined || found.kind === 'ignore') return undefined;
  const { kind, cause, zone, inverted } = found;
  const state = stateOf(data);
  const raised = operation !== 'Deleted' && (state ?? true) !== inverted;
  // Initialized with the quiet value is no event: the recorder knows, by `initial`.
  const initial = operation === 'Initialized';
  // Of what only happens nobody tells the beginning.
  if (initial && state === undefined) return undefined;
  const part = partOf(notification);
  return {
    passing: state === undefined,
    observation: {
      device,
      kind,
      state: raised ? 'raised' : 'restored',
      ...(cause !== undefined && { cause }),
      ...(zone !== undefined && { zone: { number: zone } }),
      ...(initial && { initial }),
      ...(part !== undefined && { details: { part } }),
    },
  };
}
