/**
 * The catalogue of everything that may be told: every type of event, its lane, its shape, its words.
 *
 * This is the contract with the platforms: docs/events/ and docs/asyncapi.yaml are generated from it
 * (`npm run docs`), and a test fails when they are stale. Its version is `contractVersion`.
 */
import { z } from 'zod';
import { type Lane, lanes } from '../../drivers/contract/lane.ts';
import {
  access,
  acknowledged,
  alarm,
  arming,
  cancelled,
  closed,
  confirmed,
  device,
  door,
  gateway,
  iso,
  notice,
  picture,
  piece,
  video,
  visitor,
} from './event-data.ts';
import { ownEvents } from './own-events.ts';

/** The version of topics and events, of its own; a breaking change changes the `v1` of the topics too. */
export const contractVersion = '1.8.0';

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
  'alarm.cancelled': {
    lane: 'urgent',
    data: cancelled,
    en: 'A user of the panel cancelled an alarm, which has ended; with the kind `cancel`: there was none any more',
    zh: '报警由主机用户取消',
  },
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
  'video.person': {
    lane: 'normal',
    data: video,
    en: 'A camera sees a person, or not any more',
    zh: '人员检测',
  },
  'video.vehicle': {
    lane: 'normal',
    data: video,
    en: 'A camera sees a vehicle, or not any more',
    zh: '车辆检测',
  },
  'video.animal': {
    lane: 'normal',
    data: video,
    en: 'A camera sees an animal, or not any more',
    zh: '动物检测',
  },
  'video.face': { lane: 'normal', data: video, en: 'A camera sees a face, or not any more', zh: '人脸检测' },
  'video.loitering': { lane: 'normal', data: video, en: 'Somebody loiters, or not any more', zh: '徘徊' },
  'video.crowd': { lane: 'normal', data: video, en: 'A crowd gathered, or is gone', zh: '人员聚集' },
  'video.object-left': {
    lane: 'normal',
    data: video,
    en: 'Something was left behind, or is gone',
    zh: '物品遗留',
  },
  'video.object-removed': {
    lane: 'normal',
    data: video,
    en: 'Something was taken away, or is back',
    zh: '物品移除',
  },
  'video.wrong-way': { lane: 'normal', data: video, en: 'Somebody goes the wrong way', zh: '逆行' },
  'video.fast-movement': {
    lane: 'normal',
    data: video,
    en: 'Somebody runs, or something moves fast',
    zh: '快速移动',
  },
  'video.sound': {
    lane: 'normal',
    data: video,
    en: 'A camera hears a sound that is unusual',
    zh: '异常声音',
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
    en: 'A walk test or maintenance of a device, an area or, as `gateway`, the whole campus began: its alarms bear a mark',
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
  ...ownEvents,
} as const satisfies Record<string, CatalogueEntry>;
export type EventType = keyof typeof catalogue;
export const eventTypes = Object.keys(catalogue) as EventType[];

export const typePrefix = 'cn.campus.';
type ClassOf<Type extends string> = Type extends `${infer Class}.${string}` ? Class : never;
export type EventClass = ClassOf<EventType>;
/** `alarm.raised` -> `alarm`, the class in topics and filters. */
export const classOf = (type: EventType) => type.slice(0, type.indexOf('.')) as EventClass;
export const eventClasses = [...new Set(eventTypes.map(classOf))];
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

/** The types of events that are about no device. */
export type OwnEventType =
  | Extract<EventType, `gateway.${string}` | `command.${string}` | `ledger.${string}`>
  | 'notice.shown'
  | 'notice.read';

/** An event as the journal has it. undefined: its bytes are not what was written, and no check of the file saw it. */
export function readEvent(body: string): Event | undefined {
  try {
    const event = JSON.parse(body) as Event;
    return typeof event.data === 'object' && event.data !== null ? event : undefined;
  } catch {
    return undefined;
  }
}
