/**
 * A source's connection: made at one of several addresses, the last good one first; made again, for ever, when it ends,
 * after a time that is at random (full jitter), so that what lost a node together does not come back together.
 */
import { say } from '../../../config/language.ts';
import { createBackOff } from '../../lifecycle/back-off.ts';
import type { Source, SourceHost } from '../contract.ts';

/** The broker is there and refuses, or cannot what is needed: nothing that waiting mends. The sentence says what does. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly code = 'E_SOURCE';
}

/** One connection. */
export interface Line {
  /** Rejects where the connection ends first. */
  publish(topic: string, payload: string, retain: boolean): Promise<void>;
  /** Resolves with why, when it has ended. */
  readonly ended: Promise<string>;
  /** Hands nothing more over. Publishing still works. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

export interface Connecting {
  readonly urls: readonly string[];
  /** Resolves when it is subscribed. `isFirst`: nothing was connected before. Rejects in bounded time. */
  readonly dial: (url: string, isFirst: boolean) => Promise<Line>;
  /** Resolves when all that was handed over is settled. */
  readonly settled: () => Promise<void>;
}

const FIRST_MS = 500;
const MOST_MS = 10_000;
const GOOD_MS = 5000;

/** Several addresses, by commas. @throws SourceError. */
export function urlsOf(text: string): readonly string[] {
  const urls = text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  const wrong = urls.find((one) => !URL.canParse(one));
  if (wrong !== undefined || urls.length === 0)
    throw new SourceError(
      say(
        `${hidden(wrong ?? text)}: write an address such as mqtt://HOST:1883, several by commas`,
        `${hidden(wrong ?? text)}：请写成 mqtt://主机:1883 的形式，多个以逗号分隔`,
      ),
    );
  return urls;
}

/** Addresses as they may be shown: without what lets in. */
export const hidden = (urls: string): string => urls.replace(/\/\/[^/,\s]*@/g, '//');

/** Resolves when one of the addresses has it. @throws SourceError: none of them does; what each says. */
export async function keepConnected(
  { urls, dial, settled }: Connecting,
  host: Pick<SourceHost, 'onState' | 'time' | 'log' | 'signal'>,
): Promise<Source> {
  const { time, log, signal } = host;
  const wait = createBackOff({ firstMs: FIRST_MS, mostMs: MOST_MS }, time);
  const over = new AbortController();
  let at = 0;
  let line: Line | undefined;
  const urlAt = (index: number) => urls[index % urls.length] as string;

  const first = async (): Promise<Line> => {
    const reasons: string[] = [];
    for (; at < urls.length; at++) {
      try {
        return await dial(urlAt(at), true);
      } catch (error) {
        reasons.push(`${hidden(urlAt(at))}: ${(error as Error).message}`);
      }
    }
    throw new SourceError(reasons.join('\n'));
  };
  /** undefined: it is to end. */
  const again = async (): Promise<Line | undefined> => {
    for (;;) {
      if ((await time.wait(wait.nextMs(), over.signal)) === 'stopped') return undefined;
      const url = urlAt(at);
      try {
        const made = await dial(url, false);
        if (!over.signal.aborted) return made;
        await made.close();
        return undefined;
      } catch (error) {
        log.debug({ broker: hidden(url), reason: (error as Error).message }, 'the broker is not reached');
        at++;
      }
    }
  };
  const keep = async (): Promise<void> => {
    for (;;) {
      const since = time.elapsed();
      const reason = await (line as Line).ended;
      line = undefined;
      // One that ends as soon as it begins is no good one.
      if (time.elapsed() - since >= GOOD_MS) wait.reset();
      if (over.signal.aborted) return;
      host.onState({ connected: false, reason });
      log.warn({ broker: hidden(urlAt(at)), reason }, 'the broker is gone; it is connected to again');
      line = await again();
      if (line === undefined) return;
      log.info({ broker: hidden(urlAt(at)) }, 'the broker is there again');
      host.onState({ connected: true });
    }
  };
  line = await first();
  host.onState({ connected: true });
  signal.addEventListener('abort', () => over.abort(), { once: true });
  const kept = keep();
  return {
    async publish(topic, payload, { retain = false } = {}) {
      if (line === undefined) throw new Error(say('the broker is away', '消息平台未连接'));
      await line.publish(topic, payload, retain);
    },
    async stop() {
      over.abort();
      await line?.stop();
      await settled();
    },
    async close() {
      over.abort();
      await line?.close();
      await kept;
    },
  };
}

/** Promises that a connection must not leave open: what is not answered when it ends is rejected. */
export function createUnanswered() {
  const open = new Set<(error: Error) => void>();
  let over: Error | undefined;
  return {
    /** As what `begin` is called back with. */
    ask: (begin: (done: (error?: Error | null) => void) => void): Promise<void> =>
      new Promise((resolve, reject) => {
        if (over !== undefined) return reject(over);
        open.add(reject);
        begin((error) => {
          open.delete(reject);
          if (error === undefined || error === null) resolve();
          else reject(error);
        });
      }),
    end(reason: string) {
      over ??= new Error(reason);
      for (const reject of open) reject(over);
      open.clear();
    },
  };
}
