/** How a profile says where something stands in a message, and what stands there means. Data, and nothing in it is run. */
import { z } from 'zod';

/** Where something is in a body: names of members, from the outside in. */
export type Path = readonly string[];

const PATH_MAX = 200;
const DEPTH_MAX = 12;
const isName = (name: string) => /^[\p{L}\p{N}_:@-]+$/u.test(name);

const pathProblem = (text: string) => ({
  en: `no path: names with dots between them, such as AccessControllerEvent.cardNo, or Events.0.Data for the first of a list`,
  zh: `不是路径：应为用点连接的名称，如 AccessControllerEvent.cardNo；列表第一项写作 Events.0.Data`,
  isWrong: text.length > PATH_MAX || text.split('.').length > DEPTH_MAX || !text.split('.').every(isName),
});
export const path = z.string().transform((text, context): Path => {
  const { en, zh, isWrong } = pathProblem(text);
  if (isWrong) context.addIssue({ code: 'custom', message: en, params: { zh } });
  return text.split('.');
});
export const paths = z.union([path.transform((one) => [one]), z.array(path).min(1).max(10)]);
/** As a path; `.` is the body itself. */
export const eventsPath = z.union([z.literal('.').transform((): Path => []), path]);

/** A value that a message may bear. */
export interface Reading {
  /** The first that is there and not empty. */
  readonly paths?: readonly Path[];
  /** What stands for nothing, besides what is empty. */
  readonly except?: readonly string[];
  /** All of them, or nothing. */
  readonly join?: {
    readonly paths: readonly Path[];
    readonly by: string;
    readonly prefix?: string;
    /** What is missing is left out, not all of it. */
    readonly gaps?: true;
  };
  readonly fixed?: string;
  /** From what stands there to what it means. */
  readonly table?: Readonly<Record<string, string>>;
  /** What all else means, and nothing too. */
  readonly otherwise?: string;
  readonly scale?: number;
  /** Of local times that say none. */
  readonly offset?: string;
}

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const except = z
  .array(scalar)
  .min(1)
  .max(20)
  .transform((all) => all.map(String))
  .optional()
  .describe('What stands for nothing, such as "0"');
const excepting = (except: readonly string[] | undefined) => except !== undefined && { except };

export const offset = z
  .string()
  .regex(/^[+-]\d{2}:\d{2}$/, 'the offset of local times, such as +08:00')
  .describe('Of local times that say none: +08:00');
const fixed = z.strictObject({ fixed: z.string().min(1).max(100).describe('Always this') });
const join = z
  .strictObject({
    join: z
      .array(path)
      .min(1)
      .max(8)
      .describe('All of these, with a stroke between; nothing where one is missing'),
    prefix: z.string().min(1).max(40).optional().describe('What stands before them'),
    except,
    gaps: z.literal(true).optional().describe('Those that are missing are left out'),
  })
  .transform(
    ({ join: all, prefix, gaps, except: none }): Reading => ({
      join: { paths: all, by: '/', ...(prefix !== undefined && { prefix }), ...(gaps && { gaps }) },
      ...excepting(none),
    }),
  );
export const simple = paths.transform((all): Reading => ({ paths: all }));
const careful = z
  .strictObject({ path: paths, except })
  .transform(({ path: all, except: none }): Reading => ({ paths: all, ...excepting(none) }));
export const text = z.union([simple, careful, join, fixed]);
export const time = z.union([
  simple,
  z.strictObject({ path: paths, offset: offset.optional(), except }).transform(
    ({ path: all, offset: zone, except: none }): Reading => ({
      paths: all,
      ...(zone !== undefined && { offset: zone }),
      ...excepting(none),
    }),
  ),
]);
export const measure = z.union([
  simple,
  z
    .strictObject({ path: paths, scale: z.number().describe('The value times this') })
    .transform(({ path: all, scale }): Reading => ({ paths: all, scale })),
]);
/** A number as it is, or where it stands. */
export const number = z.union([
  z
    .int()
    .min(0)
    .max(9999)
    .transform((one): Reading => ({ fixed: String(one) })),
  simple,
  careful,
]);

function tableOf<Words extends z.ZodType<string>>(words: Words) {
  return z
    .strictObject({
      path: paths,
      table: z.record(z.string(), words).describe('From what stands there to the word'),
      otherwise: words.optional().describe('For all else; without it there is then no such event'),
    })
    .transform(
      ({ path: all, table: meanings, otherwise }): Reading => ({
        paths: all,
        table: meanings,
        ...(otherwise !== undefined && { otherwise }),
      }),
    );
}
/** One of some words: the word itself, or a table from codes to words. */
export function word<Words extends z.ZodType<string>>(words: Words) {
  return z.union([words.transform((one): Reading => ({ fixed: one })), tableOf(words)]);
}
const anyWord = z.string().min(1).max(100);
/** A word, a table, or the codes themselves. */
export const cause = z.union([word(anyWord), join]);
/** What stands there, a table, or the codes themselves. */
export const reason = z.union([text, tableOf(anyWord)]);

