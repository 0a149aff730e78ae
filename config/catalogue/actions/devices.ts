/** What is asked of devices. */
import { z } from 'zod';
import { DAY_S, define, event, nothing } from './action.ts';

const output = z.string().describe('An output of the device');
const preset = z
  .string()
  .min(1)
  .max(100)
  .describe('Its name, its token, or the number that its token ends with');
/** Of the fastest that a camera can, to the right, up, and in (ONVIF PTZ 5: generic velocity spaces). */
const speed = z.number().min(-1).max(1).default(0);
const seconds = z.number().positive().max(DAY_S).optional().describe('Seconds');

/** Relays, doors, bollards. */
export const outputs = define({
  activate: {
    of: 'device',
    en: 'Switch an output on: a siren, a lamp, a relay; within the limit of the config',
    zh: '打开输出',
    endedBy: 'deactivate',
    timed: true,
    arguments: z.strictObject({ output, for: seconds }),
  },
  deactivate: {
    of: 'device',
    en: 'Switch an output off',
    zh: '关闭输出',
    arguments: z.strictObject({ output }),
  },
  unlock: {
    of: 'device',
    en: 'Unlock a door for a moment',
    zh: '开门',
    arguments: z.strictObject({ output }),
  },
  lock: { of: 'device', en: 'Lock a door', zh: '锁门', arguments: z.strictObject({ output }) },
  hold: {
    of: 'device',
    en: 'Keep a door unlocked until `lock`',
    zh: '保持开门',
    endedBy: 'lock',
    arguments: z.strictObject({ output }),
  },
  raise: {
    of: 'device',
    en: 'Raise a bollard; refused while its interlock is on',
    zh: '升起升降柱',
    arguments: z.strictObject({ output }),
  },
  lower: { of: 'device', en: 'Lower a bollard', zh: '降下升降柱', arguments: z.strictObject({ output }) },
});

/** A camera turns and looks. */
export const pictures = define({
  preset: {
    of: 'device',
    en: 'Turn a camera to a preset',
    zh: '调用预置位',
    arguments: z.strictObject({ preset, event }),
  },
  snapshot: {
    of: 'device',
    en: 'Take a picture, at a preset where one is named; answers with `picture`, which comes as said under Pictures',
    zh: '抓拍',
    about: true,
    arguments: z.strictObject({ preset: preset.optional(), event }),
  },
  move: {
    of: 'device',
    en: 'Turn a camera, and zoom, until `halt`, or until its time is over',
    zh: '云台转动与变倍',
    arguments: z.strictObject({
      pan: speed.describe('-1 to 1: to the left, to the right'),
      tilt: speed.describe('-1 to 1: down, up'),
      zoom: speed.describe('-1 to 1: out, in'),
      for: z.number().min(0.1).max(30).default(10).describe('Seconds: it stops then, though `halt` is lost'),
    }),
  },
  halt: { of: 'device', en: 'Stop a camera that turns or zooms', zh: '云台停止', arguments: nothing },
  'save-preset': {
    of: 'device',
    en: 'Keep where a camera looks as a preset: in the place of the one of this name, or as a new one',
    zh: '设置预置位',
    arguments: z.strictObject({ preset }),
  },
  'delete-preset': {
    of: 'device',
    en: 'Delete a preset of a camera',
    zh: '删除预置位',
    arguments: z.strictObject({ preset }),
  },
  reboot: {
    of: 'device',
    en: 'Restart a camera, which then sees nothing for a minute or two; with a channel of a recorder the whole recorder',
    zh: '重启摄像机（期间约一两分钟无图像）；对录像机通道即重启整台录像机',
    arguments: nothing,
  },
});

/** Texts. */
export const signs = define({
  show: {
    of: 'device',
    en: 'Show a text on an LED sign or a reader',
    zh: '显示文字',
    arguments: z.strictObject({
      text: z.string().min(1).max(2000),
      for: z
        .number()
        .positive()
        .max(DAY_S * 31)
        .optional()
        .describe('Seconds; default until it is cleared'),
    }),
  },
  clear: { of: 'device', en: 'Clear the text', zh: '清除文字', arguments: nothing },
});

/** What a camera sees over time. */
export const streams = define({
  clip: {
    of: 'device',
    en: 'Keep a clip of what a camera saw and will see; comes some seconds after its end',
    zh: '录像片段',
    about: true,
    arguments: z.strictObject({
      before: z.number().min(0).max(60).default(10).describe('Seconds'),
      after: z.number().min(0).max(60).default(20).describe('Seconds'),
      event,
    }),
  },
  'push-stream': {
    of: 'device',
    secret: true,
    en: "Send a camera's stream to a media server that the campus's config allows; the same again renews it",
    zh: '推送视频流',
    arguments: z.strictObject({
      url: z
        .string()
        .regex(/^(rtmps?|srt|rtsp):\/\/[^\s]+$/, 'rtmp://, rtmps://, srt:// or rtsp://')
        .describe(
          'Where to; a key in it, or a passphrase of SRT, is kept from logs; no name and no password',
        ),
      for: z.number().positive().max(3600).default(300).describe('Seconds'),
    }),
  },
  'stop-stream': {
    of: 'device',
    secret: true,
    en: 'Stop sending the stream',
    zh: '停止推流',
    arguments: z.strictObject({ url: z.string().optional().describe('To this server; default to all') }),
  },
});

/** What one part of the gateway asks of a device: in no right and no rule. */
export const internal = define({
  stream: {
    of: 'device',
    en: "Where a camera's stream is, with its password",
    zh: '取流地址',
    internal: true,
    arguments: nothing,
  },
  presets: {
    of: 'device',
    en: 'The presets of a camera that have numbers',
    zh: '查询预置位',
    internal: true,
    arguments: nothing,
  },
  'key-picture': {
    of: 'device',
    en: 'Ask a camera for a key picture soon, for who begins to look',
    zh: '请求关键帧',
    internal: true,
    arguments: nothing,
  },
  indicate: {
    of: 'device',
    en: 'Show at a reader whether a card was good',
    zh: '读卡器提示',
    internal: true,
    arguments: z.strictObject({ granted: z.boolean() }),
  },
  confirm: {
    of: 'device',
    en: 'Tell the device of an alarm that a platform has it, or that an operator took it',
    zh: '报警回执',
    internal: true,
    arguments: z.strictObject({
      event: z.string(),
      stage: z.enum(['platform', 'operator']),
      uplink: z.string(),
    }),
  },
});
