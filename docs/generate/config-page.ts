/** The reference page of the config. */
import { configJsonSchema } from '../../config/schema.ts';
import { drivers, platforms } from '../../drivers/index.ts';
import { NOTE, type Schema } from './json-schema.ts';

function kindOf(schema: Schema): string {
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) return [...new Set(alternatives.map(kindOf))].join(' or ');
  if (schema.type === 'array') return `list of ${kindOf(schema.items ?? {})}`;
  if (schema.pattern?.includes('ms|s|m|h|d') === true) return 'duration';
  if (schema.pattern?.includes('kB|MB') === true) return 'size';
  const each = schema.additionalProperties;
  if (typeof each === 'object') return `mapping of class to ${kindOf(each)}`;
  if (schema.type === 'object' || schema.properties !== undefined) return 'mapping';
  const range =
    schema.minimum !== undefined && schema.maximum !== undefined && schema.maximum < Number.MAX_SAFE_INTEGER
      ? `, ${schema.minimum} to ${schema.maximum}`
      : '';
  return `${schema.type ?? 'any'}${range}`;
}

const head = '| key | what | default | meaning |\n| --- | --- | --- | --- |';

/** A row a key, those of mappings below it indented by their path. */
function rows(schema: Schema, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const name = path === '' ? key : `${path}.${key}`;
    const required = schema.required?.includes(key) === true && property.default === undefined;
    const fallback =
      property.default === undefined
        ? required
          ? '**needed**'
          : ''
        : `\`${JSON.stringify(property.default)}\``;
    const row = `| \`${name}\` | ${kindOf(property)} | ${fallback} | ${(property.description ?? '').replaceAll('|', '\\|')} |`;
    return [row, ...below(property, name)];
  });
}

function below(schema: Schema, name: string): string[] {
  if (schema.items !== undefined) return below(schema.items, `${name}[]`);
  if (typeof schema.additionalProperties === 'object')
    return below(schema.additionalProperties, `${name}.{class}`);
  const seen = new Set<string>();
  return (schema.anyOf ?? schema.oneOf ?? [schema])
    .flatMap((one) => rows(one, name))
    .filter((row) => !seen.has(row) && seen.add(row));
}

export function configPage(): string {
  const schema = configJsonSchema() as Schema;
  const { devices, uplinks, ...rest } = schema.properties ?? {};
  const parts = [
    `<!-- ${NOTE} -->`,
    '# The config file',
    '',
    'YAML. `campus-gateway check FILE` says all that is wrong, with line and column. Unknown keys are errors. Durations are',
    'written `200ms`, `60s`, `5m`, `12h`, `30d`, sizes `500MB`, `8GB`. A value that is `${NAME}` alone comes from the environment; a secret comes',
    'from there or from a `...File` key, never inline. Paths are relative to the config file. Editors that know',
    '`yaml-language-server` check while you type: see the first line of `config/campus.example.yaml`.',
    '',
    head,
    ...rows({ ...schema, properties: rest }, ''),
    '',
    ...choices('uplinks', uplinks, 'protocol', platforms),
    ...choices('devices', devices, 'driver', drivers),
  ];
  return `${parts.join('\n').trimEnd()}\n`;
}

/** A section that is a list, and a table for each word of the key that tells its members apart. */
function choices(
  section: string,
  schema: Schema | undefined,
  key: string,
  registry: readonly {
    readonly name: string;
    readonly title: { readonly en: string; readonly zh: string };
  }[],
): string[] {
  const items = schema?.items ?? {};
  const alternatives = items.oneOf ?? items.anyOf ?? [items];
  const isOf = (one: Schema, name: string) => {
    const { const: only, enum: words } = one.properties?.[key] ?? {};
    return only === name || words?.includes(name) === true;
  };
  return [
    `## \`${section}[]\``,
    '',
    schema?.description ?? '',
    '',
    ...registry.flatMap(({ name, title }) => [
      `### \`${key}: ${name}\``,
      '',
      `${title.en} · ${title.zh}`,
      '',
      head,
      ...rows(alternatives.find((one) => isOf(one, name)) ?? {}, ''),
      '',
    ]),
  ];
}
