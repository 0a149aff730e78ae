/** Words of the screen at a gate, for who stands before it. */
import type { Words } from './word.ts';

export const gate = {
  ready: ['Show your card', '请刷卡'],
  refused: ['Please wait', '不能接走'],
  unknown: ['This card is not registered', '未登记的卡'],
  ask: ['Please ask a teacher', '请联系老师'],
  away: ['The gateway does not answer', '网关无应答'],
  again: ['It goes on by itself', '恢复后自动继续'],
  noLogin: ['This screen is not logged in', '此屏幕未登录'],
  howToLogin: [
    'Open the link of this screen: the console makes it, under System, users',
    '请打开本屏幕的链接：在控制台“系统 → 用户”中生成',
  ],
  noDoor: ['There is no such gate', '没有这个门'],
  sound: ['Touch here for sound', '点此开启声音'],
  comesFor: ['{classes}: {names}, somebody is here for you', '{classes}，{names}，家长来接'],
} as const satisfies Words;

/** Why a child may not go, in words for a guardian. */
export const whyNot = {
  'not-bound': ['No child belongs to this card', '此卡未绑定学生'],
  expired: ['This card has expired', '此卡已过期'],
  blocked: ['This card is blocked', '此卡已停用'],
  'not-yet-valid': ['This card is not valid yet', '此卡尚未生效'],
  'not-now': ['Not at this time', '当前时段不可接送'],
  'not-this-door': ['Please go to another gate', '请到其他门接送'],
  lockdown: ['The school is closed off', '校园封控中'],
  passback: ['This card was shown a moment ago', '请勿重复刷卡'],
  'second-person': ['A second person must show a card', '请第二人刷卡'],
  'pin-needed': ['Please type the PIN', '请输入密码'],
  'wrong-code': ['Wrong PIN', '密码错误'],
} as const satisfies Words;
