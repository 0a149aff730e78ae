/** What an installer says of a campus, typed or in a file: all that a config is made of. */
import { z } from 'zod';
import { explainAll, pathText, type Schema } from '../../../config/explain.ts';
import { formatError, readConfigFile } from '../../../config/load.ts';
import { configSchema } from '../../../config/schema.ts';
import { campus } from '../../../config/sections/campus.ts';
import { isTimezone } from '../../../config/sections/values.ts';
import { duration, hostPort, identifier } from '../../../drivers/contract/options.ts';
import { ways } from '../discover/found.ts';

/** Passwords stand here in clear, and in the config as names of files. */
const withPassword = z.looseObject({
  id: identifier(),
  password: z.string().min(1).optional(),
});

const discovery = z.strictObject({
  ways: z.array(z.enum(ways)).default([...ways]),
  for: duration({ least: '100ms', most: '1h' }).prefault('10s'),
  interface: z.string().optional(),
  nets: z.array(z.string()).optional(),
  tcpPorts: z.array(z.int().min(1).max(65_535)).optional(),
  lastUnit: z.int().min(1).max(247).optional(),
  ports: z.array(z.string()).optional(),
  serialServers: z.array(hostPort()).optional(),
  listen: z.array(z.int().min(1).max(65_535)).optional(),
});

const own = {
  campus,
  dataDir: z.string().min(1).optional(),
  timezone: z.string().refine(isTimezone, 'a time zone such as Asia/Shanghai').optional(),
  status: z.union([z.literal(false), z.looseObject({})]).optional(),
  console: z.union([z.literal(false), z.looseObject({})]).optional(),
  platforms: z.array(withPassword).default([]),
  devices: z.array(withPassword).default([]),
  discover: z.union([z.boolean(), discovery]).default(false),
  /** What files hold that devices and platforms name, by their names: `cameras` is secrets/cameras. */
  secrets: z.record(z.string().regex(/^[\w.-]{1,64}$/), z.string().min(1)).default({}),
};
/** Sections of the config that go into it as they are. */
const sections = Object.keys(configSchema.shape).filter((name) => !(name in own) && name !== 'uplinks');

const answersSchema = z.strictObject({
  ...own,
  ...Object.fromEntries(sections.map((name) => [name, z.unknown().optional()])),
});
export type Answers = z.output<typeof answersSchema>;
export type Discovery = z.output<typeof discovery>;
export const everyWay: Discovery = discovery.parse({});
export const waysOf = (given: Answers['discover']): Discovery | undefined =>
  given === false ? undefined : given === true ? everyWay : given;

/** @returns what is wrong, a line each. */
export function readAnswers(file: string): Answers | { readonly errors: readonly string[] } {
  const yaml = readConfigFile(file);
  if ('errors' in yaml) return { errors: yaml.errors.map(formatError) };
  const parsed = answersSchema.safeParse(yaml.data ?? {});
  if (parsed.success) return parsed.data;
  const shape = z.toJSONSchema(answersSchema, { io: 'input', unrepresentable: 'any' }) as Schema;
  const problems = explainAll(parsed.error, answersSchema, yaml.data, shape);
  return {
    errors: problems.map(({ path, message }) =>
      formatError({ ...yaml.placeOf(path), message: `${pathText(path)}${message}` }),
    ),
  };
}
