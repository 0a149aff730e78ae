/**
 * The catalogue of everything that may be asked, beside everything that may be told (events.ts). Rights, rules, the
 * check of the config, AsyncAPI and the table in docs/platform.md come out of it; a part of the gateway serves each
 * (gateway/commands/registry.ts), or the start fails, saying which is missing.
 */
import { z } from 'zod';
import { lanes } from '../../drivers/contract/lane.ts';
import { closeReasons } from './event-data.ts';

export interface Action<Arguments extends z.ZodObject = z.ZodObject> {
  readonly of: 'gateway' | 'area' | 'device' | 'any';
  readonly en: string;
  readonly zh: string;
  readonly arguments: Arguments;
  /** Moves nothing: needs no times, because a platform with a wrong clock needs it most. */
  readonly harmless?: true;
  /** Its arguments are about persons, who may have to be erased: the audit keeps a hash. */
  readonly personal?: true;
  /** May wait so long for a gateway that is away, ms. */
  readonly lifetime?: number;
  /** What ends it: `for` in a rule, and `stopOnAcknowledge`. */
  readonly endedBy?: string;
  /** How long it lasts is an argument of the device's own (`for`, seconds): a rule passes it on. */
  readonly timed?: true;
  /** Makes something of the event that set a rule off: it gets that event's id as `event`. */
  readonly about?: true;
  /** The gateway's own, in no right and no rule. */
  readonly internal?: true;
}

/** Where no action says otherwise, a command that may act for longer would have to be remembered for longer. */
export const LIFETIME_MAX_MS = 86_400_000;
const DAY_S = 86_400;

const define = <const A extends Readonly<Record<string, Action>>>(actions: A): A => actions;

const nothing = z.strictObject({});
const by = z.string().max(100).optional().describe('Who');
const output = z.string().describe('An output of the device');
const seconds = z.number().positive().max(DAY_S).optional().describe('Seconds');
const zone = z.strictObject({ by, device: z.string(), zone: z.int() });
const event = z.string().max(64).optional().describe('The `id` of the event that it is of');
/** A sequence as it stands in events: a decimal string. */
const sequence = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);
const alarm = {
  event: z.string().max(64).describe('The `id` of the alarm'),
  sequence: sequence.describe('Its `sequence`'),
  by: z.string().min(1).max(100).describe('The operator'),
};
const notice = z.string().min(1).max(64).describe('The `id` of the warning');
const visit = z.string().min(1).max(64).describe('Your id of the visit');
const card = z.strictObject({
  number: z.string(),
  facility: z.int().min(0).max(99_999).optional(),
  holder: z.string().max(100),
  groups: z.array(z.string()).default([]),
  validFrom: z.string().optional(),
  validUntil: z.string().optional(),
  blocked: z.boolean().default(false),
  children: z.array(z.string().max(100)).max(20).default([]),
});

