/** What a platform says over MQTT: receipts on `{prefix}/ack`, commands on `command/{target}`, warnings on `notice/{id}`. */
import type { PlatformHost } from '../../contract/transport.ts';
import type { Connection, Incoming } from './connection.ts';
import type { Options } from './options.ts';

export const JSON_TYPE = 'application/json';

/** An id becomes a level of a topic: what a topic or a filter would read otherwise is replaced. */
const topicPart = (id: string) => id.replace(/[/+#\u0000]/g, '_');

/** A topic that can be published to (MQTT 5, 4.7.3, 3.3.2.3.5): else the broker would close the connection. */
const isTopic = (topic: string) =>
  topic !== '' && !/[+#\u0000\ufffd]/.test(topic) && Buffer.byteLength(topic) <= 65_535;

/** Subscribes; a broker that refuses is logged, and events go on. */
export function hearPlatform(
  connection: Connection,
  { noticeTopics }: Pick<Options, 'noticeTopics'>,
  host: PlatformHost,
  prefix: string,
): void {
  const commandTopic = `${prefix}/command/`;
  const subscribe = (filter: string, take: (message: Incoming) => void) =>
    void connection
      .subscribe(filter, take)
      .catch((error: Error) =>
        host.log.error(
          { uplink: host.uplink, filter, error: error.message },
          'the broker lets nothing be heard on this topic',
        ),
      );
  const answerCommand = async ({ payload, responseTopic, correlation }: Incoming, target: string) => {
    const reply = await host.command(payload, target);
    const asked = responseTopic !== undefined && isTopic(responseTopic) ? responseTopic : undefined;
    if (responseTopic !== undefined && asked === undefined)
      host.discarded('a response topic that is none', responseTopic.slice(0, 100));
    const to = asked ?? (reply.id === null ? undefined : `${prefix}/reply/${topicPart(reply.id)}`);
    if (to === undefined) return;
    connection.publish({
      topic: to,
      payload: JSON.stringify(reply),
      qos: 1,
      contentType: JSON_TYPE,
      correlation,
    });
  };

  if (host.receipts) subscribe(`${prefix}/ack`, ({ payload }) => host.receipt(payload));
  if (host.mayAsk())
    subscribe(
      `${commandTopic}+`,
      (message) => void answerCommand(message, message.topic.slice(commandTopic.length)),
    );
  if (!host.mayAsk('warn')) return;
  for (const topic of [`${prefix}/notice/+`, ...noticeTopics])
    subscribe(topic, (message) => {
      // Empty: a retained notice that the platform took back.
      if (message.payload.length > 0) void answerCommand(message, 'gateway');
    });
}
