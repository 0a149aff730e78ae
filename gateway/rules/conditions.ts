/** Rules: whether an event sets one off, and what it does, in words. Pure. */
import { Temporal } from 'temporal-polyfill';
import { type EventType, eventTypes } from '../../config/catalogue/events.ts';
import { matches } from '../../config/catalogue/filter.ts';
import { say } from '../../config/language.ts';
import type { CalendarConfig } from '../../config/sections/calendar.ts';
import type { RuleConfig } from '../../config/sections/rules.ts';
import { isSameZone } from '../../config/zones.ts';
import type { ObservationKind } from '../../drivers/contract/observation.ts';
import { fitsDay } from '../calendar.ts';

/** Of an event, what rules ask about. */
export interface Happening {
  readonly type: EventType;
  readonly kind?: ObservationKind | undefined;
  readonly device: string;
  readonly zone?: number | undefined;
  /** Of which panel of the device. */
  readonly account?: unknown;
}

/** What rules ask of the gateway. */
export interface Surroundings {
  areaOf(device: string, zone: number | undefined, account?: unknown): string | undefined;
  isArmed(area: string): boolean;
  readonly calendar: CalendarConfig;
  readonly timezone: string;
}

/** The rules by the type of event that they are about: of 500, few are looked at. */
export function rulesByType(rules: readonly RuleConfig[]): ReadonlyMap<EventType, readonly RuleConfig[]> {
  return new Map(eventTypes.map((type) => [type, rules.filter(({ when }) => matches(when.event, type))]));
}

/** Whether what happened is what a rule is about, whatever the time and whatever is armed. */
export function isAbout(
  { when }: RuleConfig,
  what: Happening,
  { areaOf }: Pick<Surroundings, 'areaOf'>,
): boolean {
  const { kinds, devices, zones, areas } = when;
  return (
    matches(when.event, what.type) &&
    (kinds === undefined || (what.kind !== undefined && kinds.includes(what.kind))) &&
    (devices === undefined || devices.includes(what.device)) &&
    (zones === undefined || zones.some((zone) => isSameZone(zone, what))) &&
    (areas === undefined || areas.includes(areaOf(what.device, what.zone, what.account) ?? ''))
  );
}

/** Whether a rule counts now: its areas are armed, and it is its time. `now`: epoch ms. */
export function isOn({ when }: RuleConfig, now: number, around: Surroundings): boolean {
  const { armed, between, on } = when;
  if (armed?.every((area) => around.isArmed(area)) === false) return false;
  if (between === undefined && on === undefined) return true;
  const local = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(around.timezone);
  const time = local.toPlainTime().toString({ smallestUnit: 'minute' });
  const overnight = between !== undefined && between.from >= between.to;
  if (between !== undefined) {
    const late = time >= between.from;
    const early = time < between.to;
    if (overnight ? !late && !early : !late || !early) return false;
  }
  if (on === undefined) return true;
  // The small hours of a night belong to the day it began on.
  const night = overnight && time < (between?.to ?? '');
  return fitsDay(on, local.toPlainDate().subtract({ days: night ? 1 : 0 }), around.calendar);
}

const seconds = (ms: number) => say(`${ms / 1000} s`, `${ms / 1000} 秒`);

type Contacts = readonly { readonly id: string; readonly by: string }[];
const ways: Readonly<Record<string, string>> = {
  wecom: '企业微信',
  dingtalk: '钉钉',
  feishu: '飞书',
  webhook: 'Webhook',
  mail: '邮件',
};

/** Whom a rule tells, by what, and after how long. */
function tellingInWords(
  { to, unacknowledgedFor, platformsAwayFor }: RuleConfig['notify'][number],
  contacts: Contacts,
): string {
  const named = to.map((id) => {
    const by = contacts.find((one) => one.id === id)?.by;
    return by === undefined ? id : say(`${id} (${by})`, `${id}（${ways[by] ?? by}）`);
  });
  const only = [
    ...(unacknowledgedFor === undefined
      ? []
      : [
          say(
            `where nobody has taken it for ${seconds(unacknowledgedFor)}`,
            `${seconds(unacknowledgedFor)}内无人确认时`,
          ),
        ]),
    ...(platformsAwayFor === undefined
      ? []
      : [
          say(
            `where no platform is there for ${seconds(platformsAwayFor)}`,
            `平台离线达 ${seconds(platformsAwayFor)}时`,
          ),
        ]),
  ];
  const when = only.length === 0 ? say('at once', '立即') : only.join(say(' and ', '且'));
  return say(`tells ${named.join(', ')} ${when}`, `${when}通知 ${named.join('、')}`);
}

/** What a rule does, and whom it tells, in words, without its arguments' quotes and braces. */
export function inWords(
  { id, when, do: actions, notify, stopOnAcknowledge }: RuleConfig,
  contacts: Contacts = [],
): string {
  const parts = actions.map(({ target, action, arguments: wanted, after, for: length }) => {
    const output = wanted['output'] === undefined ? target : `${target}/${String(wanted['output'])}`;
    return [
      `${action} ${output}`,
      ...(length === undefined ? [] : [say(`for ${seconds(length)}`, `持续 ${seconds(length)}`)]),
      ...(after === 0 ? [] : [say(`after ${seconds(after)}`, `延迟 ${seconds(after)}`)]),
    ].join(' ');
  });
  const { armed, between, on } = when;
  const conditions = [
    ...(armed === undefined ? [] : [say(`while ${armed.join(', ')} is armed`, `${armed.join('、')} 布防时`)]),
    ...(between === undefined
      ? []
      : [say(`from ${between.from} to ${between.to}`, `${between.from} 至 ${between.to}`)]),
    ...(on === undefined ? [] : [say(`on ${String(on)} days`, `日期：${String(on)}`)]),
  ];
  const stop = stopOnAcknowledge
    ? say(', until an operator takes or closes it', '，值班员确认或结案后停止')
    : '';
  parts.push(...notify.map((one) => tellingInWords(one, contacts)));
  return `${parts.join('; ')}${conditions.length > 0 ? ` (${conditions.join(', ')})` : ''}${stop} [${id}]`;
}
