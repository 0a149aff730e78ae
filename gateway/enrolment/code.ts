/**
 * The code that an installer types, once, to give a gateway its certificate: 85 random bits and 15 that tell a typo, as
 * 20 letters and digits of which none looks like another (Crockford's base 32): `7ZK4M-9QWE2-XB0RT-5JHD8`.
 *
 * It is a secret of both sides: the platform keeps hashes of it, and shows by them that it is the one that made the code
 * before the gateway sends it there. So nobody in between is trusted, and nobody has to compare fingerprints.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const SYMBOLS = 20;
const SECRET_BITS = 85n;
const CHECK_BITS = 15n;
/**
 * A prime below 2^15: the secret modulo it differs wherever one symbol is another, or two neighbours changed places, for
 * none of those differences is a multiple of it.
 */
const MODULUS = 32_749n;

/** A code as it is printed. `random`: 11 bytes. */
export function makeCode(random: Uint8Array = randomBytes(11)): string {
  const secret = BigInt(`0x${Buffer.from(random).toString('hex')}`) & ((1n << SECRET_BITS) - 1n);
  let value = (secret << CHECK_BITS) | (secret % MODULUS);
  let text = '';
  for (let i = 0; i < SYMBOLS; i++) {
    text = (ALPHABET[Number(value & 31n)] ?? '') + text;
    value >>= 5n;
  }
  return text.replace(/.{5}(?=.)/g, '$&-');
}

export type CodeMistake = 'length' | 'letter' | 'typo';

/** A code as somebody typed it: in any case, with any spaces and dashes, O for 0, I and L for 1. */
export function readCode(text: string): { readonly code: string } | { readonly wrong: CodeMistake } {
  if (text.length > 100) return { wrong: 'length' };
  const plain = text
    .toUpperCase()
    .replace(/[\s\u2010-\u2015-]/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
  let value = 0n;
  for (const letter of plain) {
    const at = ALPHABET.indexOf(letter);
    if (at < 0) return { wrong: 'letter' };
    value = (value << 5n) | BigInt(at);
  }
  if (plain.length !== SYMBOLS) return { wrong: 'length' };
  const secret = value >> CHECK_BITS;
  if ((value & ((1n << CHECK_BITS) - 1n)) !== secret % MODULUS) return { wrong: 'typo' };
  return { code: plain.replace(/.{5}(?=.)/g, '$&-') };
}

const hashOf = (purpose: string, code: string) =>
  createHash('sha256').update(`campus-gateway enrolment ${purpose}\n${code}`).digest();

/** Under what the platform keeps a code: nothing can be done with it. */
export const codeId = (code: string): string => hashOf('id', code).toString('hex').slice(0, 32);
/** What the platform keeps of a code. With 85 random bits it needs no slow hash. */
export const codeKey = (code: string): Buffer => hashOf('key', code);

/** Shows that who sends `authority` (DER) knows the code. `nonce`: the asker's, so that no old answer will do. */
export const proofOf = (key: Uint8Array, nonce: Uint8Array, authority: Uint8Array): Buffer =>
  createHmac('sha256', key)
    .update('authority\n')
    .update(createHash('sha256').update(nonce).digest())
    .update(authority)
    .digest();

export const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && timingSafeEqual(one, other);
