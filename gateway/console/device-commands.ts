/** What a device can be told by somebody: its actions, with their arguments as a form can show them. */
import { z } from 'zod';
import { type ActionName, actionNames, actionOf } from '../../config/catalogue/actions.ts';
import type { CommandRule } from '../../config/sections/rights.ts';
import { fitsTarget } from '../commands/command.ts';
import type { Argument, DeviceDetail } from './contract/devices.ts';
import type { DeviceConfig } from './devices.ts';

/** Filled in by the server, or by rules. */
const FILLED_IN: readonly string[] = ['by', 'event'];
/** Have pages of their own: alarms are taken there. */
const ELSEWHERE: readonly string[] = ['reset'];
const OUTPUT = 'output';

/** As zod writes a property in JSON Schema. */
interface Property {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly default?: string | number | boolean;
}

function argumentOf(
  name: string,
  property: Property,
  required: boolean,
  outputs: readonly string[],
): Argument {
  const { type, enum: words, minimum, maximum, maxLength, default: usual } = property;
  const choices = name === OUTPUT ? outputs : words;
  const most = type === 'string' ? maxLength : maximum;
  return {
    name,
    kind:
      choices !== undefined
        ? 'choice'
        : type === 'boolean'
          ? 'flag'
          : type === 'number' || type === 'integer'
            ? 'number'
            : 'text',
    required,
    ...(choices !== undefined && { choices: [...choices] }),
    ...(minimum !== undefined && { least: minimum }),
    ...(most !== undefined && { most }),
    ...(usual !== undefined && { usual }),
  };
}

function argumentsOf(action: ActionName, outputs: readonly string[]): Argument[] {
  const schema = z.toJSONSchema(actionOf(action).arguments, { io: 'input', unrepresentable: 'any' }) as {
    readonly properties?: Readonly<Record<string, Property>>;
    readonly required?: readonly string[];
  };
  return Object.entries(schema.properties ?? {})
    .filter(([name]) => !FILLED_IN.includes(name))
    .map(([name, property]) => argumentOf(name, property, schema.required?.includes(name) === true, outputs));
}

/** `rules`: what who asks may do. */
export function commandsOf(
  { id, commands = [] }: DeviceConfig,
  rules: readonly CommandRule[],
): DeviceDetail['commands'] {
  const may = (action: ActionName) =>
    rules.some(
      ({ actions, targets }) =>
        (actions as readonly string[]).includes(action) && targets.some((one) => fitsTarget(one, id)),
    );
  return actionNames.flatMap((action) => {
    const { of, internal } = actionOf(action);
    const own = commands.filter((one) => one.action === action);
    const isOurs = own.length > 0 || (of === 'any' && !ELSEWHERE.includes(action));
    if (internal === true || !isOurs || !may(action)) return [];
    const outputs = own.flatMap(({ output }) => output ?? []);
    return { action, arguments: argumentsOf(action, outputs) };
  });
}
