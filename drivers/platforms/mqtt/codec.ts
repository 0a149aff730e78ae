/**
 * What a broker may send (MQTT 5, 2 and 3; MQTT 3.1.1, 2 and 3), looked at before MQTT.js sees it: its parser takes a
 * packet of any size, reads past the end of a short one, and answers a PUBLISH without a packet id by an exception.
 *
 *   byte 0: type and flags | 1 to 4: remaining length | the rest
 *
 * This client subscribes with QoS 1, publishes with QoS 0 and 1, offers no topic aliases, never unsubscribes and never
 * authenticates anew: packets that only answer those are no broker's to send.
 */

/** Why the connection must end (MQTT 5, 4.13; 3.1.1, 4.8). */
export interface Violation {
  /** One of a few fixed sentences. */
  readonly reason: string;
  /** Bytes of a packet that is too large, and the topic where it is a message and that much of it is here. */
  readonly size?: number;
  readonly topic?: string;
}

export interface PacketReader {
  /**
   * Takes what came. @returns the packets that are whole, one after another, and, where the bytes after them break the
   * protocol, how: nothing may be pushed after that.
   */
  push(chunk: Buffer): { readonly packets?: Buffer; readonly violation?: Violation };
}

const CONNACK = 2;
const PUBLISH = 3;
const PUBACK = 4;
const SUBACK = 9;
const PINGRESP = 13;
const DISCONNECT = 14;

const MALFORMED: Violation = { reason: 'a malformed packet' };
const UNASKED: Violation = { reason: 'a packet that no broker may send here' };
const NO_CONNACK: Violation = { reason: 'something else than a CONNACK first' };

/** Types of properties by identifier (MQTT 5, 2.2.2.2). */
type PropertyType = 'byte' | 'u16' | 'u32' | 'var' | 'text' | 'pair';
const propertyTypes: Readonly<Record<number, PropertyType>> = {
  1: 'byte',
  2: 'u32',
  3: 'text',
  8: 'text',
  9: 'text',
  11: 'var',
  17: 'u32',
  18: 'text',
  19: 'u16',
  21: 'text',
  22: 'text',
  26: 'text',
  28: 'text',
  31: 'text',
  33: 'u16',
  34: 'u16',
  35: 'u16',
  36: 'byte',
  37: 'byte',
  38: 'pair',
  39: 'u32',
  40: 'byte',
  41: 'byte',
  42: 'byte',
};
/** Subscription identifiers (3.3.2.3.8) and user properties. */
const MAY_REPEAT: readonly number[] = [11, 38];
/** May not be nothing: receive maximum (3.2.2.3.3), maximum packet size (3.2.2.3.6). */
const NOT_ZERO: readonly number[] = [33, 39];
/** Never offered in CONNECT (3.1.2.11.5). */
const TOPIC_ALIAS = 35;
/** Bytes of a topic that a violation names. */
const TOPIC_SHOWN = 1024;
const MOST_PIECES = 256;

/** A Variable Byte Integer (1.5.5): where it ends and what it says; undefined: not whole; null: none. */
function readVar(bytes: Buffer, at: number, end: number): { value: number; at: number } | undefined | null {
  let value = 0;
  for (let i = 0; i < 4; i++) {
    if (at + i >= end) return undefined;
    const byte = bytes[at + i] as number;
    value += (byte & 127) * 128 ** i;
    if (byte < 128) return { value, at: at + i + 1 };
  }
  return null;
}

/** Where a text of two bytes of length ends; -1: beyond `end`. */
function skipText(bytes: Buffer, at: number, end: number): number {
  if (at + 2 > end) return -1;
  const after = at + 2 + bytes.readUInt16BE(at);
  return after > end ? -1 : after;
}

