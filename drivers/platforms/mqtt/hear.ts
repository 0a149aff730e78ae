/** What a platform says over MQTT: receipts on `{prefix}/ack`, commands on `command/{target}`, warnings on `notice/{id}`. */
import type { PlatformHost } from '../../contract/transport.ts';
import { BrokerError, detailOf } from './checked.ts';
import type { Connection, Incoming } from './connection.ts';
import type { Options } from './options.ts';
import { REFUSED } from './sending.ts';
import { isTopic, matchesFilter, topicPart } from './topics.ts';

export const JSON_TYPE = 'application/json';

const REPLY_ELSEWHERE =
  'its response topic is neither under {prefix}/reply/ nor in replyTopics of the config of the gateway';
const ANSWER_NOT_TAKEN = 'an answer that was asked for and is not taken';
/** It is sent back as it came. */
const CORRELATION_MAX = 1024;
const TOO_LONG = `its correlation data is longer than ${CORRELATION_MAX} bytes`;
const NONE = Buffer.alloc(0);

/**
 * A message larger than is taken ends the connection, and where it is retained it would end each one: its filter is left
 * out for so long, so that alarms go out meanwhile.
 */
const UNHEARD_MS = 600_000;
/** Of each uplink: until when its filters are left out, `elapsed`. */
const unheardOf = new WeakMap<PlatformHost, Map<string, number>>();

/** Subscribes to filters, at once or when they are heard again; counts by what the broker broke the protocol. */
function createHearing(connection: Connection, host: PlatformHost) {
  const { clock, log, uplink } = host;
  const unheard = unheardOf.get(host) ?? new Map<string, number>();
  unheardOf.set(host, unheard);
  const filters: string[] = [];
  void connection.ended.then((reason) => {
    if (!(reason instanceof BrokerError)) return;
    const { violation } = reason;
    host.discarded(violation.reason, detailOf(violation));
    const filter = filters.find((one) => matchesFilter(one, violation.topic ?? ''));
    if (filter === undefined) return;
    unheard.set(filter, clock.elapsed() + UNHEARD_MS);
    log.error(
      { uplink, filter, topic: violation.topic?.slice(0, 100), minutes: UNHEARD_MS / 60_000 },
      'a message on this topic is larger than is taken; nothing is heard on it for some minutes',
    );
  });
  const subscribe = (filter: string, take: (message: Incoming) => void): void => {
    filters.push(filter);
    connection
      .subscribe(filter, take)
      .catch((error: Error) =>
        log.error({ uplink, filter, error: error.message }, 'the broker lets nothing be heard on this topic'),
      );
  };
  return (filter: string, take: (message: Incoming) => void): void => {
    const waitMs = (unheard.get(filter) ?? 0) - clock.elapsed();
    if (waitMs <= 0) subscribe(filter, take);
    else {
      const timer = clock.after(waitMs, () => subscribe(filter, take));
      void connection.ended.then(() => timer.stop());
    }
  };
}

/** Subscribes; a broker that refuses is logged, and events go on. */
export function hearPlatform(
  connection: Connection,
  { noticeTopics, replyTopics }: Pick<Options, 'noticeTopics' | 'replyTopics'>,
  host: PlatformHost,
  prefix: string,
): void {
  const commandTopic = `${prefix}/command/`;
  const subscribe = createHearing(connection, host);
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
