import type { Problem } from '../../drivers/contract/driver.ts';
import { say } from '../language.ts';
import type { Config } from '../schema.ts';
import { idsOf, isMissing, missingNames, named, type Path, zoneProblems } from './names.ts';

type Access = Config['access'];

export function accessProblems({ access, devices }: Pick<Config, 'access' | 'devices'>): Problem[] {
  const { doors, groups, timeTables, credentialsFile, lowBits } = access;
  const readers = doors.flatMap(({ reader }) => reader);
  return [
    ...lowBits.flatMap(({ reader }, i) =>
      readers.includes(reader)
        ? []
        : [
            {
              path: ['access', 'lowBits', i, 'reader'],
              message: isMissing(say(`reader ${reader} of a door`, `门读卡器 ${reader}`), readers),
            },
          ],
    ),
    ...doors.flatMap((_, i) => doorProblems(['access', 'doors', i], i, doors, devices)),
    ...doors.flatMap(({ mode }, i) =>
      mode === 'card' || credentialsFile !== undefined
        ? []
        : [
            {
              path: ['access', 'doors', i, 'mode'],
              message: say(
                'needs access.credentialsFile, whose column pin has the codes',
                '需要 access.credentialsFile，其 pin 列为密码',
              ),
            },
          ],
    ),
    ...groups.flatMap(({ doors: named, times }, i) => [
      ...missingNames(['access', 'groups', i, 'doors'], 'door', idsOf(doors), named),
      ...missingNames(['access', 'groups', i, 'times'], 'time table', idsOf(timeTables), times),
    ]),
    ...timeTables.flatMap(({ from, to }, i) =>
      from < to
        ? []
        : [
            {
              path: ['access', 'timeTables', i, 'to'],
              message: say(`is not after ${from}`, `不晚于 ${from}`),
            },
          ],
    ),
  ];
}

function doorProblems(path: Path, i: number, doors: Access['doors'], devices: Config['devices']): Problem[] {
  const door = doors[i] as Access['doors'][number];
  const { reader: readers, unlock, direction, passback, contact, exitRequest } = door;
  const problems: Problem[] = [];
  const tell = (at: Path, message: string) => problems.push({ path: [...path, ...at], message });
  for (const reader of readers) {
    if (!idsOf(devices).includes(reader))
      tell(['reader'], isMissing(named('device', reader), idsOf(devices)));
    if (doors.findIndex((other) => other.reader.includes(reader)) < i)
      tell(['reader'], say(`${reader} is at another door already`, `${reader} 已用于另一扇门`));
  }
  for (const [name, zone] of Object.entries({ contact, exitRequest }))
    if (zone !== undefined) problems.push(...zoneProblems([...path, name], zone, devices));
  if (passback !== undefined && direction === undefined)
    tell(['passback'], say('needs direction beside it', '需要同时配置 direction'));
  for (const [k, { target, output }] of unlock.entries()) {
    const device = devices.find(({ id }) => id === target);
    if (device === undefined) {
      tell(['unlock', k, 'target'], isMissing(named('device', target), idsOf(devices)));
      continue;
    }
    const { commands = [] } = device;
    const outputs = commands.flatMap((one) => (one.action === 'unlock' ? (one.output ?? []) : []));
    if (!outputs.includes(output))
      tell(
        ['unlock', k, 'output'],
        isMissing(say(`door ${output} of ${target}`, `${target} 的门 ${output}`), outputs),
      );
  }
  return problems;
}
