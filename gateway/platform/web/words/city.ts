/** Words of the city's pages, beside those of the console that they share. Each is English, then Chinese. */
import type { Word, Words } from '../../../console/web/words/word.ts';

export const navigation = {
  city: ['City', '城市平台'],
  duty: ['Duty', '值班'],
  campuses: ['Campuses', '校园'],
  condition: ['Latency and health', '时延与运行'],
  users: ['Users', '用户'],
} as const satisfies Words;

/** How the whole is, in the header. */
export const states = {
  good: ['All is well', '一切正常'],
  warn: ['To be looked after', '需要处理'],
  bad: ['Alarms may be late or lost', '报警可能延误或丢失'],
  alarm: ['Alarm', '有报警'],
  unheard: ['The platform does not answer', '平台无应答'],
  blind: ['The database does not answer', '数据库无应答'],
  deaf: ['The broker is away: no new alarms', '消息服务器未连接：收不到新报警'],
} as const satisfies Words;

/** Why it is so. */
export const because = {
  untaken: ['{n} alarms that nobody has taken', '{n} 起报警无人确认'],
  silent: ['{n} campuses are silent', '{n} 所学校失联'],
  degraded: ['{n} campuses are degraded', '{n} 所学校异常'],
  late: ['Alarms of the last hour took up to {span}', '近一小时报警时延达 {span}'],
  gaps: ['{n} gaps are open', '{n} 处缺口待补'],
  lost: ['{n} gaps could not be filled', '{n} 处缺口无法补齐'],
} as const satisfies Words;

export const campusState = {
  online: ['Online', '在线'],
  degraded: ['Degraded', '异常'],
  silent: ['Silent', '失联'],
  withdrawn: ['Withdrawn', '已撤销'],
  unknown: ['Not heard of yet', '尚无消息'],
} as const satisfies Words;

/** Why a campus is degraded or silent, by the code of the API. */
export const campusReason = {
  offline: ['Its gateway is not connected', '网关未连接'],
  stopped: ['Its gateway was stopped', '网关已停止'],
  quiet: ['Nothing is heard of it', '收不到任何消息'],
  gap: ['Events are missing', '事件有缺失'],
  lost: ['Events were lost in the last day', '一天内有事件丢失'],
  clock: ['Its clock is not synchronised', '时钟未同步'],
  dropped: ['It had to drop events', '有事件被丢弃'],
  storage: ['Its disk has trouble', '存储异常'],
  'device-offline': ['A device does not answer', '有设备离线'],
  'device-fault': ['A device has a fault', '有设备故障'],
} as const satisfies Words;

export const contactRole = {
  head: ['Head of the school', '校长'],
  security: ['Head of security', '安全负责人'],
  'guard-house': ['Guard house', '门卫室'],
  duty: ['On duty', '值班'],
} as const satisfies Words;

/** Why something was not done, by the code of the API. */
export const actReason = {
  taken: ['Not done: {who} has taken it at {time}', '未执行：{who} 已于 {time} 确认'],
  closed: ['Not done: {who} has closed it at {time}', '未执行：{who} 已于 {time} 结案'],
  'not-numbered': [
    'Not done: it is in the memory of the gateway only, and comes again with a number',
    '未执行：报警仅在网关内存中，写盘后会重新上报',
  ],
  withdrawn: ['Not done: the campus is withdrawn', '未执行：该校已撤销'],
  offline: ['Not done: the campus is not connected. Call it.', '未执行：学校未连接，请电话联系。'],
  'no-answer': ['The campus has not answered. It may be done yet.', '学校未应答，可能稍后才会执行。'],
  broker: ['Not done: the broker is away', '未执行：消息服务器未连接'],
  'cannot-sign': [
    'Not done: this instance of the platform cannot sign. {why}',
    '未执行：平台本实例无法签名。{why}',
  ],
  refused: ['The campus refused: {why}', '学校拒绝：{why}'],
  'unknown-alarm': [
    'The campus knows no such alarm, as after a new disk. Close it at the desk.',
    '学校没有此报警（可能更换过硬盘），请在平台结案。',
  ],
} as const satisfies Words;

