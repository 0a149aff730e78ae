import type { Words } from './word.ts';

export const setup = {
  first: ['The first administrator', '首位管理员'],
  title: ['Set your password', '设置密码'],
  explain: [
    'What you do here is kept with this name. A password has at least 10 characters; a few words that nobody else puts together are easy to keep in mind.',
    '您的操作将以此名称记录。密码至少 10 个字符；用几个不相干的词组合，便于记忆。',
  ],
  name: ['Your name', '您的姓名'],
  password: ['New password', '新密码'],
  again: ['The same again', '再次输入'],
  old: ['Password so far', '当前密码'],
  go: ['Save and log in', '保存并登录'],
  change: ['Change the password', '修改密码'],
  changed: ['The password is changed; your other sessions have ended.', '密码已修改，其他会话已结束。'],
  differ: ['The two are not the same.', '两次输入不一致。'],
  over: [
    'This link is over: it serves once, and for 24 hours. An administrator gives you another one; on the machine itself: campus-gateway users link.',
    '链接已失效：一次有效，限 24 小时内。请向管理员重新索取；或在本机执行 campus-gateway users link。',
  ],
} as const satisfies Words;

/** Why a password is not good enough, by the server's words. */
export const weaknesses = {
  'too-short': ['The password is too short: at least 10 characters.', '密码太短：至少 10 个字符。'],
  'too-long': ['The password is too long: at most 200 characters.', '密码太长：最多 200 个字符。'],
  'too-common': ['That is one of the first that somebody would try.', '密码过于常见，容易被猜到。'],
  'like-a-name': ['The password is mostly a name.', '密码与名称过于相似。'],
} as const satisfies Words;
