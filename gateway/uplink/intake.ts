/**
 * What a platform says: receipts on `{prefix}/ack`, commands on `{prefix}/command/{target}`. Bad input is counted and
 * answered where it can be; it never harms. What a command may do is commands/; here are those that are about this
 * platform's own events.
 */
import { z } from 'zod';

import type { EventType } from '../../config/catalogue/events.ts';
import type { UplinkConfig } from '../../config/sections/uplinks.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { lanes } from '../../drivers/contract/lane.ts';
import type { Connection, Incoming } from '../../drivers/platforms/mqtt/connection.ts';
import type { Commands, Source } from '../commands/index.ts';
import type { Journal } from '../journal/index.ts';
import { burstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Recorder } from '../road/recorder.ts';
import type { Publisher } from './publisher.ts';

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

const MAX_BYTES = 16_384;

/** Reads a receipt. Never throws; `wrong` says why it is none. */
export function readReceipt(
  payload: Buffer,
): { readonly receipt: z.output<typeof receiptSchema> } | { readonly wrong: string } {
  if (payload.length > MAX_BYTES) return { wrong: 'too large' };
  let json: unknown;
  try {
    json = JSON.parse(payload.toString());
  } catch {
    return { wrong: 'no JSON' };
  }
  const parsed = receiptSchema.safeParse(json);
  return parsed.success ? { receipt: parsed.data } : { wrong: wrongOf(parsed.error) };
}

const wrongOf = ({ issues: [issue] }: z.ZodError) =>
  `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`;

export interface IntakeContext {
  readonly prefix: string;
  readonly config: UplinkConfig;
  readonly wants: (type: EventType) => boolean;
  readonly journal: Journal;
  readonly recorder: Recorder;
  readonly publisher: Publisher;
  readonly commands: Commands;
  /** Whose signatures are believed. */
  readonly keys: Source['keys'];
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Subscribes; a broker that refuses is logged, and events go on. */
export async function startIntake(connection: Connection, context: IntakeContext): Promise<void> {
  const { prefix, config, journal, publisher, metrics, log } = context;
  const uplink = config.id;
  const commandTopic = `${prefix}/command/`;
  const noticeTopics = [`${prefix}/notice/+`, ...config.noticeTopics];
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
    const read = readReceipt(payload);
    if ('wrong' in read) return discard('not a receipt', topic, read.wrong);
    const { receipt } = read;
    if (receipt.journal !== journal.id)
      return discard('a receipt for another journal', topic, receipt.journal);
    for (const lane of lanes) {
      const stored = receipt[lane];
      if (stored !== undefined && !publisher.confirm(lane, stored))
        discard('a receipt for what was never sent', topic, `${lane} ${stored}`);
    }
  };

  const source: Source = {
    kind: 'uplink',
    id: uplink,
    rules: config.commands,
    keys: context.keys,
  };
  const takeCommand = async (message: Incoming, target: string) => {
    const { payload, responseTopic, correlation } = message;
    const reply = await context.commands.receiveCommand(payload, target, source);
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
      subscribe(
        `${commandTopic}+`,
        (message) => void takeCommand(message, message.topic.slice(commandTopic.length)),
      ),
    ...(config.commands.some(({ actions }) => actions.includes('warn')) ? noticeTopics : []).map((topic) =>
      subscribe(topic, (message) => {
        // A retained notice that the platform took back.
        if (message.payload.length > 0) void takeCommand(message, 'gateway');
      }),
    ),
  ]);
}

/** An id becomes a level of a topic: what a topic or a filter would read otherwise is replaced. */
const topicPart = (id: string) => id.replace(/[/+#\u0000]/g, '_');
