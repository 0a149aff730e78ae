import type { Problem } from '../../drivers/contract/driver.ts';
import type { Config } from '../schema.ts';
import { rightProblems } from './rights.ts';

export function consoleProblems(config: Config): Problem[] {
  return rightProblems(['console', 'commands'], config.console?.commands ?? [], config);
}
