/** What platforms may ask: the catalogue of actions, as schemas for machines and as a table for people. */
import {
  type Action,
  type ActionName,
  actionOf,
  actionWords,
  commandActions,
} from '../../config/catalogue/actions.ts';
import { commandSchema } from '../../gateway/commands/command.ts';
import { payloadOf, type Schema } from './json-schema.ts';

const targets = {
  gateway: '`gateway`',
  area: 'an area',
  device: 'a device',
  any: 'a device, an area, `gateway`',
} as const satisfies Record<Action['of'], string>;

/** `#/components/schemas`: of each action what a command has beside its envelope. */
export function actionSchemas(): Readonly<Record<string, Schema>> {
  return Object.fromEntries(
    commandActions.map((name) => {
      const wanted = payloadOf(actionOf(name).arguments);
      return [
        name,
        {
          title: actionWords(name),
          description: `Target: ${targets[actionOf(name).of]}`,
          type: 'object',
          properties: { action: { const: name }, arguments: wanted },
          required: ['action', ...((wanted.required ?? []).length > 0 ? ['arguments'] : [])],
        },
      ];
    }),
  );
}

/** The envelope of a command, and what goes with each of the actions. */
export function commandPayload(names: readonly ActionName[]): object {
  return {
    ...payloadOf(commandSchema),
    oneOf: names.map((name) => ({ $ref: `#/components/schemas/${name}` })),
  };
}

// --- for people ---

/** `a`, `b`; 0 to 60; at most 86400: what an argument may be, where that is not plain from its name. */
function rangeOf({
  type,
  enum: choices,
  format,
  minimum,
  exclusiveMinimum,
  maximum,
}: Schema): string | undefined {
  if (choices !== undefined) return choices.map((one) => `\`${String(one)}\``).join(', ');
  if (format === 'date-time') return 'RFC 3339';
  if (type === 'boolean') return 'true or false';
  if (type !== 'number' && type !== 'integer') return undefined;
  const most = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined;
  if (most === undefined)
    return minimum === undefined || minimum < 0 ? 'a number' : `a number from ${minimum}`;
  return exclusiveMinimum === undefined ? `${minimum ?? 0} to ${most}` : `at most ${most}`;
}

/** Of an object or a list of such: its members, in brackets. */
function membersOf(schema: Schema): string | undefined {
  const { properties, required = [] } = schema.items ?? schema;
  if (properties === undefined) return undefined;
  const names = Object.keys(properties).map((name) => `\`${name}\`${required.includes(name) ? '' : '?'}`);
  return `${schema.items === undefined ? '' : 'a list of '}{ ${names.join(', ')} }`;
}

const lowerFirst = (text: string) =>
  /^[A-Z][a-z]/.test(text) ? text[0]?.toLowerCase() + text.slice(1) : text;

function argumentText(name: string, schema: Schema, needed: boolean): string {
  const { description, default: fallback } = schema;
  const shown =
    typeof fallback === 'number' || typeof fallback === 'string' ? `default ${fallback}` : undefined;
  const members = membersOf(schema);
  const limits = [members === undefined ? rangeOf(schema) : undefined, shown]
    .filter((part) => part !== undefined)
    .join(', ');
  const words = [description && lowerFirst(description), members, limits && `(${limits})`]
    .filter(Boolean)
    .join(' ');
  return `\`${name}\`${needed ? '' : '?'}${words === '' ? '' : ` ${words}`}`;
}

function argumentsText(name: ActionName): string {
  const { properties = {}, required = [] } = payloadOf(actionOf(name).arguments);
  const texts = Object.entries(properties).map(([key, schema]) =>
    argumentText(key, schema, required.includes(key)),
  );
  return texts.length === 0 ? 'none' : texts.join('<br>');
}

/** The table of docs/platform.md. */
export function actionTable(): string {
  const rows = commandActions.map((name) =>
    [`\`${name}\``, targets[actionOf(name).of], actionWords(name), argumentsText(name)]
      .map((cell) => cell.replaceAll('|', '\\|'))
      .join(' | '),
  );
  return ['action | target | what it does | arguments', '--- | --- | --- | ---', ...rows]
    .map((row) => `| ${row} |`)
    .join('\n');
}

/** Those that need no times. */
export const harmlessActions = () =>
  commandActions
    .filter((name) => actionOf(name).harmless === true)
    .map((name) => `\`${name}\``)
    .join(', ');
