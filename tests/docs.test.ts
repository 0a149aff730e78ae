import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { generate } from '../docs/generate.ts';

const docs = join(import.meta.dirname, '../docs');
const files = generate();

describe('docs', () => {
  it.each(Object.keys(files))('%s is what the code says (else: npm run docs)', (path) => {
    expect(readFileSync(join(docs, path), 'utf8')).toBe(files[path]);
  });

  it('holds no schema of an event that is gone', () => {
    expect(
      readdirSync(join(docs, 'events'))
        .map((name) => `events/${name}`)
        .sort(),
    ).toEqual(
      Object.keys(files)
        .filter((path) => path.startsWith('events/'))
        .sort(),
    );
  });

  it('describes the topics in valid AsyncAPI 3, and every schema that it names is there', () => {
    const require = createRequire(import.meta.url);
    const schema = require('@asyncapi/specs/schemas/3.0.0-without-$id.json') as object;
    const document = parse(files['asyncapi.yaml'] ?? '') as {
      components: { messages: Record<string, { payload: { $ref?: string } }> };
    };
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    validate(document);
    expect(validate.errors).toBeNull();
    for (const { payload } of Object.values(document.components.messages)) {
      if (payload.$ref !== undefined) expect(existsSync(join(docs, payload.$ref)), payload.$ref).toBe(true);
    }
  });
});
