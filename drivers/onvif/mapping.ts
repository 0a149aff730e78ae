/** From a camera's topics to what it observed. Pure. */
import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { alarmKinds, type DeviceObservation, videoCauses } from '../contract/observation.ts';
import { classOf, faultCauses, meaningOf, sayingItems } from './meanings.ts';
import { type Notification, plainTopic } from './notifications.ts';
import { stateIn } from './values.ts';

/** `moton` -> `motion`. */
function causeNear(cause: string): string {
  const best = closest(cause, videoCauses);
  return distance(cause, best) > Math.max(2, cause.length / 3) ? '' : best;
}

export const eventRule = z
  .strictObject({
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
  })
  .superRefine(({ kind, cause }, context) => {
    // What is told as `video` has the type of its cause, and no other.
    if (kind !== 'video' || cause === undefined || (videoCauses as readonly string[]).includes(cause)) return;
    const best = causeNear(cause);
    const all = videoCauses.join(', ');
    context.addIssue({
      code: 'custom',
      path: ['cause'],
      message: `not known${best && `; did you mean ${best}?`}; allowed: ${all}`,
      params: { zh: `不认识${best && `（是不是 ${best}？）`}；可用：${all}` },
    });
  });
export type EventRule = z.output<typeof eventRule>;

/**
 * What of a source it is, by a name; undefined: the source as a whole. Axis names no source, and its scenarios and profiles
 * in the topic: `ObjectAnalytics/Device1Scenario2`, `VMD/Camera1ProfileANY`.
 */
export const nameOf = ({ topic, source }: Pick<Notification, 'topic' | 'source'>): string | undefined => {
  const named = source['Rule'] ?? source['RuleName'] ?? source['InputToken'];
  if (named !== undefined || Object.keys(source).length > 0) return named;
  const last = topic.slice(topic.lastIndexOf('/') + 1);
  return /\d/.test(last) ? last : undefined;
};
/** What tells one source from another, for people: the rule's name before tokens. */
const partOf = (notification: Pick<Notification, 'topic' | 'source'>) =>
  nameOf(notification) ?? Object.values(notification.source)[0];
const CHANNEL = /^((video|audio)?source(configuration)?(token)?|channel(id|no|number)?)$/i;
const ANALYTICS = /^videoanalyticsconfiguration(token)?$/i;
/** Of which channel it is, beside its name: each channel of a recorder has a rule of the same name (ONVIF Core 9.5.1). */
const channelIn = ({ source }: Pick<Notification, 'source'>, part: string | undefined) =>
  [CHANNEL, ANALYTICS]
    .map((of) => Object.entries(source).find(([name, value]) => of.test(name) && value !== part)?.[1])
    .find((value) => value !== undefined && value !== '');

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

/** Whether a camera's topics may have told it: not that it is blind, nor what only the gateway says. */
export const mayMean = ({ kind, cause }: DeviceObservation, rules: readonly EventRule[]): boolean =>
  kind === 'video' ||
  kind === 'power' ||
  (alarmKinds as readonly string[]).includes(kind) ||
  (kind === 'fault' && faultCauses.includes(cause ?? '')) ||
  rules.some((rule) => rule.kind === kind && rule.cause === cause);

/** What came of a notification. */
export type Judged =
  | { readonly is: 'told'; readonly meant: Meant; readonly rule: EventRule | undefined }
  /** Nobody says what it means: `what` is listed, so that somebody can. */
  | { readonly is: 'unmapped'; readonly what: string }
  /** It is no event, for this reason. */
  | { readonly is: 'nothing'; readonly why: string };

/** Of a word that is listed, characters. */
const WORD_MAX = 40;

/** As it is listed: with what `source` of a rule would name. */
export const listed = (notification: Pick<Notification, 'topic' | 'source'>): string => {
  const part = nameOf({ ...notification, topic: '' }) ?? Object.values(notification.source)[0];
  return part === undefined || part === '' ? notification.topic : `${notification.topic}, source: ${part}`;
};

const ruleOf = (notification: Notification, rules: readonly EventRule[]) =>
  rules.find(({ topic: given, source: only }) => {
    const { topic, source } = notification;
    const beginning = plainTopic(given);
    if (topic !== beginning && !topic.startsWith(`${beginning}/`)) return false;
    return only === undefined || Object.values(source).includes(only) || nameOf(notification) === only;
  });

/**
 * One notification as several, where its items say several things: Tapo tells `IsVehicle` and `IsPet` at once, and each is so
 * or is not. What a rule or its topic means is one thing.
 */
export function partsOf(notification: Notification, rules: readonly EventRule[]): readonly Notification[] {
  const names = sayingItems(notification);
  if (names.length < 2 || ruleOf(notification, rules) !== undefined) return [notification];
  const parts = names.map((name) => ({
    ...notification,
    data: Object.fromEntries(
      Object.entries(notification.data).filter(([item]) => item === name || !names.includes(item)),
    ),
  }));
  const causes = new Set(parts.map((part) => meaningOf(part)?.cause));
  return causes.size === parts.length ? parts : [notification];
}

export function judge(notification: Notification, device: string, rules: readonly EventRule[]): Judged {
  const { operation } = notification;
  const rule = ruleOf(notification, rules);
  const found = rule ?? meaningOf(notification);
  if (found === undefined) return { is: 'unmapped', what: listed(notification) };
  if (found.kind === 'ignore') return { is: 'nothing', why: 'a rule says `ignore`' };
  const { kind, cause } = found;
  const state = stateIn(notification);
  // What is over is over, whatever word it ended with; any other word that we do not know is not guessed at.
  if (state !== undefined && state.state === undefined && operation !== 'Deleted')
    return {
      is: 'unmapped',
      what: `${listed(notification)}: ${state.item}="${state.value.slice(0, WORD_MAX)}" is no state that is known`,
    };
  // What only happens is not inverted: it happened.
  const raised =
    operation !== 'Deleted' && (state === undefined || state.state !== (rule?.inverted ?? false));
  // Initialized with the quiet value is no event: the recorder knows, by `initial`.
  const initial = operation === 'Initialized';
  // Of what is no more the data may be left out (ONVIF Core 9.5.1: property example).
  const isOver = operation === 'Deleted' && Object.keys(notification.data).length === 0;
  if ((initial || operation === 'Deleted') && state === undefined && !isOver)
    return {
      is: 'nothing',
      why: 'of what only happens nobody tells the beginning, nor that it will not happen again',
    };
  const part = partOf(notification);
  const seen = classOf(notification);
  const channel = channelIn(notification, part);
  const details = {
    ...(part !== undefined && { part }),
    ...(channel !== undefined && { source: channel }),
    ...(seen !== undefined && { class: seen }),
  };
  const meant: Meant = {
    passing: state === undefined && !isOver,
    object: state === undefined && !isOver ? undefined : objectOf(notification),
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
  return { is: 'told', meant, rule };
}
