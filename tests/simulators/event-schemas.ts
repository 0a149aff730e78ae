/** Events of simulators against the published contract. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';

/** What is not of the contract in it. */
export function wrongIn(type: string, event: unknown) {
  const file = join(import.meta.dirname, `../../docs/events/${type}.schema.json`);
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const validate = ajv.compile(JSON.parse(readFileSync(file, 'utf8')));
  validate(event);
  return validate.errors;
}
