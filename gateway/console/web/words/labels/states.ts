/** How things are: areas, doors, devices, platforms, alarms, visits. */
export const state = {
  // Areas.
  armed: ['Armed', '已布防'],
  disarmed: ['Disarmed', '已撤防'],
  'exit-delay': ['Exit delay', '退出延时'],
  'entry-delay': ['Entry delay', '进入延时'],
  bypassed: ['Bypassed', '已旁路'],
  // Doors.
  closed: ['Closed', '已关闭'],
  unlocked: ['Unlocked', '已开锁'],
  locked: ['Locked', '已锁'],
  open: ['Open', '已打开'],
  held: ['Held open', '长时间未关'],
  forced: ['Forced', '被强行打开'],
  lockdown: ['Lockdown', '封控中'],
  // Devices.
  online: ['Online', '在线'],
  offline: ['Offline', '离线'],
  unknown: ['Not heard of yet', '尚无消息'],
  fault: ['Fault', '故障'],
  gone: ['Not in the config any more', '配置中已不存在'],
  test: ['In test', '测试中'],
  // Platforms.
  connected: ['Connected', '已连接'],
  connecting: ['Connecting', '正在连接'],
  disconnected: ['Disconnected', '未连接'],
  // Alarms, and what else begins and ends.
  raised: ['Raised', '发生'],
  restored: ['Restored', '恢复'],
  standing: ['Standing', '持续中'],
  acknowledged: ['Acknowledged', '已确认'],
  confirmed: ['Confirmed', '已复核'],
  cancelled: ['Cancelled', '已取消'],
  // Visits.
  expected: ['Expected', '已预约'],
  arrived: ['Arrived', '已到达'],
  left: ['Left', '已离开'],
  overdue: ['Overdue', '超时未离开'],
  missed: ['Did not come', '未到'],
  // The whole: the colours of the header.
  good: ['All is well', '一切正常'],
  warning: ['Needs attention', '需要注意'],
  alarm: ['Alarm', '报警'],
  bad: ['Trouble', '异常'],
  stale: ['No connection to the gateway', '与网关失去连接'],
} as const;

/** What an alarm turned out to be. */
export const closeReason = {
  real: ['Real alarm', '真实警情'],
  test: ['Test', '测试'],
  'false-user': ['False: somebody by mistake', '误报：人为误操作'],
  'false-device': ['False: the device', '误报：设备原因'],
  'false-environment': ['False: weather, animals', '误报：环境原因'],
  unknown: ['Not known', '原因不明'],
} as const;

/** How grave a notice of a platform is. */
export const severity = {
  info: ['Information', '通知'],
  warning: ['Warning', '预警'],
  emergency: ['Emergency', '紧急'],
} as const;

/** When a zone alarms. */
export const zoneType = {
  instant: ['Instant', '即时'],
  delayed: ['Delayed', '延时'],
  '24-hour': ['24 hours', '24 小时'],
  panic: ['Panic', '紧急'],
  tamper: ['Tamper', '防拆'],
  fire: ['Fire', '火警'],
} as const;

export const testKind = {
  'walk-test': ['Walk test', '步测'],
  maintenance: ['Maintenance', '维护'],
} as const;

export const lane = {
  urgent: ['Urgent', '紧急'],
  normal: ['Normal', '普通'],
  bulk: ['Bulk', '大件'],
} as const;

export const direction = { in: ['In', '进'], out: ['Out', '出'] } as const;

export const day = {
  mon: ['Mon', '周一'],
  tue: ['Tue', '周二'],
  wed: ['Wed', '周三'],
  thu: ['Thu', '周四'],
  fri: ['Fri', '周五'],
  sat: ['Sat', '周六'],
  sun: ['Sun', '周日'],
  every: ['Every day', '每天'],
  school: ['School days', '上学日'],
  free: ['Days without school', '非上学日'],
} as const;
