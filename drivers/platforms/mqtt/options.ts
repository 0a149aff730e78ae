/** What the config says of an uplink over MQTT, beside what all uplinks have in common. */
import { z } from 'zod';
import type { Warning } from '../../contract/driver.ts';
import { duration, isLoopback, secret } from '../../contract/options.ts';
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

export const options = z.strictObject({
  url: z
    .string()
    .regex(
      /^(mqtts?:\/\/[^\s/@]+|wss?:\/\/[^\s/@]+(\/[^\s@]*)?)$/,
      'mqtt://HOST:PORT, mqtts://HOST:PORT, ws://HOST:PORT/PATH or wss://HOST:PORT/PATH, without user; a path only for ws and wss',
    )
    .describe('The broker of the platform; `mqtts` and `wss` are TLS 1.2 or later'),
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
});
export type Options = z.output<typeof options>;
export type ProxyOptions = z.output<typeof proxy>;
export type TlsOptions = z.output<typeof tls>;

/** What everybody on the way can read, and change. */
export function warningsOf({ url }: Options): readonly Warning[] {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'mqtts:' || protocol === 'wss:' || isLoopback(hostname)) return [];
  return [
    {
      path: ['url'],
      en: `${protocol}// is not encrypted: who is on the way reads the password and each event, and can send commands. Use mqtts:// or wss://`,
      zh: `${protocol}// 未加密：途经的任何人都能读取密码和全部事件，并可发送命令。请使用 mqtts:// 或 wss://`,
    },
  ];
}

/** A mistake that the schema alone cannot see. */
export function problemsOf({ url, tls }: Options) {
  if (tls === undefined) return [];
  const problems = [];
  if (!/^(mqtts|wss):/.test(url)) {
    problems.push({
      path: ['tls'],
      en: `stands beside ${url}, which has no TLS; use mqtts:// or wss://`,
      zh: `${url} 不使用 TLS；请改用 mqtts:// 或 wss://`,
    });
  }
  if ((tls.certFile === undefined) !== (tls.keyFile === undefined)) {
    const [has, lacks] = tls.certFile === undefined ? ['keyFile', 'certFile'] : ['certFile', 'keyFile'];
    problems.push({ path: ['tls', has], en: `needs ${lacks} beside it`, zh: `需要同时给出 ${lacks}` });
  }
  return problems;
}
