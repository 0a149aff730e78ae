/**
 * One MQTT connection: made, used, thrown away.
 *
 * MQTT.js is used for the protocol only. Its reconnects and stores are off: publish callbacks may never fire once
 * a connection closed (mqttjs/MQTT.js#1974, #360) and its stores do not survive restarts (#398). The journal is
 * the store, and `ended` is the one word that all not yet acknowledged must be sent again.
 */
import { Socket } from 'node:net';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';

export interface Will {
  readonly topic: string;
  readonly payload: string;
}

export interface ConnectionOptions {
  readonly url: string;
  readonly clientId: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Seconds. */
  readonly keepalive: number;
  readonly will: Will;
}

export interface Message {
  readonly topic: string;
  readonly payload: string;
  /**
   * 1 for what must arrive. Retained states go with 0: the next connection sends them again, and they take no
   * place in the broker's receive maximum.
   */
  readonly qos: 0 | 1;
  readonly retain?: boolean;
  /** MQTT 5 only. */
  readonly contentType?: string;
}

export interface Connection {
  readonly version: 5 | 4;
  /** How many QoS 1 messages the broker takes at once (MQTT 5, 3.2.2.3.3). */
  readonly receiveMaximum: number;
  /** `done` is called with nothing on PUBACK, with an error on refusal; never, where the connection ends first. */
  publish(message: Message, done: (error?: Error) => void): void;
  /** Resolves with the reason when the connection is over, whoever ended it. */
  readonly ended: Promise<Error>;
  /** Sends DISCONNECT, waits at most `timeout` ms, and closes. */
  end(timeout: number): Promise<void>;
}

/** The broker speaks no MQTT 5: CONNACK 0x01 of a 3.1.1 broker, or 0x84 (MQTT 5, 3.2.2.2). */
const PROTOCOL_REFUSED = [0x01, 0x84];
const CONNECT_TIMEOUT_MS = 10_000;
/** Where the broker names none (MQTT 5, 3.2.2.3.3; 3.1.1 has none). */
const RECEIVE_MAXIMUM = 65_535;

export class ConnectError extends Error {
  readonly code = 'E_UPLINK_CONNECT';
  readonly protocolRefused: boolean;
  constructor(message: string, protocolRefused: boolean, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConnectError';
    this.protocolRefused = protocolRefused;
  }
}

/**
 * Connects once, with a clean session.
 * @throws ConnectError with the reason; `protocolRefused` where another version may work.
 */
export function openConnection(
  options: ConnectionOptions,
  version: 5 | 4,
  signal: AbortSignal,
): Promise<Connection> {
  const { url, clientId, username, password, keepalive, will } = options;
  const clientOptions: IClientOptions = {
    protocolVersion: version,
    clientId,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    keepalive,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    resubscribe: false,
    queueQoSZero: false,
    will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
  };
  return new Promise((resolve, reject) => {
    const client = connect(url, clientOptions);
    let reason: Error | undefined;
    const abort = () => client.end(true);
    signal.addEventListener('abort', abort, { once: true });
    client.on('error', (error) => {
      reason ??= error;
    });
    client.on('disconnect', (packet) => {
      reason ??= new Error(`the broker said goodbye (reason ${packet.reasonCode ?? 0})`);
    });
    client.once('connect', (connack) => {
      client.removeAllListeners('close');
      // MQTT.js leaves Nagle on: an alarm behind another message would wait 40 ms for a delayed ACK.
      if (client.stream instanceof Socket) client.stream.setNoDelay(true);
      resolve(
        wrap(
          client,
          version,
          connack.properties?.receiveMaximum ?? RECEIVE_MAXIMUM,
          () => reason,
          signal,
          abort,
        ),
      );
    });
    client.once('close', () => {
      signal.removeEventListener('abort', abort);
      client.end(true);
      const code = (reason as { code?: number | string } | undefined)?.code;
      const refused = version === 5 && PROTOCOL_REFUSED.includes(code as number);
      reject(
        new ConnectError(reason?.message ?? 'the broker closed the connection', refused, { cause: reason }),
      );
    });
    if (signal.aborted) abort();
  });
}

function wrap(
  client: MqttClient,
  version: 5 | 4,
  receiveMaximum: number,
  reason: () => Error | undefined,
  signal: AbortSignal,
  abort: () => void,
): Connection {
  const ended = new Promise<Error>((resolve) => {
    client.once('close', () => {
      signal.removeEventListener('abort', abort);
      client.end(true);
      resolve(reason() ?? new Error('the connection closed'));
    });
  });
  return {
    version,
    receiveMaximum,
    ended,
    publish({ topic, payload, qos, retain = false, contentType }, done) {
      const properties = version === 5 && contentType !== undefined ? { contentType } : undefined;
      client.publish(topic, payload, { qos, retain, ...(properties && { properties }) }, (error) =>
        done(error instanceof Error ? error : undefined),
      );
    },
    async end(timeout) {
      const timer = setTimeout(() => client.end(true), timeout);
      client.end(false);
      await ended;
      clearTimeout(timer);
    },
  };
}
