/** What is wrong with the ids and the tree that the config gives: each of its keys alone would be good. Pure. */
import type { UplinkProblem } from '../../contract/transport.ts';
import { type IdSource, typeOfId } from './ids.ts';

/** Annex D: a business group, a virtual organisation. */
const GROUP = '215';
const nodeTypes: readonly string[] = [GROUP, '216'];
export interface Node {
  readonly id: string;
  readonly name: string;
  readonly parent?: string | undefined;
  readonly holds: readonly string[];
}

interface Naming extends IdSource {
  readonly serverId: string;
  readonly organisation: readonly Node[];
}

const typeOf = (id: string) => id.slice(10, 13);

function* idProblems({ ids }: Naming): Generator<UplinkProblem> {
  for (const [name, given] of Object.entries(ids)) {
    const all = typeof given === 'string' ? [given] : given;
    const types = all.map(typeOfId);
    if (types.includes(undefined))
      yield {
        path: ['ids', name],
        en: 'digits 11 to 13 say what it is: 131 or 132 a camera, 134 an alarm input',
        zh: '第 11 至 13 位表示类型：131 或 132 为摄像机，134 为报警输入',
      };
    else if (new Set(types).size < types.length)
      yield {
        path: ['ids', name],
        en: 'two ids of one type: a camera has one, and its alarm input one',
        zh: '同一类型有两个编码：摄像机和其报警输入各只有一个',
      };
  }
}

function* nodeProblems({ organisation }: Naming): Generator<UplinkProblem> {
  const above = new Map(organisation.map(({ id, parent }) => [id, parent]));
  const held = new Set<string>();
  for (const [at, { id, parent, holds }] of organisation.entries()) {
    if (!nodeTypes.includes(typeOf(id)))
      yield {
        path: ['organisation', at, 'id'],
        en: 'digits 11 to 13 say what it is: 215 a business group, 216 an organisation',
        zh: '第 11 至 13 位表示类型：215 为业务分组，216 为虚拟组织',
      };
    if (parent !== undefined && !above.has(parent))
      yield {
        path: ['organisation', at, 'parent'],
        en: 'there is no node of this id in `organisation`',
        zh: '`organisation` 中没有该编码的节点',
      };
    const seen = new Set([id]);
    for (let up = parent; up !== undefined; up = above.get(up)) {
      if (seen.has(up)) {
        yield {
          path: ['organisation', at, 'parent'],
          en: 'it stands under itself',
          zh: '节点位于自身之下',
        };
        break;
      }
      seen.add(up);
    }
    for (const [k, name] of holds.entries()) {
      if (held.has(name))
        yield {
          path: ['organisation', at, 'holds', k],
          en: `"${name}" stands in two nodes; keep one`,
          zh: `"${name}" 出现在两个节点中，请只保留一个`,
        };
      held.add(name);
    }
  }
}

function* repeats({ ids, organisation, deviceId, serverId }: Naming): Generator<UplinkProblem> {
  const all: (readonly [string, UplinkProblem['path']])[] = [
    ...Object.entries(ids).flatMap(([name, given]) =>
      (typeof given === 'string' ? [given] : given).map((id) => [id, ['ids', name]] as const),
    ),
    ...organisation.map(({ id }, at) => [id, ['organisation', at, 'id']] as const),
  ];
  const seen = new Set([deviceId, serverId]);
  for (const [id, path] of all) {
    if (seen.has(id))
      yield {
        path,
        en: `${id} stands here twice; an id is of one thing`,
        zh: `${id} 重复；一个编码只对应一个对象`,
      };
    seen.add(id);
  }
}

export const namingProblems = (own: Naming): readonly UplinkProblem[] => [
  ...idProblems(own),
  ...nodeProblems(own),
  ...repeats(own),
];

/** The business group that a node is in: itself, or the first above it. */
export function groupOf(organisation: readonly Node[], id: string | undefined): string | undefined {
  const seen = new Set<string>();
  for (let at = id; at !== undefined && !seen.has(at); ) {
    if (typeOf(at) === GROUP) return at;
    seen.add(at);
    at = organisation.find((node) => node.id === at)?.parent;
  }
  return undefined;
}

export const isGroup = (id: string): boolean => typeOf(id) === GROUP;
