/**
 * The console's cookies. Where the way is TLS, ours or a proxy's that is trusted, they are for TLS alone, and the
 * session's cannot be set by another host or page (`__Host-`, RFC 6265bis, 4.1.3.2).
 *
 *   campus-session, __Host-campus-session   the session, by this name or that of another server; of people until the browser is closed, of screens for ever
 *   campus-browser                          that somebody has logged in here before, to /login alone
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { UserRecord } from './accounts-file.ts';

/** A browser keeps a cookie no longer than 400 days (RFC 6265bis, 5.6.1); the screen's page renews it. */
const LONGEST_S = 400 * 86_400;
/** The people of a guard post share its browser. */
const KNOWN_MAX = 8;
const NONCE_BYTES = 9;
const MAC_BYTES = 16;
const BROWSER = 'campus-browser';

export const CONSOLE_COOKIE = 'campus-session';

type Asked = Pick<FastifyRequest, 'cookies' | 'protocol' | 'server'>;
const isSecure = ({ protocol }: Asked) => protocol === 'https';
const nameIn = (request: Asked) => `${isSecure(request) ? '__Host-' : ''}${request.server.sessionCookie}`;
const common = (request: Asked) =>
  ({ httpOnly: true, sameSite: 'strict', secure: isSecure(request), path: '/' }) as const;

export const sessionSecret = (request: Asked): string | undefined => request.cookies[nameIn(request)];

export function giveSession(request: FastifyRequest, reply: FastifyReply, secret: string, isScreen: boolean) {
  const options = { ...common(request), ...(isScreen && { maxAge: LONGEST_S }) };
  return reply.setCookie(nameIn(request), secret, options);
}
export const takeSession = (request: FastifyRequest, reply: FastifyReply) =>
  reply.setCookie(nameIn(request), '', { ...common(request), maxAge: 0 });

const entriesIn = ({ cookies }: Asked) =>
  (cookies[BROWSER] ?? '')
    .split('~')
    .slice(0, KNOWN_MAX)
    .filter((one) => /^[A-Za-z0-9_-]{12}\.[A-Za-z0-9_-]{22}$/.test(one));
/** The key is what the disk alone has, and another one with each password. */
const macOf = ({ name, stamp, password }: UserRecord, nonce: string) =>
  createHmac('sha256', `${stamp} ${password}`).update(`${name}\n${nonce}`).digest().subarray(0, MAC_BYTES);

/** What names this browser as one of a user's; undefined: he has not been here, or has another password since. */
export function knownBrowser(request: Asked, user: UserRecord | undefined): string | undefined {
  if (user?.password === undefined || user.password === null) return undefined;
  return entriesIn(request)
    .map((one) => one.split('.') as [string, string])
    .filter(([nonce, mac]) => timingSafeEqual(Buffer.from(mac, 'base64url'), macOf(user, nonce)))
    .map(([nonce]) => `${user.name} ${nonce}`)[0];
}

/** Notes with the browser that a user was here. */
export function rememberBrowser(request: FastifyRequest, reply: FastifyReply, user: UserRecord) {
  const others = entriesIn(request).filter((one) => {
    const [nonce = '', mac = ''] = one.split('.');
    return !timingSafeEqual(Buffer.from(mac, 'base64url'), macOf(user, nonce));
  });
  const nonce = randomBytes(NONCE_BYTES).toString('base64url');
  const own = `${nonce}.${macOf(user, nonce).toString('base64url')}`;
  const value = [own, ...others].slice(0, KNOWN_MAX).join('~');
  return reply.setCookie(BROWSER, value, { ...common(request), path: '/login', maxAge: LONGEST_S });
}
