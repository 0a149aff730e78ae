/**
 * Passwords: which are good enough, and their hashes, in the PHC string format:
 *
 *   $scrypt$ln=15,r=8,p=3$SALT$HASH      scrypt (RFC 7914), salt and hash in base64 without padding
 *
 * One hash is computed at a time, so that a flood of logins takes 32 MB and one of libuv's threads, and the file system
 * has the others. Who is known goes first, and no more than a few wait.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** 32 MB; one of the sets that OWASP's Password Storage Cheat Sheet holds equal, some 250 ms on a mini-PC. */
const COST = { ln: 15, r: 8, p: 3 };
const HASH_BYTES = 32;
const SALT_BYTES = 16;
/** What a file may ask for: 64 MB. */
const MOST_LN = 16;
const MOST_P = 8;
/** Strangers who wait: at 250 ms each the last one waits for 5 s. */
const STRANGERS_MAX = 20;

export const PASSWORD_LEAST = 10;
export const PASSWORD_MOST = 200;

const scryptOf = promisify<string, Buffer, number, object, Buffer>(scrypt);
const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
/** The same password typed on another keyboard is the same (NIST SP 800-63B, 3.1.1.2). */
const normal = (password: string) => password.normalize('NFKC');

interface Hash {
  readonly salt: Buffer;
  readonly hash: Buffer;
  readonly options: object;
}

function readHash(text: string): Hash | undefined {
  const found = /^\$scrypt\$ln=(\d{1,2}),r=8,p=(\d)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43})$/.exec(text);
  const [, cost = '', parallel = '', salt = '', hash = ''] = found ?? [];
  const [ln, p] = [Number(cost), Number(parallel)];
  if (ln < 1 || ln > MOST_LN || p < 1 || p > MOST_P) return undefined;
  return {
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
    options: optionsOf({ ln, r: 8, p }),
  };
}

const optionsOf = ({ ln, r, p }: typeof COST) => ({ N: 2 ** ln, r, p, maxmem: 2 ** MOST_LN * r * 160 });

/** What guessers try first, and have at least `PASSWORD_LEAST` letters. */
const COMMON =
  /^(password\d*|passw0rd\d*|administrator\d*|admin\d+|qwerty(uiop)?\d*|1q2w3e4r(5t)?(6y)?\d*|1qaz2wsx(3edc)?\d*|a?123456789\d*a?|abcd?1234\d*|iloveyou\d*|woaini\d*|letmein\d*|welcome\d*|campus-?gateway\d*|changeme\d*)[!.@#]?$/i;

/** Why a password is not good enough; undefined: it is. `about`: what is easily known: the user's name, the school's. */
export type Weakness = 'too-short' | 'too-long' | 'too-common' | 'like-a-name';
export function weaknessOf(password: string, about: readonly string[]): Weakness | undefined {
  const text = normal(password);
  const length = [...text].length;
  if (length < PASSWORD_LEAST) return 'too-short';
  if (length > PASSWORD_MOST) return 'too-long';
  const lower = text.toLowerCase();
  if (COMMON.test(text) || new Set(lower).size < 4 || isRun(lower)) return 'too-common';
  const rest = about
    .map((one) => one.normalize('NFKC').toLowerCase())
    .filter((one) => one.length >= 3)
    .reduce((left, one) => left.replaceAll(one, ''), lower);
  return [...rest].length < 4 ? 'like-a-name' : undefined;
}

/** Letters that follow each other throughout: abcdefghij, 0987654321. */
function isRun(text: string): boolean {
  const codes = [...text].map((letter) => letter.codePointAt(0) ?? 0);
  const steps = codes.slice(1).map((code, i) => code - (codes[i] ?? 0));
  return [1, -1].some((step) => steps.filter((one) => one === step).length >= steps.length - 2);
}

/** `known`: it is of a browser in which this user has been before. */
export interface Passwords {
  /** A hash to keep. undefined: too many are waiting. */
  hash(password: string): Promise<string | undefined>;
  /**
   * Whether a password is the one of a hash, in the same time where there is no hash. `busy`: too many strangers are
   * waiting.
   */
  verify(password: string, hash: string | undefined, known: boolean): Promise<boolean | 'busy'>;
}

export function createPasswords(cost: Partial<typeof COST> = {}): Passwords {
  const used = { ...COST, ...cost };
  const queue = createQueue();
  const nobody: Hash = {
    salt: randomBytes(SALT_BYTES),
    hash: randomBytes(HASH_BYTES),
    options: optionsOf(used),
  };
  return {
    hash(password) {
      const salt = randomBytes(SALT_BYTES);
      return queue.run(true, async () => {
        const hash = await scryptOf(normal(password), salt, HASH_BYTES, optionsOf(used));
        return `$scrypt$ln=${used.ln},r=${used.r},p=${used.p}$${base64(salt)}$${base64(hash)}`;
      });
    },
    async verify(password, text, known) {
      const own = text === undefined ? undefined : readHash(text);
      const { salt, hash, options } = own ?? nobody;
      // None is longer; what is would be hashed in proportion to its length.
      const typed = normal(password.slice(0, PASSWORD_MOST * 4));
      const found = await queue.run(known, () => scryptOf(typed, salt, HASH_BYTES, options));
      if (found === undefined) return 'busy';
      return timingSafeEqual(found, hash) && own !== undefined;
    },
  };
}

/** One at a time, who is known first. */
function createQueue() {
  const known: (() => void)[] = [];
  const strangers: (() => void)[] = [];
  let isBusy = false;
  const next = () => {
    const turn = known.shift() ?? strangers.shift();
    if (turn === undefined) isBusy = false;
    else turn();
  };
  return {
    /** undefined: too many wait already. */
    async run<T>(isKnown: boolean, work: () => Promise<T>): Promise<T | undefined> {
      const waiting = isKnown ? known : strangers;
      if (waiting.length >= STRANGERS_MAX) return undefined;
      if (isBusy) await new Promise<void>((resolve) => waiting.push(resolve));
      isBusy = true;
      try {
        return await work();
      } finally {
        next();
      }
    },
  };
}
