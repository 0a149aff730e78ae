/** Alarms as they arrive at a simulated platform, in a line each (GB/T 28181-2016, 9.4 and A.2.5). */
import { type Element, fieldOf, type Manscdp } from '../../drivers/platforms/gb28181/manscdp.ts';
import type { Say } from '../simulator.ts';

/** AlarmMethod: A.2.5. */
const methods: Readonly<Record<string, readonly [en: string, zh: string]>> = {
  ...{ 1: ['phone', '电话'], 2: ['device', '设备'], 3: ['SMS', '短信'], 4: ['GPS', '卫星定位'] },
  ...{ 5: ['video', '视频'], 6: ['fault', '设备故障'], 7: ['other', '其他'] },
};
/** AlarmType by method: A.2.5. */
const types: Readonly<Record<string, Readonly<Record<string, readonly [en: string, zh: string]>>>> = {
  2: {
    ...{ 1: ['video lost', '视频丢失'], 2: ['tamper', '防拆'], 3: ['disk full', '存储满'] },
    ...{ 4: ['too hot', '高温'], 5: ['too cold', '低温'] },
  },
  5: {
    ...{ 1: ['manual', '人工视频'], 2: ['motion', '运动目标检测'], 3: ['object left', '遗留物'] },
    ...{ 4: ['object removed', '物体移除'], 5: ['line crossed', '绊线'], 6: ['intrusion', '入侵'] },
    ...{ 7: ['wrong way', '逆行'], 8: ['loitering', '徘徊'], 9: ['flow', '流量统计'], 10: ['crowd', '密度'] },
    ...{
      11: ['abnormal video', '视频异常'],
      12: ['fast movement', '快速移动'],
      13: ['smoke or fire', '烟火'],
    },
  },
  6: { 1: ['disk', '存储设备故障'], 2: ['fan', '风扇故障'] },
};

/** A second sending comes within minutes; a day of a school has fewer. */
const REMEMBERED_MAX = 5000;

/** @returns the line of an alarm; it remembers each by its SN and who sent it. */
export function createAlarmLines(say: Say) {
  /** How often each came. */
  const known = new Map<string, number>();
  const named = (number: string, name: readonly [string, string] | undefined) =>
    name === undefined ? number : `${number} ${say(...name)}`;
  return {
    get count() {
      return known.size;
    },
    lineOf(gateway: string, { fields, sn, device }: Manscdp): string {
      const of = (name: string) => fieldOf(fields, name) ?? '-';
      const info = fields['Info'];
      const type =
        typeof info === 'object' && !Array.isArray(info) ? fieldOf(info as Element, 'AlarmType') : undefined;
      const method = of('AlarmMethod');
      const key = `${gateway} ${sn} ${device}`;
      const times = (known.get(key) ?? 0) + 1;
      known.set(key, times);
      if (known.size > REMEMBERED_MAX) known.delete(known.keys().next().value ?? '');
      const words = [
        say('alarm', '报警'),
        of('AlarmTime'),
        device,
        `${say('priority', '级别')} ${of('AlarmPriority')}`,
        `${say('method', '方式')} ${named(method, methods[method])}`,
        `${say('type', '类型')} ${type === undefined ? '-' : named(type, types[method]?.[type])}`,
        of('AlarmDescription'),
        `SN ${sn}`,
        ...(times === 1 ? [] : [say(`(again, the ${times}. time)`, `（重复，第 ${times} 次）`)]),
      ];
      return words.join('  ');
    },
  };
}
