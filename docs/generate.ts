/**
 * `npm run docs`: writes what the code already says into docs/: the JSON Schema of each event, the AsyncAPI document
 * of all topics and commands, the config's schema and its reference page, what each driver was tried on, parts
 * of the page for platforms.
 * tests/docs.test.ts fails when they are stale.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { eventSchema, eventTypes } from '../config/catalogue/events.ts';
import { configJsonSchema } from '../config/schema.ts';
import { alarmCodesPage } from './generate/alarm-codes-page.ts';
import { asyncapi } from './generate/asyncapi.ts';
import { configPage } from './generate/config-page.ts';
import { devicesPage } from './generate/devices-page.ts';
import { platformPage } from './generate/platform-page.ts';

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

function eventSchemas(): Record<string, string> {
  return Object.fromEntries(
    eventTypes.map((type) => [`events/${type}.schema.json`, json(z.toJSONSchema(eventSchema(type)))]),
  );
}

/** Every generated file by its path in docs/. */
export function generate(): Readonly<Record<string, string>> {
  return {
    ...eventSchemas(),
    'alarm-codes.md': alarmCodesPage(),
    'asyncapi.yaml': asyncapi(),
    'config.schema.json': json(configJsonSchema()),
    'config.md': configPage(),
    'devices.md': devicesPage(),
    'platform.md': platformPage(readFileSync(join(import.meta.dirname, 'platform.md'), 'utf8')),
  };
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(generate())) {
    const file = join(import.meta.dirname, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
