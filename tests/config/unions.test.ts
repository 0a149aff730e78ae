/** Where one of several may stand, what is said of a mistake names what was meant: in each driver and each platform. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { explainAll, pathText, type Schema } from '../../config/explain.ts';
import { drivers, platforms } from '../../drivers/index.ts';

interface Def {
  readonly type: string;
  readonly shape?: Record<string, z.ZodType>;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly entries?: Record<string, unknown>;
  readonly values?: readonly unknown[];
}
const defOf = (schema: z.ZodType) => schema.def as unknown as Def;
const inside = (schema: z.ZodType): z.ZodType => {
  const { innerType, in: from } = defOf(schema);
  const next = innerType ?? from;
  return next === undefined ? schema : inside(next);
};

/** Each union in a schema, by where it stands. */
function unionsOf(schema: z.ZodType, at: string): [string, z.ZodType][] {
  const own = inside(schema);
  const { shape = {}, element, valueType, options = [] } = defOf(own);
  return [
    ...(options.length > 0 ? ([[at, own]] as [string, z.ZodType][]) : []),
    ...Object.entries(shape).flatMap(([key, one]) => unionsOf(one, `${at}.${key}`)),
    ...[element, valueType].flatMap((one) => (one === undefined ? [] : unionsOf(one, `${at}[]`))),
    ...options.flatMap((one, i) => unionsOf(one, `${at}|${i}`)),
  ];
}

/** Something of about this shape. */
function sampleOf(schema: z.ZodType): unknown {
  const own = inside(schema);
  const { type, shape = {}, options = [], entries = {}, values = [] } = defOf(own);
  if (type === 'object')
    return Object.fromEntries(Object.entries(shape).map(([key, one]) => [key, sampleOf(one)]));
  if (type === 'union') return options[0] === undefined ? undefined : sampleOf(options[0]);
  if (type === 'enum') return Object.values(entries)[0];
  if (type === 'literal') return values[0];
  return { number: 1, int: 1, boolean: true, array: [], record: {} }[type] ?? 'x';
}

const mappingsOf = (union: z.ZodType): z.ZodType[] =>
  (defOf(union).options ?? []).map(inside).flatMap((one) => {
    const { type } = defOf(one);
    return type === 'union' ? mappingsOf(one) : type === 'object' ? [one] : [];
  });

const told = (union: z.ZodType, data: unknown) => {
  const parsed = union.safeParse(data);
  const schema = z.toJSONSchema(union, { io: 'input', unrepresentable: 'any' }) as Schema;
  return parsed.success ? [] : explainAll(parsed.error, union, data, schema);
};

const schemas = [...drivers, ...platforms].flatMap((one): [string, z.ZodType][] => [
  [one.name, one.options],
  ...('profile' in one && one.profile !== undefined
    ? ([[`${one.name} profile`, one.profile as z.ZodType]] as [string, z.ZodType][])
    : []),
]);
const unions = schemas.flatMap(([name, schema]) => unionsOf(schema, name));

it('are there to be tried', () => {
  expect(unions.map(([name]) => name)).toContain('modbus profile.points[]');
  expect(unions.length).toBeGreaterThan(20);
});

describe.each(unions)('%s', (_name, union) => {
  it('says what may stand there, whatever stands there', () => {
    for (const wrong of [7.5, -1, 'no such thing', true, null, [], [7.5], {}, { nope: 1 }])
      for (const { message } of told(union, wrong)) {
        expect(message).not.toMatch(/(:|,|of these is needed) *$|undefined|^: /);
        expect(message).not.toBe('');
      }
  });

  it('takes a wrong word for a wrong word, not for an unknown key', () => {
    for (const mapping of mappingsOf(union)) {
      const { shape = {} } = defOf(mapping);
      for (const [key, one] of Object.entries(shape)) {
        const { type } = defOf(inside(one));
        if (type !== 'enum' && type !== 'literal') continue;
        const data = { ...(sampleOf(mapping) as object), [key]: 'no such word' };
        const problems = told(union, data).map(({ path, message }) => `${pathText(path)}${message}`);
        expect(problems.filter((text) => text.includes('unknown key'))).toEqual([]);
        expect(problems).toContainEqual(
          expect.stringMatching(new RegExp(`^${key}: "no such word": not known`)),
        );
      }
    }
  });
});

describe('of the points of a Modbus profile', () => {
  const [, points] = unions.find(([name]) => name === 'modbus profile.points[]') as [string, z.ZodType];
  const first = (data: object) =>
    told(points, { function: 3, address: 0, ...data }).map(
      ({ path, message }) => `${pathText(path)}${message}`,
    );

  it.each<[object, string]>([
    [
      { name: 'v', type: 'uint64' },
      'type: "uint64": not known; did you mean uint16?; allowed: uint16, int16, uint32, int32, float32',
    ],
    [
      { type: 'uint16' },
      'name: missing (The name of the value in events, with its unit: kilovolts, newtons)',
    ],
    [{ valeus: { 1: {} } }, 'valeus: unknown key; did you mean values?'],
    [{ function: 9 }, 'function: 9: one of these is needed: 1, 2, 3, 4'],
    [{ bit: 1, when: 3 }, 'when: 3: a string or a record is needed'],
    [{ bit: 1, equals: 'x' }, 'equals: "x": a number or an array is needed'],
    [{ bit: 1, name: 'v', scale: 0.1 }, 'scale, bit stand together; keep one'],
    [{ values: { 1: { kidn: 'fence' } } }, 'values.1.kidn: unknown key; did you mean kind?'],
    [{ reset: { coil: 1, register: 2, value: 1 } }, 'reset.coil: unknown key'],
    [{ reset: 4 }, 'reset: 4: an object with one of coil, register, value is needed'],
  ])('%j', (data, expected) => {
    const problems = first(data);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });
});

it('tells of two connections that stand together', () => {
  const [, connection] = unions.find(([name]) => name === 'modbus.connection') as [string, z.ZodType];
  expect(told(connection, { tcp: 'h:1', serialServer: 'h:2' })).toEqual([
    { path: [], message: 'serialServer, tcp stand together; keep one' },
  ]);
  expect(told(connection, 'h:1')).toEqual([
    { path: [], message: '"h:1": an object with one of tcp, serial, serialServer is needed' },
  ]);
});
