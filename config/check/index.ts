/** That what a config names is there and can do what is asked of it: a file a section. */
import type { Problem } from '../../drivers/contract/driver.ts';
import type { Config } from '../schema.ts';
import { accessProblems } from './access.ts';
import { areaProblems } from './areas.ts';
import { calendarProblems } from './calendar.ts';
import { consoleProblems } from './console.ts';
import { hostProblems } from './hosts.ts';
import { ledgerProblems } from './ledger.ts';
import { lineProblems } from './lines.ts';
import { mediaProblems } from './media.ts';
import { noticeProblems } from './notices.ts';
import { portProblems } from './ports.ts';
import { ruleProblems } from './rules.ts';
import { clashProblems, uplinkProblems } from './uplinks.ts';

export function checkConfig(config: Config): Problem[] {
  return [
    ...uplinkProblems(config),
    ...clashProblems(config),
    ...calendarProblems(config),
    ...areaProblems(config),
    ...ruleProblems(config),
    ...noticeProblems(config),
    ...ledgerProblems(config),
    ...accessProblems(config),
    ...mediaProblems(config),
    ...consoleProblems(config),
    ...hostProblems(config),
    ...portProblems(config),
    ...lineProblems(config),
  ];
}
