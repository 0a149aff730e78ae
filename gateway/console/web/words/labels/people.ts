/** Who uses the console, what they may, and what it answers where it does not do what was asked. */
export const role = {
  viewer: ['Viewer', '查看者'],
  guard: ['Guard', '保安'],
  operator: ['Operator', '值班员'],
  technician: ['Technician', '技术员'],
  administrator: ['Administrator', '管理员'],
  screen: ['Gate screen', '接送屏幕'],
} as const;

export const right = {
  screen: ['Show a gate screen', '显示接送屏幕'],
  look: ['See states and events', '查看状态与事件'],
  persons: ['See names and card numbers', '查看姓名与卡号'],
  alarms: ['Handle alarms', '处理报警'],
  doors: ['Operate doors', '控制门'],
  arm: ['Arm and disarm', '布撤防'],
  pictures: ['Look through cameras', '查看图像'],
  export: ['Export events', '导出事件'],
  devices: ['Operate devices', '操作设备'],
  simulate: ['Drive simulators', '操作模拟器'],
  plan: ['Change the plan', '编辑平面图'],
  system: ['See the system', '查看系统'],
  walk: ['Walk tests and reports', '步测与验收报告'],
  ledger: ['Write in the ledger', '填写台账'],
  config: ['Change the config', '更换配置'],
  backup: ['Take backups', '备份'],
  users: ['Manage users', '管理用户'],
} as const;

/** Codes of what an API refuses, as it answers `{ error }`. */
export const error = {
  // Of every API.
  invalid: ['It makes no sense', '请求无效'],
  'not-json': ['It makes no sense', '请求格式无效'],
  'log-in': ['Please log in', '请登录'],
  'not-allowed': ['You may not do this', '您无权进行此操作'],
  'not-found': ['It is not there', '不存在'],
  'several-campuses': ['Several campuses have it', '多个校园都有'],
  unavailable: ['The database does not answer', '数据库无应答'],
  'too-large': ['It is too large', '内容过大'],
  'too-many': ['Too many at once; wait a moment', '请求过多，请稍候'],
  refused: ['Refused', '未执行'],
  unreadable: ['It cannot be read', '无法读取'],
  failed: ['The server could not do it', '服务器未能完成'],
  // Of logins and accounts.
  'wrong-password': ['Name or password is not right', '用户名或密码不正确'],
  'wrong-token': ['The token is not right', '令牌不正确'],
  'too-many-guesses': ['Too many wrong ones; wait a moment', '错误次数过多，请稍候'],
  'no-such-link': ['This link is over', '链接已失效'],
  'password-weak': ['This password is too easy to guess', '密码过于简单'],
  'name-wrong': ['This cannot be a name', '名称无效'],
  'name-taken': ['There is one of this name already', '名称已存在'],
  'no-such-user': ['There is no such user', '没有该用户'],
  'no-such-token': ['There is no such token', '没有该令牌'],
  'last-administrator': ['Nobody would be left to manage users', '至少须保留一位管理员'],
  'end-wrong': ['A token needs an end within 400 days', '令牌须在 400 天内到期'],
  'accounts-busy': ['Accounts are being changed; try again', '账户正在修改，请稍后再试'],
  disk: ['The disk refused', '磁盘写入失败'],
  // Of the page itself.
  offline: ['The server does not answer', '服务器无应答'],
  // The plan and the cameras.
  'not-a-picture': ['No picture of a known type', '不是可识别的图片'],
  'too-many-pixels': ['The picture is too large', '图片尺寸过大'],
  'changed-meanwhile': ['Somebody else changed it meanwhile', '内容已被他人更改'],
  'no-picture': ['There is no picture', '没有图片'],
  'disk-refuses': ['The disk does not take it', '无法写入磁盘'],
  'no-such-range': ['The file is shorter', '文件没有这一部分'],
  // Events.
  'search-late': ['The search took too long', '查询超时'],
  'search-ended': ['The search broke off; try again', '查询中断，请重试'],
  'search-unreadable': ['The journal cannot be read just now', '日志暂时无法读取'],
  // Walk tests.
  'walk-test-runs': ['A walk test runs already', '已有步测在进行'],
  'no-walk-test': ['No walk test runs', '没有正在进行的步测'],
  'nothing-to-try': ['There is nothing to test', '没有可测试的点位'],
  'not-marked': ['Not begun: alarms could not be marked', '无法标记测试，步测未开始'],
  'no-browser': ['There is no Chromium on the gateway', '网关上没有 Chromium'],
  'not-printed': ['The report could not be printed', '无法打印报告'],
  // Backups and the config.
  'backup-runs': ['A backup is being made', '正在备份'],
  'no-backup': ['The config has no `backup`', '配置中没有 `backup`'],
  'no-such-backup': ['There is no such backup', '没有该备份'],
  'no-such-version': ['There is no such version', '没有该版本'],
  'hidden-secret': ['Write the hidden secret anew, in line', '请重新写出隐藏的机密，行号'],
  // Devices.
  'journal-unreadable': ['The journal cannot be read just now', '日志暂时无法读取'],
  'doctor-busy': ['Not done in time; try again', '体检未在规定时间内完成，请重试'],
  'wire-busy': ['Too much is looked at just now; try again', '当前查看过多，请稍后再试'],
  // The ledger.
  'ledger-closed': ['It is closed', '已销号'],
  'ledger-open': ['It is open', '尚未销号'],
  'ledger-unreadable': ['The ledger cannot be read just now', '台账暂时无法读取'],
  'camera-silent': ['The camera does not tell', '摄像机没有应答'],
} as const;
