/** A broker's bytes between its socket and MQTT.js: what breaks the protocol ends the connection, and is not passed on. */
import { Duplex } from 'node:stream';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import type { Clock } from '../../contract/clock.ts';
import { packetReader, type Violation } from './codec.ts';

/** The broker breaks the protocol, or sends more than is taken. */
export class BrokerError extends Error {
  readonly code = 'E_UPLINK_PROTOCOL';
  readonly violation: Violation;
  constructor(violation: Violation) {
    super(`the broker sent ${violation.reason}`);
    this.name = 'BrokerError';
    this.violation = violation;
  }
}

/** What varies of it. */
export const detailOf = ({ size, topic }: Violation) =>
  [size === undefined ? [] : `${size} bytes`, topic === undefined ? [] : `on ${topic.slice(0, 100)}`]
    .flat()
    .join(' ');

type Dial = ConstructorParameters<typeof MqttClient>[0];

/**
 * Bytes that go on in one turn of the event loop. libuv reads a socket 32 times before it looks at the next, and MQTT.js
 * goes through all of it: 2 MB of small messages are 0.7 s in which no panel is heard.
 */
const TURN_BYTES = 2048;
/**
 * Of one broker, on average, and at once: 60,000 acknowledgements a second, or an eighth of a processor for 5,000 small
 * messages. What is more waits with the broker.
 */
const BYTES_A_MS = 256;
const BURST_BYTES = 524_288;

/** @returns how long to wait once so many more bytes went on, ms. */
function createPace(time: Pick<Clock, 'elapsed'>): (bytes: number) => number {
  let owed = 0;
  let at = time.elapsed();
  return (bytes) => {
    const now = time.elapsed();
    owed = Math.max(0, owed - (now - at) * BYTES_A_MS) + bytes;
    at = now;
    return Math.max(0, owed - BURST_BYTES) / BYTES_A_MS;
  };
}

/**
 * `below`, with its packets checked. It ends with a BrokerError where they break the protocol.
 * `time`: a flood is paced by it; without it, others get their turn, and no more.
 */
export function checkedStream(below: Duplex, version: 5 | 4, maximum: number, time?: Clock): Duplex {
  const reader = packetReader(version, maximum);
  const pace = time === undefined ? () => 0 : createPace(time);
  /** Read of `below`, which is paused meanwhile. */
  let held: Buffer = Buffer.alloc(0);
  let ended = false;
  /** What takes the packets wants more of them. */
  let wanted = false;
  let turning = false;
  let notBefore = 0;
  const goOn = () => {
    if (turning || !wanted || checked.destroyed) return;
    turning = true;
    const waitMs = notBefore - (time?.elapsed() ?? 0);
    if (waitMs > 0) time?.after(waitMs, turn);
    else setImmediate(turn);
  };
  const turn = () => {
    turning = false;
    if (checked.destroyed) return;
    if (held.length === 0) {
      if (ended) checked.push(null);
      else below.resume();
      return;
    }
    const bytes = held.subarray(0, TURN_BYTES);
    held = held.subarray(bytes.length);
    notBefore = (time?.elapsed() ?? 0) + pace(bytes.length);
    const { packets, violation } = reader.push(bytes);
    if (packets !== undefined) wanted = checked.push(packets);
    if (violation !== undefined) checked.destroy(new BrokerError(violation));
    goOn();
  };
  const checked = new Duplex({
    read() {
      wanted = true;
      goOn();
    },
    // Together, what waits: a packet a write would be a segment each.
    writev(chunks, done) {
      const bytes = chunks.map(({ chunk }) => chunk as Buffer);
      const all = bytes.length === 1 ? (bytes[0] as Buffer) : Buffer.concat(bytes);
      if (below.write(all)) done();
      else below.once('drain', done);
    },
    final: (done) => void below.end(done),
    destroy(error, done) {
      below.destroy();
      done(error);
    },
  });
  below.on('data', (chunk: Buffer) => {
    below.pause();
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    goOn();
  });
  below.once('end', () => {
    ended = true;
    goOn();
  });
  below.on('error', (error) => checked.destroy(error));
  below.once('close', () => checked.destroy());
  return checked;
}

/** As MQTT.js connects, and connects again; beside it, no broker can make it hold more than `maximum` bytes of a packet. */
export function connectChecked(url: string, options: IClientOptions, maximum: number): MqttClient {
  const version = options.protocolVersion === 5 ? 5 : 4;
  const client = connect(url, {
    ...options,
    ...(version === 5 && { properties: { ...options.properties, maximumPacketSize: maximum } }),
    wsOptions: { maxPayload: maximum },
    manualConnect: true,
  });
  const dial = client['streamBuilder'] as Dial;
  const checked: Dial = (...of) => checkedStream(dial(...of), version, maximum) as ReturnType<Dial>;
  client['streamBuilder'] = checked;
  client.on('error', () => client.stream.destroy());
  return client.connect();
}
