import type { Problem } from '../../drivers/contract/driver.ts';
import type { Transport } from '../../drivers/contract/transport.ts';
import { platforms } from '../../drivers/index.ts';
import { eventTypes } from '../catalogue/events.ts';
import { matches } from '../catalogue/filter.ts';
import { allowed } from '../explain.ts';
import { say } from '../language.ts';
import type { Config } from '../schema.ts';
import type { UplinkConfig } from '../sections/uplinks.ts';
import { listThings } from '../things.ts';
import { idsOf, isMissing, named } from './names.ts';
import { rightProblems } from './rights.ts';

const transportOf = (protocol: string): Transport | undefined =>
  (platforms as readonly Transport[]).find(({ name }) => name === protocol);

export function uplinkProblems(config: Pick<Config, 'uplinks' | 'devices' | 'areas'>): Problem[] {
  return config.uplinks.flatMap((uplink, i) => [
    ...idProblems(uplink, i),
    ...rightProblems(['uplinks', i, 'commands'], uplink.commands, config),
    ...unsignedProblems(uplink, i),
    ...enrolmentProblems(uplink, i),
    ...eventProblems(uplink, i),
    ...receiptProblems(uplink, i),
    ...campusProblems(uplink, i),
    ...areaProblems(uplink, i, config),
    ...thingProblems(uplink, i, config),
  ]);
}

/** What is wrong between uplinks of one protocol. */
export function clashProblems({ campus, uplinks }: Pick<Config, 'campus' | 'uplinks'>): Problem[] {
  return (platforms as readonly Transport[]).flatMap(
    ({ name, clashes }) =>
      clashes?.(
        uplinks.filter(({ protocol }) => protocol === name),
        campus.id,
      ).map(({ uplink, path, en, zh }) => ({
        path: ['uplinks', uplinks.findIndex(({ id }) => id === uplink), ...path],
        message: say(en, zh),
      })) ?? [],
  );
}

/** Who asks for what, where it is no platform: in commands, in the audit and in the counts they stand beside its id. */
const OTHER_SOURCES: readonly string[] = ['console', 'rule', 'card'];

function idProblems({ id }: UplinkConfig, i: number): Problem[] {
  if (!OTHER_SOURCES.includes(id)) return [];
  const message = say(
    `"${id}" is the gateway's own word for who sends a command; give the platform another name`,
    `"${id}" 是网关自身表示命令来源的保留字；请为该平台另取名称`,
  );
  return [{ path: ['uplinks', i, 'id'], message }];
}

/** A right that needs a signature, and nobody whose signature is believed, or no way to bring one. */
function unsignedProblems(
  { commands, commandKeys, enrolmentFile, protocol }: UplinkConfig,
  i: number,
): Problem[] {
  const isVain = transportOf(protocol)?.signsNothing === true;
  if ((commandKeys.length > 0 || enrolmentFile !== undefined) && !isVain) return [];
  const message = isVain
    ? say(
        `allows nothing: ${protocol} has no signatures; leave \`signed\` out, or the rule`,
        `不起作用：${protocol} 没有签名；请去掉 \`signed\` 或该规则`,
      )
    : say('needs commandKeys beside it', '需要同时配置 commandKeys');
  return commands.flatMap(({ signed }, k) =>
    signed ? [{ path: ['uplinks', i, 'commands', k, 'signed'], message }] : [],
  );
}

/** What is renewed is the certificate that the uplink shows. */
function enrolmentProblems({ enrolmentFile, options }: UplinkConfig, i: number): Problem[] {
  const { tls } = options as { readonly tls?: { readonly certFile?: string; readonly caFile?: string } };
  if (enrolmentFile === undefined || (tls?.certFile !== undefined && tls.caFile !== undefined)) return [];
  const message = say(
    'needs `tls` with caFile, certFile and keyFile beside it, as `campus-gateway enrol` writes them',
    '旁边须有 `tls`（caFile、certFile、keyFile），即 `campus-gateway enrol` 写入的内容',
  );
  return [{ path: ['uplinks', i, 'enrolmentFile'], message }];
}

