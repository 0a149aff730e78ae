/** What sets a rule off must be there, and its targets must know what it asks of them, with these arguments. */
import { z } from 'zod';
import type { Problem } from '../../drivers/contract/driver.ts';
import { actionOf } from '../catalogue/actions.ts';
import { eventTypes } from '../catalogue/events.ts';
import { matches } from '../catalogue/filter.ts';
import { explainAll, type Schema } from '../explain.ts';
import { say } from '../language.ts';
import type { Config } from '../schema.ts';
import type { RuleConfig } from '../sections/rules.ts';
import { actionsOf, idsOf, isMissing, missingNames, named, type Path, zoneProblems } from './names.ts';

type Place = Pick<Config, 'devices' | 'areas' | 'media'>;
type Step = RuleConfig['do'][number];

export function ruleProblems({
  rules,
  contacts,
  ...place
}: Pick<Config, 'rules' | 'contacts' | 'devices' | 'areas' | 'media'>): Problem[] {
  return rules.flatMap(({ id, when, do: steps, notify }, i) => {
    const path = ['rules', i];
    const twice: Problem[] =
      rules.findIndex((rule) => rule.id === id) < i
        ? [{ path: [...path, 'id'], message: say(`"${id}" stands here twice`, `"${id}" 重复`) }]
        : [];
    return [
      ...twice,
      ...conditionProblems([...path, 'when'], when, place),
      ...steps.flatMap((step, k) => stepProblems([...path, 'do', k], step, place)),
      ...notify.flatMap((one, k) => notifyProblems([...path, 'notify', k], one, when.event, contacts)),
      ...(steps.length + notify.length === 0 ? [{ path, message: NOTHING() }] : []),
    ];
  });
}

const NOTHING = () =>
  say(
    'it does nothing: say `do` (what is switched) or `notify` (who is told)',
    '该规则没有动作：请填写 do（联动）或 notify（通知）',
  );

/** Who is told must be there, and what it waits for must be able to happen. */
function notifyProblems(
  path: Path,
  { to, unacknowledgedFor, platformsAwayFor }: RuleConfig['notify'][number],
  event: string,
  contacts: Config['contacts'],
): Problem[] {
  const both = unacknowledgedFor !== undefined && platformsAwayFor !== undefined;
  const noAlarm = unacknowledgedFor !== undefined && !matches(event, 'alarm.raised');
  return [
    ...missingNames([...path, 'to'], 'contact', idsOf(contacts), to),
    ...(both
      ? [
          {
            path: [...path, 'platformsAwayFor'],
            message: say(
              'stands beside unacknowledgedFor; write two entries of notify, each with one',
              '与 unacknowledgedFor 重复；请在 notify 中分两项填写',
            ),
          },
        ]
      : []),
    ...(noAlarm
      ? [
          {
            path: [...path, 'unacknowledgedFor'],
            message: say(
              `only alarms are acknowledged, and ${event} is none: say when: { event: alarm.raised }`,
              `只有报警可以确认，${event} 不是报警：请使用 when: { event: alarm.raised }`,
            ),
          },
        ]
      : []),
  ];
}

function conditionProblems(path: Path, when: RuleConfig['when'], { devices, areas }: Place): Problem[] {
  const areaNames = idsOf(areas);
  const event: Problem[] = eventTypes.some((type) => matches(when.event, type))
    ? []
    : [{ path: [...path, 'event'], message: isMissing(named('event', when.event), eventTypes) }];
  return [
    ...missingNames([...path, 'devices'], 'device', [...idsOf(devices), ...areaNames], when.devices),
    ...missingNames([...path, 'areas'], 'area', areaNames, when.areas),
    ...missingNames([...path, 'armed'], 'area', areaNames, when.armed),
    ...event,
    ...(when.zones ?? []).flatMap((zone, k) => zoneProblems([...path, 'zones', k], zone, devices)),
  ];
}

function stepProblems(path: Path, step: Step, place: Place): Problem[] {
  const { target, action } = step;
  const known = target === 'gateway' ? undefined : actionsOf(target, place);
  if (known === undefined) {
    const names = [...idsOf(place.devices), ...idsOf(place.areas)];
    return [{ path: [...path, 'target'], message: isMissing(named('target', target), names) }];
  }
  if (!known.includes(action))
    return [
      ...lengthProblems(path, step),
      {
        path: [...path, 'action'],
        message: isMissing(say(`${action} of ${target}`, `${target} 的 ${action}`), known),
      },
    ];
  const wrong = argumentProblems(path, step);
  return [
    ...lengthProblems(path, step),
    ...(wrong.length > 0
      ? wrong
      : [...outputProblems(path, step, place), ...clipProblems(path, step, place)]),
  ];
}

/** Nothing of before an alarm is kept of a camera that is not listed: each clip would be refused. */
function clipProblems(path: Path, { target, action }: Step, { media }: Place): Problem[] {
  if (action !== 'clip' || media.clips.includes(target)) return [];
  const all = [...media.clips, target].join(', ');
  return [
    {
      path: [...path, 'target'],
      message: say(
        `${target} is not in media.clips, so that no clip of it is there; write media: { clips: [${all}] }`,
        `${target} 不在 media.clips 中，因此没有它的录像；请写 media: { clips: [${all}] }`,
      ),
    },
  ];
}

function lengthProblems(path: Path, { action, for: length }: Step): Problem[] {
  if (length === undefined || actionOf(action).endedBy !== undefined) return [];
  return [{ path: [...path, 'for'], message: say(`${action} does not last`, `${action} 没有持续时间`) }];
}

/** The arguments as the rule will give them, read by the catalogue as they will be. */
function argumentProblems(path: Path, { action, arguments: given, for: lengthMs }: Step): Problem[] {
  const { arguments: schema, timed } = actionOf(action);
  const lasts = lengthMs !== undefined && timed === true;
  const whole = { ...given, ...(lasts && { for: lengthMs / 1000 }) };
  const read = schema.safeParse(whole);
  if (read.success) return [];
  const shape = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;
  return explainAll(read.error, schema, whole, shape).map(({ path: [first, ...rest], message }) => ({
    // The rule's own `for` stands beside its arguments.
    path:
      lasts && first === 'for'
        ? [...path, 'for']
        : [...path, 'arguments', ...(first === undefined ? [] : [first, ...rest])],
    message,
  }));
}

function outputProblems(
  path: Path,
  { target, action, arguments: given }: Step,
  { devices }: Place,
): Problem[] {
  const { commands = [] } = devices.find(({ id }) => id === target) ?? {};
  const outputs = commands.flatMap((one) => (one.action === action ? (one.output ?? []) : []));
  const output = String(given['output']);
  if (outputs.length === 0 || outputs.includes(output)) return [];
  return [
    {
      path: [...path, 'arguments', 'output'],
      message: isMissing(named('output', output), outputs),
    },
  ];
}
