/**
 * A certificate that the gateway signs itself, where the school has none: X.509 v3 (RFC 5280) with a key on P-256, for
 * the names and addresses under which the console is asked. Node makes keys and signatures; the frame around them is
 * here, in DER (ITU-T X.690).
 *
 *   Certificate ::= SEQUENCE { tbsCertificate, AlgorithmIdentifier, BIT STRING signature }
 */
import { generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

const tlv = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const { length } = content;
  // Up to 127 in one byte; else how many bytes follow, and those (X.690, 8.1.3).
  const bytes: number[] = [];
  for (let left = length; left > 0; left >>>= 8) bytes.unshift(left & 255);
  const head = length < 128 ? [length] : [128 | bytes.length, ...bytes];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
};
const sequence = (...parts: readonly Uint8Array[]) => tlv(0x30, ...parts);
const octets = (bytes: Uint8Array) => tlv(0x04, bytes);
const bits = (bytes: Uint8Array, unused = 0) => tlv(0x03, Buffer.from([unused]), bytes);
const TRUE = Buffer.from([0x01, 0x01, 0xff]);
/** Already as its content octets. */
const oid = (hex: string) => tlv(0x06, Buffer.from(hex, 'hex'));

const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302')); // RFC 5758, 3.2
const COMMON_NAME = oid('550403');
const SERVER_AUTH = oid('2b06010505070301'); // RFC 5280, 4.2.1.12
const BASIC_CONSTRAINTS = oid('551d13');
const KEY_USAGE = oid('551d0f');
const EXT_KEY_USAGE = oid('551d25');
const ALT_NAME = oid('551d11');

/** Dates until 2049 have two digits of the year (RFC 5280, 4.1.2.5). */
function date(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return text < '2050' ? tlv(0x17, Buffer.from(text.slice(2))) : tlv(0x18, Buffer.from(text));
}

/** The bytes of an address, 4 or 16. */
function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const { hostname } = new URL(`http://[${address}]`);
  const [head = '', tail = ''] = hostname.slice(1, -1).split('::');
  const groups = (text: string) =>
    text === '' ? [] : text.split(':').map((one) => Number.parseInt(one, 16));
  const [front, back] = [groups(head), groups(tail)];
  const middle = Array<number>(8 - front.length - back.length).fill(0);
  return Buffer.from([...front, ...middle, ...back].flatMap((group) => [group >> 8, group & 255]));
}

/** Of GeneralName (RFC 5280, 4.2.1.6): dNSName [2], iPAddress [7]. */
const altName = (name: string) =>
  isIP(name) === 0 ? tlv(0x82, Buffer.from(name, 'latin1')) : tlv(0x87, addressBytes(name));

const extension = (name: Buffer, isCritical: boolean, value: Buffer) =>
  sequence(name, ...(isCritical ? [TRUE] : []), octets(value));

export interface Certificate {
  /** PEM, both. */
  readonly cert: string;
  readonly key: string;
}

/** Times in epoch ms. `names`: DNS names in ASCII, and addresses; the first is its common name. */
export function selfSigned(names: readonly string[], notBefore: number, notAfter: number): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const [first = 'campus-gateway'] = names;
  const name = sequence(tlv(0x31, sequence(COMMON_NAME, tlv(0x0c, Buffer.from(first.slice(0, 64))))));
  // Positive, 20 bytes at most (RFC 5280, 4.1.2.2).
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0);
  const extensions = [
    extension(BASIC_CONSTRAINTS, true, sequence()),
    extension(KEY_USAGE, true, bits(Buffer.from([0x80]), 7)),
    extension(EXT_KEY_USAGE, false, sequence(SERVER_AUTH)),
    extension(ALT_NAME, false, sequence(...names.map(altName))),
  ];
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, serial),
    ECDSA_SHA256,
    name,
    sequence(date(notBefore), date(notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, privateKey);
  const whole = sequence(body, ECDSA_SHA256, bits(signature));
  return {
    cert: new X509Certificate(whole).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
