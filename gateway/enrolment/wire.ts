/**
 * What a gateway and the platform that enrols it say to each other, over HTTPS, and what the gateway keeps of it.
 *
 *   POST /enrol/hello  Hello    -> Authority: the authority's certificate, with proof that it knows the code
 *   POST /enrol        Enrolling -> Granted
 *   POST /enrol/renew  Renewing -> Granted: with a request another certificate, without one the keys of now alone
 *
 * What is refused is `{error, message}` with a code of `refusals`.
 */
import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { say } from '../../config/language.ts';

const base64url = (bytes: number) =>
  z.string().regex(new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((bytes * 4) / 3)}}$`), `${bytes} bytes, base64url`);
const pemText = z.string().min(1).max(20_000);
const time = z.iso.datetime({ offset: true });
const campus = z.string().regex(/^\d{4,20}$/);

/** Who signs the platform's own commands, as rules of configs name it. */
export const ISSUER = 'platform';

/** So many bytes of chance make an answer that of this question. */
export const NONCE_BYTES = 32;

export const hello = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  nonce: base64url(NONCE_BYTES),
});
export type Hello = z.output<typeof hello>;
export const authority = z.object({ ca: pemText, proof: base64url(32) });

export const enrolling = z.strictObject({ code: z.string().max(100), campus, csr: pemText });
export type Enrolling = z.output<typeof enrolling>;

export const renewing = z.strictObject({
  campus,
  serial: z
    .string()
    .regex(/^[0-9a-f]{2,40}$/)
    .describe('Of the certificate that it has'),
  time,
  audience: z
    .string()
    .max(100)
    .describe('SHA-256 of the certificate of the authority, hex: for whom this is'),
  csr: pemText.optional(),
  signature: z
    .string()
    .max(200)
    .describe(
      'ECDSA with SHA-256 by the key of that certificate over the canonical form (RFC 8785) of the rest, base64url',
    ),
});
export type Renewing = z.output<typeof renewing>;

/** A key of who signs commands. Good from `notBefore` until `notAfter`, which an old one gets when the next is made. */
export const commandKey = z.object({
  issuer: z.string().min(1).max(100),
  publicKey: pemText.describe('PEM: an Ed25519 public key'),
  notBefore: time,
  notAfter: time.optional(),
});
export type CommandKey = z.output<typeof commandKey>;

export const granted = z.object({
  certificate: pemText.optional(),
  ca: pemText.describe('Of the authority that enrols'),
  uplink: z.object({
    urls: z.array(z.string().max(300)).max(8),
    username: z.string().max(100).optional(),
    prefix: z.string().max(200),
    ca: pemText
      .optional()
      .describe('Who signed the certificates of the brokers; default: the authority that enrols'),
  }),
  keys: z.array(commandKey).max(20),
});
export type Granted = z.output<typeof granted>;

/** `uplinks[].enrolmentFile`: the gateway alone writes it, for itself. */
export const enrolmentFile = z.object({
  version: z.literal('1'),
  url: z.string().max(300).describe('Of the platform that enrols'),
  campus,
  ca: pemText.describe('What the platform is known by'),
  authority: pemText.describe('Who signed the certificate'),
  keys: z.array(commandKey),
  with: z
    .string()
    .optional()
    .describe('Which code it was enrolled with: the same again asks for no other certificate'),
  refreshedAt: time.optional(),
  pending: z
    .object({ key: pemText, for: z.string() })
    .optional()
    .describe(
      'The key of a request whose answer has not come yet, and which code or certificate it was made with',
    ),
  withdrawnAt: time.optional().describe('When the platform said that the campus is withdrawn'),
});
export type EnrolmentFile = z.output<typeof enrolmentFile>;

/** Why the platform does not do it, in words for who installs. */
const refusals = {
  malformed: () =>
    say(
      'the platform did not understand the request; is the gateway of its version?',
      '平台无法理解该请求；请确认网关版本',
    ),
  'unknown-code': () =>
    say(
      'the platform knows no such code: look at it again, or ask for a new one',
      '平台没有此注册码：请核对，或索取新的注册码',
    ),
  'spent-code': () =>
    say(
      'this code was used already, and is good for once: ask for a new one',
      '该注册码已被使用，只能使用一次：请索取新的注册码',
    ),
  'ended-code': () => say('this code is over: ask for a new one', '该注册码已过期：请索取新的注册码'),
  'other-campus': () =>
    say(
      'this code is for another campus than `campus.id` of the config',
      '该注册码属于另一校园，与配置中的 `campus.id` 不符',
    ),
  withdrawn: () =>
    say(
      'the platform has withdrawn this campus: its certificate is worth nothing any more. Ask the platform; a new code lets it in again',
      '平台已撤销该校园，其证书已失效。请联系平台；使用新的注册码可重新接入',
    ),
  'unknown-certificate': () =>
    say(
      'the platform does not know the certificate of this gateway: enrol with a new code',
      '平台不认识本网关的证书：请使用新的注册码注册',
    ),
  'ended-certificate': () =>
    say(
      'the certificate has ended, and cannot be renewed any more: enrol with a new code',
      '证书已到期，无法续期：请使用新的注册码注册',
    ),
  'wrong-signature': () =>
    say(
      'the platform finds the signature of this request wrong: enrol with a new code',
      '平台认为请求签名不正确：请使用新的注册码注册',
    ),
  'wrong-time': () =>
    say(
      'the clocks of gateway and platform differ by more than 10 minutes: set that of the gateway',
      '网关与平台的时钟相差超过 10 分钟：请校准网关时钟',
    ),
  'too-many': () =>
    say(
      'the platform has too many requests from this address; try again in a minute',
      '平台收到来自本地址的请求过多，请一分钟后再试',
    ),
  'not-secure': () => say('the platform enrols over HTTPS only', '平台只接受 HTTPS 注册'),
  'no-authority': () =>
    say(
      'this platform has no authority, or no access to it now: tell its operators',
      '该平台没有证书机构，或暂时无法使用：请联系平台',
    ),
} as const;
export type Refusal = keyof typeof refusals;
export const isRefusal = (text: unknown): text is Refusal =>
  typeof text === 'string' && Object.hasOwn(refusals, text);
export const refusalText = (code: Refusal): string => refusals[code]();

/** The platform said no, and why. */
export class EnrolmentRefused extends Error {
  readonly code = 'E_ENROLMENT_REFUSED';
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusalText(refusal));
    this.refusal = refusal;
  }
}

/** SHA-256 of a certificate in DER, hex: what `audience` names. */
export const fingerprintOf = (der: Uint8Array): string => createHash('sha256').update(der).digest('hex');

const bytesOf = ({ signature: _own, ...rest }: Partial<Renewing>) => Buffer.from(canonicalize(rest) ?? '');
export const signRenewing = (rest: Omit<Renewing, 'signature'>, key: KeyObject): Renewing => ({
  ...rest,
  signature: sign('sha256', bytesOf(rest), key).toString('base64url'),
});
export const isRightlySigned = (request: Renewing, key: KeyObject): boolean =>
  verify('sha256', bytesOf(request), key, Buffer.from(request.signature, 'base64url'));
