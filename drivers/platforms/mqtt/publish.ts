/**
 * PUBLISH with QoS 1 (MQTT 5, 3.3; MQTT 3.1.1, 3.3), one buffer a packet: MQTT.js writes each field by itself and keeps
 * a packet an event, which together cost a fifth of the gateway's CPU in a flood (tests/bench/road.ts).
 */

export interface Publish {
  readonly topic: string;
  readonly payload: string;
  readonly packetId: number;
  readonly retain: boolean;
  /** MQTT 5 only; undefined: 3.1.1. */
  readonly properties?:
    | {
        /** Beside the topic, which may be empty once the broker knows it (3.3.2.3.4). */
        readonly topicAlias?: number | undefined;
        readonly contentType?: string | undefined;
        /** Seconds (3.3.2.3.3). */
        readonly expiry?: number | undefined;
        readonly correlation?: Uint8Array | undefined;
      }
    | undefined;
}

/** Packet type 3, QoS 1 (3.3.1). */
const PUBLISH_QOS_1 = 0x32;
const RETAIN = 0x01;
/** Identifiers of properties, MQTT 5, 2.2.2.2. */
const EXPIRY = 0x02;
const CONTENT_TYPE = 0x03;
const CORRELATION = 0x09;
const TOPIC_ALIAS = 0x23;

/** Bytes of a Variable Byte Integer (1.5.5). */
const lengthBytes = (value: number) => (value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4);

/** @throws RangeError where it is larger than a packet can be. */
export function encodePublish({ topic, payload, packetId, retain, properties }: Publish): Buffer {
  const topicLength = Buffer.byteLength(topic);
  const payloadLength = Buffer.byteLength(payload);
  const { topicAlias, contentType, expiry, correlation } = properties ?? {};
  const typeLength = contentType === undefined ? 0 : Buffer.byteLength(contentType);
  const ofProperties =
    (topicAlias === undefined ? 0 : 3) +
    (expiry === undefined ? 0 : 5) +
    (contentType === undefined ? 0 : 3 + typeLength) +
    (correlation === undefined ? 0 : 3 + correlation.length);
  const remaining =
    2 +
    topicLength +
    2 +
    (properties === undefined ? 0 : lengthBytes(ofProperties) + ofProperties) +
    payloadLength;
  if (remaining > 268_435_455) throw new RangeError(`a packet of ${remaining} bytes`);
  const packet = Buffer.allocUnsafe(1 + lengthBytes(remaining) + remaining);
  let at = packet.writeUInt8(retain ? PUBLISH_QOS_1 | RETAIN : PUBLISH_QOS_1, 0);
  const putLength = (value: number) => {
    for (let rest = value; ; ) {
      const more = rest >> 7;
      at = packet.writeUInt8((rest & 127) | (more > 0 ? 128 : 0), at);
      if (more === 0) return;
      rest = more;
    }
  };
  const putText = (text: string, length: number) => {
    at = packet.writeUInt16BE(length, at);
    at += packet.write(text, at);
  };
  putLength(remaining);
  putText(topic, topicLength);
  at = packet.writeUInt16BE(packetId, at);
  if (properties !== undefined) {
    putLength(ofProperties);
    if (expiry !== undefined) at = packet.writeUInt32BE(expiry, packet.writeUInt8(EXPIRY, at));
    if (topicAlias !== undefined) at = packet.writeUInt16BE(topicAlias, packet.writeUInt8(TOPIC_ALIAS, at));
    if (contentType !== undefined) {
      at = packet.writeUInt8(CONTENT_TYPE, at);
      putText(contentType, typeLength);
    }
    if (correlation !== undefined) {
      at = packet.writeUInt16BE(correlation.length, packet.writeUInt8(CORRELATION, at));
      packet.set(correlation, at);
      at += correlation.length;
    }
  }
  packet.write(payload, at);
  return packet;
}
