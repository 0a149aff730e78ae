/**
 * One MQTT connection: made, used, thrown away.
 *
 * MQTT.js is used for the protocol only. Its reconnects and stores are off: publish callbacks may never fire once
 * a connection closed (mqttjs/MQTT.js#1974, #360) and its stores do not survive restarts (#398). The journal is
 * the store, and `ended` is the one word that all not yet acknowledged must be sent again.
 *
 * A peer that went without a word (a cable pulled, a frozen broker, a NAT that forgot) is noticed by its silence:
 * MQTT.js pings each `keepalive`, and whoever says nothing for 1.4 times that is gone. MQTT.js's own limit starts
 * over with each packet that we send, so a half-open connection under load would outlive it. At a SUBSCRIBE a broker with
 * a whole city at its door may read nothing more for as long as its queue is made (RabbitMQ 3.10): it has more time there.
 */
import { type IClientOptions, type IPublishPacket, MqttClient } from 'mqtt';
import type { Clock } from '../../contract/clock.ts';
import { followAnswers } from './answers.ts';
import { checkedStream } from './checked.ts';
import { patience } from './patience.ts';
import {
  createSending,
  type Limits,
  type Message,
  type PublishAnswer,
  sizeOf,
  TOO_LARGE,
} from './sending.ts';
import { openStream, type StreamOptions } from './stream.ts';
import { inPlainWords } from './tls.ts';
import { matchesFilter } from './topics.ts';

export interface Will {
  readonly topic: string;
  readonly payload: string;
}

export interface ConnectionOptions extends StreamOptions {
  readonly clientId: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Seconds. */
  readonly keepalive: number;
  readonly will?: Will | undefined;
  /** How long it has to be reached, and to take us, ms. */
  readonly patienceMs?: number | undefined;
  /** How long it has in all once it was reached, ms; as `patienceMs` by default. */
  readonly answerMs?: number | undefined;
}

export interface Incoming {
  readonly topic: string;
  readonly payload: Buffer;
  /** It stood there before; else somebody says it now (MQTT 5, 3.3.1.3). */
  readonly retained: boolean;
  readonly responseTopic?: string | undefined;
  readonly correlation?: Buffer | undefined;
}

export interface Connection extends Omit<Limits, 'topicAliasMaximum'> {
  /** When the broker's certificate ends, epoch ms. */
  readonly certificateEnds?: number | undefined;
  /** From our CONNECT to its CONNACK, ms. */
  readonly answeredMs: number;
  /** `done` is called with the broker's answer to QoS 1; never, where the connection ends first. */
  publish(message: Message, done?: (answer: PublishAnswer) => void): void;
  /** Asks whether it has all that was written before; `answered`: it has. Never called where the connection ends first. */
  ping(answered: () => void): void;
  /** @throws Error where the broker refuses, or the connection ends. */
  subscribe(filter: string, take: (message: Incoming) => void): Promise<void>;
  /** It was late to let us in, and does now what a SUBSCRIBE asks for: for a while its silence is no sign. */
  isSubscribing(): boolean;
  /** Once it is over: it answered what it was sent, and did not end by silence. */
  wasOfUse(): boolean;
  isOver(): boolean;
  /** Resolves with the reason when the connection is over, whoever ended it. */
  readonly ended: Promise<Error>;
  /** Sends DISCONNECT, waits at most `timeout` ms, and closes. */
  end(timeout: number): Promise<void>;
}

