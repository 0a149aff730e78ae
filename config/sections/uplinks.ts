/** The platforms that get events: what all uplinks have in common, and a shape a transport of the registry. */
import { z } from 'zod';
import { campusFields } from '../../drivers/contract/campus.ts';
import { duration, identifier } from '../../drivers/contract/options.ts';
import type { Transport } from '../../drivers/contract/transport.ts';
import { platforms } from '../../drivers/index.ts';
import { type CommandRule, commandRate, commandRule } from './rights.ts';
import { byClass, eventPattern } from './values.ts';

/** RFC 3339 -> epoch ms. */
const moment = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

const common = z.strictObject({
  id: identifier().describe('Names the uplink in the journal: keep it, or everything is sent again'),
  events: z.array(eventPattern()).min(1).default(['*']).describe('Which events this platform gets'),
  window: z
    .int()
    .min(1)
    .max(1000)
    .default(128)
    .describe('Most events on their way at once; the platform may ask for fewer'),
  receipts: z
    .boolean()
    .default(false)
    .describe(
      'The platform says what it has stored (over MQTT on `{prefix}/ack`); only then is an event delivered',
    ),
  receiptTimeout: duration({ least: '1s', most: '1d' })
    .prefault('30s')
    .describe('Without a receipt for so long, what has none is sent again; doubles up to 10 minutes'),
  expiry: byClass(duration({ least: '1s' }))
    .default({})
    .describe(
      'How long the platform may keep events of a class for an absent subscriber (MQTT 5); default for ever',
    ),
  reconnectSpread: duration({ most: '1h' })
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
  commandRate: commandRate.describe('How many commands it may send; more are refused unread'),
  commandKeys: z
    .array(
      z.strictObject({
        issuer: z.string().min(1).max(100),
        publicKeyFile: z.string().describe('PEM: an Ed25519 public key'),
        notBefore: moment.optional().describe('RFC 3339: believed from then on; default always'),
        notAfter: moment
          .optional()
          .describe(
            'RFC 3339: until then, so that the next key of an issuer and this one are good side by side',
          ),
      }),
    )
    .default([])
    .describe('Whose signatures are believed'),
  enrolmentFile: z
    .string()
    .optional()
    .describe(
      'Made by `campus-gateway enrol`: where the certificate of `tls` is renewed, by itself, before it ends, and keys of commands beside `commandKeys`',
    ),
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
  campus: z
    .array(z.enum(campusFields))
    .default([])
    .describe(
      'What of `campus` leaves beside id and name: `district`, `address`, `coordinates`, `contacts` (names and telephone numbers of persons)',
    ),
});

/** What `protocol` said when MQTT was the only one: the version of it. */
const mqttVersions = ['auto', 5, '3.1.1'] as const;

const protocolOf = ({ name }: Transport) =>
  name === 'mqtt' ? z.literal([name, ...mqttVersions]).default(name) : z.literal(name);
const { id, ...shared } = common.shape;
const shapes = (platforms as readonly Transport[]).map((transport) =>
  z.strictObject({
    id,
    protocol: protocolOf(transport).describe(`${transport.title.en} · ${transport.title.zh}`),
    ...transport.options.shape,
    ...shared,
  }),
);
/** As it stands in the file. */
export type RawUplink = z.output<typeof common> & { readonly protocol: string | number } & Readonly<
    Record<string, unknown>
  >;
const alternatives: z.ZodType = shapes.length === 1 ? (shapes[0] as z.ZodType) : z.union(shapes);
export const uplink = alternatives as z.ZodType<RawUplink>;

/** `options`: the members that are the transport's own, as its schema gives them. */
export interface UplinkConfig extends z.output<typeof common> {
  readonly protocol: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Patterns of the events that its protocol has a word for; undefined: all. */
  readonly carries?: readonly string[] | undefined;
}

/** The version that stands in the place of a protocol; undefined: none does. */
export const versionAsProtocol = (protocol: string | number) =>
  mqttVersions.find((word) => word === protocol);

/** Parts what all uplinks have from what is the transport's own. */
export function partUplink({ protocol, ...members }: RawUplink): UplinkConfig {
  const { of = [], own = [] } = Object.groupBy(Object.entries(members), ([key]) =>
    key in common.shape ? 'of' : 'own',
  );
  const options = Object.fromEntries(own);
  const version = versionAsProtocol(protocol);
  return {
    ...(Object.fromEntries(of) as z.output<typeof common>),
    protocol: version === undefined ? String(protocol) : 'mqtt',
    options: version === undefined ? options : { ...options, mqttVersion: options['mqttVersion'] ?? version },
  };
}
