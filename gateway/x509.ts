/**
 * X.509 v3 certificates, requests for them (PKCS #10, RFC 2986) and lists of those that were revoked (RFC 5280), all
 * with keys on P-256. Node makes keys and signatures; the frame around them is here, in DER.
 *
 *   Certificate ::= SEQUENCE { tbsCertificate, AlgorithmIdentifier, BIT STRING signature }; the other two alike
 */
import { createHash, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { isIP } from 'node:net';
import {
  addressBytes,
  bits,
  DerError,
  date,
  inside,
  integer,
  octets,
  oid,
  readValues,
  sequence,
  set,
  TRUE,
  tlv,
  utf8,
  type Value,
} from './der.ts';

const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302')); // RFC 5758, 3.2
const COMMON_NAME = oid('550403');
const SERVER_AUTH = oid('2b06010505070301'); // RFC 5280, 4.2.1.12
const CLIENT_AUTH = oid('2b06010505070302');
const SUBJECT_KEY = oid('551d0e'); // RFC 5280, 4.2.1.2
const KEY_USAGE = oid('551d0f');
const ALT_NAME = oid('551d11');
const BASIC_CONSTRAINTS = oid('551d13');
const CRL_NUMBER = oid('551d14');
const CRL_REASON = oid('551d15');
const AUTHORITY_KEY = oid('551d23');
const EXT_KEY_USAGE = oid('551d25');

/** Reasons of RFC 5280, 5.3.1. */
const reasons = { superseded: 4, withdrawn: 9 } as const;
export type RevocationReason = keyof typeof reasons;

/** A common name has 64 characters at most (RFC 5280, appendix A). */
const name = (common: string) => sequence(set(sequence(COMMON_NAME, utf8(common.slice(0, 64)))));

/** Of GeneralName (RFC 5280, 4.2.1.6): dNSName [2], iPAddress [7]. */
const altName = (one: string) =>
  isIP(one) === 0 ? tlv(0x82, Buffer.from(one, 'latin1')) : tlv(0x87, addressBytes(one));

const extension = (what: Buffer, isCritical: boolean, value: Buffer) =>
  sequence(what, ...(isCritical ? [TRUE] : []), octets(value));

const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'der' });
/** Of the bits of the key, without what says of which kind it is (RFC 5280, 4.2.1.2, method 1). */
function keyId(key: KeyObject): Buffer {
  const [, bitString] = inside(readValues(spki(key))[0], 0x30);
  return createHash('sha1')
    .update((bitString?.content ?? Buffer.alloc(0)).subarray(1))
    .digest();
}

const signed = (body: Buffer, privateKey: KeyObject) =>
  sequence(body, ECDSA_SHA256, bits(sign('sha256', body, privateKey)));