export const duty = {
  title: ['Standing alarms', '未处理报警'],
  none: ['No alarm stands in the city', '全市当前没有未处理的报警'],
  noneFits: ['No alarm fits', '没有符合条件的报警'],
  district: ['District', '行政区'],
  anyDistrict: ['All districts', '全部行政区'],
  districtOf: ['{code} ({n})', '{code}（{n}）'],
  campus: ['Campus', '学校'],
  campusHint: ['Name or number', '名称或编号'],
  place: ['Place', '位置'],
  placeHint: ['Zone, area or device', '防区、分区或设备'],
  filters: ['Show only', '筛选'],
  counts: ['{shown} of {all} shown', '显示 {shown} 起，共 {all} 起'],
  notAll: [
    'More may stand: here are {n}, of each school the newest. Filters look among all.',
    '可能还有更多：此处列出 {n} 起，为各校最新的报警；筛选在全部报警中进行。',
  ],
  late: ['Stored {span} after it happened', '发生后 {span} 入库'],
  lateness: ['Stored after', '入库时延'],
  lateUnknown: ['The clocks differ: how late it came is not known', '时钟不一致，时延未知'],
  tookMs: ['The campus has done it, {ms} ms', '学校已执行，用时 {ms} 毫秒'],
  notedHere: ['Noted at the desk only', '仅在平台登记'],
  atDesk: ['At the desk only: the campus does not know', '仅平台登记，学校不知情'],
  acknowledgeHere: ['Acknowledge at the desk', '在平台确认'],
  closeHere: ['Close at the desk…', '在平台结案…'],
  hereSaid: ['Its campus cannot: it is noted here only.', '学校无法执行，仅在平台登记。'],
  asking: ['The campus is asked…', '正在请求学校…'],
  since: ['since {time}', '始于 {time}'],
  ago: ['{span} ago', '{span}前'],
  ms: ['{n} ms', '{n} 毫秒'],
} as const satisfies Words;

export const campuses = {
  title: ['Campuses', '校园'],
  none: ['No campus has been heard of yet', '尚未收到任何学校的消息'],
  noneFits: ['No campus fits', '没有符合条件的学校'],
  search: ['Name, number or address', '名称、编号或地址'],
  state: ['State', '状态'],
  anyState: ['All states', '全部状态'],
  withAlarms: ['With alarms', '有报警'],
  order: ['Order', '排序'],
  campus: ['Campus', '学校'],
  district: ['District', '行政区'],
  anyDistrict: ['All districts', '全部行政区'],
  alarms: ['Alarms', '报警'],
  lastEvent: ['Last event', '最近事件'],
  counts: ['{n} of {all} campuses', '{n} 所，共 {all} 所'],
  standing: ['{n} stand', '{n} 起未处理'],
  untaken: ['{n} untaken', '{n} 起未确认'],
  gaps: ['{n} gaps', '{n} 处缺口'],
  never: ['none yet', '尚无'],
  noDistrict: ['none told', '未提供'],
} as const satisfies Words;

export const campusOrder = {
  worst: ['The worst first', '异常优先'],
  name: ['By name', '按名称'],
  id: ['By number', '按编号'],
  district: ['By district', '按行政区'],
  standing: ['Most alarms first', '报警多的优先'],
  since: ['Changed last', '最近变化优先'],
  lastEvent: ['Heard last', '最近消息优先'],
} as const satisfies Words;

export const map = {
  title: ['Map', '地图'],
  said: [
    'Map: {n} campuses in {districts} districts. All of them are in the list.',
    '地图：{districts} 个行政区的 {n} 所学校，均在列表中。',
  ],
  keys: ['Arrow keys move it, + and − zoom, 0 shows all.', '方向键移动，+ 和 − 缩放，0 显示全部。'],
  nearer: ['Nearer', '放大'],
  farther: ['Farther', '缩小'],
  all: ['Show all', '显示全部'],
  none: ['No campus tells where it is', '没有学校提供坐标'],
  without: ['{n} campuses tell no coordinates', '{n} 所学校未提供坐标'],
  datum: ['All in WGS 84; GCJ-02 is converted.', '统一为 WGS 84；GCJ-02 已换算。'],
  metres: ['{n} m', '{n} 米'],
  kilometres: ['{n} km', '{n} 公里'],
  countOf: ['{n} {what}', '{what} {n}'],
  cluster: ['{n} campuses', '{n} 所学校'],
  more: ['{n} more', '另有 {n} 所'],
  close: ['Close', '关闭'],
  legend: ['What the marks mean', '图例'],
} as const satisfies Words;

/** What a mark's colour and form say. */
export const level = {
  alarm: ['Alarm, untaken', '有报警未确认'],
  bad: ['Silent', '失联'],
  warn: ['Degraded', '异常'],
  good: ['Online', '在线'],
  quiet: ['Withdrawn, or not heard of', '已撤销或尚无消息'],
} as const satisfies Words;

