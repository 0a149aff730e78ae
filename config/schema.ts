/**
 * The one schema of the config file. Validation, types, the editor's JSON Schema (docs/config.schema.json) and the
 * reference page (docs/config.md) all come from it.
 */
import { z } from 'zod';
import { type AlarmKind, observationKinds } from '../drivers/contract/observation.ts';
import { duration, identifier } from '../drivers/contract/options.ts';
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

const sizeUnits = { kB: 1000, MB: 1_000_000, GB: 1_000_000_000, TB: 1_000_000_000_000 } as const;

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

/** `500MB`, `8GB` -> bytes. */
function size() {
  return z
    .string()
    .regex(/^\d{1,6}(kB|MB|GB|TB)$/, 'a size such as 500MB or 8GB')
    .transform((text) => {
      const unit = text.replace(/^\d+/, '') as keyof typeof sizeUnits;
      return Number.parseInt(text, 10) * sizeUnits[unit];
    });
}

/** The classes of events: what comes before the dot of their type. */
export const eventClasses = [
  'alarm',
  'access',
  'visitor',
  'video',
  'device',
  'arming',
  'command',
  'notice',
  'media',
  'gateway',
] as const;
const byClass = <T extends z.ZodType>(value: T) => z.partialRecord(z.enum(eventClasses), value);

/** Everything that can be commanded; what a target does not know, it refuses. */
export const commandActions = [
  'replay',
  'acknowledge',
  'close',
  'inventory',
  'test',
  'end-test',
  'activate',
  'deactivate',
  'unlock',
  'lock',
  'hold',
  'raise',
  'lower',
  'arm',
  'disarm',
  'bypass',
  'unbypass',
  'reset',
  'preset',
  'snapshot',
  'show',
  'clear',
  'warn',
  'end-notice',
  'read',
  'lockdown',
  'end-lockdown',
  'credentials',
  'expect-visitor',
  'visitor-arrived',
  'visitor-left',
  'erase',
  'clip',
  'push-stream',
  'stop-stream',
] as const;
export type CommandAction = (typeof commandActions)[number];

const commandRule = z.strictObject({
  actions: z.array(z.enum(commandActions)).min(1).describe('What may be asked'),
  targets: z
    .array(z.string().min(1).max(64))
    .min(1)
    .describe('Of whom: devices, areas, `gateway`; a "*" at the end stands for anything'),
  issuers: z
    .array(z.string().min(1).max(100))
    .min(1)
    .optional()
    .describe('By whom, as the command says: believe it only where it must be signed; default anybody'),
  signed: z.boolean().default(false).describe('Only with the signature of an issuer of `commandKeys`'),
});
export type CommandRule = z.output<typeof commandRule>;

/** What a zone says that counts only while its area is armed. */
export const zoneAlarmKinds = ['intrusion', 'perimeter', 'fence', 'collision'] as const satisfies AlarmKind[];

const clockTime = () => z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time such as 06:30');
const weekday = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']);
const onDays = () => z.union([z.enum(['every', 'school', 'free']), z.array(weekday).min(1)]);
export type OnDays = z.output<ReturnType<typeof onDays>>;
const eventPattern = () =>
  z
    .string()
    .regex(
      /^(\*|[a-z]+\.(\*|[a-z-]+))$/,
      '"*", a class such as "alarm.*", or a type such as "device.offline"',
    );
const calendar = z.strictObject({
  schoolDays: z.array(weekday).default(['mon', 'tue', 'wed', 'thu', 'fri']),
  holidays: z
    .array(
      z.strictObject({
        from: z.iso.date().describe('The first day'),
        to: z.iso.date().describe('The last day'),
        name: z.string().max(100).optional(),
      }),
    )
    .default([]),
  makeUpDays: z.array(z.iso.date()).default([]).describe('School days on a weekend or in a holiday 调休'),
});
export type CalendarConfig = z.output<typeof calendar>;