const condition = z.union([
  scalar.transform((one) => ({ in: [String(one)] })),
  z
    .array(scalar)
    .min(1)
    .max(200)
    .transform((all) => ({ in: all.map(String) })),
  z
    .strictObject({ not: z.union([scalar, z.array(scalar).min(1).max(200)]) })
    .transform(({ not }) => ({ notIn: [not].flat().map(String) })),
  z
    .strictObject({ from: z.number().optional(), to: z.number().optional() })
    .refine(({ from, to }) => from !== undefined || to !== undefined, 'from, to or both')
    .refine(({ from = -Infinity, to = Infinity }) => from <= to, {
      error: ({ input }) => {
        const { from, to } = input as { readonly from: number; readonly to: number };
        return `from ${from} is more than to ${to}: nothing fits; write from: ${to}, to: ${from}`;
      },
    }),
]);
export type Condition = z.output<typeof condition>;

export const when = z
  .record(z.string(), condition)
  .transform((conditions, context) =>
    Object.entries(conditions).map(([at, one]) => {
      const { en, zh, isWrong } = pathProblem(at);
      if (isWrong) context.addIssue({ code: 'custom', message: en, path: [at], params: { zh } });
      return { path: at.split('.') as Path, ...one };
    }),
  )
  .describe('Paths and what must stand there: a value, several, `not: ...`, or numbers `from: ... to: ...`');
export type When = z.output<typeof when>;

export const isEmpty = (value: unknown) => value === undefined || value === null || value === '';
export const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

export function valueAt(body: unknown, at: Path): unknown {
  let value = body;
  for (const name of at) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}

function isSo(one: Condition, value: unknown): boolean {
  if ('in' in one) return isScalar(value) && one.in.includes(String(value));
  if ('notIn' in one) return !(isScalar(value) && one.notIn.includes(String(value)));
  if (isEmpty(value) || typeof value === 'object') return false;
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = one;
  return Number(value) >= from && Number(value) <= to;
}
/** Whether all conditions are so. */
export const holds = (conditions: When, event: unknown): boolean =>
  conditions.every((one) => isSo(one, valueAt(event, one.path)));

/** Whether what is so for `inner` is so for `outer`. Where that is not certain: no. */
function isCovered(outer: Condition, inner: Condition): boolean {
  if ('in' in inner) return inner.in.every((one) => isSo(outer, one));
  if ('notIn' in outer) return 'notIn' in inner && outer.notIn.every((one) => inner.notIn.includes(one));
  if ('in' in outer || 'notIn' in inner) return false;
  const isBelow = (outer.from ?? Number.NEGATIVE_INFINITY) <= (inner.from ?? Number.NEGATIVE_INFINITY);
  return isBelow && (outer.to ?? Number.POSITIVE_INFINITY) >= (inner.to ?? Number.POSITIVE_INFINITY);
}
/** Whether `outer` holds wherever `inner` does: certainly, where it says yes. */
export const covers = (outer: When, inner: When): boolean =>
  outer.every((one) =>
    inner.some((other) => other.path.join('.') === one.path.join('.') && isCovered(one, other)),
  );

/** Local times: `2026-11-24 07:41:00`. */
const LOCAL = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2})?)$/;

/** What an event bears. undefined: nothing. An object or a list stands for itself: no text, as the last check finds. */
export function readingOf(reading: Reading | undefined, event: unknown): unknown {
  if (reading === undefined) return undefined;
  const { fixed: always, join: joined, paths: at = [], table, otherwise, scale, offset: zone } = reading;
  if (always !== undefined) return always;
  const isNothing = (value: unknown) =>
    isEmpty(value) || (isScalar(value) && reading.except?.includes(String(value)) === true);
  if (joined !== undefined) {
    const parts = joined.paths.map((one) => valueAt(event, one));
    const isMissing = (part: unknown) => isNothing(part) || !isScalar(part);
    if (joined.gaps ? parts.every(isMissing) : parts.some(isMissing)) return undefined;
    const told = parts.map((part) => (isMissing(part) ? '' : part));
    return `${joined.prefix ?? ''}${told.join(joined.by)}`;
  }
  const found = at.map((one) => valueAt(event, one)).find((value) => !isNothing(value));
  if (table !== undefined)
    return isScalar(found) && Object.hasOwn(table, String(found)) ? table[String(found)] : otherwise;
  if (scale !== undefined && isScalar(found)) return Number(found) * scale;
  const local = zone !== undefined && typeof found === 'string' ? LOCAL.exec(found) : null;
  return local === null ? found : `${local[1]}T${local[2]}${zone}`;
}