/** Where one property's value ends; -1: it is not whole, or says what it may not. */
function skipProperty(bytes: Buffer, id: number, at: number, end: number): number {
  switch (propertyTypes[id]) {
    case 'byte':
      return at + 1;
    case 'u16':
      return at + 2 <= end && NOT_ZERO.includes(id) && bytes.readUInt16BE(at) === 0 ? -1 : at + 2;
    case 'u32':
      return at + 4 <= end && NOT_ZERO.includes(id) && bytes.readUInt32BE(at) === 0 ? -1 : at + 4;
    case 'var':
      return readVar(bytes, at, end)?.at ?? -1;
    case 'text':
      return skipText(bytes, at, end);
    case 'pair': {
      const between = skipText(bytes, at, end);
      return between < 0 ? -1 : skipText(bytes, between, end);
    }
    default:
      return -1;
  }
}

/** Where the properties that begin here end; -1: malformed, or one that may stand once stands twice (2.2.2.2). */
function skipProperties(bytes: Buffer, from: number, end: number): number {
  const length = readVar(bytes, from, end);
  if (length == null || length.at + length.value > end) return -1;
  const after = length.at + length.value;
  const seen = new Set<number>();
  for (let at = length.at; at < after; ) {
    const id = bytes[at] as number;
    if (id === TOPIC_ALIAS || (seen.has(id) && !MAY_REPEAT.includes(id))) return -1;
    seen.add(id);
    at = skipProperty(bytes, id, at + 1, after);
    if (at < 0 || at > after) return -1;
  }
  return after;
}

/** CONNACK (3.2). A broker of 3.1.1 refuses MQTT 5 by a reason code without properties. */
function isConnack(bytes: Buffer, at: number, end: number, version: 5 | 4): boolean {
  if (end - at < 2 || (bytes[at] as number) > 1) return false;
  if (end - at === 2) return version === 4 || bytes[at + 1] !== 0;
  return version === 5 && skipProperties(bytes, at + 2, end) === end;
}

function isPublish(bytes: Buffer, flags: number, at: number, end: number, version: 5 | 4): boolean {
  const afterTopic = skipText(bytes, at, end);
  // An empty topic is for aliases only (3.3.2.1).
  if (afterTopic < 0 || afterTopic === at + 2) return false;
  let next = afterTopic;
  if ((flags & 6) === 2) {
    if (next + 2 > end || bytes.readUInt16BE(next) === 0) return false;
    next += 2;
  }
  return version === 4 || skipProperties(bytes, next, end) >= 0;
}

/** PUBACK (3.4): a packet id; in MQTT 5 a reason code and properties may follow. */
function isPuback(bytes: Buffer, at: number, end: number, version: 5 | 4): boolean {
  if (end - at < 2 || bytes.readUInt16BE(at) === 0) return false;
  if (end - at === 2) return true;
  return version === 5 && (end - at === 3 || skipProperties(bytes, at + 3, end) === end);
}

/** SUBACK (3.9): a packet id, and at least one reason code. */
function isSuback(bytes: Buffer, at: number, end: number, version: 5 | 4): boolean {
  if (end - at < 3 || bytes.readUInt16BE(at) === 0) return false;
  const codes = version === 4 ? at + 2 : skipProperties(bytes, at + 2, end);
  return codes >= 0 && codes < end;
}

/** DISCONNECT (3.14) is the client's alone in 3.1.1. */
function isDisconnect(bytes: Buffer, at: number, end: number): boolean {
  return end - at < 2 || skipProperties(bytes, at + 1, end) === end;
}

/** What is wrong with a whole packet; undefined: nothing. `at`: after its length. */
function violationOf(
  bytes: Buffer,
  at: number,
  end: number,
  first: number,
  version: 5 | 4,
): Violation | undefined {
  const is = (right: boolean) => (right ? undefined : MALFORMED);
  switch (first >> 4) {
    case CONNACK:
      return is(isConnack(bytes, at, end, version));
    case PUBLISH:
      return is(isPublish(bytes, first & 15, at, end, version));
    case PUBACK:
      return is(isPuback(bytes, at, end, version));
    case SUBACK:
      return is(isSuback(bytes, at, end, version));
    case PINGRESP:
      return is(at === end);
    default:
      return is(isDisconnect(bytes, at, end));
  }
}

