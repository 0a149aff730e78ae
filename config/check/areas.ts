import type { Problem } from '../../drivers/contract/driver.ts';
import { say } from '../language.ts';
import type { Config } from '../schema.ts';
import { zoneKey } from '../zones.ts';
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
