/** What a platform says over MQTT: receipts on `{prefix}/ack`, commands on `command/{target}`, warnings on `notice/{id}`. */
import type { PlatformHost } from '../../contract/transport.ts';
import type { Connection, Incoming } from './connection.ts';
import type { Options } from './options.ts';
import { REFUSED } from './sending.ts';
import type { Subscribing } from './subscribing.ts';
import { isTopic, matchesFilter, topicPart } from './topics.ts';

export const JSON_TYPE = 'application/json';

const REPLY_ELSEWHERE =
  'its response topic is neither under {prefix}/reply/ nor in replyTopics of the config of the gateway';
const ANSWER_NOT_TAKEN = 'an answer that was asked for and is not taken';
/** It is sent back as it came. */
const CORRELATION_MAX = 1024;
const TOO_LONG = `its correlation data is longer than ${CORRELATION_MAX} bytes`;
const NONE = Buffer.alloc(0);

export function hearPlatform(
  connection: Connection,
  { hear }: Subscribing,
  { noticeTopics, replyTopics }: Pick<Options, 'noticeTopics' | 'replyTopics'>,
  host: PlatformHost,
  prefix: string,
  sayThere: () => void,
): void {
  const commandTopic = `${prefix}/command/`;
  /** What it asks for must not borrow the gateway's right to publish. */
  const mayAnswer = (topic: string) =>
    isTopic(topic) &&
    (topic.startsWith(`${prefix}/reply/`) || replyTopics.some((filter) => matchesFilter(filter, topic)));
  const answerCommand = async ({ payload, responseTopic, correlation = NONE }: Incoming, target: string) => {
    const elsewhere = responseTopic !== undefined && !mayAnswer(responseTopic);
    const wrong = elsewhere ? REPLY_ELSEWHERE : correlation.length > CORRELATION_MAX ? TOO_LONG : undefined;
    if (elsewhere) host.discarded('a response topic that is not allowed', responseTopic.slice(0, 100));
    const reply = await host.command(payload, target, wrong);
    if (reply === undefined) return;
    const asked = elsewhere ? undefined : responseTopic;
    const to = asked ?? (reply.id === null ? undefined : `${prefix}/reply/${topicPart(reply.id)}`);
    if (to === undefined) return;
    const answer = {
      topic: to,
      payload: JSON.stringify(reply),
      qos: 1,
      contentType: JSON_TYPE,
      correlation: correlation === NONE || wrong !== undefined ? undefined : correlation,
    } as const;
    connection.publish(answer, ({ code, reason }) => {
      if (code === -1 || code >= REFUSED) host.discarded(ANSWER_NOT_TAKEN, reason);
    });
  };

  // A platform repeats its receipts for who says that it is there: those of before were not heard.
  if (host.receipts) hear(`${prefix}/ack`, ({ payload }) => host.receipt(payload), sayThere);
  if (host.mayAsk())
    hear(
      `${commandTopic}+`,
      (message) => void answerCommand(message, message.topic.slice(commandTopic.length)),
    );
  if (!host.mayAsk('warn')) return;
  for (const topic of [`${prefix}/notice/+`, ...noticeTopics])
    hear(topic, (message) => {
      // Empty: a retained notice that the platform took back.
      if (message.payload.length > 0) void answerCommand(message, 'gateway');
    });
}
