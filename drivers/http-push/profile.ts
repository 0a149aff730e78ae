/**
 * A terminal's profile, as data: where its events are in a body, which fields say what, tables from codes to words, and
 * what it wants to hear. Nothing in it is run; what it costs to read a message is in proportion to the message.
 */
import { z } from 'zod';
import { alarmKinds, visitStages } from '../contract/observation.ts';
import {
  cause,
  covers,
  eventsPath,
  measure,
  number,
  path,
  reason,
  simple,
  text,
  time,
  when,
  word,
} from './reading.ts';
import { requestRule } from './requests.ts';

/** What a profile may say of the state of something, besides cards and visits. */
export const stateKinds = [
  ...alarmKinds,
  'contact',
  'exit-request',
  'forced',
  'held',
  'fault',
  'power',
  'battery',
] as const;

/** What every event may have, and what a profile may say once for all of them. */
const common = {
  at: time.optional().describe('When: RFC 3339, or seconds or ms since 1970'),
  key: text.optional().describe('The same again is the same event'),
  text: text.optional().describe('What the terminal says of it in words'),
};
const own = {
  when: when.prefault({}),
  also: z.literal(true).optional().describe('What fits further on is said as well'),
  ...common,
};

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
  reason: reason.optional().describe('Why: what stands there, a table of codes, or the codes themselves'),
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
  zone: number.optional(),
  cause: cause.optional().describe('What, more finely; alarms of one zone differ by kind and cause'),
  momentary: z.literal(true).optional().describe('It happens and is over: no end of it will come'),
  level: z
    .literal(true)
    .optional()
    .describe('It is said again and again while it is so: only a change is an event'),
  ends: z
    .array(z.string().max(100))
    .min(1)
    .max(10)
    .optional()
    .describe('Of what is restored: the causes that it ends, "" for none'),
  untold: z.literal(true).optional().describe('Of `ends`: where none of them stands it is no event'),
});
const contactId = z.strictObject({
  kind: z.literal('contact-id').describe('A report of an alarm host: qualifier and code of Contact ID, 1130'),
  ...own,
  code: text.describe('Four digits: 1 or 3, and the code'),
  zone: text.optional(),
  user: text.optional(),
  partition: text.optional(),
  alarm: when.optional().describe('When a code that no table has is an alarm of the zone, not a fault'),
});
const none = z.strictObject({
  kind: z.literal('none').describe('It only says that it is there'),
  when: when.prefault({}),
});

/** What it needs, besides its `when`, is always there: what fits goes no further. */
function takesAll(
  rule: z.output<typeof credential | typeof visit | typeof state | typeof contactId | typeof none>,
) {
  if (rule.kind === 'none') return true;
  if (rule.also === true || !('state' in rule)) return false;
  return rule.state.fixed !== undefined || rule.state.otherwise !== undefined;
}

const data = z.strictObject({
  title: z.string().describe('The terminal it is for'),
  requests: z
    .array(requestRule)
    .max(30)
    .superRefine((all, context) => {
      for (const [i, { method, path: at }] of all.entries())
        if (all.findIndex((one) => one.method === method && one.path === at) < i)
          context.addIssue({
            code: 'custom',
            path: [i, 'path'],
            message: `${method} ${at} stands here twice; keep one`,
          });
    })
    .default([])
    .describe('Paths of its own, and what it wants to hear; POST /push/DEVICE is always there'),
  events: z
    .union([eventsPath.transform((one) => [one]), z.array(eventsPath).min(1).max(10)])
    .default([[]])
    .describe(
      'Where its events are, one or a list; what stands at several of the paths is told by each; "." is the body',
    ),
  each: z
    .array(path)
    .min(1)
    .max(5)
    .optional()
    .describe(
      'Lists of an event whose items are an event each, such as the persons of a record: the first says how many, others of its length go along',
    ),
  ...common,
  past: when.optional().describe('When an event is told later than it happened: no door moves for it now'),
  who: z
    .array(path)
    .max(5)
    .default([])
    .describe('Whose it is: two alarms under one key are the same where this is too'),
  topic: z
    .array(path)
    .max(5)
    .default([])
    .describe('What an event is about: by this it is counted where no observation fits'),
  observations: z
    .array(z.discriminatedUnion('kind', [credential, visit, state, contactId, none]))
    .min(1)
    .max(100)
    .superRefine((all, context) => {
      for (const [i, { when }] of all.entries()) {
        const before = all.findIndex((other, k) => k < i && takesAll(other) && covers(other.when, when));
        if (before < 0) continue;
        const en = `is never reached: observations[${before}] before it takes all that fits here; put this one first`;
        const zh = `不会生效：前面的 observations[${before}] 已包含所有符合的事件；请把本条放到前面`;
        context.addIssue({ code: 'custom', path: [i], message: en, params: { zh } });
      }
    })
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