/** The broker speaks no MQTT 5: CONNACK 0x01 of a 3.1.1 broker, or 0x84 (MQTT 5, 3.2.2.2). */
const PROTOCOL_REFUSED = [0x01, 0x84];
/** Of a DISCONNECT (MQTT 5, 3.14.2.1; when: 3.1.4). 3.1.1 closes without a word. */
const SESSION_TAKEN_OVER = 0x8e;
const CONNECT_TIMEOUT_MS = 10_000;
/** What comes in is commands and receipts, 16 KB at most: a broker may keep larger ones (MQTT 5, 3.1.2.11.4). */
export const INCOMING_MAXIMUM = 262_144;
/** Bytes of states and lives, which no window counts, that may wait for a broker that does not read. */
const UNREAD_MAXIMUM = 4_194_304;
/** Where the broker names none (MQTT 5, 3.2.2.3.3; 3.1.1 has none). */
const RECEIVE_MAXIMUM = 65_535;
/** The largest that its length field can say (MQTT 5, 1.5.5). */
const PACKET_MAXIMUM = 268_435_455;
/**
 * With QoS 1 nothing more would come: a clean session ends with its connection. And clusters keep for each such
 * subscription a queue with a leader of its own: on a node that is away (rabbitmq-server#4254), or, of 1,500 campuses that
 * come back at once, so many that nobody is let in any more (NATS 2.9).
 */
const SUBSCRIBED_QOS = 0;
/** Of one PUBACK, whatever else is answered: RabbitMQ owes that where the queue of a topic has no leader. */
const OWED_MAX_MS = 20_000;
const SILENCE_FACTOR = 1.4;
const SILENCE_CHECK_MS = 500;

/** Somebody else connected with our client id, and the broker closed the elder connection. */
export class SessionTakenOver extends Error {
  readonly code = 'E_UPLINK_TAKEN_OVER';
  constructor(clientId: string) {
    super(`another client connected with our client id, ${clientId}: two gateways have the same one`);
    this.name = 'SessionTakenOver';
  }
}

/**
 * `protocolRefused`: another version may work. `said`: the broker said so; `silent`: it closed the connection at the
 * CONNECT without a word, as RabbitMQ before 3.13 does with MQTT 5. `isUnanswered`: it was reached, and left our time run out.
 */
export class ConnectError extends Error {
  readonly code = 'E_UPLINK_CONNECT';
  readonly protocolRefused: 'said' | 'silent' | undefined;
  readonly isUnanswered: boolean;
  constructor(
    message: string,
    of: {
      readonly protocolRefused?: ConnectError['protocolRefused'];
      readonly isUnanswered: boolean;
      readonly cause: unknown;
    },
  ) {
    super(message, { cause: of.cause });
    this.name = 'ConnectError';
    this.protocolRefused = of.protocolRefused;
    this.isUnanswered = of.isUnanswered;
  }
}

/**
 * Connects once, with a clean session.
 * @throws ConnectError with the reason; `protocolRefused` where another version may work.
 */
