/** HTTP digest authentication (RFC 7616), the client's side: cameras and terminals know nothing else. */
import { createHash, randomBytes } from 'node:crypto';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** `Digest realm="x", qop="auth"` -> its members. undefined: it is none. */
export function readChallenge(header: string): Readonly<Record<string, string>> | undefined {
  const found = /(?:^|,)\s*Digest\s+(.*)$/i.exec(header)?.[1];
  if (found === undefined) return undefined;
  const members = found.matchAll(/([a-z0-9-]+)\s*=\s*(?:"([^"]*)"|([^\s,]+))/gi);
  return Object.fromEntries(
    [...members].map(([, name = '', quoted, bare]) => [name.toLowerCase(), quoted ?? bare ?? '']),
  );
}

/**
 * The `Authorization` of a request that was answered with this challenge. `cnonce` is random but in tests.
 * @throws Error on an algorithm that is neither MD5 nor SHA-256, plain or -sess.
 */
export function digestAuthorization(
  challenge: Readonly<Record<string, string>>,
  { username, password }: Credentials,
  { method, uri }: { readonly method: string; readonly uri: string },
  cnonce = randomBytes(8).toString('hex'),
): string {
  const { realm = '', nonce = '', qop, opaque, algorithm = 'MD5' } = challenge;
  const [base = '', session] = algorithm.toUpperCase().split(/-(?=SESS$)/);
  const name = { MD5: 'md5', 'SHA-256': 'sha256' }[base];
  if (name === undefined) throw new Error(`the digest algorithm ${algorithm} is not known`);
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

/** A URL with a name and a password in it: never into a log. */
export function withCredentials(uri: string, credentials: Credentials | undefined): string {
  const url = new URL(uri);
  if (credentials !== undefined) {
    url.username = encodeURIComponent(credentials.username);
    url.password = encodeURIComponent(credentials.password);
  }
  return url.href;
}

/** A body of at most so many bytes: what answers without an end must not fill the memory. @throws Error. */
export async function bodyOf(response: Response, max: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > max) throw new Error(`the answer is larger than ${max} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** `fetch` that answers a digest or basic challenge. @throws what `fetch` throws. */
export async function fetchAs(
  url: string,
  credentials: Credentials | undefined,
  init: RequestInit & { readonly method?: string } = {},
): Promise<Response> {
  const first = await fetch(url, init);
  const header = first.headers.get('www-authenticate');
  if (first.status !== 401 || header === null || credentials === undefined) return first;
  await first.body?.cancel();
  const { pathname, search } = new URL(url);
  const challenge = readChallenge(header);
  const { username, password } = credentials;
  const authorization =
    challenge === undefined
      ? `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
      : digestAuthorization(challenge, credentials, {
          method: init.method ?? 'GET',
          uri: `${pathname}${search}`,
        });
  return await fetch(url, { ...init, headers: { ...init.headers, authorization } });
}
