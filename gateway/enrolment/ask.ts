/** Asks a platform for a certificate: proof that it knows the code, then the certificate; later another one. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  X509Certificate,
} from 'node:crypto';
import { existsSync } from 'node:fs';
import type { z } from 'zod';
import { say } from '../../config/language.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import { isLoopback } from '../../drivers/contract/options.ts';
import { CERTIFICATE_FILE_MAX, readTextOf } from '../../drivers/files.ts';
import { ask, type TlsJudge } from '../../drivers/http.ts';
import { replaceFile } from '../lifecycle/replaced-file.ts';
import { signRequest } from '../x509.ts';
import { codeId, codeKey, isSame, proofOf } from './code.ts';
import { type EnrolmentPaths, keepEnrolment, type OwnCertificate, readEnrolment, readOwn } from './kept.ts';
import {
  authority as authoritySchema,
  type EnrolmentFile,
  EnrolmentRefused,
  fingerprintOf,
  type Granted,
  granted as grantedSchema,
  isRefusal,
  NONCE_BYTES,
  signRenewing,
} from './wire.ts';

const TIMEOUT_MS = 20_000;
const ANSWER_MAX = 200_000;

/** What was answered is not what it must be: nothing of it is kept. */
export class EnrolmentError extends Error {
  readonly code = 'E_ENROLMENT';
}

interface Asking {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** @throws EnrolmentError: an address to which a code must not go. */
export function addressOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isRight =
    url !== undefined &&
    url.username === '' &&
    url.search === '' &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)));
  if (!isRight)
    throw new EnrolmentError(
      say(`${text}: the platform's address begins with https://`, `${text}：平台地址须以 https:// 开头`),
    );
  return url.href.replace(/\/+$/, '');
}

