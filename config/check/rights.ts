/**
 * Rights that can never be used are mistakes: of a target that is not there, of an action that none of the targets
 * knows. A pattern (`cam-*`) is believed: what it stands for may come.
 */
import type { Problem } from '../../drivers/contract/driver.ts';
import { type ActionName, actionOf } from '../catalogue/actions.ts';
import { say } from '../language.ts';
import type { Config } from '../schema.ts';
import type { CommandRule } from '../sections/rights.ts';
import { actionsOf, idsOf, isMissing, named, type Path } from './names.ts';

type Place = Pick<Config, 'devices' | 'areas'>;

/** Whether an action may be asked of what a target of a right stands for. */
function fits(action: ActionName, target: string, place: Place): boolean {
  const { of } = actionOf(action);
  if (of === 'any') return true;
  if (target.endsWith('*')) return of !== 'gateway' || 'gateway'.startsWith(target.slice(0, -1));
  return actionsOf(target, place)?.includes(action) === true;
}

/** @param path of the list of rights. */
export function rightProblems(path: Path, rights: readonly CommandRule[], place: Place): Problem[] {
  const there = ['gateway', ...idsOf(place.devices), ...idsOf(place.areas)];
  return rights.flatMap(({ actions, targets }, i) => {
    const missing = targets.flatMap((target, k): Problem[] =>
      target.endsWith('*') || there.includes(target)
        ? []
        : [{ path: [...path, i, 'targets', k], message: isMissing(named('target', target), there) }],
    );
    return missing.length > 0 ? missing : uselessParts([...path, i], { actions, targets }, place);
  });
}

function uselessParts(
  path: Path,
  { actions, targets }: Pick<CommandRule, 'actions' | 'targets'>,
  place: Place,
): Problem[] {
  const useless = actions.flatMap((action, k): Problem[] =>
    targets.some((target) => fits(action, target, place))
      ? []
      : [{ path: [...path, 'actions', k], message: cannotBe(action, targets) }],
  );
  // Where no action fits any target, to say it once is enough.
  if (useless.length === actions.length) return useless;
  return [
    ...useless,
    ...targets.flatMap((target, k): Problem[] => {
      if (actions.some((action) => fits(action, target, place))) return [];
      const known = actionsOf(target, place) ?? [];
      const what = say(`${actions.join(' or ')} of ${target}`, `${target} 的 ${actions.join(' 或 ')}`);
      return [{ path: [...path, 'targets', k], message: isMissing(what, known) }];
    }),
  ];
}

const kinds = {
  gateway: { en: 'the gateway (`gateway`)', zh: '网关（`gateway`）' },
  area: { en: 'areas', zh: '区域' },
  device: { en: 'devices that know it', zh: '支持该操作的设备' },
  any: { en: 'everything', zh: '任何目标' },
} as const;

function cannotBe(action: ActionName, targets: readonly string[]): string {
  const { en, zh } = kinds[actionOf(action).of];
  return say(
    `${action} is for ${en}; ${targets.join(', ')} cannot do it`,
    `${action} 用于${zh}；${targets.join('、')} 不能执行`,
  );
}
