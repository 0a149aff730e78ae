/**
 * What a platform says: receipts on `{prefix}/ack`, commands on `{prefix}/command/gateway`. Bad input is counted and
 * answered where it can be; it never harms.
 *
 * Issue 4 gives commands their full road (signatures, expiry, devices); these two need none of it: `replay` sends
 * again what this platform may have anyway, and `acknowledge` writes down an operator's word on an alarm.
 */
import { z } from 'zod';
import type { UplinkConfig } from '../../config/schema.ts';
import type { Log } from '../../drivers/contract.ts';
import { type EventType, type Lane, lanes } from '../event.ts';
import type { Journal } from '../journal/index.ts';
import { burstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Recorder } from '../record.ts';
import type { Connection, Incoming } from './connection.ts';
import type { Publisher } from './publisher.ts';
import { findEvent } from './resend.ts';

/** A sequence as it stands in events: a decimal string. */
const sequence = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);

/** `{prefix}/ack`: for each lane the highest sequence that the platform has stored. */
export const receiptSchema = z.object({
  journal: z.string().describe('The `journal` of the events; a receipt for another one is ignored'),
  urgent: sequence.optional(),
  normal: sequence.optional(),
  bulk: sequence.optional(),
});

const common = { id: z.string().min(1).max(64).describe('Names the command; its answer bears it') };
/** `{prefix}/command/gateway`. */
export const commandSchema = z.discriminatedUnion('action', [
  z.object({
    ...common,
    action: z.literal('replay'),
    arguments: z.object({
      journal: z.string(),
      lane: z.enum(lanes),
      after: sequence.describe('The last one before the gap; "0": from the first'),
      upTo: sequence.describe('The last one wanted'),
    }),
  }),
  z.object({
    ...common,
    action: z.literal('acknowledge'),
    arguments: z.object({
      event: z.string().max(64).describe('The `id` of the alarm'),
      sequence: sequence.describe('Its `sequence`'),
      by: z.string().min(1).max(100).describe('The operator'),
    }),
  }),
]);
export type UplinkCommand = z.output<typeof commandSchema>;

/** `{prefix}/reply/{id}`, or the response topic of the request (MQTT 5, 4.10). */
export interface Reply {
  readonly id: string | null;
  readonly done: boolean;
  readonly reason?: string;
  readonly result?: Readonly<Record<string, string | number>>;
}

const MAX_BYTES = 16_384;
/** A platform that sends a command twice (QoS 1) gets the first answer again. */
const REMEMBERED = 1000;

