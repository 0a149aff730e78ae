/**
 * PINs and codes, and whether one that was typed is right.
 *
 * In the school's list one stands as digits, or as a hash in the PHC string format, which `credentials import` makes:
 *
 *   $scrypt$ln=14,r=8,p=1$SALT$HASH      scrypt (RFC 7914), salt and hash in base64 without padding
 *
 * In memory none stands as digits: those of the list are kept under a key that this process alone has. Comparing takes
 * the same time wherever the difference is.
 */
import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

export interface Secret {
  /** Made under the same way and salt, the same digits are the same hash. */
  readonly way: string;
  readonly hash: Buffer;
  /** The hash of digits that were typed. */
  readonly hashOf: (digits: string) => Promise<Buffer>;
}

/** 16 MB and some 50 ms for each guess. Of few digits no hash keeps a secret for long; it keeps it from a glance. */
const COST = { ln: 14, r: 8, p: 1 };
const HASH_BYTES = 32;
const SALT_BYTES = 16;
/** What a list may ask for: 64 MB. */
const MOST_LN = 16;

const scryptOf = promisify<string, Buffer, number, object, Buffer>(scrypt);
const processKey = randomBytes(32);
const keyed = (digits: string) => createHmac('sha256', processKey).update(digits).digest();

const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');

/** As it is kept in a list. `salt`: so that codes which open alone can be looked up by one hash. */
export async function hashSecret(digits: string, salt: Buffer = randomBytes(SALT_BYTES)): Promise<string> {
  const { ln, r, p } = COST;
  const hash = await scryptOf(digits, salt, HASH_BYTES, { N: 2 ** ln, r, p });
  return `$scrypt$ln=${ln},r=${r},p=${p}$${base64(salt)}$${base64(hash)}`;
}

const isHash = (text: string) => text.startsWith('$');
/** Whether a PIN of a list should be hashed yet. */
export const isInClear = (text: string) => text !== '' && !isHash(text);

/** A PIN as a list has it, digits or hash. `least`: so many digits. A string: what is wrong with it, without itself. */
export function readSecret(text: string, least: number): Secret | string {
  if (!isHash(text)) {
    if (!/^\d{1,10}$/.test(text) || text.length < least) return `pin: ${least} to 10 digits, or their hash`;
    return { way: 'process', hash: keyed(text), hashOf: async (digits) => keyed(digits) };
  }
  const found = /^\$scrypt\$ln=(\d{1,2}),r=8,p=1\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43})$/.exec(text);
  const [, cost = '', salt = '', hash = ''] = found ?? [];
  const ln = Number(cost);
  if (found === null || ln < 1 || ln > MOST_LN)
    return `pin: no hash that is known; it is $scrypt$ln=1 to ${MOST_LN},r=8,p=1$SALT$HASH`;
  const options = { N: 2 ** ln, r: 8, p: 1, maxmem: 2 ** MOST_LN * 8 * 129 };
  const salted = Buffer.from(salt, 'base64');
  return {
    way: `${ln} ${salt}`,
    hash: Buffer.from(hash, 'base64'),
    hashOf: (digits) => scryptOf(digits, salted, HASH_BYTES, options),
  };
}

/** Those of `candidates` whose secret was typed. All are looked at, so that the time says nothing. */
export async function rightOf<T extends { readonly secret: Secret }>(
  digits: string,
  candidates: readonly T[],
): Promise<readonly T[]> {
  const hashes = new Map<string, Buffer>();
  for (const { secret } of candidates)
    if (!hashes.has(secret.way)) hashes.set(secret.way, await secret.hashOf(digits));
  return candidates.filter(({ secret }) => timingSafeEqual(hashes.get(secret.way) as Buffer, secret.hash));
}
