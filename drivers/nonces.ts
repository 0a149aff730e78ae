/** Nonces of digests that we ask for: they bear their time and our mark, expire, and serve each count once. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from './contract/clock.ts';

const NONCE_LIFE_MS = 300_000;
/** Nonces in use at once. */
const NONCES_MAX = 1024;

const sha256 = (text: string) => createHash('sha256').update(text).digest();

/** Whether two secrets are one, in a time that says nothing of where they differ. */
export const isSameSecret = (a: string, b: string): boolean => timingSafeEqual(sha256(a), sha256(b));

export interface Nonces {
  make(): string;
  /** Whether a nonce is ours, young, and serves with this count for the first time. */
  use(nonce: string, count: number): boolean;
}

/** `TIME.RANDOM.MARK`. None is kept before it has served, so strangers fill no table. */
export function createNonces(clock: Pick<Clock, 'elapsed'>): Nonces {
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
    use(nonce, count) {
      const end = nonce.lastIndexOf('.');
      if (!isSameSecret(nonce.slice(end + 1), mark(nonce.slice(0, Math.max(0, end))))) return false;
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