/** undefined: it is none. */
export function parseMessage<T extends z.ZodType>(
  schema: T,
  payload: Buffer,
): { readonly value: z.output<T> } | { readonly wrong: string; readonly id: string | null } {
  if (payload.length > MAX_BYTES) return { wrong: 'too large', id: null };
  let json: unknown;
  try {
    json = JSON.parse(payload.toString());
  } catch {
    return { wrong: 'no JSON', id: null };
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { value: parsed.data };
  const [issue] = parsed.error.issues;
  const id = (json as { id?: unknown } | null)?.id;
  return {
    wrong: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`,
    id: typeof id === 'string' ? id.slice(0, 64) : null,
  };
}

export interface IntakeContext {
  readonly prefix: string;
  readonly config: UplinkConfig;
  readonly wants: (type: EventType) => boolean;
  readonly journal: Journal;
  readonly recorder: Recorder;
  readonly publisher: Publisher;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** What outlives a connection: the answers given. */
export type Answers = Map<string, Promise<Reply>>;

/** Subscribes; a broker that refuses is logged, and events go on. */
export async function startIntake(
  connection: Connection,
  context: IntakeContext,
  answers: Answers,
): Promise<void> {
  const { prefix, config, journal, publisher, metrics, log } = context;
  const uplink = config.id;
  const bursts = burstLog(log);
  connection.ended.finally(() => bursts.close());
  const discard = (reason: string, topic: string, detail: string) => {
    metrics.uplinkDiscarded.inc({ uplink, reason });
    bursts.warn(
      `${uplink} ${reason}`,
      { uplink, topic, detail },
      `the platform sent what cannot be used: ${reason}`,
    );
  };

  const takeReceipt = ({ topic, payload }: Incoming) => {
    const parsed = parseMessage(receiptSchema, payload);
    if ('wrong' in parsed) return discard('not a receipt', topic, parsed.wrong);
    const receipt = parsed.value;
    if (receipt.journal !== journal.id)
      return discard('a receipt for another journal', topic, receipt.journal);
    for (const lane of lanes) {
      const stored = receipt[lane];
      if (stored !== undefined && !publisher.confirm(lane, stored))
        discard('a receipt for what was never sent', topic, `${lane} ${stored}`);
    }
  };

  const takeCommand = async ({ topic, payload, responseTopic, correlation }: Incoming) => {
    const parsed = parseMessage(commandSchema, payload);
    let reply: Reply;
    if ('wrong' in parsed) {
      discard('not a command', topic, parsed.wrong);
      reply = { id: parsed.id, done: false, reason: parsed.wrong };
    } else {
      const { id } = parsed.value;
      const answer = answers.get(id) ?? execute(parsed.value, context);
      answers.set(id, answer);
      for (const old of answers.keys()) {
        if (answers.size <= REMEMBERED) break;
        answers.delete(old);
      }
      reply = await answer.catch((error: Error) => {
        // Not done, so not answered for: the same command may be tried again.
        answers.delete(id);
        return { id, done: false, reason: error.message };
      });
    }
    const to = responseTopic ?? (reply.id === null ? undefined : `${prefix}/reply/${topicPart(reply.id)}`);
    if (to === undefined) return;
    connection.publish({
      topic: to,
      payload: JSON.stringify(reply),
      qos: 1,
      contentType: 'application/json',
      correlation,
    });
  };

  const subscribe = (filter: string, take: (message: Incoming) => void) =>
    connection
      .subscribe(filter, take)
      .catch((error: Error) =>
        log.error({ uplink, filter, error: error.message }, 'the broker lets nothing be heard on this topic'),
      );
  await Promise.all([
    config.receipts && subscribe(`${prefix}/ack`, takeReceipt),
    config.commands.length > 0 &&
      subscribe(`${prefix}/command/gateway`, (message) => void takeCommand(message)),
  ]);
}

/** An id becomes a level of a topic: what a topic or a filter would read otherwise is replaced. */
const topicPart = (id: string) => id.replace(/[/+#\u0000]/g, '_');

async function execute(command: UplinkCommand, context: IntakeContext): Promise<Reply> {
  const { config, journal, recorder, publisher, wants } = context;
  const { id } = command;
  const refuse = (reason: string): Reply => ({ id, done: false, reason });
  if (!config.commands.includes(command.action))
    return refuse(`${command.action} is not allowed to ${config.id} by the config of the gateway`);
  if (command.action === 'replay') {
    const { journal: wanted, lane, after, upTo } = command.arguments;
    if (wanted !== journal.id) return refuse(`the journal is ${journal.id}; ${wanted} is not here any more`);
    const end = Math.min(upTo, journal.last(lane as Lane));
    const { taken, refused } = await publisher.resend({
      lane,
      after,
      upTo: end,
      wants: ({ type }) => wants(type as EventType),
      inChain: wants,
    });
    const result = { events: taken };
    if (refused === undefined) return { id, done: true, result };
    return { id, done: false, reason: `the broker refuses ${refused.sequence}: ${refused.reason}`, result };
  }
  const { event: alarmId, sequence: number, by } = command.arguments;
  const alarm = await findEvent(journal, 'urgent', number, alarmId);
  if (alarm?.type !== 'cn.campus.alarm.raised')
    return refuse(`there is no alarm ${alarmId} with the sequence ${number}`);
  const receipt = await recorder.recordAcknowledgement(alarm, { by, uplink: config.id });
  return { id, done: true, result: { sequence: String(receipt.sequence) } };
}
