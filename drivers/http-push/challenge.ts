/**
 * Who may push: passwords by Basic (RFC 7617) and Digest (RFC 7616, and RFC 2069), tokens, addresses. What is asked of a request is
 * in its head: nobody's body is read before.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../contract/clock.ts';
import { readChallenges } from '../digest.ts';
import { createNonces, isSameSecret as same } from '../nonces.ts';

/** The head of a request, as far as it says who sends it. */
export interface Head {
  readonly method: string;
  /** As it stands in the first line. */
  readonly url: string;
  readonly address: string;
  readonly authorization: string | undefined;
  readonly token: unknown;
}

/** What is asked of a terminal; secrets, not the files they are in. */
export interface Wanted {
  readonly from: readonly string[] | undefined;
  readonly password:
    | { readonly username: string; readonly password: string; readonly digestOnly: boolean }
    | undefined;
  readonly token: string | undefined;
}

/**
 * `right`; `unsaid`: it says nothing that could be right, as a client does before it was asked; `stale`: right, but
 * under a nonce of before; `wrong`: a guess, and why.
 */
export type Verdict =
  | { readonly is: 'right' | 'stale' }
  | { readonly is: 'unsaid' | 'wrong'; readonly why: string };

const REALM = 'campus-gateway';

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

/** Both are of this port, whole or not (RFC 7616, 3.4). */
const pathOf = (uri: string) => uri.replace(/^https?:\/\/[^/?#]*/i, '') || '/';

const wrong = (why: string): Verdict => ({ is: 'wrong', why });
const PASSWORD = 'no or a wrong password';
const TOKEN = 'no or a wrong token';

export interface Guard {
  judge(head: Head, wanted: Wanted): Verdict;
  /** What is asked of who has not said it: the values of WWW-Authenticate. */
  challenges(wanted: Wanted, isStale: boolean): readonly string[];
}

export function createGuard(clock: Clock): Guard {
  const nonces = createNonces(clock);
  const judgePassword = (
    head: Head,
    { username, password, digestOnly }: NonNullable<Wanted['password']>,
  ): Verdict => {
    const { authorization } = head;
    if (authorization === undefined) return { is: 'unsaid', why: PASSWORD };
    if (!/^digest /i.test(authorization)) {
      if (digestOnly) return { is: 'unsaid', why: 'a password by Basic, where only Digest will do' };
      const basic = Buffer.from(`${username}:${password}`).toString('base64');
      return same(authorization, `Basic ${basic}`) ? { is: 'right' } : wrong(PASSWORD);
    }
    const [digest] = readChallenges(authorization);
    const said = new Map(Object.entries(digest?.members ?? {}));
    const count = said.get('nc') ?? '';
    const nonce = said.get('nonce') ?? '';
    const first = md5(`${username}:${REALM}:${password}`);
    const second = md5(`${head.method}:${said.get('uri') ?? ''}`);
    // Terminals of before know RFC 2069, without qop: then a nonce has no counts, and serves once.
    const isOld = said.get('qop') === undefined;
    const counted = `${count}:${said.get('cnonce') ?? ''}:auth:`;
    const response = md5(`${first}:${nonce}:${isOld ? '' : counted}${second}`);
    const isRight =
      same(said.get('response') ?? '', response) &&
      said.get('username') === username &&
      pathOf(said.get('uri') ?? '') === pathOf(head.url) &&
      (isOld || (said.get('qop') === 'auth' && /^[0-9a-f]{1,8}$/i.test(count)));
    if (!isRight) return wrong(PASSWORD);
    return { is: nonces.use(nonce, isOld ? 1 : Number.parseInt(count, 16)) ? 'right' : 'stale' };
  };
  return {
    judge(head, { from, password, token }) {
      if (from !== undefined && !from.includes(head.address)) return wrong('an address that is not its own');
      if (token !== undefined) {
        if (head.token === undefined) return { is: 'unsaid', why: TOKEN };
        if (typeof head.token !== 'string' || !same(head.token, token)) return wrong(TOKEN);
      }
      return password === undefined ? { is: 'right' } : judgePassword(head, password);
    },
    challenges({ password }, isStale) {
      if (password === undefined) return [];
      // MD5: terminals know nothing else. A nonce is worth nothing to who does not know the password.
      const digest = `Digest realm="${REALM}", qop="auth", algorithm=MD5, nonce="${nonces.make()}"${isStale ? ', stale=true' : ''}`;
      return password.digestOnly ? [digest] : [digest, `Basic realm="${REALM}"`];
    },
  };
}
