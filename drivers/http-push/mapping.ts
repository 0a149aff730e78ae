/** From what a terminal sends to what it observed, by an expression (JSONata) of its profile. */
import jsonata from 'jsonata';
import { z } from 'zod';
import { type Clock, within } from '../contract/clock.ts';
import { alarmKinds, type DeviceObservation, visitStages } from '../contract/observation.ts';

export const profileSchema = z.strictObject({
  title: z.string().describe('The terminal it is for'),
  map: z
    .string()
    .superRefine((text, context) => {
      try {
        jsonata(text);
      } catch (error) {
        const { message, position } = error as Error & { position?: number };
        context.addIssue({ code: 'custom', message: `${message} (character ${position ?? 0})` });
      }
    })
    .describe('JSONata: the body of a message -> an observation, several, or nothing'),
});
export type Profile = z.output<typeof profileSchema>;

const text = z.string().max(500);
const base = {
  key: z
    .union([z.string().max(100), z.number()])
    .optional()
    .describe('The same again is the same event'),
  at: z.union([z.string(), z.number()]).optional().describe('RFC 3339, or seconds or ms since 1970'),
  text: text.optional(),
};
/** What a mapping gives. */
export const mappedSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('credential'),
    credential: z.strictObject({
      format: z.string().max(40),
      number: z.union([z.string().min(1).max(100), z.number()]).transform(String),
      facility: z.int().optional(),
    }),
    decision: z
      .enum(['granted', 'denied', 'unknown'])
      .optional()
      .describe('Where the terminal decided itself'),
    reason: text.optional(),
    match: z.number().min(0).max(1).optional().describe('How like the face is'),
    ...base,
  }),
  z.strictObject({
    kind: z.literal('visit'),
    visit: z.strictObject({
      id: z.union([z.string().min(1).max(64), z.number()]).transform(String),
      stage: z.enum(visitStages),
      name: text.optional(),
      host: text.optional(),
      purpose: text.optional(),
      until: z.iso.datetime({ offset: true }).optional(),
    }),
    ...base,
  }),
  z.strictObject({
    kind: z.enum([...alarmKinds, 'contact', 'exit-request', 'fault', 'power', 'battery']),
    state: z.enum(['raised', 'restored']),
    zone: z.int().min(0).max(9999).optional(),
    cause: text.optional(),
    ...base,
  }),
]);
export type Mapped = z.output<typeof mappedSchema>;

/** A mapping that takes longer is wrong. */
const TIMEOUT_MS = 1000;

/** @returns what was observed; a string: the mapping gave something else, or failed. Never rejects. */
export async function mapMessage(
  expression: jsonata.Expression,
  body: unknown,
  time: Clock,
): Promise<readonly Mapped[] | string> {
  let given: unknown;
  try {
    const late = () => new Error('it takes too long');
    given = await within(expression.evaluate(body), TIMEOUT_MS, time, late);
  } catch (error) {
    return `the mapping failed: ${(error as Error).message}`;
  }
  if (given === undefined || given === null) return [];
  // JSONata's arrays carry members of their own.
  const plain = JSON.parse(JSON.stringify(given)) as unknown;
  const parsed = z.array(mappedSchema).safeParse(Array.isArray(plain) ? plain : [plain]);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return `the mapping gives what is no observation: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`;
}

/** Before that no terminal of today was made: a clock that says so has lost its battery. */
const OLDEST = Date.UTC(2020, 0, 1);
const AHEAD_MS = 60_000;

/** When it happened, as the terminal says, and whether its clock can be believed. */
export function timeOf(at: Mapped['at'], now: number): DeviceObservation['at'] {
  if (at === undefined) return undefined;
  const seconds = typeof at === 'number' || /^\d+$/.test(at) ? Number(at) : undefined;
  const time = seconds === undefined ? Date.parse(String(at)) : seconds < 1e11 ? seconds * 1000 : seconds;
  if (!Number.isFinite(time) || Math.abs(time) > 8.64e15) return undefined;
  return { time, trusted: time >= OLDEST && time <= now + AHEAD_MS };
}
