/** The platforms that get events. */
import { z } from 'zod';
import { duration, identifier } from '../../drivers/contract/options.ts';
import { type CommandRule, commandRule } from './rights.ts';
import { byClass, eventPattern, secret } from './values.ts';

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

export const uplink = z.strictObject({
  id: identifier().describe('Names the uplink in the journal: keep it, or everything is sent again'),
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
  events: z.array(eventPattern()).min(1).default(['*']).describe('Which events this platform gets'),
  protocol: z
    .union([z.literal('auto'), z.literal(5), z.literal('3.1.1')])
    .default('auto')
    .describe('`auto`: MQTT 5, or 3.1.1 where the broker refuses it'),
  clientId: z.string().min(1).max(64).optional().describe('Default: {campus.id}-{uplink id}'),
  username: z.string().optional(),
  password: secret().optional().describe('`${NAME}` from the environment; or use passwordFile'),
  passwordFile: z.string().optional().describe('A file whose first line is the password'),
  keepalive: duration().prefault('10s').describe('A dead broker is noticed within one and a half of it'),
  window: z
    .int()
    .min(1)
    .max(1000)
    .default(128)
    .describe('Most events on their way at once; the broker may ask for fewer'),
  receipts: z
    .boolean()
    .default(false)
    .describe(
      'The platform answers on `{prefix}/ack` with what it has stored; only then is an event delivered',
    ),
  receiptTimeout: duration()
    .prefault('30s')
    .describe('Without a receipt for so long, what has none is sent again; doubles up to 10 minutes'),
  whenNoSubscriber: z
    .enum(['accept', 'retry'])
    .default('accept')
    .describe(
      '`retry`: an event that the broker took while nobody subscribed (PUBACK 0x10, MQTT 5) is not delivered',
    ),
  expiry: byClass(duration())
    .default({})
    .describe(
      'How long the broker may keep events of a class for an absent subscriber (MQTT 5); default for ever',
    ),
  reconnectSpread: duration()
    .prefault('30s')
    .describe(
      'A lost connection is tried again at a random moment within it, so that a city does not come back at once; a new alarm does not wait for it',
    ),
  commands: z
    .array(
      z.union([
        z
          .enum(['replay', 'acknowledge', 'close', 'inventory'])
          .transform((action): CommandRule => ({ actions: [action], targets: ['gateway'], signed: false })),
        commandRule,
      ]),
    )
    .default([{ actions: ['replay'], targets: ['gateway'], signed: false }])
    .describe(
      'What this platform may ask, closed by default: `replay`, `acknowledge`, `close`, `inventory`, or a rule. What no rule allows is refused',
    ),
  noticeTopics: z
    .array(z.string().regex(/^[^+#]+(\/\+)?$/, 'a topic, or one that ends in "/+"'))
    .default([])
    .describe('More topics of notices, for all campuses of a city; its own is {prefix}/notice/+'),
  commandKeys: z
    .array(
      z.strictObject({
        issuer: z.string().min(1).max(100),
        publicKeyFile: z.string().describe('PEM: an Ed25519 public key'),
      }),
    )
    .default([])
    .describe('Whose signatures are believed'),
  cardNumbers: z
    .enum(['hashed', 'plain'])
    .default('hashed')
    .describe('Whether card numbers leave the campus, or only a keyed hash of them'),
  holders: z
    .boolean()
    .default(false)
    .describe("Whether the school's ids of those who show cards leave the campus"),
  children: z
    .boolean()
    .default(false)
    .describe("Whether the school's ids of children who are picked up leave the campus"),
  names: z.boolean().default(false).describe('Whether the names of visitors leave the campus'),
  pictures: z.boolean().default(false).describe('Whether pictures leave the campus'),
});
export type UplinkConfig = z.output<typeof uplink>;
export type ProxyConfig = z.output<typeof proxy>;
export type TlsConfig = z.output<typeof tls>;
