/**
 * Who may register at a simulated platform (GB/T 28181-2016 and 2022, 9.1; RFC 2617, 3.2; RFC 7616): whoever proves the
 * password for its own 20 digits.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../drivers/contract/clock.ts';
import {
  headerOf,
  listOf,
  type Request,
  readAddress,
  readUri,
} from '../../drivers/platforms/gb28181/sip/message.ts';
import type { RegisterAlgorithm } from '../kinds.ts';
import { beijingTime } from '../words.ts';
import type { Answer } from './conversation.ts';
import { type Members, membersOf, nameOf, responseTo } from './digest.ts';

export interface RegistrarOptions {
  readonly realm: string;
  readonly password: string;
  readonly algorithm: RegisterAlgorithm;
  /** Whether it offers `qop="auth"`. */
  readonly qop: boolean;
  readonly time: Clock;
}

export type Verdict =
  | { readonly is: 'challenged' | 'stale'; readonly answer: Answer }
  | {
      readonly is: 'refused';
      readonly answer: Answer;
      readonly why: 'password' | 'digits' | 'expires';
      readonly id: string;
    }
  | {
      readonly is: 'in' | 'out';
      readonly answer: Answer;
      readonly id: string;
      /** `sip:…` of its Contact. */
      readonly contact: string;
      readonly seconds: number;
      readonly callId: string;
      /** It says X-GB-Ver: 3.0. */
      readonly isOf2022: boolean;
    };

/** A nonce may be proved for so long. */
const NONCE_MS = 300_000;
const NONCES_MAX = 1000;
/** Longer than any platform lets a device be away unseen, s. */
const EXPIRES_MAX = 7 * 86_400;

export function createRegistrar({ realm, password, algorithm, qop, time }: RegistrarOptions) {
  /** When each was given out. */
  const nonces = new Map<string, number>();
  const challenge = (stale: boolean): Answer => {
    const nonce = randomBytes(16).toString('hex');
    if (nonces.size >= NONCES_MAX) nonces.delete(nonces.keys().next().value ?? '');
    nonces.set(nonce, time.elapsed());
    const members = [
      ...[`realm="${realm}"`, `nonce="${nonce}"`, `algorithm=${nameOf(algorithm)}`],
      ...(qop ? ['qop="auth"'] : []),
      ...(stale ? ['stale=true'] : []),
    ];
    return {
      ...{ status: 401, reason: 'Unauthorized' },
      headers: [['www-authenticate', `Digest ${members.join(', ')}`]],
    };
  };
  const isRight = (given: Members, request: Request): boolean => {
    const { realm: said, uri, response, qop: way } = given;
    if (said !== realm || uri !== request.uri || (way !== undefined) !== qop) return false;
    return response === responseTo(algorithm, given, { method: request.method, uri, password });
  };
  return (request: Request): Verdict => {
    const from = readAddress(headerOf(request, 'from') ?? '');
    const id = readUri(from?.uri ?? '')?.user ?? '';
    if (!/^\d{20}$/.test(id))
      return { is: 'refused', why: 'digits', id, answer: { status: 400, reason: 'Bad Request' } };
    const given = membersOf(headerOf(request, 'authorization') ?? '');
    const givenAt = nonces.get(given['nonce'] ?? '');
    if (given['response'] === undefined) return { is: 'challenged', answer: challenge(false) };
    if (givenAt === undefined || time.elapsed() - givenAt > NONCE_MS)
      return { is: 'stale', answer: challenge(true) };
    if (!isRight(given, request)) return { is: 'refused', why: 'password', id, answer: challenge(false) };
    const [contact = ''] = listOf(request, 'contact');
    const said = readAddress(contact)?.params['expires'] ?? headerOf(request, 'expires');
    // Without it some platforms answer 400: whoever is taught here learns that.
    if (said === undefined || !/^\d{1,9}$/.test(said))
      return { is: 'refused', why: 'expires', id, answer: { status: 400, reason: 'Bad Request' } };
    const seconds = Math.min(Number(said), EXPIRES_MAX);
    return {
      ...{ is: seconds === 0 ? 'out' : 'in', id, seconds },
      contact: readAddress(contact)?.uri ?? `sip:${id}@${realm}`,
      callId: headerOf(request, 'call-id') ?? '',
      isOf2022: headerOf(request, 'x-gb-ver')?.startsWith('3') === true,
      answer: {
        ...{ status: 200, reason: 'OK' },
        headers: [
          // 2016, 9.10: with milliseconds.
          ['date', beijingTime(time.wall())],
          ['expires', String(seconds)],
          ...(contact === '' ? [] : [['contact', contact] as const]),
        ],
      },
    };
  };
}
