/**
 * The event: an observation as a CloudEvent 1.0, and the catalogue of all types.
 *
 * This file is the contract with the platforms: docs/events/ and docs/asyncapi.yaml are generated from it
 * (`npm run docs`), and a test fails when they are stale. Its version is `contractVersion`.
 */
import { randomFillSync } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import {
  type AlarmKind,
  alarmKinds,
  type Observation,
  type ObservationKind,
  videoCauses,
  visitStages,
} from '../drivers/contract.ts';

/** The version of topics and events, of its own; a breaking change changes the `v1` of the topics too. */
export const contractVersion = '1.3.0';

/** A lane never waits for a lower one. Their order here is their rank and, as an index, their number on disk. */
export const lanes = ['urgent', 'normal', 'bulk'] as const;
export type Lane = (typeof lanes)[number];

const iso = z.iso.datetime({ offset: false }).describe('UTC, RFC 3339');

const clock = z
  .strictObject({
    source: z.enum(['device', 'gateway']).describe('Whose clock `time` is of'),
    deviceTime: iso.optional().describe('What the device said, believed or not'),
    seenAt: iso.describe('When the gateway saw it'),
    synchronised: z
      .boolean()
      .nullable()
      .describe("Whether the gateway's clock was synchronised; null: not known"),
  })
  .describe('How far `time` can be trusted');

const code = z
  .strictObject({
    sia: z.string().optional().describe('SIA DC-03'),
    contactId: z.string().optional().describe('Contact ID with its qualifier: E new, R restore'),
    gb28181: z
      .strictObject({
        priority: z.int().min(1).max(4).describe('AlarmPriority, 1 is highest'),
        method: z.int().min(1).max(7).describe('AlarmMethod'),
        type: z.int().optional().describe('AlarmType under this method'),
      })
      .optional()
      .describe('GB/T 28181'),
  })
  .describe('The standard codes of what happened');