export const campus = {
  back: ['All campuses', '全部学校'],
  notThere: ['No such campus has been heard of', '未收到过该校的消息'],
  number: ['Number', '编号'],
  address: ['Address', '地址'],
  coordinates: ['Coordinates', '坐标'],
  version: ['Its gateway', '网关版本'],
  since: ['In this state since', '状态起始'],
  topics: ['Topics', '主题'],
  contacts: ['Whom to call', '联系人'],
  noContacts: ['It tells of nobody to call', '未提供联系人'],
  hidden: ['Your role does not see persons', '您的角色无权查看个人信息'],
  lanes: ['How far its lanes are stored', '各通道已入库位置'],
  journal: ['Journal', '日志'],
  lane: ['Lane', '通道'],
  upTo: ['Complete up to', '完整至'],
  gaps: ['Gaps', '缺口'],
  noGaps: ['Nothing is missing', '没有缺失'],
  missing: ['Missing', '缺失'],
  missingSince: ['Since', '起始'],
  range: ['{after} to {upTo}', '{after} 至 {upTo}'],
  asked: ['Asked for {n} times', '已补取 {n} 次'],
  gapOpen: ['Asked for', '补取中'],
  gapLost: ['Lost', '已丢失'],
  alarms: ['Its alarms', '该校报警'],
  noAlarms: ['It had no alarm', '没有报警记录'],
  events: ['Its newest events', '最新事件'],
  noEvents: ['No event is stored', '没有入库的事件'],
  closed: ['Closed: {reason}', '已结案：{reason}'],
  time: ['Time', '时间'],
  event: ['Event', '事件'],
  whole: ['As it came', '原文'],
  kind: ['Kind', '种类'],
} as const satisfies Words;

export const condition = {
  title: ['Latency and health', '时延与运行'],
  now: ['Now', '当前'],
  hour: ['Alarms of the last hour', '近一小时报警'],
  p50: ['Half within', '半数在此时间内'],
  p99: ['99 of 100 within', '99% 在此时间内'],
  alarmsCounted: ['{n} alarms', '{n} 起报警'],
  perSecond: ['Events a second', '每秒事件'],
  stored: ['Stored', '已入库'],
  duplicates: ['Came again', '重复到达'],
  gapsOpen: ['Open gaps', '待补缺口'],
  gapsLost: ['Lost for good', '永久丢失'],
  latency: ['How late alarms were, by the minute', '报警时延（每分钟）'],
  latencySaid: [
    '{n} alarms in {minutes} minutes; the latest took {span}.',
    '{minutes} 分钟内 {n} 起报警，最长时延 {span}。',
  ],
  latencyNone: ['No alarm in this time', '该时段没有报警'],
  latencyAt: [
    '{time}: half within {p50}, 99 of 100 within {p99}, {n} alarms',
    '{time}：半数 {p50}，99% {p99}，{n} 起报警',
  ],
  median: ['Half', '中位数'],
  slowest: ['99 of 100', '99 百分位'],
  events: ['Events a second, since this page is open', '每秒事件（自打开本页）'],
  eventsSaid: ['{n} a second now, {most} at most', '当前每秒 {n}，最高 {most}'],
  eventsAt: ['{time}: {n} a second', '{time}：每秒 {n}'],
  range: ['Time', '时段'],
  ranges1: ['1 hour', '1 小时'],
  ranges6: ['6 hours', '6 小时'],
  ranges24: ['24 hours', '24 小时'],
  ranges168: ['7 days', '7 天'],
  silent: ['Silent campuses', '失联学校'],
  noSilent: ['Every campus is heard', '所有学校均有消息'],
  withGaps: ['Campuses with gaps', '有缺口的学校'],
  noGaps: ['No gap is open', '没有待补缺口'],
  more: ['{n} more', '另有 {n} 所'],
} as const satisfies Words;

export const login = {
  where: [
    'Until an administrator has a password: the one of the data folder, console.operator.token.',
    '尚未设置管理员密码时：使用数据目录中 console.operator.token 的令牌。',
  ],
  forgotten: [
    'New here, or the password is forgotten? An administrator gives you a link.',
    '新用户或忘记密码？请向管理员索取链接。',
  ],
} as const satisfies Words;

/** What a role is for, at the platform. */
export const roleHints = {
  viewer: ['sees how all is, without persons', '查看状态，不含个人信息'],
  operator: ['takes and closes alarms, sees whom to call', '处理报警，可查看联系人'],
  administrator: ['everything, and users', '全部权限，含用户管理'],
} as const satisfies Words;
export const tokens = {
  explain: ['A program sends one with each request.', '供程序随请求发送。'],
} as const satisfies Words;

/** A word by a code; the code itself where nothing has a word for it. */
export const wordFor = (words: Words, code: string): Word => words[code] ?? [code, code];
