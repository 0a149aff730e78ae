/** What goes out over one connection with QoS 1: its packets, and who waits for their answers. */

import { type MqttClient, ReasonCodes } from 'mqtt';
import type { Clock } from '../../contract/clock.ts';
import { encodePublish } from './publish.ts';

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
  /** Seconds; MQTT 5 only. */
  readonly expiry?: number | undefined;
  /** MQTT 5 only. */
  readonly correlation?: Buffer | undefined;
  /** Its topic comes again and again: it may have an alias. MQTT 5 only. */
  readonly alias?: boolean;
}

/** What the broker answered: nothing wrong, or a reason code of MQTT 5 (2.4) and its words. */
export interface PublishAnswer {
  /** 0: taken; 0x10: taken, and nobody subscribes; from 0x80: refused. -1: not sent, `reason` says why. */
  readonly code: number;
  readonly reason: string;
}

/** What a broker takes, as its CONNACK says. */
export interface Limits {
  readonly version: 5 | 4;
  /** How many QoS 1 messages at once (MQTT 5, 3.2.2.3.3). */
  readonly receiveMaximum: number;
  /** The largest packet, bytes (MQTT 5, 3.2.2.3.6). */
  readonly maximumPacketSize: number;
  readonly topicAliasMaximum: number;
}

interface Later {
  readonly message: Message;
  readonly done: (answer: PublishAnswer) => void;
}

/** From here on a reason code says no (MQTT 5, 2.4). */
export const REFUSED = 0x80;
const reasonCodes: Readonly<Record<number, string>> = ReasonCodes;

/**
 * Topics are long and few: once a broker has taken a message of one, the next have two bytes instead. Not before: a
 * broker that denies a message may not learn its alias, and closes the connection at the next (mosquitto 2.0.11 does).
 */
function topicAliases(most: number) {
  const aliases = new Map<string, { readonly number: number; known: boolean }>();
  return {
    /** Its alias to be said beside it, or, once `known`, instead of it; undefined: none. */
    of(topic: string) {
      const found = aliases.get(topic);
      if (found !== undefined) return found;
      if (aliases.size >= most) return undefined;
      const made = { number: aliases.size + 1, known: false };
      aliases.set(topic, made);
      return made;
    },
  };
}

/** The broker would close the connection (MQTT 5, 3.2.2.3.6). */
export const TOO_LARGE: PublishAnswer = {
  code: 0x95,
  reason: 'larger than the packets that the broker takes',
};
/** Of a packet, beside its topic and payload, bytes at most: header, packet id, properties without correlation data. */
export const PACKET_OVERHEAD = 128;
/** Of a text (1.5.4). */
const TOPIC_MAX = 65_535;
/** Answers to commands that wait: a broker that asks and acknowledges nothing must not make them pile up. */
const LATER_MAX = 1000;
/** Bytes of answers that are not acknowledged, waiting or on their way: an inventory is long. */
const ANSWERS_MAX = 4_194_304;
const NOT_TAKEN: PublishAnswer = { code: -1, reason: 'the broker takes no more' };
export const sizeOf = ({ topic, payload, correlation }: Message) =>
  Buffer.byteLength(topic) + Buffer.byteLength(payload) + (correlation?.length ?? 0) + PACKET_OVERHEAD;

/**
 * QoS 1, beside MQTT.js, in whose packet ids: what is on its way, no more than the broker takes at once, and what is
 * written in one go.
 */
export function createSending(client: MqttClient, limits: Limits, time: Pick<Clock, 'elapsed'>) {
  const { version, receiveMaximum, maximumPacketSize } = limits;
  const { stream } = client;
  const aliases = topicAliases(limits.topicAliasMaximum);
  /** In the order in which they were sent. */
  const waiting = new Map<number, { readonly at: number; readonly done: (answer: PublishAnswer) => void }>();
  /** Beyond the receive maximum, because answers to commands, which the window of events does not count, take a part. */
  const later: Later[] = [];
  /** The same of answers: events go first. */
  const answersLater: Later[] = [];
  let answerBytes = 0;
  // What is published in one turn is one write: of one buffer, which costs half of one of many.
  let packets: Buffer[] = [];
  const flush = () => {
    if (packets.length === 0) return;
    const bytes = Buffer.concat(packets);
    packets = [];
    if (stream.writable) stream.write(bytes);
  };
  /** Not one that is in use (MQTT 5, 2.2.1): MQTT.js only counts. */
  const nextId = () => {
    for (;;) {
      const id = client.messageIdProvider.allocate() ?? 0;
      if (!waiting.has(id)) return id;
    }
  };
  const send = (message: Message, done: (answer: PublishAnswer) => void) => {
    const { topic, payload, retain = false, contentType, expiry, correlation } = message;
    // Only what is answered can tell whether the broker has learnt an alias.
    const alias = version === 5 && message.alias === true ? aliases.of(topic) : undefined;
    const packetId = nextId();
    const packet = encodePublish({
      topic: alias?.known === true ? '' : topic,
      payload,
      packetId,
      retain,
      properties: version === 5 ? { topicAlias: alias?.number, contentType, expiry, correlation } : undefined,
    });
    const answered = (answer: PublishAnswer) => {
      if (alias !== undefined && answer.code < REFUSED) alias.known = true;
      done(answer);
    };
    waiting.set(packetId, { at: time.elapsed(), done: answered });
    if (packets.push(packet) === 1) process.nextTick(flush);
  };
  const publishAnswer = (message: Message, size: number, done: (answer: PublishAnswer) => void) => {
    if (answerBytes + size > ANSWERS_MAX || answersLater.length >= LATER_MAX)
      return void process.nextTick(() => done(NOT_TAKEN));
    answerBytes += size;
    const answered = (answer: PublishAnswer) => {
      answerBytes -= size;
      done(answer);
    };
    if (waiting.size < receiveMaximum) send(message, answered);
    else answersLater.push({ message, done: answered });
  };
  return {
    publish(message: Message, done: (answer: PublishAnswer) => void = () => {}) {
      const size = sizeOf(message);
      if (size > maximumPacketSize || Buffer.byteLength(message.topic) > TOPIC_MAX)
        return void process.nextTick(() => done(TOO_LARGE));
      if (message.alias !== true) publishAnswer(message, size, done);
      else if (waiting.size < receiveMaximum) send(message, done);
      else later.push({ message, done });
    },
    onAnswer(packetId: number, code: number) {
      const one = waiting.get(packetId);
      // MQTT.js's own, or an answer to nothing.
      if (one === undefined) return;
      waiting.delete(packetId);
      const next = later.shift() ?? answersLater.shift();
      if (next !== undefined) send(next.message, next.done);
      one.done({ code, reason: code < REFUSED ? '' : (reasonCodes[code] ?? `reason ${code}`) });
    },
    flush,
    /** On their way, and not answered. */
    owed: () => waiting.size,
    /** For how long, ms; 0: nothing is. */
    owedMs() {
      const [oldest] = waiting.values();
      return oldest === undefined ? 0 : time.elapsed() - oldest.at;
    },
  };
}
