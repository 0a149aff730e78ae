/** HTTP digest authentication (RFC 7616), the client's side: cameras and terminals know nothing else. */
import { createHash, randomBytes } from 'node:crypto';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface Challenge {
  /** In small letters: `digest`, `basic`. */
  readonly scheme: string;
  readonly members: Readonly<Record<string, string>>;
}

/** No device asks in more ways. */
const CHALLENGES_MAX = 16;

/**
 * `Digest realm="x", qop="auth", Basic realm="y"` -> each challenge with its own members (RFC 9110, 11.6.1). Reads each
 * character once, whatever a device sends.
 */
export function readChallenges(header: string): readonly Challenge[] {
  const found: { scheme: string; members: [string, string][] }[] = [];
  let at = 0;
  const skip = (characters: string) => {
    while (at < header.length && characters.includes(header.charAt(at))) at++;
  };
  const until = (characters: string) => {
    const start = at;
    while (at < header.length && !characters.includes(header.charAt(at))) at++;
    return header.slice(start, at);
  };
  const quoted = () => {
    const characters: string[] = [];
    for (at++; at < header.length && header[at] !== '"'; at++) {
      if (header[at] === '\\') at++;
      characters.push(header.charAt(at));
    }
    at++;
    return characters.join('');
  };
  while (at < header.length && found.length <= CHALLENGES_MAX) {
    skip(' \t,');
    const name = until(' \t,="').toLowerCase();
    skip(' \t');
    if (name === '') at++;
    else if (header[at] !== '=') found.push({ scheme: name, members: [] });
    else {
      at++;
      skip(' \t');
      found.at(-1)?.members.push([name, header[at] === '"' ? quoted() : until(' \t,')]);
    }
  }
  return found.map(({ scheme, members }) => ({ scheme, members: Object.fromEntries(members) }));
}

/** The algorithms that we know (RFC 7616, 6.1; GB/T 28181-2022), the weaker first. */
const hashes: readonly (readonly [name: string, hash: string])[] = [
  ['MD5', 'md5'],
  ['SHA-256', 'sha256'],
  // GB/T 28181-2022, 9.1; GB/T 32905. No device's HTTP has been seen to want it.
  ['SM3', 'sm3'],
];
/** Node's name of a hash by that of a digest's algorithm, without -sess; undefined: we do not know it. */
export const hashNamed = (algorithm: string): string | undefined =>
  hashes.find(([name]) => name === algorithm)?.[1];
const strengthOf = ({ members: { algorithm = 'MD5' } }: Challenge) =>
  hashes.findIndex(([name]) => name === algorithm.toUpperCase().replace(/-SESS$/, ''));

/**
 * What answers a 401: to the strongest digest challenge that we know (RFC 7616, 3.7), else to a basic one. undefined: it
 * wants what we do not know.
 */
export function authorizationOf(
  header: string,
  credentials: Credentials,
  request: { readonly method: string; readonly uri: string },
): string | undefined {
  const challenges = readChallenges(header);
  const [digest] = challenges
    .filter((one) => one.scheme === 'digest' && strengthOf(one) >= 0)
    .sort((a, b) => strengthOf(b) - strengthOf(a));
  if (digest !== undefined) return digestAuthorization(digest.members, credentials, request);
  const { username, password } = credentials;
  return challenges.some(({ scheme }) => scheme === 'basic')
    ? `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
    : undefined;
}

/**
 * The `Authorization` of a request that was answered with this challenge. `cnonce` is random but in tests.
 * @throws Error on an algorithm that is neither MD5, SHA-256 nor SM3, plain or -sess.
 */
export function digestAuthorization(
  challenge: Readonly<Record<string, string>>,
  { username, password }: Credentials,
  { method, uri }: { readonly method: string; readonly uri: string },
  cnonce = randomBytes(8).toString('hex'),
): string {
  const { realm = '', nonce = '', qop, opaque, algorithm = 'MD5' } = challenge;
  const [base = '', session] = algorithm.toUpperCase().split(/-(?=SESS$)/);
  const name = hashNamed(base);
  if (name === undefined) throw new Error(`the digest algorithm ${algorithm.slice(0, 50)} is not known`);
  const hash = (text: string) => createHash(name).update(text).digest('hex');
  const secret = hash(`${username}:${realm}:${password}`);
  const first = session === undefined ? secret : hash(`${secret}:${nonce}:${cnonce}`);
  const second = hash(`${method}:${uri}`);
  const count = '00000001';
  const isAuth = qop?.split(',').some((one) => one.trim() === 'auth') === true;
  const response = isAuth
    ? hash(`${first}:${nonce}:${count}:${cnonce}:auth:${second}`)
    : hash(`${first}:${nonce}:${second}`);
  const quoted = { username, realm, nonce, uri, response, ...(opaque !== undefined && { opaque }) };
  const members = [
    ...Object.entries(quoted).map(([key, value]) => `${key}="${value.replace(/["\\]/g, '\\$&')}"`),
    ...(challenge['algorithm'] === undefined ? [] : [`algorithm=${algorithm}`]),
    ...(isAuth
      ? ['qop=auth', `nc=${count}`, `cnonce="${cnonce}"`]
      : session === undefined
        ? []
        : [`cnonce="${cnonce}"`]),
  ];
  return `Digest ${members.join(', ')}`;
}

/** The answer was right, of a nonce that is over: that is no refusal (RFC 7616, 3.3). */
export const isStale = (challenges: string): boolean => /\bstale\s*=\s*"?true\b/i.test(challenges);

/** A URL with a name and a password in it: never into a log. */
export function withCredentials(uri: string, credentials: Credentials | undefined): string {
  const url = new URL(uri);
  if (credentials !== undefined) {
    url.username = encodeURIComponent(credentials.username);
    url.password = encodeURIComponent(credentials.password);
  }
  return url.href;
}

/**
 * `fetch` that answers a digest or basic challenge, for answers that have no end: streams. It follows nobody elsewhere.
 * Whoever reads the body bounds it; `ask` of http.ts is for answers that end. @throws what `fetch` throws.
 */
export async function fetchAs(
  url: string,
  credentials: Credentials | undefined,
  init: RequestInit & { readonly method?: string } = {},
): Promise<Response> {
  const { pathname, search } = new URL(url);
  const wanted = { method: init.method ?? 'GET', uri: `${pathname}${search}` };
  let answer = await fetch(url, { ...init, redirect: 'error' });
  for (let tries = 0; answer.status === 401 && credentials !== undefined && tries < 2; tries++) {
    const challenges = answer.headers.get('www-authenticate') ?? '';
    if (tries === 1 && !isStale(challenges)) return answer;
    const authorization = authorizationOf(challenges, credentials, wanted);
    if (authorization === undefined) return answer;
    await answer.body?.cancel();
    answer = await fetch(url, { ...init, redirect: 'error', headers: { ...init.headers, authorization } });
  }
  return answer;
}
