import type { Words } from './word.ts';

export const login = {
  title: ['Log in', '登录'],
  name: ['Name', '用户名'],
  password: ['Password', '密码'],
  go: ['Log in', '登录'],
  withToken: ['With a token', '使用令牌登录'],
  token: ['Token', '令牌'],
  where: [
    'Of a gate screen; and, until an administrator has a password, the one of the data folder, console.operator.token.',
    '接送屏幕的令牌；尚未设置管理员密码时，也可用数据目录中 console.operator.token 的令牌。',
  ],
  forgotten: [
    'New here, or the password is forgotten? An administrator gives you a link; on the machine itself: campus-gateway users link.',
    '新用户或忘记密码？请向管理员索取链接；或在本机执行 campus-gateway users link。',
  ],
  wrong: ['Name or password is not right.', '用户名或密码不正确。'],
  wrongToken: ['The token is not right.', '令牌不正确。'],
  tooMany: ['Too many wrong ones. Try again in {time}.', '错误次数过多，请于 {time}后再试。'],
  tooManySoon: ['Too many wrong ones: wait a few seconds.', '错误次数过多，请稍候几秒再试。'],
} as const satisfies Words;
