import type { Words } from './word.ts';

export const login = {
  title: ['Log in', '登录'],
  token: ['Token', '令牌'],
  where: [
    'The token stands in the data folder, console.operator.token.',
    '令牌位于数据目录中的 console.operator.token。',
  ],
  go: ['Log in', '登录'],
  wrong: ['That is not right.', '令牌不正确。'],
  tooMany: ['Too many wrong ones: wait a few seconds.', '错误次数过多，请稍候几秒再试。'],
} as const satisfies Words;