const area = z.strictObject({
  id: identifier().describe('Its name in commands, rules and events; no device may have it'),
  name: z.string().max(100).optional().describe('Its name for people'),
  zones: z
    .array(
      z.strictObject({
        device: z.string(),
        zone: z.int().min(0).max(9999),
        type: z
          .enum(['instant', 'delayed', '24-hour', 'panic', 'tamper', 'fire'])
          .default('instant')
          .describe('`instant` and `delayed` alarm while the area is armed; the others always'),
      }),
    )
    .min(1)
    .describe('What belongs to it. A zone in no area always alarms'),
  cameras: z
    .array(z.string())
    .default([])
    .describe('Those that see it: what they see moving soon after an alarm of it confirms the alarm'),
  entryDelay: duration().prefault('30s').describe('From a `delayed` zone to its alarm: the time to disarm'),
  exitDelay: duration().prefault('60s').describe('From `arm` until the area is armed: the time to leave'),
  schedule: z
    .array(
      z.strictObject({
        at: clockTime().describe('In `timezone`'),
        do: z.enum(['arm', 'disarm']),
        on: onDays()
          .default('every')
          .describe('Every day, school days, days without school, or days of the week'),
      }),
    )
    .default([]),
  whenOpen: z
    .enum(['bypass', 'refuse'])
    .default('bypass')
    .describe(
      'Where the schedule arms and a zone is open: bypass that zone, or do not arm and report a fault',
    ),
});
export type AreaConfig = z.output<typeof area>;

const zoneName = z.strictObject({ device: z.string(), zone: z.int().min(0).max(9999) });
const rule = z.strictObject({
  id: identifier().describe('Its name in the audit'),
  when: z
    .strictObject({
      event: eventPattern().default('alarm.raised').describe('A type, or a class such as "alarm.*"'),
      kinds: z.array(z.enum(observationKinds)).min(1).optional().describe('Only these: panic, intrusion...'),
      devices: z.array(z.string()).min(1).optional().describe('Only of these devices or areas'),
      zones: z.array(zoneName).min(1).optional().describe('Only of these zones'),
      areas: z.array(z.string()).min(1).optional().describe('Only of zones of these areas'),
      armed: z.array(z.string()).min(1).optional().describe('Only while all of these areas are armed'),
      between: z
        .strictObject({ from: clockTime(), to: clockTime() })
        .optional()
        .describe('Only at this time of day; from 22:00 to 06:30 is the night'),
      on: onDays().optional().describe('Only on such days'),
    })
    .prefault({})
    .describe('What sets it off; everything that is named must hold'),
  do: z
    .array(
      z.strictObject({
        target: z.string().describe('A device or an area'),
        action: z.enum(commandActions),
        arguments: z.record(z.string(), z.unknown()).default({}).describe('As in a command'),
        after: duration().prefault('0s').describe('How long it waits'),
        for: duration().optional().describe('How long it lasts, for `activate` and `hold`'),
      }),
    )
    .min(1),
  stopOnAcknowledge: z
    .boolean()
    .default(false)
    .describe(
      'What waits is dropped and what it switched on is switched off when an operator takes the alarm',
    ),
});
export type RuleConfig = z.output<typeof rule>;

const access = z.strictObject({
  credentialsFile: z
    .string()
    .optional()
    .describe(
      'CSV: number, facility, holder, groups, validFrom, validUntil, blocked, children; taken up when it changes',
    ),
  personsFile: z
    .string()
    .optional()
    .describe('CSV: id, name, class; names for the gate screen of the console, and for nothing else'),
  timeTables: z
    .array(
      z.strictObject({
        id: identifier(),
        on: onDays().default('every'),
        from: clockTime(),
        to: clockTime().describe('A time before it'),
      }),
    )
    .default([]),
  groups: z
    .array(
      z.strictObject({
        id: identifier(),
        doors: z.array(z.string()).min(1).describe('Which doors its cards open'),
        times: z.array(z.string()).min(1).optional().describe('Time tables; default always'),
        lockdown: z.boolean().default(false).describe('Whether its cards open doors in a lockdown too'),
      }),
    )
    .default([]),
  doors: z
    .array(
      z.strictObject({
        id: identifier(),
        reader: z
          .union([z.string(), z.array(z.string()).min(1)])
          .transform((one) => (typeof one === 'string' ? [one] : one))
          .describe('The device at which cards or faces are shown; or several'),
        unlock: z
          .array(z.strictObject({ target: z.string(), output: z.string() }))
          .default([])
          .describe('What opens: devices and their outputs'),
        direction: z.enum(['in', 'out']).optional().describe('Which way people go who show a card here'),
        passback: duration()
          .optional()
          .describe('The same person the same way again within this time is refused; needs `direction`'),
        persons: z
          .int()
          .min(1)
          .max(3)
          .default(1)
          .describe('So many different people must show their cards, within `together`, before it opens'),
        together: duration().prefault('20s'),
        pickup: z
          .boolean()
          .default(false)
          .describe('Where guardians come for children: a card must be bound to some'),
        contact: zoneName.optional().describe('Tells whether it is open: a zone of the kind `contact`'),
        exitRequest: zoneName
          .optional()
          .describe('The button to go out: a zone of the kind `exit-request`; it opens what `unlock` names'),
        openWithin: duration()
          .prefault('10s')
          .describe('Opened later than so long after it was unlocked, it is forced'),
        heldAfter: duration().prefault('30s').describe('Open for longer than that, it is held'),
      }),
    )
    .default([]),
});
export type AccessConfig = z.output<typeof access>;

