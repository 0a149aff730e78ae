/**
 * What a desk asks of a simulated campus: read, refused, carried out and answered as a gateway does (docs/platform.md,
 * "Commands") whose config allows replay, acknowledge and close. It has no keys: a signature is not looked at. It makes
 * no events of commands, for it has no audit that these could prove.
 */
import type { IPublishPacket, MqttClient } from 'mqtt';
import { z } from 'zod';
import { wrongArgument, wrongOf } from '../../drivers/contract/driver.ts';
import { lanes } from '../../drivers/contract/lane.ts';
import type { CityAlarms, Result } from './alarms.ts';

/** `id` is null where what came was no command. */
export interface Answer extends Result {
  readonly id: string | null;
}

const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const message = z.strictObject({
  id: z.string().min(1).max(64),
  action: z.string().min(1).max(64),
  target: z.string().min(1).max(64).optional(),
  audience: z.string().min(1).max(100).optional(),
  issuer: z.string().min(1).max(100).optional(),
  issuedAt: time.optional(),
  expiresAt: time.optional(),
  arguments: z.record(z.string(), z.unknown()).default({}),
  signature: z.string().optional(),
});
type Command = z.output<typeof message>;

const sequence = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);
const named = { event: z.string().max(64), sequence, by: z.string().min(1).max(100) };
const reasons = ['real', 'test', 'false-user', 'false-device', 'false-environment', 'unknown'] as const;
const replay = z.strictObject({ journal: z.string(), lane: z.enum(lanes), after: sequence, upTo: sequence });
const acknowledge = z.strictObject(named);
const close = z.strictObject({ ...named, reason: z.enum(reasons), note: z.string().max(1000).optional() });

const COMMAND_MAX_BYTES = 16_384;
const CLOCK_TOLERANCE_MS = 60_000;
const LIFETIME_MAX_MS = 86_400_000;
/** Answered, by id: who asks again after an answer was lost does so within a minute. */
const ANSWERED_MAX = 64;

function read(
  text: string,
): { readonly command: Command } | { readonly wrong: string; readonly id: string | null } {
  if (Buffer.byteLength(text) > COMMAND_MAX_BYTES) return { wrong: 'too large', id: null };
  try {
    const json: unknown = JSON.parse(text);
    const { success, data: command, error } = message.safeParse(json);
    if (success) return { command };
    const id = (json as { id?: unknown } | null)?.id;
    return { wrong: wrongOf(error), id: typeof id === 'string' && id !== '' ? id.slice(0, 64) : null };
  } catch {
    return { wrong: 'no JSON', id: null };
  }
}

/** Why it may not act, whenever it comes. */
function whyNever({ target: own, audience, action, issuer }: Command, campus: string, target: string) {
  if (own !== undefined && own !== target) return `it is for ${own}, and came to ${target}`;
  if (audience !== undefined && audience !== campus)
    return `it is for the campus ${audience}, and came to ${campus}`;
  return target === 'gateway' && ['replay', 'acknowledge', 'close'].includes(action)
    ? undefined
    : `${action} on ${target} is not allowed to ${issuer ?? 'it'} by the config of the gateway`;
}

/** All that it knows are harmless, and may go without times. */
function whyNotNow({ issuedAt, expiresAt }: Command, now: number): string | undefined {
  if (issuedAt === undefined || expiresAt === undefined) return undefined;
  const clock = `the gateway's clock says ${new Date(now).toISOString()}`;
  if (expiresAt <= now) return `it expired at ${new Date(expiresAt).toISOString()}; ${clock}`;
  if (issuedAt > now + CLOCK_TOLERANCE_MS) return `it was issued in the future; ${clock}`;
  return expiresAt - issuedAt > LIFETIME_MAX_MS ? 'it may act for longer than a day' : undefined;
}

/** Reads arguments, and carries out. */
function perform<S extends z.ZodObject>(
  action: string,
  schema: S,
  given: object,
  run: (wanted: z.output<S>) => Result,
): Result {
  const { success, data, error } = schema.safeParse(given);
  if (success) return run(data);
  const [issue] = error.issues;
  const names = Object.keys(schema.shape).join(', ');
  return {
    done: false,
    reason:
      issue?.code === 'unrecognized_keys'
        ? `arguments: ${issue.keys.length} unrecognized by ${action}; it has ${names}`
        : wrongArgument(error),
  };
}

/** `wrong`: why it may not act, whatever it is. */
export type TakeCommand = (text: string, target: string, wrong?: string) => Answer;

export function createCommands(options: {
  readonly campus: string;
  readonly journal: string;
  readonly alarms: Pick<CityAlarms, 'acknowledge' | 'close'>;
  /** Sends them once more. @returns how many. */
  readonly replay: (lane: string, after: number, upTo: number) => number;
  /** Epoch ms. */
  readonly now: () => number;
}): TakeCommand {
  const { campus, journal, alarms, now } = options;
  const answered = new Map<string, Result>();
  const send = (wanted: z.output<typeof replay>): Result =>
    wanted.journal === journal
      ? { done: true, result: { events: options.replay(wanted.lane, wanted.after, wanted.upTo) } }
      : { done: false, reason: `the journal is ${journal}; ${wanted.journal} is not here any more` };
  const carryOut = ({ action, arguments: given }: Command): Result => {
    if (action === 'replay') return perform(action, replay, given, send);
    return action === 'close'
      ? perform(action, close, given, ({ note, ...wanted }) =>
          alarms.close({ ...wanted, ...(note !== undefined && { note }) }),
        )
      : perform(action, acknowledge, given, alarms.acknowledge);
  };
  return (text, target, wrong) => {
    const one = read(text);
    if ('wrong' in one) return { id: one.id, done: false, reason: one.wrong };
    const { command } = one;
    const { id, action } = command;
    const never = wrong ?? whyNever(command, campus, target);
    if (never !== undefined) return { id, done: false, reason: never };
    const first = answered.get(id);
    if (first !== undefined) return { id, ...first };
    const late = whyNotNow(command, now());
    if (late !== undefined) return { id, done: false, reason: late };
    const result = carryOut(command);
    // A replay that was lost with its connection may be asked for once more.
    if (action !== 'replay') answered.set(id, result);
    const [oldest = ''] = answered.keys();
    if (answered.size > ANSWERED_MAX) answered.delete(oldest);
    return { id, ...result };
  };
}

const REPLY_ELSEWHERE =
  'its response topic is neither under {prefix}/reply/ nor in replyTopics of the config of the gateway';

/** Answers where it was asked to, below the campus's own topics, or under the id of the command. */
export const answerOver =
  (prefix: string, take: TakeCommand) =>
  (one: MqttClient, topic: string, text: string, properties: IPublishPacket['properties']): void => {
    const { responseTopic, correlationData } = properties ?? {};
    const mayAnswer = responseTopic?.startsWith(`${prefix}/reply/`) === true && !/[+#]/.test(responseTopic);
    const wrong = responseTopic === undefined || mayAnswer ? undefined : REPLY_ELSEWHERE;
    const answer = take(text, topic.slice(`${prefix}/command/`.length), wrong);
    const own = answer.id === null ? undefined : `${prefix}/reply/${answer.id.replace(/[/+#\p{Cc}]/gu, '_')}`;
    const to = mayAnswer ? responseTopic : own;
    if (to === undefined) return;
    const asked = mayAnswer && correlationData !== undefined && { properties: { correlationData } };
    one.publish(to, JSON.stringify(answer), { qos: 1, ...asked }, () => {});
  };
