import type { Problem } from '../../drivers/contract/driver.ts';
import type { Config } from '../schema.ts';
import { devicesThatCan, missingNames } from './names.ts';

export function mediaProblems({ media, devices }: Pick<Config, 'media' | 'devices'>): Problem[] {
  return missingNames(['media', 'clips'], 'camera', devicesThatCan('clip', devices), media.clips);
}
