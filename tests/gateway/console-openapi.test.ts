/** What programs are told of the console's API: all of it, and as it answers. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { startConsole } from './a-console.ts';

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: object;
}

async function documented() {
  const { as } = await startConsole();
  const operator = await as('operator');
  const document = (await (await operator('/api/openapi.json')).json()) as Document;
  return { operator, document };
}

describe('the OpenAPI of the console', () => {
  it('is of version 3, has each route of the API with a summary, and what it answers with', async () => {
    const { document } = await documented();
    expect(document.openapi).toMatch(/^3\.\d+\.\d+$/);
    const operations = Object.entries(document.paths).flatMap(([path, of]) =>
      Object.entries(of).map(([method, operation]) => ({ name: `${method} ${path}`, ...operation })),
    );
    const api = operations.filter(({ name }) => name.includes(' /api/'));
    // Pages are none of it.
    expect(operations.map(({ name }) => name)).not.toContain('get /plan');
    expect(api.length).toBeGreaterThan(30);
    expect(api.filter(({ summary }) => summary === undefined).map(({ name }) => name)).toEqual([]);
    expect(api.filter(({ tags = [] }) => tags.length === 0).map(({ name }) => name)).toEqual([]);
    expect(api.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'get /api/me',
        'post /api/commands/{target}',
        'get /api/events',
        'get /api/alarms',
      ]),
    );
  });

  it.each(['/api/me', '/api/overview', '/api/notices'])('says of %s what it answers', async (path) => {
    const { operator, document } = await documented();
    const schema = document.paths[path]?.['get']?.responses['200']?.content?.['application/json']?.schema;
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    ajvFormats.default(ajv);
    const validate = ajv.compile({ ...schema, components: document.components });
    validate(await (await operator(path)).json());
    expect(validate.errors).toBeNull();
    // It can tell: something else is refused.
    expect(validate('something else')).toBe(false);
  });
});