export const actions = define({
  replay: {
    of: 'gateway',
    en: 'Send a stretch of a lane once more, to the platform that asks',
    zh: '补发事件',
    harmless: true,
    arguments: z.strictObject({
      journal: z.string(),
      lane: z.enum(lanes),
      after: sequence.describe('The last one before the gap; "0": from the first'),
      upTo: sequence.describe('The last one wanted'),
    }),
  },
  acknowledge: {
    of: 'gateway',
    en: 'Take an alarm',
    zh: '确认报警',
    harmless: true,
    arguments: z.strictObject(alarm),
  },
  close: {
    of: 'gateway',
    en: 'Say what an alarm was, and that it is over',
    zh: '报警结案',
    harmless: true,
    arguments: z.strictObject({
      ...alarm,
      reason: z.enum(closeReasons),
      note: z.string().max(1000).optional(),
    }),
  },
  inventory: {
    of: 'gateway',
    en: 'Answers with the devices and whether they are there, areas, doors, the version of the cards',
    zh: '查询设备清单',
    harmless: true,
    arguments: nothing,
  },
  test: {
    of: 'any',
    en: 'Begin a walk test or maintenance of a device or an area: its alarms bear a mark',
    zh: '开始步测或维护',
    arguments: z.strictObject({
      kind: z.enum(['walk-test', 'maintenance']),
      for: z
        .number()
        .positive()
        .max(8 * 3600)
        .describe('Seconds'),
      by,
    }),
  },
  'end-test': {
    of: 'any',
    en: 'End a walk test or maintenance',
    zh: '结束步测或维护',
    arguments: z.strictObject({ by }),
  },
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
  arm: {
    of: 'area',
    en: 'Arm an area',
    zh: '布防',
    arguments: z.strictObject({
      by,
      force: z.boolean().default(false).describe('Bypass zones that are open'),
      exitDelay: z.number().min(0).max(3600).optional().describe('Seconds'),
    }),
  },
  disarm: { of: 'area', en: 'Disarm an area', zh: '撤防', arguments: z.strictObject({ by }) },
  bypass: {
    of: 'area',
    en: 'Bypass a zone; never a panic, tamper, fire or 24-hour zone',
    zh: '旁路防区',
    arguments: zone,
  },
  unbypass: { of: 'area', en: 'End the bypass of a zone', zh: '解除旁路', arguments: zone },
  reset: {
    of: 'any',
    en: "Switch off what the campus's own rules switched on for its alarms",
    zh: '复位联动输出',
    arguments: nothing,
  },
  preset: {
    of: 'device',
    en: 'Turn a camera to a preset, by name or token',
    zh: '调用预置位',
    arguments: z.strictObject({ preset: z.string().min(1).max(100), event }),
  },
  snapshot: {
    of: 'device',
    en: 'Take a picture, at a preset where one is named; answers with `picture`, which comes as said under Pictures',
    zh: '抓拍',
    about: true,
    arguments: z.strictObject({ preset: z.string().min(1).max(100).optional(), event }),
  },
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
  warn: {
    of: 'gateway',
    en: 'Warn the school (see Warnings to the school)',
    zh: '下发预警',
    // A warning moves nothing, and waits for a gateway that is away.
    lifetime: 31 * LIFETIME_MAX_MS,
    arguments: z.strictObject({
      severity: z.enum(['info', 'warning', 'emergency']),
      text: z.string().min(1).max(500),
      validUntil: z.iso.datetime({ offset: true }),
      area: z.string().max(100).optional(),
    }),
  },
  'end-notice': {
    of: 'gateway',
    en: 'Take a warning back',
    zh: '撤回预警',
    arguments: z.strictObject({ notice }),
  },
  read: {
    of: 'gateway',
    en: 'Somebody at the school has read a warning',
    zh: '预警已阅',
    arguments: z.strictObject({ notice, by: z.string().min(1).max(100) }),
  },
  lockdown: {
    of: 'gateway',
    en: 'Doors open for the groups of the config that may, for nobody else',
    zh: '启动封控',
    arguments: nothing,
  },
  'end-lockdown': { of: 'gateway', en: 'End the lockdown', zh: '解除封控', arguments: nothing },
  credentials: {
    of: 'gateway',
    en: 'Change the cards (see Cards from your side)',
    zh: '同步凭证',
    personal: true,
    arguments: z.strictObject({
      version: z.int().min(1).describe('What the gateway has afterwards'),
      base: z
        .int()
        .min(0)
        .optional()
        .describe('What it must have before; without it, all cards of before go'),
      put: z.array(card).max(500).default([]),
      remove: z
        .array(z.strictObject({ number: z.string(), facility: z.int().optional() }))
        .max(500)
        .default([]),
    }),
  },
  'expect-visitor': {
    of: 'gateway',
    en: 'Announce a visitor',
    zh: '访客预约',
    personal: true,
    arguments: z.strictObject({
      visit,
      name: z.string().min(1).max(100),
      host: z.string().max(100).optional(),
      purpose: z.string().max(200).optional(),
      until: z.iso.datetime({ offset: true }).describe('When they are to be gone again'),
    }),
  },
  'visitor-arrived': {
    of: 'gateway',
    en: 'A visitor came',
    zh: '访客到达',
    arguments: z.strictObject({ visit }),
  },
  'visitor-left': {
    of: 'gateway',
    en: 'A visitor left',
    zh: '访客离开',
    arguments: z.strictObject({ visit }),
  },
  erase: {
    of: 'gateway',
    en: "Take a person out of the campus's events, for good: one of card, holder, visit",
    zh: '删除个人信息',
    personal: true,
    arguments: z
      .strictObject({
        card: z.strictObject({ number: z.string().min(1), facility: z.int().optional() }).optional(),
        holder: z.string().min(1).optional(),
        visit: z.string().min(1).optional(),
      })
      .refine((one) => Object.keys(one).length === 1, 'one of card, holder, visit'),
  },
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
    en: "Send a camera's stream to a media server that the campus's config allows; the same again renews it",
    zh: '推送视频流',
    arguments: z.strictObject({
      url: z
        .string()
        .regex(/^(rtmps?|srt|rtsp):\/\/[^\s]+$/, 'rtmp://, rtmps://, srt:// or rtsp://')
        .describe('Where to'),
      for: z.number().positive().max(3600).default(300).describe('Seconds'),
    }),
  },
  'stop-stream': {
    of: 'device',
    en: 'Stop sending the stream',
    zh: '停止推流',
    arguments: z.strictObject({ url: z.string().optional().describe('To this server; default to all') }),
  },
  stream: {
    of: 'device',
    en: "Where a camera's stream is, with its password",
    zh: '取流地址',
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
export type ActionName = keyof typeof actions;
export type ArgumentsOf<A extends ActionName> = z.output<(typeof actions)[A]['arguments']>;

export const actionNames = Object.keys(actions) as ActionName[];
/** The properties of an action that not all have. */
export const actionOf = (name: ActionName): Action => actions[name];
export const isAction = (name: string): name is ActionName => Object.hasOwn(actions, name);
/** Those that a config may name in rights and rules. */
export const commandActions = actionNames.filter((name) => actionOf(name).internal !== true) as [
  ActionName,
  ...ActionName[],
];

/** What an action means, in both languages. */
export function actionWords(name: ActionName): string {
  const { en, zh } = actionOf(name);
  return `${en} · ${zh}`;
}

/** An action that somebody asks for: its arguments were read by the catalogue. */
export interface Asked<A extends ActionName = ActionName> {
  /** Names it: of a command its `id`, of a rule the rule and what set it off. */
  readonly id: string;
  readonly action: A;
  readonly target: string;
  readonly arguments: ArgumentsOf<A>;
  readonly from: Asking;
}
/** Who asks. */
export interface Asking {
  /** `part`: one part of the gateway asks another. */
  readonly kind: 'uplink' | 'console' | 'rule' | 'card' | 'part';
  readonly id: string;
  readonly issuer?: string | undefined;
}

/** What became of it. `unknown`: it may have been carried out. */
export interface Result {
  readonly done: boolean;
  readonly reason?: string;
  readonly unknown?: true;
  readonly result?: Readonly<Record<string, unknown>>;
}
export type Handler<A extends ActionName> = (asked: Asked<A>) => Promise<Result>;
export type Handlers<A extends ActionName> = { readonly [Name in A]: Handler<Name> };

/** What every part that can be asked for something is given: a handler of each action, or the start fails. */
export interface Registry {
  /** @throws Error where another part serves one of them already. */
  serve<A extends ActionName>(handlers: Handlers<A>): void;
}
