import type { Problem, Warning } from '../../drivers/contract/driver.ts';
import { isZoneAlarmKind } from '../../drivers/contract/observation.ts';
import { say } from '../language.ts';
import type { Config } from '../schema.ts';
import { isSameZone, listZones, zoneKey } from '../zones.ts';
import { devicesThatCan, idsOf, missingNames, zoneProblems } from './names.ts';

export function areaProblems({ areas, devices }: Pick<Config, 'areas' | 'devices'>): Problem[] {
  /** The area that has a zone already. */
  const taken = new Map<string, string>();
  const cameras = devicesThatCan('clip', devices);
  const isTaken = (id: string, i: number) =>
    id === 'gateway' || idsOf(devices).includes(id) || areas.findIndex((area) => area.id === id) < i;
  return areas.flatMap(({ id, zones, cameras: seeing }, i) => {
    const problems = missingNames(['areas', i, 'cameras'], 'camera', cameras, seeing);
    if (isTaken(id, i))
      problems.push({ path: ['areas', i, 'id'], message: say(`"${id}" is taken`, `"${id}" 已被使用`) });
    for (const [k, zone] of zones.entries()) {
      const path = ['areas', i, 'zones', k];
      problems.push(...zoneProblems(path, zone, devices));
      const before = taken.get(zoneKey(zone));
      if (before !== undefined)
        problems.push({ path, message: say(`belongs to ${before} already`, `已属于 ${before}`) });
      taken.set(zoneKey(zone), id);
    }
    return problems;
  });
}

/** Zones named in a warning. */
const NAMED_MAX = 5;

/** Of an area that nothing arms by itself: which of its zones are silent until somebody arms it. Its path starts inside the area. */
export function unarmedWarning(
  area: Config['areas'][number],
  { devices, rules }: Pick<Config, 'devices' | 'rules'>,
): Warning | undefined {
  const { id, schedule, zones } = area;
  const isArmed =
    schedule.some((one) => one.do === 'arm') ||
    rules.some((rule) => rule.do.some(({ target, action }) => target === id && action === 'arm'));
  if (isArmed) return undefined;
  const silent = zones.filter(({ type, ...zone }) => {
    if (type !== 'instant' && type !== 'delayed') return false;
    const device = devices.find((one) => one.id === zone.device);
    const listed = (device === undefined ? [] : listZones(device)).find((one) =>
      isSameZone({ ...one, device: zone.device }, zone),
    );
    // Gas or a panic button alarms always, and nobody arms the contact of a door.
    return listed?.kind === undefined || isZoneAlarmKind(listed.kind);
  });
  if (silent.length === 0) return undefined;
  const more = silent.length > NAMED_MAX ? ', ...' : '';
  const names = silent.slice(0, NAMED_MAX).map(({ device, zone }) => `${device} ${zone}`);
  return {
    path: [],
    en: `nothing arms ${id}: it is disarmed until somebody arms it, in the console (Areas) or by a command of a platform, and until then its zones (${names.join(', ')}${more}) alarm nobody. Arm it, give it a \`schedule\`, or say \`type: 24-hour\` of what is to alarm always`,
    zh: `${id} 不会自动布防：在控制台（布防）或由平台命令布防之前一直处于撤防状态，其防区（${names.join('、')}${more}）不报警。请布防、设置 \`schedule\`，或将应始终报警的防区设为 \`type: 24-hour\``,
  };
}

/** The sentences of `unarmedWarning`, of those areas. */
export const unarmedAreas = (
  config: Pick<Config, 'areas' | 'devices' | 'rules'>,
): readonly [i: number, Warning][] =>
  config.areas.flatMap((area, i) => {
    const warning = unarmedWarning(area, config);
    return warning === undefined ? [] : [[i, warning] as [number, Warning]];
  });
