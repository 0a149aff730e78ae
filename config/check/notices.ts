import type { Problem } from '../../drivers/contract/driver.ts';
import { say } from '../language.ts';
import type { Config } from '../schema.ts';
import { devicesThatCan, isMissing } from './names.ts';

export function noticeProblems({ notices, devices }: Pick<Config, 'notices' | 'devices'>): Problem[] {
  const names = devicesThatCan('show', devices);
  return notices.show.flatMap((target, i) =>
    names.includes(target)
      ? []
      : [
          {
            path: ['notices', 'show', i],
            message: isMissing(say(`device ${target} that shows texts`, `可显示文字的设备 ${target}`), names),
          },
        ],
  );
}