export const pem = (label: string, der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`;

/** Positive, 128 random bits (RFC 5280, 4.1.2.2: 20 bytes at most). */
export const randomSerial = (): Buffer =>
  Buffer.concat([Buffer.from([0x40 | (randomBytes(1).readUInt8() & 0x3f)]), randomBytes(16)]);

/** Who signs. `publicKey` undefined: it names no key, as a certificate that signs itself need not. */
export interface Issuer {
  readonly name: string;
  readonly publicKey?: KeyObject;
  readonly privateKey: KeyObject;
}

export interface CertificateWanted {
  readonly serial: Buffer;
  readonly subject: string;
  readonly publicKey: KeyObject;
  /** Epoch ms, both. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly use: 'authority' | 'server' | 'client';
  /** DNS names in ASCII, and addresses. */
  readonly names?: readonly string[];
}

/** A certificate in DER. */
export function signCertificate(wanted: CertificateWanted, issuer: Issuer): Buffer {
  const { use, names = [], publicKey } = wanted;
  const isAuthority = use === 'authority';
  const extensions = [
    // Signs no other authority: a path of length 0.
    extension(BASIC_CONSTRAINTS, true, isAuthority ? sequence(TRUE, integer(0)) : sequence()),
    // keyCertSign and cRLSign are bits 5 and 6, digitalSignature bit 0.
    extension(KEY_USAGE, true, isAuthority ? bits(Buffer.from([0x06]), 1) : bits(Buffer.from([0x80]), 7)),
    ...(isAuthority
      ? []
      : [extension(EXT_KEY_USAGE, false, sequence(use === 'server' ? SERVER_AUTH : CLIENT_AUTH))]),
    ...(names.length === 0 ? [] : [extension(ALT_NAME, false, sequence(...names.map(altName)))]),
    ...(issuer.publicKey === undefined
      ? []
      : [
          extension(SUBJECT_KEY, false, octets(keyId(publicKey))),
          extension(AUTHORITY_KEY, false, sequence(tlv(0x80, keyId(issuer.publicKey)))),
        ]),
  ];
  const body = sequence(
    tlv(0xa0, integer(2)),
    integer(wanted.serial),
    ECDSA_SHA256,
    name(issuer.name),
    sequence(date(wanted.notBefore), date(wanted.notAfter)),
    name(wanted.subject),
    spki(publicKey),
    tlv(0xa3, sequence(...extensions)),
  );
  return signed(body, issuer.privateKey);
}

export interface Revoked {
  readonly serial: Buffer;
  /** Epoch ms. */
  readonly at: number;
  readonly reason: RevocationReason;
}

/** A list of revoked certificates in DER. `number`: rises from list to list. Times in epoch ms. */
export function signRevocations(
  {
    revoked,
    number,
    from,
    next,
  }: {
    readonly revoked: readonly Revoked[];
    readonly number: number;
    readonly from: number;
    /** Until then there is another one; brokers let nobody in with one that is over. */
    readonly next: number;
  },
  issuer: Required<Issuer>,
): Buffer {
  const entries = revoked.map(({ serial, at, reason }) =>
    sequence(
      integer(serial),
      date(at),
      sequence(extension(CRL_REASON, false, tlv(0x0a, Buffer.from([reasons[reason]])))),
    ),
  );
  const extensions = sequence(
    extension(AUTHORITY_KEY, false, sequence(tlv(0x80, keyId(issuer.publicKey)))),
    extension(CRL_NUMBER, false, integer(number)),
  );
  const body = sequence(
    integer(1),
    ECDSA_SHA256,
    name(issuer.name),
    date(from),
    date(next),
    // An empty list is left out (RFC 5280, 5.1.2.6).
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    tlv(0xa0, extensions),
  );
  return signed(body, issuer.privateKey);
}

/** A request for a certificate, PEM: it shows that who asks has the key. */
export function signRequest(subject: string, publicKey: KeyObject, privateKey: KeyObject): string {
  const body = sequence(integer(0), name(subject), spki(publicKey), tlv(0xa0));
  return pem('CERTIFICATE REQUEST', signed(body, privateKey));
}

/** One is some 400 bytes. */
const REQUEST_MAX = 4096;

/**
 * The key of a request, whose signature is right. What else it says is not looked at: who somebody is the authority knows
 * itself. @throws DerError, with why not.
 */
export function readRequest(text: string): KeyObject {
  const base64 = /^-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([\sA-Za-z0-9+/=]+)-----END /.exec(
    text.trim(),
  )?.[1];
  if (base64 === undefined || text.length > REQUEST_MAX)
    throw new DerError('it is no request for a certificate (PEM)');
  const whole = readValues(Buffer.from(base64, 'base64'));
  const [body, algorithm, signature] = inside(whole[0], 0x30);
  if (whole.length !== 1 || body === undefined) throw new DerError('it is no request for a certificate');
  const key = keyOf(inside(body, 0x30)[2]);
  const isRight =
    algorithm?.whole.equals(ECDSA_SHA256) === true &&
    signature?.tag === 0x03 &&
    signature.content[0] === 0 &&
    verify('sha256', body.whole, key, signature.content.subarray(1));
  if (!isRight) throw new DerError('the signature of the request is not right');
  return key;
}

/** @throws DerError where it is no key on P-256. */
function keyOf(value: Value | undefined): KeyObject {
  try {
    const key = createPublicKey({ key: value?.whole ?? Buffer.alloc(0), type: 'spki', format: 'der' });
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  } catch {
    // The same sentence.
  }
  throw new DerError('its key is not on P-256');
}
