import type { Problem } from '../../drivers/contract/driver.ts';
import { say } from '../language.ts';
import type { Config } from '../schema.ts';

export function calendarProblems({ calendar }: Pick<Config, 'calendar'>): Problem[] {
  return calendar.holidays.flatMap(({ from, to }, i) =>
    from <= to
      ? []
      : [{ path: ['calendar', 'holidays', i, 'to'], message: say(`is before ${from}`, `早于 ${from}`) }],
  );
}
