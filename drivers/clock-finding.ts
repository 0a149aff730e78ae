/** What a platform's clock says of ours, for the probes of several protocols. */
import { CLOCK_OFF_MS, type Finding } from './contract/transport.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** Of a clock that is ahead by so much, ms: `3.2 s ahead of this one`, `8.0 h behind this one`. */
export function aheadBy(off: number): { readonly en: string; readonly zh: string } {
  const size = Math.abs(off);
  const [value, unit, unitZh] =
    size < 10 * MINUTE_MS ? [size / 1000, 's', '秒'] : [size / HOUR_MS, 'h', '小时'];
  const span = value.toFixed(1);
  return off < 0
    ? { en: `${span} ${unit} behind this one`, zh: `比本机慢 ${span} ${unitZh}` }
    : { en: `${span} ${unit} ahead of this one`, zh: `比本机快 ${span} ${unitZh}` };
}

/** `off`: what the platform's clock is ahead of ours, ms; undefined: it did not say what time it is. */
export function clockFinding(off: number | undefined): Finding {
  if (off === undefined)
    return {
      is: 'good',
      en: 'it registers; it did not say what time it is',
      zh: '注册成功；平台未告知其时间',
    };
  const { en, zh } = aheadBy(off);
  if (Math.abs(off) <= CLOCK_OFF_MS)
    return { is: 'good', en: `it registers; its clock is ${en}`, zh: `注册成功；其时钟${zh}` };
  const hours = Math.round(off / HOUR_MS);
  const isZone = hours !== 0 && Math.abs(off - hours * HOUR_MS) <= CLOCK_OFF_MS;
  const [look, lookZh] = isZone
    ? [
        'whole hours are a time zone: look at `timezone` here, and at that of the platform',
        '相差整小时多为时区问题：请检查此处的 `timezone` 和平台的时区',
      ]
    : [
        'look at the NTP of both: what is sent bears the time of this machine',
        '请检查双方的 NTP：上报内容使用本机时间',
      ];
  return {
    is: 'note',
    en: `it registers, but its clock is ${en}, more than 5 s: ${look}`,
    zh: `注册成功，但其时钟${zh}，超过 5 秒：${lookZh}`,
  };
}
