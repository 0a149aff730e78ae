/**
 * The one schema of the config file. Validation, types, the editor's JSON Schema (docs/config.schema.json) and the
 * reference page (docs/config.md) all come from it.
 */
import { z } from 'zod';
import { duration, identifier } from '../drivers/contract.ts';
import { drivers } from '../drivers/index.ts';

/** Keys that hold secrets. A value written inline is refused; `${NAME}` takes it from the environment. */
export const secretKeys = /^(password|passphrase|token|secret|key)$/;
const secret = () =>
  z
    .string()
    .regex(
      /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/,
      'a secret is not written inline: use the ...File key, or ${NAME} for the environment',
    );

const campus = z.strictObject({
  id: z
    .string()
    .regex(/^\d{4,20}$/, '4 to 20 digits in quotes')
    .describe('The number of the campus with the platforms'),
  name: z.string().min(1).max(100).describe('Its name for people'),
});

const uplink = z.strictObject({
  id: identifier().describe('Names the uplink in the journal: keep it, or everything is sent again'),
  url: z
    .string()
    .regex(/^mqtts?:\/\/[^\s/@]+$/, 'mqtt://HOST:PORT or mqtts://HOST:PORT, without user or path')
    .describe('The broker of the platform'),
  topicPrefix: z
    .string()
    .regex(/^[^+#\s/][^+#\s]*[^+#\s/]$/, 'a topic without spaces, "+", "#", or "/" at its ends')
    .optional()
    .describe('What all topics start with; default campus/v1/{campus.id}'),
  events: z
    .array(
      z
        .string()
        .regex(
          /^(\*|[a-z]+\.(\*|[a-z-]+))$/,
          '"*", a class such as "alarm.*", or a type such as "device.offline"',
        ),
    )
    .min(1)
    .default(['*'])
    .describe('Which events this platform gets'),
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
  cardNumbers: z
    .enum(['hashed', 'plain'])
    .default('hashed')
    .describe('Whether card numbers leave the campus, or only a keyed hash of them'),
});

const common = (name: string, title: string) => ({
  id: identifier().describe('Its name in topics and events'),
  driver: z.literal(name).describe(title),
  name: z.string().max(100).optional().describe('Its name for people'),
});
const devices = drivers.map((driver) =>
  z.strictObject({
    ...common(driver.name, `${driver.title.en} · ${driver.title.zh}`),
    ...driver.options.shape,
  }),
);
const device = z.discriminatedUnion('driver', devices as [(typeof devices)[number], ...typeof devices]);

export const configSchema = z.strictObject({
  campus: campus.describe('Which school this is'),
  dataDir: z.string().default('./data').describe('Where the journal lives, relative to this file'),
  retention: duration()
    .prefault('180d')
    .describe('How long delivered events stay on disk (GB/T 29315 asks 180 days)'),
  status: z
    .strictObject({
      host: z
        .string()
        .default('127.0.0.1')
        .describe('Loopback until told otherwise: there are no accounts yet'),
      port: z.int().min(1).max(65_535),
    })
    .optional()
    .describe('Serves /health and /metrics (Prometheus)'),
  uplinks: z.array(uplink).default([]).describe('The platforms that get events'),
  devices: z.array(device).default([]).describe('The hardware'),
});

export type RawConfig = z.output<typeof configSchema>;
export type UplinkConfig = z.output<typeof uplink>;

/** The JSON Schema of the file as a person writes it. */
export function configJsonSchema() {
  return z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
}