const notices = z.strictObject({
  show: z.array(z.string()).default([]).describe('Devices that show a text: LED signs'),
  http: z
    .array(z.strictObject({ url: z.url({ protocol: /^https?$/, error: 'http:// or https://' }) }))
    .default([])
    .describe('Gets each notice as JSON by POST'),
});
export type NoticesConfig = z.output<typeof notices>;

const consoleSchema = z.strictObject({
  host: z
    .string()
    .default('127.0.0.1')
    .describe('Loopback until told otherwise; elsewhere put a proxy with TLS before it'),
  port: z.int().min(1).max(65_535),
  names: z.array(z.string()).default([]).describe('Names, beside `host`, that it answers to'),
  commands: z.array(commandRule).default([]).describe('What its operator may command; closed by default'),
});
export type ConsoleConfig = z.output<typeof consoleSchema>;

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
  retention: z
    .strictObject({
      keep: duration().prefault('180d').describe('How long events stay on disk (GB/T 29315 asks 180 days)'),
      budget: size()
        .prefault('8GB')
        .describe(
          'What the journal may take; over it, the oldest of the lowest lane go, never an undelivered alarm',
        ),
      lowDisk: size().prefault('1GB').describe('Free disk under which `gateway.storage-low` is sent'),
      classes: byClass(
        z.strictObject({
          keep: duration().optional().describe('How long events of this class stay; default `keep`'),
          bytes: size().optional().describe('What events of this class may take'),
        }),
      )
        .default({})
        .describe('By class of event'),
    })
    .prefault({})
    .describe('What is removed before a platform had it is told in `gateway.dropped`'),
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
  timezone: z
    .string()
    .refine(isTimezone, 'a time zone such as Asia/Shanghai')
    .default('Asia/Shanghai')
    .describe('For the times of schedules and rules'),
  calendar: calendar.prefault({}).describe('When there is school'),
  areas: z.array(area).default([]).describe('Zones that are armed together'),
  media: z
    .strictObject({
      keep: duration().prefault('30d').describe('How long pictures and clips stay on disk'),
      budget: size().prefault('2GB').describe('What they may take; over it, the oldest go'),
      clips: z
        .array(z.string())
        .default([])
        .describe('Cameras whose last 90 s are kept, so that `clip` has what was before'),
      viewers: z.int().min(1).max(64).default(8).describe('How many may look at one camera at once'),
      pushTo: z
        .array(
          z.string().regex(/^(rtmps?|srt|rtsp):\/\/[^\s/]+/, 'rtmp://HOST/, rtmps://, srt:// or rtsp://'),
        )
        .default([])
        .describe(
          'The media servers of platforms, or folders there, to which `push-stream` may send; none by default',
        ),
      pushes: z.int().min(1).max(16).default(2).describe('How many streams may be on their way at once'),
    })
    .prefault({})
    .describe('Pictures and clips; they lie beside the journal'),
  access: access.prefault({}).describe('Cards at doors, decided by the gateway'),
  console: consoleSchema.optional().describe("The technician's pages; none without it"),
  notices: notices
    .prefault({})
    .describe('Where the warnings of platforms are shown; `commands` must allow `warn`. Rules sound them'),
  rules: z
    .array(rule)
    .default([])
    .describe('What the gateway does by itself when something happens, uplink or not'),
});

export type RawConfig = z.output<typeof configSchema>;
export type UplinkConfig = z.output<typeof uplink>;
export type ProxyConfig = z.output<typeof proxy>;
export type TlsConfig = z.output<typeof tls>;

/** The JSON Schema of the file as a person writes it. */
export function configJsonSchema() {
  return z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
}
