/**
 * Who may push: passwords by Basic (RFC 7617) and Digest (RFC 7616, and RFC 2069), tokens, addresses. What is asked of a request is
 * in its head: nobody's body is read before. Digest nonces are ours: they bear their time and our mark, expire, and
 * serve each count once.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../contract/clock.ts';
import { readChallenges } from '../digest.ts';

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
const NONCE_LIFE_MS = 300_000;
/** Nonces in use at once. */
const NONCES_MAX = 1024;

const sha256 = (text: string) => createHash('sha256').update(text).digest();
const md5 = (text: string) => createHash('md5').update(text).digest('hex');
const same = (a: string, b: string) => timingSafeEqual(sha256(a), sha256(b));

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

/** Nonces: `TIME.RANDOM.MARK`. None is kept before it has served, so strangers fill no table. */
function createNonces(clock: Clock) {
  const secret = randomBytes(32);
  const mark = (text: string) => createHmac('sha256', secret).update(text).digest('base64url');
  /** The highest count that a nonce has served, the oldest nonce first. */
  const counts = new Map<string, number>();
  /** Of nonces made before, it is not known any more what they served. */
  let forgottenBefore = Number.NEGATIVE_INFINITY;
  const madeAt = (nonce: string) => Number(nonce.split('.', 1)[0]);
  return {
    make() {
      const text = `${Math.floor(clock.elapsed())}.${randomBytes(12).toString('base64url')}`;
      return `${text}.${mark(text)}`;
    },
    /** Whether a nonce is ours, young, and serves with this count for the first time. */
    use(nonce: string, count: number): boolean {
      const end = nonce.lastIndexOf('.');
      if (!same(nonce.slice(end + 1), mark(nonce.slice(0, Math.max(0, end))))) return false;
      const made = madeAt(nonce);
      if (clock.elapsed() - made > NONCE_LIFE_MS || made <= forgottenBefore) return false;
      if (count <= (counts.get(nonce) ?? 0)) return false;
      counts.delete(nonce);
      counts.set(nonce, count);
      for (const old of counts.keys()) {
        if (counts.size <= NONCES_MAX) break;
        counts.delete(old);
        forgottenBefore = Math.max(forgottenBefore, madeAt(old));
      }
      return true;
    },
  };
}
