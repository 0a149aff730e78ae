/**
 * A terminal's profile, as data: where its events are in a body, which fields say what, tables from codes to words.
 * Nothing in it is run; what it costs to read a message is in proportion to the message.
 */
import { z } from 'zod';
import { alarmKinds, visitStages } from '../contract/observation.ts';

/** What a profile may say of the state of something, besides cards and visits. */
export const stateKinds = [...alarmKinds, 'contact', 'exit-request', 'fault', 'power', 'battery'] as const;

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
const path = z.string().transform((text, context): Path => {
  const { en, zh, isWrong } = pathProblem(text);
  if (isWrong) context.addIssue({ code: 'custom', message: en, params: { zh } });
  return text.split('.');
});
const paths = z.union([path.transform((one) => [one]), z.array(path).min(1).max(10)]);
/** As a path; `.` is the body itself. */
const eventsPath = z.union([z.literal('.').transform((): Path => []), path]);

/** A value that a message may bear. */
export interface Reading {
  /** The first that is there and not empty. */
  readonly paths?: readonly Path[];
  /** All of them, or nothing. */
  readonly join?: { readonly paths: readonly Path[]; readonly by: string };
  readonly fixed?: string;
  /** From what stands there to what it means. */
  readonly table?: Readonly<Record<string, string>>;
  /** What all else means, and nothing too. */
  readonly otherwise?: string;
  readonly scale?: number;
  /** Of local times that say none. */
  readonly offset?: string;
}

const offset = z
  .string()
  .regex(/^[+-]\d{2}:\d{2}$/, 'the offset of local times, such as +08:00')
  .describe('Of local times that say none: +08:00');
const fixed = z.strictObject({ fixed: z.string().min(1).max(100).describe('Always this') });
const join = z
  .strictObject({
    join: z
      .array(path)
      .min(2)
      .max(5)
      .describe('All of these, with a stroke between; nothing where one is missing'),
  })
  .transform(({ join: all }): Reading => ({ join: { paths: all, by: '/' } }));
const simple = paths.transform((all): Reading => ({ paths: all }));
const text = z.union([simple, join, fixed]);
const time = z.union([
  simple,
  z
    .strictObject({ path: paths, offset })
    .transform(({ path: all, offset: zone }): Reading => ({ paths: all, offset: zone })),
]);
const measure = z.union([
  simple,
  z
    .strictObject({ path: paths, scale: z.number().describe('The value times this') })
    .transform(({ path: all, scale }): Reading => ({ paths: all, scale })),
]);
/** One of some words: the word itself, or a table from codes to words. */
function word<Words extends z.ZodType<string>>(words: Words) {
  const table = z
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
  return z.union([words.transform((one): Reading => ({ fixed: one })), table]);
}

const scalar = z.union([z.string(), z.number(), z.boolean()]);
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
    .refine(({ from, to }) => from !== undefined || to !== undefined, 'from, to or both'),
]);
export type Condition = z.output<typeof condition>;

const when = z
  .record(z.string(), condition)
  .transform((conditions, context) =>
    Object.entries(conditions).map(([at, one]) => {
      const { en, zh, isWrong } = pathProblem(at);
      if (isWrong) context.addIssue({ code: 'custom', message: en, path: [at], params: { zh } });
      return { path: at.split('.') as Path, ...one };
    }),
  )
  .describe('Paths and what must stand there: a value, several, `not: ...`, or numbers `from: ... to: ...`');

/** What every event may have, and what a profile may say once for all of them. */
const common = {
  at: time.optional().describe('When: RFC 3339, or seconds or ms since 1970'),
  key: text.optional().describe('The same again is the same event'),
  text: text.optional().describe('What the terminal says of it in words'),
};
const own = { when: when.prefault({}), ...common };

const credential = z.strictObject({
  kind: z.literal('credential').describe('A face, a card or a person at a door'),
  ...own,
  credential: z.strictObject({
    format: word(z.string().min(1).max(40)).describe('face, card, person, or the name of a card format'),
    number: text.describe('Of the person or the card; without it there is no event'),
    facility: simple.optional(),
  }),
  decision: word(z.enum(['granted', 'denied', 'unknown']))
    .optional()
    .describe('Where the terminal decided itself'),
  reason: text.optional(),
  match: measure.optional().describe('How like the face is, 0 to 1'),
});
const visit = z.strictObject({
  kind: z.literal('visit').describe('A visitor'),
  ...own,
  visit: z.strictObject({
    id: text.describe('Of the visit; without it there is no event'),
    stage: word(z.enum(visitStages)),
    name: text.optional(),
    host: text.optional().describe('Whom they come to see'),
    purpose: text.optional(),
    until: time.optional(),
  }),
});
const state = z.strictObject({
  kind: z.enum(stateKinds),
  ...own,
  state: word(z.enum(['raised', 'restored'])),
  zone: z
    .union([
      z
        .int()
        .min(0)
        .max(9999)
        .transform((one): Reading => ({ fixed: String(one) })),
      simple,
    ])
    .optional(),
  cause: word(z.string().min(1).max(100)).optional(),
});

const data = z.strictObject({
  title: z.string().describe('The terminal it is for'),
  events: z
    .union([eventsPath.transform((one) => [one]), z.array(eventsPath).min(1).max(10)])
    .default([[]])
    .describe(
      'Where its events are, one or a list; of several paths the first that is there; "." is the body',
    ),
  ...common,
  observations: z
    .array(z.discriminatedUnion('kind', [credential, visit, state]))
    .min(1)
    .max(100)
    .describe('What an event means: the first that fits and has what it needs'),
});
/** A profile, read and checked. Profiles that had an expression are told what to write instead. */
export const profileSchema = z.preprocess((written, context) => {
  const map: unknown = (written as { map?: unknown } | null)?.map;
  if (map === undefined) return written;
  const { en, zh } = howToWriteAnew(String(map));
  context.addIssue({ code: 'custom', path: ['map'], message: en, params: { zh }, input: 'an expression' });
  return z.NEVER;
}, data);
export type Profile = z.output<typeof data>;
export type Rule = Profile['observations'][number];

/** What stands in place of an expression (JSONata) of before, with what can be seen of it. */
function howToWriteAnew(expression: string): { readonly en: string; readonly zh: string } {
  const kinds = [...expression.slice(0, 20_000).matchAll(/["']kind["'] ?: ?["']([a-z-]{1,20})["']/g)];
  const shapes = [...new Set(kinds.map(([, kind = '']) => kind))].map((kind) => {
    if (kind === 'credential')
      return '{ kind: credential, when: { FIELD: VALUE }, credential: { format: face, number: FIELD }, at: FIELD }';
    if (kind === 'visit')
      return '{ kind: visit, visit: { id: FIELD, stage: { path: FIELD, table: { CODE: arrived } } } }';
    return `{ kind: ${kind}, when: { FIELD: VALUE }, state: raised }`;
  });
  const shape = `observations: [${(shapes.length > 0 ? shapes : ['{ kind: ..., when: { FIELD: VALUE }, ... }']).join(', ')}]`;
  const where = 'drivers/http-push/README.md';
  return {
    en: `expressions (JSONata) are no more; a profile is data: in place of map, events: where the events are in the body, and ${shape}; ${where} shows each part`,
    zh: `不再支持表达式（JSONata），设备模型改为数据：删去 map，写 events（事件在正文中的路径）和 ${shape}；各部分见 ${where}`,
  };
}
