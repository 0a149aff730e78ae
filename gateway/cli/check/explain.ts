/** What each zone's alarm will do, and what platforms get to know of the school, in words. */
import { eventFilter } from '../../../config/catalogue/filter.ts';
import { say } from '../../../config/language.ts';
import type { Config } from '../../../config/schema.ts';
import { isSameZone, type ZonePlace } from '../../../config/zones.ts';
import { contactRoleWords, pickCampus } from '../../../drivers/contract/campus.ts';
import {
  type AlarmKind,
  alarmKinds,
  isAlarmKind,
  isZoneAlarmKind,
} from '../../../drivers/contract/observation.ts';
import { inWords, isAbout } from '../../rules/conditions.ts';

interface ListedZone {
  readonly zone: number;
  readonly account?: string;
  readonly id?: string;
  readonly name?: string;
  readonly kind?: AlarmKind;
}

export function* explainZones({ devices, areas, uplinks, rules, contacts }: Config): Generator<string> {
  const zoneIn = (area: Config['areas'][number], own: ZonePlace) =>
    area.zones.find((one) => isSameZone(one, own));
  const areaOf = (own: ZonePlace) => areas.find((area) => zoneIn(area, own) !== undefined);
  const platforms = uplinks.filter(({ events }) => eventFilter(events)('alarm.raised')).map(({ id }) => id);
  const told = new Set<string>();
  for (const { id: device, options, profile } of devices) {
    const {
      zones = [],
      accounts = [],
      events = [],
    } = options as {
      zones?: readonly ListedZone[];
      /** Of a camera: rules that give it zones. */
      events?: readonly (Partial<ListedZone> & { readonly topic: string })[];
      accounts?: readonly { account: string; zones?: readonly ListedZone[] }[];
    };
    const { points = [] } = (profile ?? {}) as { points?: readonly Partial<ListedZone>[] };
    const kindOf = (zone: number) =>
      alarmKinds.find((kind) => points.some((point) => point.zone === zone && point.kind === kind)) ??
      'intrusion';
    for (const { zone, account, id, name, kind = kindOf(zone) } of [
      ...zones,
      ...events.flatMap(({ topic, zone, kind }): ListedZone[] =>
        zone !== undefined && isAlarmKind(kind ?? '')
          ? [{ zone, ...(kind !== undefined && { kind }), name: topic }]
          : [],
      ),
      ...accounts.flatMap(({ account, zones: own = [] }) => own.map((one) => ({ ...one, account }))),
    ]) {
      const panel = accounts.length > 1 ? ` ${account}` : '';
      yield `\n${device}${panel} ${say('zone', '防区')} ${zone} ${name ?? id ?? ''}: ${kind}`;
      const own = { device, zone, account };
      const area = areaOf(own);
      const type = area && zoneIn(area, own)?.type;
      const always = say('it always alarms', '始终报警');
      // Of a disarmed area only what may be the staff waits; gas or a panic button never does.
      const waits = isZoneAlarmKind(kind);
      if (area === undefined || !waits || !(type === 'instant' || type === 'delayed')) yield `  ${always}`;
      else {
        const late =
          type === 'delayed'
            ? say(` ${area.entryDelay / 1000} s after it`, `，延时 ${area.entryDelay / 1000} 秒`)
            : '';
        yield say(`  it alarms${late} while ${area.id} is armed`, `  ${area.id} 布防时报警${late}`);
      }
      yield `  ${say('platforms', '上报平台')}: ${platforms.join(', ') || say('none', '无')}`;
      const happening = { type: 'alarm.raised', kind, ...own } as const;
      const about = rules.filter((rule) => isAbout(rule, happening, { areaOf: () => area?.id }));
      for (const rule of about) {
        told.add(rule.id);
        yield `  ${inWords(rule, contacts)}`;
      }
      if (about.length === 0) yield say('  no rule', '  无联动');
    }
  }
  const others = rules.filter(({ id }) => !told.has(id));
  if (others.length > 0) yield say('\nother rules', '\n其他联动规则');
  for (const rule of others) yield `  ${rule.when.event}: ${inWords(rule, contacts)}`;
}

/** What of the campus's master data leaves, by uplink. */
export function* explainCampus({ campus, uplinks }: Pick<Config, 'campus' | 'uplinks'>): Generator<string> {
  if (uplinks.length > 0) yield say('\nof the school itself', '\n学校自身的信息');
  for (const { id, campus: fields } of uplinks) {
    const { id: number, name, coordinates, contacts = [], ...rest } = pickCampus(campus, fields);
    const { latitude, longitude, datum } = coordinates ?? {};
    const people = contacts.map(({ role }) => say(contactRoleWords[role].en, contactRoleWords[role].zh));
    const told = [
      ...[number, name, rest.district, rest.address],
      coordinates && `${latitude}, ${longitude} (${datum})`,
      people.length > 0 && `${say('contacts', '联系人')}: ${people.join(', ')}`,
    ].filter((one) => one !== undefined && one !== false);
    yield `  ${id}: ${told.join('; ')}`;
  }
}
