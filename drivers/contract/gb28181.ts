/** As what GB/T 28181 knows our kinds of alarms (2016, A.2.5 and 9.4): in each event, and to platforms of that standard. */
import type { AlarmKind } from './observation.ts';

export interface AlarmClass {
  /** AlarmPriority: 1 is the highest of four. */
  readonly priority: 1 | 2 | 3 | 4;
  /** AlarmMethod: 2 a device, 5 video, 6 a fault. */
  readonly method: 2 | 5 | 6;
  /** AlarmType under the method, where the standard has one. */
  readonly type?: number;
}

/**
 * A panic button is a device's alarm (2): method 5 type 1 is an alarm that somebody gives by hand at a video, and 7 is put
 * aside by platforms in use.
 */
export const alarmClasses: Readonly<Record<AlarmKind, AlarmClass>> = {
  panic: { priority: 1, method: 2 },
  duress: { priority: 1, method: 2 },
  fire: { priority: 1, method: 2 },
  intrusion: { priority: 2, method: 2 },
  perimeter: { priority: 2, method: 2 },
  fence: { priority: 2, method: 2 },
  collision: { priority: 2, method: 2 },
  tamper: { priority: 2, method: 2, type: 2 },
  medical: { priority: 1, method: 2 },
  gas: { priority: 1, method: 2 },
  water: { priority: 3, method: 2 },
  environment: { priority: 3, method: 2 },
};

/** What platforms show of an alarm where nobody gave its zone a name. */
export const alarmNames: Readonly<Record<AlarmKind, string>> = {
  panic: '一键报警',
  duress: '胁迫报警',
  fire: '火警',
  medical: '医疗求助',
  gas: '燃气报警',
  intrusion: '入侵报警',
  perimeter: '周界报警',
  fence: '电子围栏报警',
  collision: '防撞报警',
  tamper: '防拆报警',
  water: '漏水报警',
  environment: '环境报警',
};
