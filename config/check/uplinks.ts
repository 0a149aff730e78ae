import type { Problem } from '../../drivers/contract/driver.ts';
import type { Transport } from '../../drivers/contract/transport.ts';
import { platforms } from '../../drivers/index.ts';
import { eventTypes } from '../catalogue/events.ts';
import { matches } from '../catalogue/filter.ts';
import { say } from '../language.ts';
import type { Config } from '../schema.ts';
import type { UplinkConfig } from '../sections/uplinks.ts';
import { rightProblems } from './rights.ts';

export function uplinkProblems(config: Pick<Config, 'uplinks' | 'devices' | 'areas'>): Problem[] {
  return config.uplinks.flatMap((uplink, i) => [
    ...idProblems(uplink, i),
    ...rightProblems(['uplinks', i, 'commands'], uplink.commands, config),
    ...unsignedProblems(uplink, i),
    ...eventProblems(uplink, i),
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

/** A right that needs a signature, and nobody whose signature is believed. */
function unsignedProblems({ commands, commandKeys }: UplinkConfig, i: number): Problem[] {
  if (commandKeys.length > 0) return [];
  return commands.flatMap(({ signed }, k) =>
    signed
      ? [
          {
            path: ['uplinks', i, 'commands', k, 'signed'],
            message: say('needs commandKeys beside it', '需要同时配置 commandKeys'),
          },
        ]
      : [],
  );
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
