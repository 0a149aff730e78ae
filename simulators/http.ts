/** What simulated HTTP devices share: digest authentication, the server's side (RFC 7616). */
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

/** `username` undefined: whoever says one, with the same password. */
export function createDigest(realm: string, username: string | undefined, password: string) {
  const nonces = new Set<string>();
  return {
    /** Whether a request knows the password. */
    isProved(request: IncomingMessage): boolean {
      const given = Object.fromEntries(
        [...(request.headers.authorization ?? '').matchAll(/\b(\w{1,30})="?([^",]{0,500})"?/g)].map(
          ([, name, value]) => [name, value],
        ),
      ) as Record<string, string | undefined>;
      const { nonce = '', uri = '', nc = '', cnonce = '', qop = '', response: answer } = given;
      const who = username ?? given['username'];
      const secret = md5(`${who}:${realm}:${password}`);
      const asked = md5(`${request.method}:${uri}`);
      return (
        given['username'] === who &&
        uri === request.url &&
        nonces.has(nonce) &&
        answer === md5(`${secret}:${nonce}:${nc}:${cnonce}:${qop}:${asked}`)
      );
    },
    /** Answers 401. */
    challenge(response: ServerResponse): void {
      const fresh = randomBytes(16).toString('hex');
      // One who asks on and on does not fill the memory.
      if (nonces.size > 1000) nonces.clear();
      nonces.add(fresh);
      answerWhole(response, 401, {
        'WWW-Authenticate': `Digest realm="${realm}", qop="auth", algorithm=MD5, nonce="${fresh}"`,
        Connection: 'close',
      });
    },
  };
}

/** Lets a request pass that knows the password, and answers any other with a challenge. */
export function digestGuard(realm: string, username: string, password: string) {
  const { isProved, challenge } = createDigest(realm, username, password);
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const right = isProved(request);
    if (!right) challenge(response);
    return right;
  };
}

/** An answer with its length before it, as devices send it: some clients read no other. */
export function answerWhole(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array = '',
): void {
  response.writeHead(status, { ...headers, 'Content-Length': String(Buffer.byteLength(body)) }).end(body);
}

/** The client's side: what answers a challenge of Digest; undefined: it asks for something else. */
export function digestOf(
  challenge: string,
  { method, uri }: { readonly method: string; readonly uri: string },
  { username, password }: { readonly username: string; readonly password: string },
): string | undefined {
  const digest = /\bDigest (.*)/i.exec(challenge)?.[1];
  if (digest === undefined) return undefined;
  const member = (name: string) => new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(digest)?.[1] ?? '';
  const [realm, nonce] = [member('realm'), member('nonce')];
  const cnonce = randomBytes(8).toString('hex');
  const secret = md5(`${username}:${realm}:${password}`);
  const response = md5(`${secret}:${nonce}:00000001:${cnonce}:auth:${md5(`${method}:${uri}`)}`);
  return `Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", qop=auth, nc=00000001, cnonce="${cnonce}", response="${response}"`;
}
