/** Words of all pages. Each is English, then Chinese. */
import type { Words } from './word.ts';

export const common = {
  save: ['Save', '保存'],
  cancel: ['Cancel', '取消'],
  close: ['Close', '关闭'],
  yes: ['Yes, do it', '确定'],
  again: ['Try again', '重试'],
  more: ['Show more', '显示更多'],
  none: ['Nothing here', '暂无内容'],
  loading: ['Loading', '正在加载'],
  search: ['Search', '搜索'],
  since: ['since {time}', '自 {time} 起'],
  failed: ['It did not work: {why}', '操作失败：{why}'],
  done: ['Done', '已完成'],
  unknown: ['unknown', '未知'],
  remove: ['Remove', '删除'],
  add: ['Add', '添加'],
  name: ['Name', '名称'],
} as const satisfies Words;

export const spans = {
  seconds: ['{n} s', '{n} 秒'],
  minutes: ['{n} min', '{n} 分钟'],
  hours: ['{n} h', '{n} 小时'],
  days: ['{n} d', '{n} 天'],
} as const satisfies Words;

export const navigation = {
  alarms: ['Alarms', '报警'],
  plan: ['Plan', '平面图'],
  areas: ['Areas', '布防'],
  doors: ['Doors and gate', '门禁'],
  cameras: ['Cameras', '视频'],
  events: ['Events', '事件'],
  devices: ['Devices', '设备'],
  platforms: ['Platforms', '平台'],
  ledger: ['Ledger', '台账'],
  walkTest: ['Walk test', '步测'],
  simulators: ['Simulators', '模拟器'],
  system: ['System', '系统'],
  pages: ['Pages', '页面'],
  skip: ['To the content', '跳到正文'],
  menu: ['Menu', '菜单'],
  logout: ['Log out', '退出登录'],
  language: ['中文', 'English'],
  light: ['Light', '浅色'],
  dark: ['Dark', '深色'],
  notFound: ['There is no such page', '没有这个页面'],
} as const satisfies Words;

/** How the whole is, in the header. */
export const states = {
  good: ['All is well', '一切正常'],
  warn: ['To be looked after', '需要处理'],
  bad: ['Alarms may be late or lost', '报警可能延误或丢失'],
  alarm: ['Alarm', '有报警'],
  unheard: ['The gateway does not answer', '网关无应答'],
} as const satisfies Words;

/** Why it is so. */
export const because = {
  'alarms-standing': ['{n} alarms stand', '未处理报警 {n} 起'],
  'disk-refuses': ['The disk takes no events', '事件无法写盘'],
  'disk-low': ['The disk is nearly full', '磁盘空间不足'],
  'events-unsaved': ['{n} alarms are in memory only', '{n} 起报警仅在内存中'],
  'platform-behind': ['Events wait too long for: {of}', '事件未能及时送达：{of}'],
  'platform-away': ['No connection to: {of}', '平台未连接：{of}'],
  'devices-offline': ['{n} devices do not answer: {of}', '{n} 台设备离线：{of}'],
  'faults-standing': ['{n} faults: {of}', '{n} 处故障：{of}'],
  'clock-unsynchronised': ['The clock is not synchronised', '时钟未同步'],
} as const satisfies Words;
