/** What a platform says over MQTT: receipts on `{prefix}/ack`, commands on `command/{target}`, warnings on `notice/{id}`. */
import type { PlatformHost } from '../../contract/transport.ts';
import { BrokerError, detailOf } from './checked.ts';
import { type Connection, type Incoming, matchesFilter } from './connection.ts';
import type { Options } from './options.ts';

export const JSON_TYPE = 'application/json';

/** An id becomes a level of a topic: what a topic or a filter would read otherwise is replaced. */
const topicPart = (id: string) => id.replace(/[/+#\u0000]/g, '_');

/** A topic that can be published to (MQTT 5, 4.7.3, 3.3.2.3.5): else the broker would close the connection. */
const isTopic = (topic: string) =>
  topic !== '' && !/[+#\u0000\ufffd]/.test(topic) && Buffer.byteLength(topic) <= 65_535;

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
  { noticeTopics }: Pick<Options, 'noticeTopics'>,
  host: PlatformHost,
  prefix: string,
): void {
  const commandTopic = `${prefix}/command/`;
  const subscribe = createHearing(connection, host);
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
