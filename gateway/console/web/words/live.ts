/** Of live pictures, wherever they are shown. */
import type { Words } from './word.ts';

export const live = {
  connecting: ['Connecting to the camera', '正在连接摄像机'],
  away: ['No picture; trying again', '暂无画面，正在重试'],
  picture: ['Live picture of {name}', '{name} 实时画面'],
} as const satisfies Words;
