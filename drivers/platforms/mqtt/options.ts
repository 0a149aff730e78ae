/** What the config says of an uplink over MQTT, beside what all uplinks have in common. */
import { z } from 'zod';
import type { Warning } from '../../contract/driver.ts';
import { duration, isLoopback, secret } from '../../contract/options.ts';
import type { UplinkProblem } from '../../contract/transport.ts';
import { isFilter } from './topics.ts';

const tls = z.strictObject({
  caFile: z.string().optional().describe('PEM: the authority that signed the broker; default: those of Node'),
  certFile: z
    .string()
    .optional()
    .describe("PEM: the gateway's own certificate, where the broker asks for one"),
  keyFile: z.string().optional().describe('PEM: its private key'),
  serverName: z
    .string()
    .optional()
    .describe('The name in the certificate of the broker; default: of the URL'),
});

const proxy = z.strictObject({
  url: z
    .string()
    .regex(/^(http|socks5):\/\/[^\s/@]+:\d{1,5}$/, 'http://HOST:PORT or socks5://HOST:PORT')
    .describe('An HTTP proxy that knows CONNECT, or a SOCKS 5 proxy; names are resolved by it'),
  username: z.string().optional(),
  password: secret().optional().describe('`${NAME}` from the environment; or use passwordFile'),
  passwordFile: z.string().optional().describe('A file whose first line is the password'),
});

const broker = () =>
  z
    .string()
    .regex(
      /^(mqtts?:\/\/[^\s/@]+|wss?:\/\/[^\s/@]+(\/[^\s@]*)?)$/,
      'mqtt://HOST:PORT, mqtts://HOST:PORT, ws://HOST:PORT/PATH or wss://HOST:PORT/PATH, without user; a path only for ws and wss',
    );

export const options = z.strictObject({
  url: broker().optional().describe('The broker of the platform; `mqtts` and `wss` are TLS 1.2 or later'),
  urls: z
    .array(broker())
    .min(1)
    .max(8)
    .optional()
    .describe(
      'In place of `url`: several addresses of one platform, as of the nodes of a cluster; tried in turn from the last good one on, at first from one by the client id. Where one is lost, the next is tried within 3 s, whatever `reconnectSpread` says',
    ),
  tls: tls.optional().describe('Read again when the files change'),
  proxy: proxy.optional().describe('For networks that let nothing else out'),
  topicPrefix: z
    .string()
    .regex(/^[^+#\s/][^+#\s]*[^+#\s/]$/, 'a topic without spaces, "+", "#", or "/" at its ends')
    .optional()
    .describe('What all topics start with; default campus/v1/{campus.id}'),
  mqttVersion: z
    .union([z.literal('auto'), z.literal(5), z.literal('3.1.1')])
    .optional()
    .describe('`auto`, the default: MQTT 5, or 3.1.1 where the broker refuses it'),
  clientId: z.string().min(1).max(64).optional().describe('Default: {campus.id}-{uplink id}'),
  username: z.string().optional(),
  password: secret().optional().describe('`${NAME}` from the environment; or use passwordFile'),
  passwordFile: z.string().optional().describe('A file whose first line is the password'),
  keepalive: duration({ least: '1s', most: '18h' })
    .prefault('10s')
    .describe('A dead broker is noticed within one and a half of it'),
  whenNoSubscriber: z
    .enum(['accept', 'retry'])
    .default('accept')
    .describe(
      '`retry`: an event that the broker took while nobody subscribed (PUBACK 0x10, MQTT 5) is not delivered',
    ),
  noticeTopics: z
    .array(z.string().regex(/^[^+#]+(\/\+)?$/, 'a topic, or one that ends in "/+"'))
    .default([])
    .describe('More topics of notices, for all campuses of a city; its own is {prefix}/notice/+'),
  replyTopics: z
    .array(z.string().refine(isFilter, 'a topic, or a filter: platform/answers/+, platform/answers/#'))
    .default([])
    .describe(
      'Where a command may ask for its answer (MQTT 5 response topic), beside {prefix}/reply/; none by default',
    ),
  homeAssistant: z
    .union([
      z.boolean(),
      z.strictObject({
        prefix: z
          .string()
          .regex(/^[^+#\s/$][^+#\s]*[^+#\s/]$/, 'a topic without spaces, "+", "#", or "/" at its ends')
          .default('homeassistant')
          .describe("Home Assistant's discovery prefix"),
      }),
    ])
    .optional()
    .describe(
      'Whether zones, doors, areas and devices show themselves to Home Assistant (MQTT discovery), for a wall; `false` takes away what was shown',
    ),
});
export type Options = z.output<typeof options>;
/** Where Home Assistant looks; undefined: nothing was ever shown there. */
export const discoveryPrefixOf = ({ homeAssistant }: Pick<Options, 'homeAssistant'>): string | undefined =>
  homeAssistant === undefined
    ? undefined
    : typeof homeAssistant === 'object'
      ? homeAssistant.prefix
      : 'homeassistant';
export type ProxyOptions = z.output<typeof proxy>;
export type TlsOptions = z.output<typeof tls>;

/** Where the platform is; all of them the same one. */
export const urlsOf = ({ url, urls = [] }: Options): readonly string[] => (url === undefined ? urls : [url]);
/** Each with where it stands. */
const placesOf = ({
  url,
  urls = [],
}: Options): readonly (readonly [path: (string | number)[], url: string])[] =>
  url === undefined ? urls.map((one, at) => [['urls', at], one]) : [[['url'], url]];

/** What everybody on the way can read, and change. */
export function warningsOf(own: Options): readonly Warning[] {
  return placesOf(own).flatMap(([path, url]) => {
    const { protocol, hostname } = new URL(url);
    if (protocol === 'mqtts:' || protocol === 'wss:' || isLoopback(hostname)) return [];
    return {
      path,
      en: `${protocol}// is not encrypted: who is on the way reads the password and each event, and can send commands. Use mqtts:// or wss://`,
      zh: `${protocol}// 未加密：途经的任何人都能读取密码和全部事件，并可发送命令。请使用 mqtts:// 或 wss://`,
    };
  });
}

/** A mistake that the schema alone cannot see. */
export function problemsOf(own: Options) {
  const { url, urls, tls } = own;
  const problems: UplinkProblem[] = [];
  if (url === undefined && urls === undefined)
    problems.push({
      path: ['url'],
      en: 'is missing: mqtts://HOST:PORT of the broker, or `urls` with several addresses of it',
      zh: '缺失：请填写服务器地址 mqtts://HOST:PORT，或用 `urls` 给出同一平台的多个地址',
    });
  if (url !== undefined && urls !== undefined)
    problems.push({
      path: ['urls'],
      en: 'stands beside `url`: put all addresses into `urls`, and take `url` away',
      zh: '与 `url` 同时出现：请把全部地址写入 `urls`，并删除 `url`',
    });
  if (tls === undefined) return problems;
  const plain = urlsOf(own).find((one) => !/^(mqtts|wss):/.test(one));
  if (plain !== undefined) {
    problems.push({
      path: ['tls'],
      en: `stands beside ${plain}, which has no TLS; use mqtts:// or wss://`,
      zh: `${plain} 不使用 TLS；请改用 mqtts:// 或 wss://`,
    });
  }
  if ((tls.certFile === undefined) !== (tls.keyFile === undefined)) {
    const [has, lacks] = tls.certFile === undefined ? ['keyFile', 'certFile'] : ['certFile', 'keyFile'];
    problems.push({ path: ['tls', has], en: `needs ${lacks} beside it`, zh: `需要同时给出 ${lacks}` });
  }
  return problems;
}
