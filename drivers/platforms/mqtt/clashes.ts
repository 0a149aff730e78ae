/** What is wrong between uplinks over MQTT, each right by itself. */
import type { UplinkProblem } from '../../contract/transport.ts';
import { discoveryPrefixOf, type Options, urlsOf } from './options.ts';
import { overlap, prefixOf } from './topics.ts';

/** `uplinks`: all of this protocol, by id, in the order of the config. */
export function clashesOf(
  uplinks: readonly { readonly id: string; readonly options: Options }[],
  campus: string,
): readonly (UplinkProblem & { readonly uplink: string })[] {
  return [
    ...sameClients(uplinks, campus),
    ...ownTopics(uplinks, campus),
    ...underAnswers(uplinks, campus),
    ...sameWalls(uplinks),
  ];
}

/** A broker closes the elder of two connections with one client id: they would take turns for ever. */
function* sameClients(uplinks: Parameters<typeof clashesOf>[0], campus: string) {
  const users = new Map<string, string>();
  for (const { id, options } of uplinks) {
    const clientId = options.clientId ?? `${campus}-${id}`;
    const keys = urlsOf(options).map((url) => `${url}\n${clientId}`);
    const other = keys.map((key) => users.get(key)).find((one) => one !== undefined);
    if (other === undefined) for (const key of keys) users.set(key, id);
    else {
      yield {
        uplink: id,
        path: [options.clientId === undefined ? 'id' : 'clientId'],
        en: `${other} connects to the same broker as ${clientId}, too: the broker would throw out the one for the other`,
        zh: `${other} 也以 ${clientId} 连接同一服务器：两者会互相踢下线`,
      };
    }
  }
}

/** An answer there would look like the gateway's own word, or be taken as one of the platform's. */
function* ownTopics(uplinks: Parameters<typeof clashesOf>[0], campus: string) {
  const own = uplinks.flatMap(({ options }) => [`${prefixOf(options, campus)}/#`, ...options.noticeTopics]);
  for (const { id, options } of uplinks) {
    for (const [i, filter] of options.replyTopics.entries()) {
      const clash = own.find((one) => overlap(one, filter));
      if (clash === undefined) continue;
      yield {
        uplink: id,
        path: ['replyTopics', i],
        en: `covers ${clash}, which the gateway itself uses; answers under {prefix}/reply/ need not be named`,
        zh: `与网关自身使用的 ${clash} 重叠；{prefix}/reply/ 下的应答无需列出`,
      };
    }
  }
}

/** Who may ask one uplink for answers could write there what another one says, or hears. */
function* underAnswers(uplinks: Parameters<typeof clashesOf>[0], campus: string) {
  for (const { id, options } of uplinks) {
    const topics = [
      { path: ['topicPrefix'], topic: prefixOf(options, campus) },
      ...options.noticeTopics.map((topic, i) => ({ path: ['noticeTopics', i], topic })),
    ];
    for (const { path, topic } of topics) {
      const other = uplinks.find((one) => overlap(topic, `${prefixOf(one.options, campus)}/reply/#`));
      if (other === undefined) continue;
      const answers = `${prefixOf(other.options, campus)}/reply/`;
      yield {
        uplink: id,
        path,
        en: `${topic} lies under ${answers}, where commands of ${other.id} may ask for their answers`,
        zh: `${topic} 位于 ${answers} 之下，${other.id} 的命令可以要求在那里应答`,
      };
    }
  }
}

/** Each would take away what the other shows, or show it with the other's topics. */
function* sameWalls(uplinks: Parameters<typeof clashesOf>[0]) {
  const walls = new Map<string, string>();
  for (const { id, options } of uplinks) {
    const root = discoveryPrefixOf(options);
    if (root === undefined) continue;
    const keys = urlsOf(options).map((url) => `${url}\n${root}`);
    const other = keys.map((key) => walls.get(key)).find((one) => one !== undefined);
    if (other === undefined) for (const key of keys) walls.set(key, id);
    else
      yield {
        uplink: id,
        path: ['homeAssistant'],
        en: `${other} says it for the same broker too: Home Assistant is told of a campus once, keep one`,
        zh: `${other} 已为同一服务器设置：每个校园只向 Home Assistant 展示一次，请只保留一处`,
      };
  }
}
