/** Digest as GB/T 28181 has it (2016 and 2022, 9.1; RFC 2617, 3.2; RFC 7616), both sides of it. Pure. */
import { createHash } from 'node:crypto';
import type { RegisterAlgorithm } from '../kinds.ts';

/** By how it is called there: the algorithm. */
const named: Readonly<Record<RegisterAlgorithm, { readonly name: string; readonly hash: string }>> = {
  md5: { name: 'MD5', hash: 'md5' },
  'sha-256': { name: 'SHA-256', hash: 'sha256' },
  sm3: { name: 'SM3', hash: 'sm3' },
};
export const nameOf = (algorithm: RegisterAlgorithm): string => named[algorithm].name;

export type Members = Readonly<Record<string, string | undefined>>;

/** `Digest realm="x", nc=00000001` -> its members. */
export const membersOf = (header: string): Members =>
  Object.fromEntries(
    [...header.matchAll(/\b(\w{1,30})="?([^",]{0,500})"?/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  );

/** What `response` is to be; `given` has what is said beside it. */
export function responseTo(
  algorithm: RegisterAlgorithm,
  given: Members,
  { method, uri, password }: { readonly method: string; readonly uri: string; readonly password: string },
): string {
  const digest = (...texts: readonly (string | undefined)[]) =>
    createHash(named[algorithm].hash).update(texts.join(':')).digest('hex');
  const { username, realm, nonce, qop, nc, cnonce } = given;
  const middle = qop === undefined ? [nonce] : [nonce, nc, cnonce, qop];
  return digest(digest(username, realm, password), ...middle, digest(method, uri));
}

/** The `Authorization` that a challenge wants; undefined: it wants what we do not know. */
export function proofFor(
  challenge: string,
  who: { readonly username: string; readonly password: string },
  request: { readonly method: string; readonly uri: string },
): string | undefined {
  const { realm = '', nonce, qop, algorithm = 'MD5' } = membersOf(challenge);
  const known = Object.entries(named).find(([, { name }]) => name === algorithm.toUpperCase())?.[0];
  if (nonce === undefined || known === undefined || !/^Digest /i.test(challenge)) return undefined;
  const count = qop === undefined ? {} : { qop: 'auth', nc: '00000001', cnonce: nonce.slice(0, 8) };
  const given = { username: who.username, realm, nonce, ...count };
  const response = responseTo(known as RegisterAlgorithm, given, { ...request, password: who.password });
  const quoted = Object.entries({ ...given, uri: request.uri, response }).map(([name, value]) =>
    name === 'qop' || name === 'nc' ? `${name}=${value}` : `${name}="${value}"`,
  );
  return `Digest ${[...quoted, `algorithm=${algorithm}`].join(', ')}`;
}