/** @throws EnrolmentRefused; EnrolmentError; what the network says. */
async function post<Schema extends z.ZodType>(
  address: string,
  path: string,
  request: object,
  schema: Schema,
  tls: TlsJudge,
  { clock, signal }: Asking,
): Promise<z.output<Schema>> {
  const { status, body } = await ask(`${address}${path}`, {
    ...{ method: 'POST', body: JSON.stringify(request), headers: { 'content-type': 'application/json' } },
    ...{ redirects: 'none', tls, maxBytes: ANSWER_MAX, timeout: TIMEOUT_MS, clock },
    ...(signal !== undefined && { signal }),
  });
  const answer = jsonOf(body);
  const refusal = (answer as { error?: unknown } | undefined)?.error;
  if (status !== 200 && isRefusal(refusal)) throw new EnrolmentRefused(refusal);
  const parsed = schema.safeParse(answer);
  if (status === 200 && parsed.success) return parsed.data;
  throw new EnrolmentError(
    say(
      `${address}${path} answers with HTTP ${status}, which is no enrolment: is it the address of the platform?`,
      `${address}${path} 返回 HTTP ${status}，不是注册接口：请核对平台地址`,
    ),
  );
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/**
 * The certificate of the authority (PEM), from a platform that knows the code. Whoever stands between has no proof, and the
 * code is not sent here. @throws EnrolmentError: it has none.
 */
export async function learnAuthority(address: string, code: string, asking: Asking): Promise<string> {
  const nonce = randomBytes(NONCE_BYTES);
  // The proof is what it is known by, not its certificate.
  const tls: TlsJudge = { judge: () => {} };
  const request = { id: codeId(code), nonce: nonce.toString('base64url') };
  const { ca, proof } = await post(address, '/enrol/hello', request, authoritySchema, tls, asking);
  const expected = proofOf(codeKey(code), nonce, new X509Certificate(ca).raw);
  if (!isSame(Buffer.from(proof, 'base64url'), expected))
    throw new EnrolmentError(
      say(
        `${address} does not know this code: it is not the platform that made it. Nothing was sent to it`,
        `${address} 无法证明其知道该注册码：它不是签发此码的平台。未向其发送任何内容`,
      ),
    );
  return ca;
}

/** A key that is on disk before it is asked for: an answer that is lost can be asked for again. */
async function pendingKey(file: string, state: EnrolmentFile, purpose: string) {
  if (state.pending?.for === purpose) return { state, key: createPrivateKey(state.pending.key) };
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const next = { ...state, pending: { key, for: purpose } };
  await keepEnrolment(file, next);
  return { state: next, key: privateKey };
}

/** What is there already: it stays in force until another certificate has come. */
function keptOr(file: string, beginning: EnrolmentFile): EnrolmentFile {
  try {
    return readEnrolment(file);
  } catch {
    return beginning;
  }
}

/**
 * Enrols with a code, and keeps what it got. `own`: what the platform is known by, and who asks.
 * @throws EnrolmentRefused; EnrolmentError; what the network or the disk says: then the same can be done again.
 */
export async function enrolWith(
  code: string,
  own: Pick<EnrolmentFile, 'url' | 'campus' | 'ca'>,
  paths: EnrolmentPaths,
  asking: Asking,
): Promise<Granted> {
  const beginning: EnrolmentFile = { version: '1', ...own, authority: own.ca, keys: [] };
  const kept = keptOr(paths.file, beginning);
  const id = codeId(code);
  // Who mended the config, and types the same again.
  if (kept.with === id && kept.url === own.url && existsSync(paths.certFile))
    return await renew(readOwn(paths.certFile), kept, paths, { ...asking, another: false });
  const made = await pendingKey(paths.file, kept, id);
  const csr = signRequest(own.campus, createPublicKey(made.key), made.key);
  const request = { code, campus: own.campus, csr };
  const granted = await post(own.url, '/enrol', request, grantedSchema, { ca: own.ca }, asking);
  await keepGranted(granted, { ...made.state, ...own, with: id }, paths, asking.clock);
  return granted;
}

/**
 * Asks for another certificate, or without `another` for the keys of commands alone, and keeps them. @throws as `enrolWith`.
 */
export async function renew(
  { serial, privateKey }: OwnCertificate,
  state: EnrolmentFile,
  paths: EnrolmentPaths,
  { another, ...asking }: Asking & { readonly another: boolean },
): Promise<Granted> {
  const time = new Date(asking.clock.wall()).toISOString();
  const audience = fingerprintOf(new X509Certificate(state.authority).raw);
  const own = { campus: state.campus, serial, time, audience };
  const made = another ? await pendingKey(paths.file, state, serial) : { state };
  const csr = 'key' in made ? { csr: signRequest(state.campus, createPublicKey(made.key), made.key) } : {};
  const request = signRenewing({ ...own, ...csr }, privateKey);
  const granted = await post(state.url, '/enrol/renew', request, grantedSchema, { ca: state.ca }, asking);
  await keepGranted(granted, made.state, paths, asking.clock);
  return granted;
}

/** The certificate first, then what says that nothing is pending any more: a crash between asks for the same again. */
async function keepGranted(
  { certificate, ca, uplink, keys }: Granted,
  { pending, withdrawnAt: _over, ...state }: EnrolmentFile,
  { file, certFile, caFile }: EnrolmentPaths,
  clock: Clock,
): Promise<void> {
  if (certificate !== undefined && pending !== undefined) {
    checkCertificate(certificate, ca, state.campus, pending.key);
    await replaceFile(certFile, `${pending.key}${certificate}`);
  }
  const brokersCa = uplink.ca ?? ca;
  // A file that is another one is a connection that is made anew.
  if (contentOf(caFile) !== brokersCa) await replaceFile(caFile, brokersCa);
  const refreshedAt = new Date(clock.wall()).toISOString();
  const left = certificate === undefined && pending !== undefined ? { pending } : {};
  await keepEnrolment(file, { ...state, authority: ca, keys, refreshedAt, ...left });
}

const contentOf = (file: string): string | undefined =>
  existsSync(file) ? readTextOf(file, CERTIFICATE_FILE_MAX) : undefined;

/** @throws EnrolmentError: it is not for this key, this campus or not by this authority. */
function checkCertificate(text: string, ca: string, campus: string, key: string): void {
  const wrong = () => {
    const certificate = new X509Certificate(text);
    const authority = new X509Certificate(ca);
    if (!certificate.checkPrivateKey(createPrivateKey(key)))
      return say('it is for another key', '与密钥不符');
    if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey))
      return say('the authority did not sign it', '不是该证书机构签发');
    return certificate.subject === `CN=${campus}`
      ? undefined
      : say('it is for another campus', '属于另一校园');
  };
  const why = wrong();
  if (why !== undefined)
    throw new EnrolmentError(
      say(`the certificate that came cannot be used: ${why}`, `收到的证书无法使用：${why}`),
    );
}