export async function openConnection(
  options: ConnectionOptions,
  version: 5 | 4,
  signal: AbortSignal,
  time: Clock,
): Promise<Connection> {
  const { clientId, username, password, keepalive, will, patienceMs = CONNECT_TIMEOUT_MS } = options;
  const { answerMs = patienceMs } = options;
  const late = patience(patienceMs, answerMs, time);
  const { stream, certificateEnds } = await openStream(
    options,
    AbortSignal.any([signal, late.signal]),
    late.reached,
  ).catch((cause: Error) => {
    late.stop();
    const message = late.signal.aborted ? late.reason() : inPlainWords(cause).message;
    throw new ConnectError(message || String(cause), { isUnanswered: late.isUnanswered(), cause });
  });
  const clientOptions: IClientOptions = {
    protocolId: 'MQTT',
    protocolVersion: version,
    clientId,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    keepalive,
    reschedulePings: false,
    clean: true,
    reconnectPeriod: 0,
    // `late` is the one that counts.
    connectTimeout: 2 * Math.max(patienceMs, answerMs),
    resubscribe: false,
    queueQoSZero: false,
    // Its lines of debugging cost more than the packets they are about.
    log: () => {},
    ...(version === 5 && { properties: { maximumPacketSize: INCOMING_MAXIMUM } }),
    ...(will !== undefined && {
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
    }),
  };
  return new Promise((resolve, reject) => {
    const checked = checkedStream(stream, version, INCOMING_MAXIMUM, time);
    const client = new MqttClient(
      () => checked as ReturnType<ConstructorParameters<typeof MqttClient>[0]>,
      clientOptions,
    );
    const askedAt = time.elapsed();
    // By its limit it would end the connection, and ping no more; ours is below.
    client.onKeepaliveTimeout = () => client.sendPing();
    let reason: Error | undefined;
    const abort = () => client.end(true);
    signal.addEventListener('abort', abort, { once: true });
    // MQTT.js counts from now, and not on after a CONNACK that makes no sense to it.
    const tooLate = () => {
      reason ??= new Error(late.reason());
      client.stream.destroy();
    };
    late.signal.addEventListener('abort', tooLate, { once: true });
    client.on('error', (error) => {
      reason ??= inPlainWords(error);
      // MQTT.js reads on after what it could not read.
      client.stream.destroy();
    });
    client.on('disconnect', (packet) => {
      reason ??=
        packet.reasonCode === SESSION_TAKEN_OVER
          ? new SessionTakenOver(clientId)
          : new Error(`the broker said goodbye (reason ${packet.reasonCode ?? 0})`);
      // It may leave the socket open; the client closes it (MQTT 5, 3.14.4).
      client.stream.destroy();
    });
    client.once('connect', (connack) => {
      client.removeAllListeners('close');
      late.signal.removeEventListener('abort', tooLate);
      late.stop();
      // The broker may ask for more pings (MQTT 5, 3.2.2.3.14); fewer, and a dead line is noticed too late.
      if (client.keepalive > keepalive) client.keepaliveManager?.setKeepalive(keepalive);
      const { receiveMaximum, maximumPacketSize, topicAliasMaximum } = connack.properties ?? {};
      resolve(
        wrap(client, {
          version,
          receiveMaximum: receiveMaximum ?? RECEIVE_MAXIMUM,
          maximumPacketSize: maximumPacketSize ?? PACKET_MAXIMUM,
          certificateEnds,
          answeredMs: time.elapsed() - askedAt,
          topicAliasMaximum: topicAliasMaximum ?? 0,
          keepalive: Math.min(client.keepalive, keepalive),
          time,
          reason: () => reason,
          closed: () => signal.removeEventListener('abort', abort),
        }),
      );
    });
    client.once('close', () => {
      signal.removeEventListener('abort', abort);
      late.signal.removeEventListener('abort', tooLate);
      late.stop();
      client.end(true);
      const code = (reason as { code?: number | string } | undefined)?.code;
      const said = PROTOCOL_REFUSED.includes(code as number) ? 'said' : undefined;
      reject(
        new ConnectError(reason?.message ?? 'the broker closed the connection', {
          protocolRefused: version === 4 ? undefined : reason === undefined ? 'silent' : said,
          isUnanswered: late.isUnanswered(),
          cause: reason,
        }),
      );
    });
    if (signal.aborted) abort();
  });
}

