/**
 * What of a platform's address may ask at all: after we are registered, in the platform's own name, and, where the config says
 * so, with a proof of the password (RFC 3261, 22; RFC 7616). What may not costs an answer at most, and is counted.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../contract/clock.ts';
import type { PlatformHost } from '../../contract/transport.ts';
import { hashNamed, readChallenges } from '../../digest.ts';
import { createNonces, isSameSecret } from '../../nonces.ts';
import type { Options } from './options.ts';
import { headerOf, type Request, readAddress, readUri } from './sip/message.ts';
import type { Answer } from './sip/transactions.ts';

/** `'take'`: it is served; `'drop'`: it gets no answer; else what it is refused with. */
export type Verdict = 'take' | 'drop' | Answer;

const FORBIDDEN: Answer = { status: 403, reason: 'Forbidden' };

export function createGate(
  own: Options,
  of: {
    readonly isRegistered: () => boolean;
    readonly discarded: PlatformHost['discarded'];
    readonly clock: Pick<Clock, 'elapsed'>;
  },
): (request: Request) => Verdict {
  const { isRegistered, discarded, clock } = of;
  const challenge = own.challenge === undefined ? undefined : createChallenge(own, own.challenge, clock);
  return (request) => {
    if (!isRegistered()) {
      discarded('a question before we are registered', request.method);
      return 'drop';
    }
    const from = readUri(readAddress(headerOf(request, 'from') ?? '')?.uri ?? '')?.user ?? '';
    if (from !== own.serverId) {
      discarded(
        'a question in the name of somebody else than the platform: look at serverId',
        from.slice(0, 40),
      );
      return FORBIDDEN;
    }
    const verdict = challenge?.(request) ?? 'proved';
    if (verdict === 'proved') return 'take';
    // Who was not asked yet cannot know it.
    if (verdict.why !== undefined) discarded(verdict.why);
    return verdict.answer;
  };
}

/** Asks for a proof: each is good for one request, so that one that was overheard moves nothing again. */
function createChallenge(
  { deviceId, serverId, username = deviceId, password = '' }: Options,
  algorithm: NonNullable<Options['challenge']>,
  clock: Pick<Clock, 'elapsed'>,
) {
  const nonces = createNonces(clock);
  const realm = deviceId.slice(0, 10);
  const name = hashNamed(algorithm) ?? 'md5';
  const hash = (text: string) => createHash(name).update(text).digest('hex');
  const ask = (why: string | undefined, isStale = false) => {
    const members = [`realm="${realm}"`, `nonce="${nonces.make()}"`, `algorithm=${algorithm}`, 'qop="auth"'];
    const value = `Digest ${[...members, ...(isStale ? ['stale=true'] : [])].join(', ')}`;
    const headers = [['www-authenticate', value]] as const;
    return { why, answer: { status: 401, reason: 'Unauthorized', headers } };
  };
  return (request: Request) => {
    const said = headerOf(request, 'authorization');
    if (said === undefined) return ask(undefined);
    const [digest] = readChallenges(said);
    const { nonce = '', uri = '', response = '', qop, nc = '', cnonce = '', ...rest } = digest?.members ?? {};
    const user = rest['username'] ?? '';
    // What it says as `uri` is not held against the request's: proxies change that, sipp says another one, and who could make
    // use of it would need a nonce that nobody has used.
    // Of RFC 2069, without qop, a nonce has no counts, and serves once.
    const counted = qop === undefined ? '' : `${nc}:${cnonce}:${qop}:`;
    const secret = hash(`${user}:${realm}:${password}`);
    const expected = hash(`${secret}:${nonce}:${counted}${hash(`${request.method}:${uri}`)}`);
    const isRight =
      isSameSecret(response.toLowerCase(), expected) &&
      password !== '' &&
      (user === serverId || user === username) &&
      (qop === undefined || (qop === 'auth' && /^[\da-f]{1,8}$/i.test(nc)));
    if (!isRight) return ask('a question with a proof that is wrong');
    return nonces.use(nonce, qop === undefined ? 1 : Number.parseInt(nc, 16))
      ? ('proved' as const)
      : ask(undefined, true);
  };
}
