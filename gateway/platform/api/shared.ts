/**
 * Answers that many pages ask for at once: read, put into words and compressed once. After a change nobody gets what was
 * read before it, not even what was being read.
 */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../../drivers/contract/clock.ts';

/** Different questions that are remembered. */
const QUESTIONS_MAX = 200;

export interface Shared {
  /** What `read` gives, not older than `ageMs`. */
  get<T>(key: string, ageMs: number, read: () => Promise<T>): Promise<T>;
  /** Something changed. */
  forget(): void;
}

/** Letters: shorter ones are not compressed. */
const GZIP_LEAST = 4096;
const compress = promisify(gzip);

/** An answer in words. */
export interface Packed {
  readonly text: string;
  /** The same compressed (RFC 1952). */
  compressed(): Promise<Buffer>;
}

export function pack(value: unknown): Packed {
  const text = JSON.stringify(value);
  let bytes: Promise<Buffer> | undefined;
  return {
    text,
    async compressed() {
      bytes ??= compress(text, { level: 4 });
      return await bytes;
    },
  };
}

/** Not by the schema each time: what it is of is checked by the compiler, and by a test. */
export async function sendPacked(request: FastifyRequest, reply: FastifyReply, packed: Packed) {
  const isTaken = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  reply.type('application/json; charset=utf-8').header('vary', 'accept-encoding');
  if (!isTaken || packed.text.length < GZIP_LEAST) return await reply.send(packed.text);
  return await reply.header('content-encoding', 'gzip').send(await packed.compressed());
}

export function createShared(time: Pick<Clock, 'elapsed'>): Shared {
  const answers = new Map<string, { readonly at: number; readonly value: Promise<unknown> }>();
  return {
    get<T>(key: string, ageMs: number, read: () => Promise<T>): Promise<T> {
      const now = time.elapsed();
      const found = answers.get(key);
      if (found !== undefined && now - found.at < ageMs) return found.value as Promise<T>;
      answers.delete(key);
      const [oldest] = answers.keys();
      if (answers.size >= QUESTIONS_MAX && oldest !== undefined) answers.delete(oldest);
      const one = { at: now, value: read() };
      answers.set(key, one);
      // What failed is asked again.
      one.value.catch(() => {
        if (answers.get(key) === one) answers.delete(key);
      });
      return one.value;
    },
    forget: () => answers.clear(),
  };
}