/** What the events of devices have in common. */
const observed = {
  state: z.enum(['raised', 'restored']),
  device: z.strictObject({ id: z.string(), name: z.string().optional() }),
  zone: z
    .strictObject({ number: z.int(), id: z.string().optional(), name: z.string().optional() })
    .optional()
    .describe('防区'),
  cause: z.string().optional().describe('More finely, e.g. broken-wire'),
  code: code.optional(),
  text: z.string().optional(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  test: z
    .enum(['walk-test', 'maintenance'])
    .optional()
    .describe('Caused by a test that somebody announced: nobody needs to come'),
  picture: z
    .string()
    .optional()
    .describe(
      'A picture of it: the SHA-256 of the file, hex, as in `{prefix}/media`; only where the uplink says `pictures: true`',
    ),
  raw: z.string().optional().describe('What the device sent, decrypted'),
  reduced: z
    .array(z.string())
    .optional()
    .describe("What was left out, because the broker's maximum packet size is too small for it"),
  clock,
};

/** What an alarm turned out to be. */
export const closeReasons = [
  'real',
  'test',
  'false-user',
  'false-device',
  'false-environment',
  'unknown',
] as const;

/** An alarm, or what is said of one later. */
const alarmWith = (more: z.ZodRawShape = {}) =>
  z.strictObject({ kind: z.enum(alarmKinds), ...observed, ...more });
const alarm = alarmWith();
const ofAlarm = z.uuidv7().describe('The `id` of the alarm');
const operator = {
  by: z.string().describe('The operator'),
  uplink: z.string().describe('The platform that said so, by its id in the config'),
};
const acknowledged = alarmWith({ acknowledged: z.strictObject({ event: ofAlarm, ...operator }) });
const confirmed = alarmWith({
  confirmed: z.strictObject({
    event: ofAlarm,
    by: z
      .uuidv7()
      .describe(
        'The `id` of what confirms it: an alarm of another zone of the same area, or what a camera saw',
      ),
  }),
});
const closed = alarmWith({
  closed: z.strictObject({
    event: ofAlarm,
    reason: z.enum(closeReasons).describe('What it was'),
    note: z.string().optional(),
    ...operator,
  }),
});
const credential = z
  .strictObject({
    format: z.string(),
    facility: z.int().optional(),
    number: z.string().optional().describe('Only where the config of the uplink says `cardNumbers: plain`'),
    hash: z
      .string()
      .optional()
      .describe('HMAC-SHA-256 of facility and number under a key of the campus, base64url'),
    erased: z.literal(true).optional().describe('It was erased on request'),
  })
  .describe('The card; by default its number stays on the campus');
const access = z.strictObject({
  kind: z.literal('credential'),
  ...observed,
  credential,
  access: z
    .strictObject({
      door: z.string(),
      decision: z.enum(['granted', 'denied', 'unknown']),
      reason: z
        .string()
        .optional()
        .describe(
          'Why not: blocked, not-yet-valid, expired, not-this-door, not-now, lockdown, passback, not-bound (no children), second-person (one more must show a card)',
        ),
      holder: z
        .string()
        .optional()
        .describe("The school's id of the person; only where the config of the uplink says `holders: true`"),
      direction: z.enum(['in', 'out']).optional(),
      children: z
        .array(z.string())
        .optional()
        .describe(
          "The school's ids of the children to be taken away; only where the config says `children: true`",
        ),
    })
    .optional()
    .describe('What the gateway decided; none where the reader is at no door of it'),
});
const door = z.strictObject({
  kind: z.enum(['contact', 'exit-request', 'forced', 'held', 'lockdown']),
  ...observed,
});
const device = z.strictObject({ kind: z.enum(['fault', 'battery', 'power', 'link', 'test']), ...observed });
const arming = z.strictObject({ kind: z.enum(['arming', 'bypass', 'entry']), ...observed });
const video = z.strictObject({ kind: z.literal('video'), ...observed });
const visitor = z.strictObject({
  kind: z.literal('visit'),
  ...observed,
  visit: z
    .strictObject({
      id: z.string(),
      stage: z.enum(visitStages),
      until: z.string().optional().describe('When they are to be gone again'),
      name: z.string().optional().describe('Only where the config of the uplink says `names: true`'),
      host: z.string().optional().describe('Whom they come to see; likewise'),
      purpose: z.string().optional().describe('Likewise'),
    })
    .describe('Its id is the same from expected to left'),
});
const notice = z.strictObject({ kind: z.literal('notice'), ...observed });
const media = {
  picture: z.string().describe('The SHA-256 of the file, hex'),
  contentType: z.string().describe('image/jpeg, image/png, video/mp4'),
  bytes: z.int().describe('Of the whole file'),
  device: z.strictObject({ id: z.string() }).describe('The camera or terminal'),
  event: z.uuidv7().optional().describe('The `id` of the alarm that it belongs to'),
  clock,
};
const picture = z.strictObject(media);
const piece = z.strictObject({
  ...media,
  part: z.int().min(1),
  parts: z.int().min(1),
  content: z.string().optional().describe('base64; none where the file is not there any more'),
});
const gateway = z.strictObject({ clock, details: z.record(z.string(), z.unknown()) });

interface CatalogueEntry {
  readonly lane: Lane;
  readonly data: z.ZodType;
  readonly en: string;
  readonly zh: string;
  readonly reserved?: true;
}

/**
 * Every type of the contract: its lane, the shape of its data, its words. `reserved`: no part of this version sends
 * it yet; its name and shape are settled, so that platforms can prepare.
 */
export const catalogue = {
  'alarm.raised': { lane: 'urgent', data: alarm, en: 'An alarm began', zh: '报警发生' },
  'alarm.restored': { lane: 'urgent', data: alarm, en: 'An alarm ended', zh: '报警恢复' },
  'alarm.acknowledged': {
    lane: 'urgent',
    data: acknowledged,
    en: 'An operator took an alarm',
    zh: '报警确认',
  },
  'alarm.confirmed': {
    lane: 'urgent',
    data: confirmed,
    en: 'A second zone or a camera confirmed an alarm',
    zh: '报警复核（第二防区或视频）',
  },
  'alarm.closed': { lane: 'urgent', data: closed, en: 'An operator closed an alarm', zh: '报警结案' },
  'access.granted': { lane: 'normal', data: access, en: 'A card or a face may pass', zh: '核验通过' },
  'access.denied': { lane: 'normal', data: access, en: 'A card or a face may not pass', zh: '核验拒绝' },
  'access.unknown': {
    lane: 'normal',
    data: access,
    en: 'A card or a face that no list names',
    zh: '未登记凭证',
  },
  'access.opened': { lane: 'normal', data: door, en: 'A door was opened', zh: '门打开' },
  'access.closed': { lane: 'normal', data: door, en: 'A door was closed', zh: '门关闭' },
  'access.exit-requested': {
    lane: 'normal',
    data: door,
    en: 'Somebody pressed the button to go out, or let go of it',
    zh: '出门按钮',
  },
  'access.forced': {
    lane: 'urgent',
    data: door,
    en: 'A door was opened that nobody had unlocked',
    zh: '门被强行打开',
  },
  'access.held': { lane: 'normal', data: door, en: 'A door stays open for too long', zh: '门长时间未关' },
  'access.restored': {
    lane: 'normal',
    data: door,
    en: 'A door that was forced or held is closed',
    zh: '门恢复关闭',
  },
  'access.lockdown-started': {
    lane: 'normal',
    data: door,
    en: 'A lockdown: doors open for nobody but those whom the config names',
    zh: '封控开始',
  },
  'access.lockdown-ended': { lane: 'normal', data: door, en: 'The lockdown is over', zh: '封控解除' },
  'access.pickup': {
    lane: 'normal',
    data: access,
    en: 'A guardian came for a child; `access.decision` says whether the child may go',
    zh: '接送刷卡',
  },
  'visitor.expected': { lane: 'normal', data: visitor, en: 'A visitor was announced', zh: '访客预约' },
  'visitor.arrived': { lane: 'normal', data: visitor, en: 'A visitor came', zh: '访客到达' },
  'visitor.left': { lane: 'normal', data: visitor, en: 'A visitor left', zh: '访客离开' },
  'visitor.overdue': {
    lane: 'normal',
    data: visitor,
    en: 'A visitor is still there after the time',
    zh: '访客超时未离开',
  },
  'visitor.missed': {
    lane: 'normal',
    data: visitor,
    en: 'An announced visitor did not come',
    zh: '访客未到',
  },
  'video.motion': { lane: 'normal', data: video, en: 'Motion began or ended', zh: '移动侦测' },
  'video.line-crossed': { lane: 'normal', data: video, en: 'A line was crossed', zh: '越线' },
  'video.zone-entered': {
    lane: 'normal',
    data: video,
    en: 'Somebody is in a zone, or not any more',
    zh: '区域入侵',
  },
  'video.tampered': {
    lane: 'normal',
    data: video,
    en: 'A camera was covered or turned, or is free again',
    zh: '视频遮挡',
  },
  'video.signal-lost': {
    lane: 'normal',
    data: video,
    en: 'A camera lost its picture, or has it again',
    zh: '视频丢失',
  },
  'device.online': { lane: 'normal', data: device, en: 'A device answers', zh: '设备上线' },
  'device.offline': { lane: 'normal', data: device, en: 'A device does not answer', zh: '设备离线' },
  'device.fault': { lane: 'normal', data: device, en: 'A device reports a fault', zh: '设备故障' },
  'device.restored': {
    lane: 'normal',
    data: device,
    en: 'A fault, power loss or low battery ended',
    zh: '故障恢复',
  },
  'device.battery-low': { lane: 'normal', data: device, en: 'A battery is low', zh: '电池电量低' },
  'device.power-lost': { lane: 'normal', data: device, en: 'A device lost its mains', zh: '市电断电' },
  'device.test-started': {
    lane: 'normal',
    data: device,
    en: 'A walk test or maintenance of a device or an area began: its alarms bear a mark',
    zh: '测试或维护开始',
  },
  'device.test-ended': { lane: 'normal', data: device, en: 'It ended', zh: '测试或维护结束' },
  'arming.armed': { lane: 'normal', data: arming, en: 'An area was armed', zh: '布防' },
  'arming.disarmed': { lane: 'normal', data: arming, en: 'An area was disarmed', zh: '撤防' },
  'arming.bypassed': { lane: 'normal', data: arming, en: 'A zone was bypassed', zh: '防区旁路' },
  'arming.unbypassed': { lane: 'normal', data: arming, en: 'A zone is no longer bypassed', zh: '旁路解除' },
  'arming.entry-started': {
    lane: 'normal',
    data: arming,
    en: 'Somebody came in by a delayed zone: an alarm, unless the area is disarmed in time',
    zh: '进入延时开始',
  },
  'arming.entry-ended': {
    lane: 'normal',
    data: arming,
    en: 'The entry delay is over: disarmed, or an alarm',
    zh: '进入延时结束',
  },
  'notice.received': {
    lane: 'normal',
    data: notice,
    en: 'A warning of a platform came to the school',
    zh: '收到平台预警通知',
  },
  'notice.ended': { lane: 'normal', data: notice, en: 'It is not valid any more', zh: '预警通知结束' },
  'notice.shown': {
    lane: 'normal',
    data: gateway,
    en: 'It was shown somewhere, or could not be',
    zh: '预警通知已展示（或展示失败）',
  },
  'notice.read': { lane: 'normal', data: gateway, en: 'Somebody at the school read it', zh: '预警通知已阅' },
  'command.done': { lane: 'normal', data: gateway, en: 'A command was carried out', zh: '命令已执行' },
  'command.failed': {
    lane: 'normal',
    data: gateway,
    en: 'A command was tried and could not be carried out, or nobody knows whether it was',
    zh: '命令执行失败或结果未知',
  },
  'command.refused': { lane: 'normal', data: gateway, en: 'A command was refused', zh: '命令被拒绝' },
  'media.kept': {
    lane: 'normal',
    data: picture,
    en: 'A picture or a clip of an alarm was taken; its pieces follow',
    zh: '报警图片或录像已保存',
  },
  'media.piece': {
    lane: 'bulk',
    data: piece,
    en: 'A piece of a picture or a clip, on `{prefix}/media/{device}`: put together by `part`, checked by `picture`',
    zh: '图片或录像分片',
  },
  'gateway.started': { lane: 'normal', data: gateway, en: 'The gateway started', zh: '网关启动' },
  'gateway.clock-stepped': {
    lane: 'normal',
    data: gateway,
    en: "The gateway's clock jumped",
    zh: '网关时钟跳变',
  },
  'gateway.storage-low': {
    lane: 'normal',
    data: gateway,
    en: 'The disk is getting full, or a backlog will fill the journal',
    zh: '存储空间不足',
  },
  'gateway.dropped': {
    lane: 'normal',
    data: gateway,
    en: 'Events were dropped undelivered',
    zh: '事件被丢弃',
  },
  'gateway.storage-failed': {
    lane: 'normal',
    data: gateway,
    en: 'The disk took no events; this comes when it does again',
    zh: '存储故障（恢复后上报）',
  },
  'gateway.journal-salvaged': {
    lane: 'normal',
    data: gateway,
    en: 'The journal was damaged; what could be read was saved',
    zh: '事件日志损坏并已抢救',
  },
  'gateway.certificate-expiring': {
    lane: 'normal',
    data: gateway,
    en: 'A certificate ends within 30 days',
    zh: '证书即将到期',
  },
} as const satisfies Record<string, CatalogueEntry>;
export type EventType = keyof typeof catalogue;
export const eventTypes = Object.keys(catalogue) as EventType[];

export const typePrefix = 'cn.campus.';
/** `alarm.raised` -> `alarm`, the class in topics and filters. */
export const classOf = (type: EventType) => type.slice(0, type.indexOf('.'));
export const laneOf = (type: EventType): Lane => catalogue[type].lane;

/** An event as it is on disk; `sequence`, `previous`, `lane` and `journal` join it when it is sent. */
export interface Event {
  readonly specversion: '1.0';
  /** UUIDv7 (RFC 9562). The same event always has the same id, however often it arrives. */
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly subject?: string;
  readonly datacontenttype: 'application/json';
  readonly data: Readonly<Record<string, unknown>>;
}

/** What a type means, in both languages. */
export function wordsOf(type: EventType): string {
  const { en, zh, reserved }: CatalogueEntry = catalogue[type];
  return `${en} · ${zh}${reserved === true ? ' (reserved: not sent by this version)' : ''}`;
}

/** The schema of one type as it goes over the wire. */
export function eventSchema(type: EventType) {
  return z
    .strictObject({
      specversion: z.literal('1.0'),
      id: z.uuidv7().describe('The same event always has the same id: recognise duplicates by it'),
      source: z
        .string()
        .regex(/^\/campus\//)
        .describe('/campus/{campusId}/device/{deviceId}, or .../gateway'),
      type: z.literal(`${typePrefix}${type}`),
      time: iso.describe('When it happened; `data.clock` says by whose clock'),
      subject: z.string().optional().describe('The zone, door, camera or account'),
      datacontenttype: z.literal('application/json'),
      sequence: z
        .string()
        .regex(/^\d+$/)
        .describe(
          "The journal's number, decimal; rising, with gaps. 0: an alarm that the disk has not taken yet; it comes again with its number",
        ),
      previous: z
        .string()
        .regex(/^\d+$/)
        .describe(
          'The sequence sent before this one on the same uplink and lane; 0: none. One that you lack is a gap',
        ),
      lane: z.enum(lanes).describe('The lane that `previous` and receipts are about'),
      journal: z
        .string()
        .describe('The id of the numbering; another one means that numbers begin anew. Receipts name it'),
      data: catalogue[type].data,
    })
    .meta({ title: `${typePrefix}${type}`, description: wordsOf(type) });
}

/** Codes of the alarm kinds where the device gave none; AlarmMethod and AlarmType by GB/T 28181-2016, 9.4. */
const alarmCodes: Record<
  AlarmKind,
  { sia: [string, string]; contactId: string; gb28181: { priority: number; method: number; type?: number } }
> = {
  panic: { sia: ['PA', 'PR'], contactId: '120', gb28181: { priority: 1, method: 5, type: 1 } },
  duress: { sia: ['HA', 'HR'], contactId: '121', gb28181: { priority: 1, method: 2 } },
  fire: { sia: ['FA', 'FR'], contactId: '110', gb28181: { priority: 1, method: 2 } },
  intrusion: { sia: ['BA', 'BR'], contactId: '130', gb28181: { priority: 2, method: 2 } },
  perimeter: { sia: ['BA', 'BR'], contactId: '131', gb28181: { priority: 2, method: 2 } },
  fence: { sia: ['BA', 'BR'], contactId: '131', gb28181: { priority: 2, method: 2 } },
  collision: { sia: ['UA', 'UR'], contactId: '150', gb28181: { priority: 2, method: 2 } },
  tamper: { sia: ['TA', 'TR'], contactId: '137', gb28181: { priority: 2, method: 2, type: 2 } },
};

const typeOf: Record<
  Exclude<ObservationKind, AlarmKind>,
  readonly [raised: EventType, restored: EventType]
> = {
  fault: ['device.fault', 'device.restored'],
  battery: ['device.battery-low', 'device.restored'],
  power: ['device.power-lost', 'device.restored'],
  arming: ['arming.armed', 'arming.disarmed'],
  bypass: ['arming.bypassed', 'arming.unbypassed'],
  credential: ['access.unknown', 'access.unknown'],
  link: ['device.offline', 'device.online'],
  entry: ['arming.entry-started', 'arming.entry-ended'],
  test: ['device.test-started', 'device.test-ended'],
  notice: ['notice.received', 'notice.ended'],
  contact: ['access.opened', 'access.closed'],
  'exit-request': ['access.exit-requested', 'access.exit-requested'],
  forced: ['access.forced', 'access.restored'],
  held: ['access.held', 'access.restored'],
  lockdown: ['access.lockdown-started', 'access.lockdown-ended'],
  visit: ['visitor.arrived', 'visitor.left'],
  video: ['video.motion', 'video.motion'],
};

const isAlarm = (kind: ObservationKind): kind is AlarmKind =>
  (alarmKinds as readonly string[]).includes(kind);

export function eventTypeOf({ kind, state, cause, access: decided, visit }: Observation): EventType {
  if (isAlarm(kind)) return `alarm.${state}`;
  if (visit !== undefined) return `visitor.${visit.stage}`;
  if (decided?.children !== undefined) return 'access.pickup';
  if (decided !== undefined) return `access.${decided.decision}`;
  if (kind === 'video') return `video.${videoCauses.find((one) => one === cause) ?? 'motion'}`;
  return typeOf[kind][state === 'raised' ? 0 : 1];
}

/**
 * What a device's states are told apart by: zone, account or unit, kind and cause. Cards are no states.
 */
export function stateKeyOf({ device, zone, kind, cause, details }: Observation): string | undefined {
  if (kind === 'credential') return undefined;
  // A visitor comes at one terminal and leaves at another.
  if (kind === 'visit') return ['gateway', '', details?.['part'] ?? '', kind, ''].join('/');
  const part = zone?.number ?? details?.['part'] ?? '';
  return [device, details?.['account'] ?? '', part, kind, cause ?? ''].join('/');
}

/** What is over and will not begin again has no state any more. */
export const endsForGood = ({ kind, state }: Observation): boolean =>
  state === 'restored' && (kind === 'visit' || kind === 'notice');

/** What an event must know beside the observation. */
export interface EventContext {
  readonly campusId: string;
  readonly deviceName?: string | undefined;
  /** The gateway's wall clock, epoch ms. */
  readonly now: number;
  readonly synchronised: boolean | null;
}

let isoMs = Number.NaN;
let isoText = '';

/** RFC 3339 of epoch ms. The last one is kept: an event names the same moment twice, a burst many times. */
function isoOf(ms: number): string {
  if (ms !== isoMs) {
    isoText = new Date(ms).toISOString();
    isoMs = ms;
  }
  return isoText;
}

const ID_RANDOM = 16;
const pool = Buffer.alloc(ID_RANDOM * 256);
let poolAt = pool.length;

/** UUIDv7; its random bytes are fetched for 256 ids at once, because each fetch costs 5 µs. */
function newId(): string {
  if (poolAt === pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  poolAt += ID_RANDOM;
  return uuidv7({ random: pool.subarray(poolAt - ID_RANDOM, poolAt) });
}

function envelope(
  campusId: string,
  device: string | undefined,
  type: EventType,
  time: number,
): Omit<Event, 'data'> {
  return {
    specversion: '1.0',
    id: newId(),
    source: `/campus/${campusId}/${device === undefined ? 'gateway' : `device/${device}`}`,
    type: `${typePrefix}${type}`,
    time: isoOf(time),
    datacontenttype: 'application/json',
  };
}

/** Makes the event of an observation. */
export function toEvent(
  observation: Observation,
  { campusId, deviceName, now: present, synchronised }: EventContext,
): Event {
  const now = observation.seen ?? present;
  const {
    device,
    kind,
    state,
    zone,
    cause,
    at,
    codes,
    credential,
    text,
    details,
    test,
    raw,
    visit,
    picture,
    access: decided,
  } = observation;
  const trusted = at?.trusted === true;
  const subject = zone === undefined ? details?.['part'] : (zone.id ?? `zone-${zone.number}`);
  const known = isAlarm(kind) ? alarmCodes[kind] : undefined;
  const raised = state === 'raised';
  const code = known
    ? {
        ...(codes?.contactId === undefined && { sia: known.sia[raised ? 0 : 1] }),
        ...(codes?.sia === undefined && { contactId: `${raised ? 'E' : 'R'}${known.contactId}` }),
        ...codes,
        gb28181: known.gb28181,
      }
    : codes;
  return {
    ...envelope(campusId, device, eventTypeOf(observation), trusted ? at.time : now),
    ...(subject !== undefined && { subject: String(subject) }),
    data: {
      kind,
      state,
      device: { id: device, ...(deviceName !== undefined && { name: deviceName }) },
      ...(zone !== undefined && { zone }),
      ...(cause !== undefined && { cause }),
      ...(code !== undefined && Object.keys(code).length > 0 && { code }),
      ...(text !== undefined && { text }),
      ...(details !== undefined && { details }),
      ...(credential !== undefined && { credential }),
      ...(decided !== undefined && { access: decided }),
      ...(visit !== undefined && { visit }),
      ...(picture !== undefined && { picture }),
      ...(test !== undefined && { test }),
      ...(raw !== undefined && { raw }),
      clock: {
        source: trusted ? 'device' : 'gateway',
        ...(at !== undefined && { deviceTime: isoOf(at.time) }),
        seenAt: isoOf(now),
        synchronised,
      },
    },
  };
}

/** What is said of an alarm later, by the type of the event that says it. */
export interface AlarmFacts {
  readonly 'alarm.acknowledged': { readonly event: string; readonly by: string; readonly uplink: string };
  readonly 'alarm.confirmed': { readonly event: string; readonly by: string };
  readonly 'alarm.closed': {
    readonly event: string;
    readonly reason: (typeof closeReasons)[number];
    readonly by: string;
    readonly uplink: string;
    readonly note?: string;
  };
}

/** An event beside an alarm: an operator took it, another zone confirmed it, it was closed. */
export function eventAbout<T extends keyof AlarmFacts>(
  alarm: Event,
  type: T,
  fact: AlarmFacts[T],
  { campusId, now, synchronised }: EventContext,
): Event {
  const { device, kind, state, zone, cause, code } = alarm.data as {
    device: { id: string };
    kind: AlarmKind;
    state: 'raised';
    zone?: object;
    cause?: string;
    code?: object;
  };
  return {
    ...envelope(campusId, device.id, type, now),
    ...(alarm.subject !== undefined && { subject: alarm.subject }),
    data: {
      kind,
      state,
      device,
      ...(zone !== undefined && { zone }),
      ...(cause !== undefined && { cause }),
      ...(code !== undefined && { code }),
      [type.slice('alarm.'.length)]: fact,
      clock: { source: 'gateway', seenAt: isoOf(now), synchronised },
    },
  };
}

/** A picture or a clip, or a piece of one. */
export interface MediaAbout {
  readonly device: string;
  readonly picture: string;
  readonly contentType: string;
  readonly bytes: number;
  readonly parts: number;
  readonly part: number;
  readonly event?: string | undefined;
}

/** An event about a picture or a clip, without its content. */
export function mediaEvent(
  type: 'media.kept' | 'media.piece',
  { device, picture: reference, contentType, bytes, parts, part, event }: MediaAbout,
  { campusId, now, synchronised }: EventContext,
): Event {
  return {
    ...envelope(campusId, device, type, now),
    data: {
      picture: reference,
      contentType,
      bytes,
      ...(type === 'media.piece' && { part, parts }),
      device: { id: device },
      ...(event !== undefined && { event }),
      clock: { source: 'gateway', seenAt: isoOf(now), synchronised },
    },
  };
}

/** The types of events that are about no device. */
export type OwnEventType =
  | Extract<EventType, `gateway.${string}` | `command.${string}`>
  | 'notice.shown'
  | 'notice.read';

/** An event of the gateway itself. */
export function gatewayEvent(
  type: OwnEventType,
  details: Readonly<Record<string, unknown>>,
  { campusId, now, synchronised }: EventContext,
): Event {
  return {
    ...envelope(campusId, undefined, type, now),
    data: { clock: { source: 'gateway', seenAt: isoOf(now), synchronised }, details },
  };
}

/** An event as the journal has it. undefined: its bytes are not what was written, and no check of the file saw it. */
export function readEvent(body: string): Event | undefined {
  try {
    const event = JSON.parse(body) as Event;
    return typeof event.data === 'object' && event.data !== null ? event : undefined;
  } catch {
    return undefined;
  }
}
