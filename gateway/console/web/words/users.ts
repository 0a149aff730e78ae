import type { Words } from './word.ts';

export const users = {
  title: ['Users', '用户'],
  role: ['Role', '角色'],
  state: ['State', '状态'],
  since: ['Since', '创建时间'],
  until: ['Until', '有效期至'],
  actions: ['Actions', '操作'],
  active: ['has a password', '已设置密码'],
  waiting: ['link until {time}', '链接有效至 {time}'],
  noPassword: ['no password, no link', '无密码，无链接'],
  logged: ['{n} sessions', '{n} 个会话'],
  newUser: ['New user', '新增用户'],
  link: ['New link', '新链接'],
  linkTitle: ['A link for {name}', '{name} 的链接'],
  linkExplain: [
    'Give it to this person and nobody else: it sets the password, once, until {time}. It is shown this once.',
    '请仅交给本人：用于设置密码，一次有效，至 {time}。仅显示这一次。',
  ],
  removeSure: [
    'Remove this user? The sessions end, and the tokens that this user made.',
    '删除该用户？其会话及其创建的令牌将失效。',
  ],
  you: ['you', '本人'],
  copy: ['Copy', '复制'],
  copied: ['Copied', '已复制'],

  tokens: ['Tokens', '令牌'],
  tokensExplain: [
    'A program sends one with each request; a gate screen is opened with one.',
    '供程序随请求发送，或用于打开接送屏幕。',
  ],
  newToken: ['New token', '新增令牌'],
  label: ['Name', '名称'],
  lasts: ['Good for', '有效期'],
  days: ['{n} days', '{n} 天'],
  endless: ['until it is withdrawn', '直至作废'],
  over: ['over', '已过期'],
  by: ['Made by', '创建者'],
  tokenTitle: ['The token {name}', '令牌 {name}'],
  tokenExplain: ['It is shown this once.', '仅显示这一次。'],
  screenExplain: [
    'Open one of these on the screen, once. It comes back by itself after any restart.',
    '在屏幕上打开以下地址一次即可；任何重启后均会自动恢复。',
  ],
  withdraw: ['Withdraw', '作废'],
  withdrawSure: ['Withdraw it? What uses it is out at once.', '作废该令牌？使用者将立即退出。'],

  sessions: ['Sessions', '会话'],
  ownSessions: ['Your sessions', '您的会话'],
  browser: ['Browser', '浏览器'],
  from: ['From', '来自'],
  seen: ['Last seen', '最近活动'],
  end: ['End', '结束'],
  thisOne: ['this one', '当前'],
  account: ['Your account', '我的账户'],
} as const satisfies Words;

/** What a role is for. */
export const roleHints = {
  viewer: ['sees how all is, without persons', '查看状态，不含个人信息'],
  guard: ['alarms, doors, cameras, persons', '报警、门禁、视频、人员'],
  operator: ['as a guard; arms, exports', '同保安，另可布防、导出'],
  technician: ['devices, simulators, plan, system', '设备、模拟器、平面图、系统'],
  administrator: ['everything, and users', '全部权限，含用户管理'],
  screen: ['a gate screen and nothing else', '仅接送屏幕'],
} as const satisfies Words;
