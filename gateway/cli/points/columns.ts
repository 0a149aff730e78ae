/** The columns of a point list, and its words, in both languages. Pure. */
import { say } from '../../../config/language.ts';
import type { zoneKinds } from '../../../drivers/contract/observation.ts';

/** English, Chinese, and what else such lists call it. */
const headings = {
  type: ['type', '类型', '点位类型', 'point type'],
  device: ['device', '设备编号', 'device id', '设备id', '设备'],
  driver: ['driver', '驱动', '协议', 'protocol'],
  address: ['address', '地址', 'ip', 'ip address', 'ip地址', '通讯地址', '连接'],
  unit: ['unit', '站号', '从站地址', '拨码地址', '单元地址'],
  profile: ['profile', '型号', 'model', '设备型号'],
  account: ['account', '账号', '用户编号', '主机账号', '用户号'],
  zone: ['zone', '防区号', '防区', '防区编号', 'zone number'],
  id: ['id', '点位编号', '编号', 'zone id'],
  name: ['name', '名称', '点位名称', '设备名称', '防区名称'],
  kind: ['kind', '报警类型', '报警种类', 'alarm kind'],
  area: ['area', '区域', '分区', '所属区域', '所属分区'],
  alarms: ['alarms', '布防方式', '防区类型', 'zone type'],
  place: ['place', '安装位置', '位置', '地点', 'location'],
  options: ['options', '其他参数', '参数', '其他'],
} as const;
export type Column = keyof typeof headings;
export const columns = Object.keys(headings) as readonly Column[];

export const headingOf = (column: Column): string => say(headings[column][0], headings[column][1]);

/** What stands in a list for people, and in no config: running numbers, remarks. */
const forPeople = [
  ...['序号', '序', '行号', '#', 'no', 'no.', 's/n', 'index', 'row'],
  ...['备注', '备注说明', '说明', '备考', 'remark', 'remarks', 'note', 'notes', 'comment', 'comments'],
];

/** `IP 地址`, `ip_address` and `ＩＰ地址` are one heading. */
const bare = (text: string) =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_*()-]/g, '');
const byHeading = new Map(
  Object.entries(headings).flatMap(([column, names]) => names.map((name) => [bare(name), column as Column])),
);
/** undefined: no column of a point list. */
export const columnOf = (heading: string): Column | undefined => byHeading.get(bare(heading));

/** All that a column may be called. */
export const namesOf = (column: Column): readonly string[] => headings[column];

const peoples = new Set(forPeople.map(bare));
/** Whether a column is passed over. */
export const isForPeople = (heading: string): boolean => peoples.has(bare(heading));

/** 1 -> A, 27 -> AA, as spreadsheets name columns. */
export function letterOf(column: number): string {
  const before = Math.floor((column - 1) / 26);
  return (before > 0 ? letterOf(before) : '') + String.fromCharCode(65 + ((column - 1) % 26));
}

/** What a row is. `device`, `reader`, `camera` and `terminal` are devices: the words are for people. */
const types = {
  device: '设备',
  camera: '摄像机',
  reader: '读卡器',
  terminal: '终端',
  panel: '报警主机',
  zone: '防区',
} as const;
export type Type = keyof typeof types;

const kinds: Readonly<Record<(typeof zoneKinds)[number], string>> = {
  panic: '紧急求助',
  intrusion: '入侵',
  perimeter: '周界',
  fence: '电子围栏',
  tamper: '防拆',
  fire: '火警',
  duress: '胁迫',
  collision: '冲撞',
  medical: '医疗求助',
  gas: '燃气泄漏',
  water: '漏水',
  environment: '环境异常',
  contact: '门磁',
  'exit-request': '出门按钮',
};

/** Of a zone in an area: `type` of the config. */
const alarms = {
  instant: '即时',
  delayed: '延时',
  '24-hour': '24小时',
  panic: '紧急',
  tamper: '防拆',
  fire: '火警',
} as const;

/** What else such lists call it: only words that can mean nothing else. */
const alsoCalled: {
  readonly type: Readonly<Partial<Record<keyof typeof types, readonly string[]>>>;
  readonly kind: Readonly<Partial<Record<keyof typeof kinds, readonly string[]>>>;
  readonly alarms: Readonly<Partial<Record<keyof typeof alarms, readonly string[]>>>;
} = {
  type: {},
  kind: {
    panic: [
      ...['一键报警', '一键求助', '紧急报警', '紧急按钮', '紧急求助按钮', '一键报警按钮', '紧急报警按钮'],
      ...['panic button', 'emergency button', 'panic alarm'],
    ],
    intrusion: [
      ...['入侵报警', '入侵探测', '入侵探测器', '被动红外', '双鉴', '双鉴探测器', '幕帘', '玻璃破碎'],
      ...['intruder', 'intrusion alarm', 'pir', 'glass break'],
    ],
    perimeter: [
      ...['周界报警', '周界入侵', '周界防范', '红外对射', '主动红外', '激光对射'],
      ...['perimeter alarm', 'beam', 'beams', 'infrared beam'],
    ],
    fence: [
      ...['围栏', '电子围栏报警', '脉冲围栏', '脉冲电子围栏', '张力围栏', '张力电子围栏'],
      ...['electric fence', 'electronic fence'],
    ],
    tamper: ['防拆报警', '防拆开关', 'tamper alarm'],
    fire: [
      ...['火灾', '火灾报警', '消防报警', '烟感', '烟感报警', '烟雾', '烟雾报警', '感烟', '温感', '感温'],
      ...['烟雾探测器', '感烟探测器', '感温探测器', '手动火灾报警按钮', '火警按钮'],
      ...['fire alarm', 'smoke', 'smoke detector'],
    ],
    duress: ['胁迫报警', '挟持', '挟持报警', 'duress alarm'],
    collision: ['防撞', '防撞报警', '冲撞报警'],
    medical: ['医疗', '医疗报警', '医疗救助', 'medical alarm'],
    gas: ['燃气', '燃气报警', '可燃气体', '可燃气体报警', '煤气', '天然气', 'gas alarm', 'gas leak'],
    water: ['水浸', '水浸报警', '漏水报警', '浸水', 'water leak', 'flood'],
    environment: ['环境', '环境报警'],
    contact: ['门磁开关', '门磁探测器', 'door contact'],
    'exit-request': ['出门开关', '开门按钮', 'exit button'],
  },
  alarms: {
    instant: ['即时防区'],
    delayed: ['延时防区'],
    '24-hour': ['24小时防区', '24h'],
    panic: ['紧急防区'],
    fire: ['火警防区'],
  },
};

const vocabularies = { type: types, kind: kinds, alarms } as const;
export type WordColumn = keyof typeof vocabularies;

/** A word of the config, as the list has it. */
export const wordOf = (column: WordColumn, key: string): string =>
  say(key, (vocabularies[column] as Readonly<Record<string, string>>)[key] ?? key);

/** A word of a list, as the config has it; undefined: none that it knows. */
export function keyOfWord(column: WordColumn, word: string): string | undefined {
  const wanted = bare(word);
  const others = alsoCalled[column] as Readonly<Record<string, readonly string[]>>;
  return Object.entries(vocabularies[column]).find(([key, zh]) =>
    [key, zh, ...(others[key] ?? [])].some((one) => bare(one) === wanted),
  )?.[0];
}

/** What may stand in such a column, for a sentence. */
export const wordsOf = (column: WordColumn): string =>
  Object.entries(vocabularies[column])
    .map(([key, zh]) => say(key, zh))
    .join(say(', ', '、'));
