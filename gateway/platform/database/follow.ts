/**
 * What other consumers commit, as it is committed: LISTEN on a connection of its own, which comes back by itself. After
 * each time that it begins to listen it says `missed`: what was told before, nobody heard.
 */
import { Client } from 'pg';
import type { Change } from '../views.ts';
import { type Base, connectionOptions } from './connection.ts';
import { CHANNEL, toldOf } from './notify.ts';

/** A connection that is dead without a word is found out so; the answer is waited for as long. */
const LOOK_EVERY_MS = 10_000;
const AGAIN_FIRST_MS = 250;
const AGAIN_MAX_MS = 5000;

/** @returns what ends it. */
export function follow(
  url: string,
  { time, log }: Base,
  listener: (told: Change) => void,
): () => Promise<void> {
  const ended = new AbortController();
  const { signal } = ended;
  const tell = (told: Change) => {
    if (!signal.aborted) listener(told);
  };

  /** Resolves when the connection is gone, or no longer wanted. @returns whether it ever listened. */
  const listen = async (): Promise<boolean> => {
    const client = new Client({ ...connectionOptions(url), query_timeout: LOOK_EVERY_MS });
    const gone = Promise.withResolvers<void>();
    client.on('error', () => gone.resolve());
    client.on('end', () => gone.resolve());
    signal.addEventListener('abort', () => gone.resolve(), { once: true });
    client.on('notification', ({ payload = '' }) => {
      for (const told of toldOf(payload)) tell(told);
    });
    let isListening = false;
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      isListening = true;
      tell({ what: 'missed' });
      const looking = time.every(LOOK_EVERY_MS, () => {
        client.query('SELECT 1').catch(() => gone.resolve());
      });
      await gone.promise;
      looking.stop();
    } catch (error) {
      log.debug({ error: (error as Error).message }, 'the database is not listened to; it is tried again');
    }
    // One that answers nothing does not hear a goodbye either.
    void client.end().catch(() => {});
    return isListening;
  };
  const run = async () => {
    let waitMs = AGAIN_FIRST_MS;
    while (!signal.aborted) {
      waitMs = (await listen()) ? AGAIN_FIRST_MS : Math.min(waitMs * 2, AGAIN_MAX_MS);
      await time.wait(waitMs, signal);
    }
  };
  const running = run();
  return async () => {
    ended.abort();
    await running;
  };
}