/** Cameras, alarm inputs and places that an uplink names. */
function thingProblems(
  { protocol, options }: UplinkConfig,
  i: number,
  config: Pick<Config, 'devices' | 'areas'>,
): Problem[] {
  const transport = (platforms as readonly Transport[]).find(({ name }) => name === protocol);
  const given = transport?.names?.(options) ?? [];
  if (given.length === 0) return [];
  const things = listThings(config);
  const of = (kind: string) => idsOf(things.filter((thing) => thing.kind === kind));
  const there = {
    camera: of('camera'),
    'alarm-input': of('alarm-input'),
    place: [...new Set([...idsOf(config.areas), ...idsOf(things)])],
  };
  const nouns = { camera: 'camera', 'alarm-input': 'alarm input', place: 'target' } as const;
  return given.flatMap(({ path, name, of: kind }): Problem[] =>
    there[kind].includes(name)
      ? []
      : [{ path: ['uplinks', i, ...path], message: isMissing(named(nouns[kind], name), there[kind]) }],
  );
}

/** What a platform orders in its own words goes the way of a command: without a right, it would do nothing. */
function areaProblems(
  { protocol, options, commands }: UplinkConfig,
  i: number,
  { areas }: Pick<Config, 'areas'>,
): Problem[] {
  return (transportOf(protocol)?.areas?.(options) ?? []).flatMap(({ path: own, id, asks }): Problem[] => {
    const path = ['uplinks', i, ...own];
    const there = idsOf(areas);
    if (!there.includes(id)) return [{ path, message: isMissing(named('area', id), there) }];
    const mayNot = asks.filter(
      (action) =>
        !commands.some(
          ({ actions, targets, signed }) =>
            !signed &&
            actions.some((one) => one === action) &&
            targets.some((one) => one === id || (one.endsWith('*') && id.startsWith(one.slice(0, -1)))),
        ),
    );
    if (mayNot.length === 0) return [];
    const words = mayNot.join(', ');
    const rule = `commands: [{ actions: [${words}], targets: [${id}] }]`;
    return [
      {
        path,
        message: say(
          `the platform may not ask for ${words} of ${id}; add to this uplink: ${rule}`,
          `该平台无权对 ${id} 执行 ${words}；请在该上联中加入：${rule}`,
        ),
      },
    ];
  });
}

/** Where no receipt can come, everything would be sent again and again. */
function receiptProblems({ protocol, receipts }: UplinkConfig, i: number): Problem[] {
  const transport = (platforms as readonly Transport[]).find(({ name }) => name === protocol);
  if (!receipts || transport?.withoutReceipts !== true) return [];
  const message = say(
    `is for platforms that say what they have stored; over ${protocol} an answer is all there is: leave it out`,
    `仅适用于会确认已保存事件的平台；${protocol} 只有应答，没有回执：请删除此项`,
  );
  return [{ path: ['uplinks', i, 'receipts'], message }];
}

/** What a protocol has no word for never leaves over it, whatever the config says. */
function campusProblems({ protocol, campus }: UplinkConfig, i: number): Problem[] {
  const { campusFields: known = [] } = transportOf(protocol) ?? {};
  return campus.flatMap((field, k) => {
    if (known.includes(field)) return [];
    const message = say(
      `${protocol} has no word for it: leave it out${allowed(known)}`,
      `${protocol} 没有对应的字段：请删除此项${allowed(known)}`,
    );
    return [{ path: ['uplinks', i, 'campus', k], message: `"${field}": ${message}` }];
  });
}

function eventProblems({ events }: UplinkConfig, i: number): Problem[] {
  return events.flatMap((pattern, k) => {
    if (eventTypes.some((type) => matches(pattern, type))) return [];
    const message = say(
      `"${pattern}" matches no event; there are: ${eventTypes.join(', ')}`,
      `"${pattern}" 不匹配任何事件；可用：${eventTypes.join('、')}`,
    );
    return [{ path: ['uplinks', i, 'events', k], message }];
  });
}
