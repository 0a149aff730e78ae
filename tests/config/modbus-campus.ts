/** A campus of Modbus devices with a profile of their own, and what `check` says of it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import { temporaryDirectory } from '../helpers.ts';

/** The mistakes of a campus with these devices from line 3 on, and with this profile. */
export function mistakes(devices: readonly string[], profile: string): readonly string[] {
  const directory = temporaryDirectory();
  const file = join(directory, 'campus.yaml');
  writeFileSync(join(directory, 'own.yaml'), profile);
  writeFileSync(file, `campus: { id: "4503000001", name: 一中 }\ndevices:\n  - ${devices.join('\n  - ')}\n`);
  const loaded = loadConfig(file);
  return 'errors' in loaded ? loaded.errors.map(({ line, message }) => `${line}: ${message}`) : [];
}

export const profileOf = (points: readonly string[], more = '') =>
  `title: { en: x, zh: x }\nverified: true\n${more}points:\n  - ${points.join('\n  - ')}\n`;