/** What a first byte alone tells (MQTT 5, 2.1.3; PUBLISH with QoS 2 or 3: 3.3.1.2). */
function violationOfFirst(first: number, version: 5 | 4, connected: boolean): Violation | undefined {
  const type = first >> 4;
  if (!connected) return type === CONNACK && (first & 15) === 0 ? undefined : NO_CONNACK;
  if (type === PUBLISH) return (first & 4) === 0 ? undefined : UNASKED;
  const known = type === PUBACK || type === SUBACK || type === PINGRESP;
  if (known || (type === DISCONNECT && version === 5)) return (first & 15) === 0 ? undefined : MALFORMED;
  return UNASKED;
}

/**
 * A packet that is too large, once as much of it is here as tells what it is about; undefined: more is needed. `at`: after
 * its length.
 */
function tooLarge(bytes: Buffer, at: number, size: number): Violation | undefined {
  const reason = 'a packet larger than is taken';
  if ((bytes[0] as number) >> 4 !== PUBLISH) return { reason, size };
  if (bytes.length < at + 2) return undefined;
  const end = at + 2 + Math.min(bytes.readUInt16BE(at), TOPIC_SHOWN);
  return bytes.length < end ? undefined : { reason, size, topic: bytes.toString('utf8', at + 2, end) };
}

/**
 * Looks at the packet that bytes begin with. @returns its length, where it is whole and right; how many bytes it takes to
 * go on; or what is wrong.
 */
function lookAt(
  bytes: Buffer,
  version: 5 | 4,
  maximum: number,
  connected: boolean,
): { readonly length: number } | { readonly wanted: number } | Violation {
  const first = bytes[0] as number;
  const wrong = violationOfFirst(first, version, connected);
  if (wrong !== undefined) return wrong;
  const length = readVar(bytes, 1, bytes.length);
  if (length === null) return MALFORMED;
  if (length === undefined) return { wanted: bytes.length + 1 };
  const end = length.at + length.value;
  if (end > maximum) return tooLarge(bytes, length.at, end) ?? { wanted: bytes.length + 1 };
  if (end > bytes.length) return { wanted: end };
  return violationOf(bytes, length.at, end, first, version) ?? { length: end };
}

/** `maximum`: bytes of the largest packet, as CONNECT says (MQTT 5, 3.1.2.11.4); no more than that is ever held. */
export function packetReader(version: 5 | 4, maximum: number): PacketReader {
  /** Of a packet that is not whole yet. */
  let begun: Buffer[] = [];
  let held = 0;
  /** How many bytes it takes to go on. */
  let wanted = 1;
  let connected = false;
  return {
    push(chunk) {
      begun.push(chunk);
      held += chunk.length;
      if (held < wanted) {
        // A byte at a time, each costs more than itself.
        if (begun.length === MOST_PIECES) begun = [Buffer.concat(begun)];
        return {};
      }
      const bytes = begun.length === 1 ? chunk : Buffer.concat(begun);
      let start = 0;
      wanted = 1;
      let violation: Violation | undefined;
      while (start < bytes.length && wanted === 1 && violation === undefined) {
        const found = lookAt(bytes.subarray(start), version, maximum, connected);
        if ('reason' in found) violation = found;
        else if ('wanted' in found) wanted = found.wanted;
        else {
          connected = true;
          start += found.length;
        }
      }
      held = bytes.length - start;
      begun = held === 0 ? [] : [start === 0 ? bytes : Buffer.from(bytes.subarray(start))];
      return {
        ...(start > 0 && { packets: bytes.subarray(0, start) }),
        ...(violation !== undefined && { violation }),
      };
    },
  };
}
