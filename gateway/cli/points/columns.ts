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

const vocabularies = { type: types, kind: kinds, alarms } as const;
export type WordColumn = keyof typeof vocabularies;

/** A word of the config, as the list has it. */
export const wordOf = (column: WordColumn, key: string): string =>
  say(key, (vocabularies[column] as Readonly<Record<string, string>>)[key] ?? key);

/** A word of a list, as the config has it; undefined: none that it knows. */
export function keyOfWord(column: WordColumn, word: string): string | undefined {
  const wanted = bare(word);
  return Object.entries(vocabularies[column]).find(
    ([key, zh]) => bare(key) === wanted || bare(zh) === wanted,
  )?.[0];
}

/** What may stand in such a column, for a sentence. */
export const wordsOf = (column: WordColumn): string =>
  Object.entries(vocabularies[column])
    .map(([key, zh]) => say(key, zh))
    .join(say(', ', '、'));
