import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Profile } from '../../drivers/http-push/mapping.ts';

/** A profile of config/profiles. */
export const terminalProfile = (name: string) =>
  parse(readFileSync(join(import.meta.dirname, `../../config/profiles/${name}.yaml`), 'utf8')) as Profile;
