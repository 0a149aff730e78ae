/** What may be asked: every parameter has a shape and an end. */
import { z } from 'zod';
import { say } from '../../../config/language.ts';

/** Names that somebody may type: no control characters, which no database takes. */
const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}]*$/u);
/** UTC, of this century: what a database and a page both know. */
const moment = z.iso.datetime().regex(/^20/).max(40);

const ID_MAX = 128;
export const idParams = z.object({ id: text(ID_MAX) });

const limit = (usual: number, most: number) => z.coerce.number().int().min(1).max(most).default(usual);
const before = z
  .string()
  .max(40 + 1 + ID_MAX)
  .regex(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z,[^\p{Cc}\s,]+$/u)
  .refine((one) => !Number.isNaN(Date.parse(one.split(',')[0] ?? '')))
  .describe('`receivedAt` and `id` of the last one of before, with a comma between: what is older');

/** What is asked by a name that is none would be answered as if it had not been asked: it is refused. */
const parameters = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined;
      const [names, known] = [issue.keys.join(', '), Object.keys(shape).join(', ')];
      return say(
        `there is no parameter ${names} here; leave it out, or use one of ${known}`,
        `没有参数 ${names}；请去掉，或使用：${known}`,
      );
    },
  });

/** Which campus's, where several may use one id. */
export const campusQuery = parameters({
  campus: text(64).optional().describe('Its campus: several may use one id'),
});

export const campusesQuery = parameters({
  district: text(32).optional().describe('Code of the district: its campuses alone'),
});
export const alarmsQuery = parameters({
  state: z.enum(['standing', 'untaken', 'all']).default('standing'),
  campus: text(64).optional(),
  district: text(32).optional(),
  place: text(100).optional().describe('In a name or an id of a zone, an area or a device'),
  each: z.coerce
    .number()
    .int()
    .min(1)
    .max(500)
    .optional()
    .describe('So many of each campus at most, those that come first; not with `before`'),
  before: before.optional(),
  limit: limit(200, 500),
});
export const eventsQuery = parameters({
  campus: text(64).optional(),
  district: text(32).optional(),
  type: text(100).optional().describe('With `*` at its end: all that begin so'),
  from: moment.optional(),
  to: moment.optional(),
  before: before.optional(),
  limit: limit(100, 500),
});
export const streamQuery = parameters({
  after: z.string().max(64).optional().describe('The id of the last frame that was heard'),
  campus: text(64).optional().describe('Of this campus alone: alarms, and how it is'),
  district: text(32).optional().describe('Of the campuses of this district, by its first six digits'),
  place: text(100).optional().describe('Alarms with this in a name or an id of a zone, an area or a device'),
});
export type StreamQuery = z.output<typeof streamQuery>;
/** `before`: an `id` of the last one of before. */
export const auditQuery = parameters({
  campus: text(64).optional(),
  user: text(100).optional().describe('Who did it'),
  before: z
    .string()
    .regex(/^[1-9]\d{0,15}$/)
    .optional()
    .describe('The `id` of the last one of before: what is older'),
  limit: limit(100, 500),
});
export const latencyQuery = parameters({
  from: moment.describe('At most a week before `to`'),
  to: moment,
  campus: text(64).optional(),
});

const WEEK_MS = 7 * 86_400_000;
export const isSpan = ({ from, to }: { readonly from: string; readonly to: string }): boolean => {
  const ms = Date.parse(to) - Date.parse(from);
  return ms > 0 && ms <= WEEK_MS;
};

/** `before` as it is read. */
export function beforeOf(text: string | undefined): { readonly at: string; readonly id: string } | undefined {
  if (text === undefined) return undefined;
  const comma = text.indexOf(',');
  return { at: text.slice(0, comma), id: text.slice(comma + 1) };
}