function wrap(
  client: MqttClient,
  of: Limits &
    Pick<Connection, 'certificateEnds' | 'answeredMs'> & {
      /** Seconds. */
      readonly keepalive: number;
      readonly time: Clock;
      readonly reason: () => Error | undefined;
      readonly closed: () => void;
    },
): Connection {
  const { version, receiveMaximum, maximumPacketSize, certificateEnds, answeredMs, time } = of;
  let silence: Error | undefined;
  let over = false;
  let heardAt = time.elapsed();
  const sending = createSending(client, of, time);
  // Each byte: a large packet on a slow line is no silence.
  client.stream.on('data', () => {
    heardAt = time.elapsed();
  });
  /** In their order, MQTT.js's own among them. */
  const pings: (() => void)[] = [];
  let onPing = () => {};
  client.on('packetsend', ({ cmd }) => {
    if (cmd === 'pingreq') pings.push(onPing);
  });
  client.on('packetreceive', (packet) => {
    if (packet.cmd === 'pingresp') pings.shift()?.();
    if (packet.cmd === 'puback') sending.onAnswer(packet.messageId ?? 0, packet.reasonCode ?? 0);
  });
  const limit = of.keepalive * 1000 * SILENCE_FACTOR;
  let unread = 0;
  const answers = followAnswers(client, answeredMs, time);
  const watch = time.every(SILENCE_CHECK_MS, () => {
    const silent = time.elapsed() - heardAt;
    if (silent < limit || answers.isSubscribing()) return;
    silence = new Error(`the broker has said nothing for ${(silent / 1000).toFixed(0)} s`);
    client.stream.destroy();
  });
  const pauses = time.onPause(() => {
    heardAt = time.elapsed();
  });
  const ended = new Promise<Error>((resolve) => {
    client.once('close', () => {
      over = true;
      watch.stop();
      pauses.stop();
      of.closed();
      client.end(true);
      // A SUBSCRIBE that was never answered would leave its timer, and that the process.
      client.keepaliveManager?.destroy();
      resolve(silence ?? of.reason() ?? new Error('the connection closed'));
    });
  });
  const takers: { readonly filter: string; readonly take: (message: Incoming) => void }[] = [];
  client.on('message', (topic, payload, { properties, retain: retained }: IPublishPacket) => {
    const { responseTopic, correlationData: correlation } = properties ?? {};
    for (const { filter, take } of takers) {
      if (matchesFilter(filter, topic)) take({ topic, payload, retained, responseTopic, correlation });
    }
  });
  return {
    version,
    receiveMaximum,
    maximumPacketSize,
    certificateEnds,
    answeredMs,
    ended,
    publish(message, done) {
      // MQTT.js throws once its store is closed, and an answer to a command may come later than that.
      if (over) return done?.({ code: -1, reason: 'the connection is over' });
      const { topic, payload, qos, retain = false, contentType } = message;
      if (qos === 1) return sending.publish(message, done);
      if (sizeOf(message) > maximumPacketSize) return void process.nextTick(() => done?.(TOO_LARGE));
      // Events first: a broker may close the connection over a state that it denies (showing.ts).
      sending.flush();
      const size = sizeOf(message);
      unread += size;
      if (unread > UNREAD_MAXIMUM) {
        silence ??= new Error('the broker does not read what it is sent');
        client.stream.destroy();
        return done?.({ code: -1, reason: silence.message });
      }
      const properties = version === 5 && contentType !== undefined && { contentType };
      client.publish(topic, payload, { qos, retain, ...(properties && { properties }) }, (error) => {
        unread -= size;
        done?.({ code: error instanceof Error ? -1 : 0, reason: error?.message ?? '' });
      });
    },
    ping(answered) {
      if (over) return;
      onPing = answered;
      client.sendPing();
      onPing = () => {};
    },
    isSubscribing: answers.isSubscribing,
    wasOfUse: () =>
      silence === undefined && sending.owedMs() < OWED_MAX_MS && answers.wereOfUse(sending.owed()),
    isOver: () => over,
    async subscribe(filter, take) {
      const taker = { filter, take };
      takers.push(taker);
      const gone = ended.then((reason) => {
        throw reason;
      });
      gone.catch(() => {});
      const answered = answers.expectSuback();
      try {
        await Promise.race([client.subscribeAsync(filter, { qos: SUBSCRIBED_QOS }), gone]);
      } catch (error) {
        takers.splice(takers.indexOf(taker), 1);
        throw error;
      } finally {
        answered();
      }
    },
    async end(timeout) {
      // MQTT.js waits for PUBACKs first, and a second `end` does not hurry it.
      const late = time.after(timeout, () => client.stream.destroy());
      over = true;
      sending.flush();
      client.end(false);
      await ended;
      late.stop();
    },
  };
}
