/** A terminal whose endless answer is read: alertStream, eventManager. */

import { createBucket } from '../contract/bucket.ts';
import type { Clock, Timer } from '../contract/clock.ts';
import { LineError } from '../contract/driver.ts';
import { fetchAs } from '../digest.ts';
import type { Login } from '../login.ts';
import { whyNothing } from '../wire-words.ts';
import type { Message } from './intake.ts';
import { slow } from './limits.ts';
import { boundaryOf, multipartDecoder } from './multipart.ts';

/** An endless answer in which no whole message comes for so long, a heartbeat at least, is no answer. */
const PULL_SILENT_MS = 90_000;
/** What a terminal may tell. One that tells more is read no faster. */
const MESSAGES = { perSecond: 20, burst: 200 };
const BYTES = { perSecond: 4_000_000, burst: 16_000_000 };

/** Asks for the stream, as often as a password may be tried: waits before it, where it was refused. */
async function ask(
  url: string,
  login: Login,
  { signal, waited }: { readonly signal: AbortSignal; readonly waited: () => void },
): Promise<Response> {
  const waitMs = login.waitMs();
  if (waitMs > 0) await login.wait(waitMs, signal);
  waited();
  const leave = await login.enter('stream');
  try {
    const headers = { 'accept-encoding': 'identity' };
    const response = await fetchAs(url, login.credentials(), { signal, headers });
    if (response.status === 401) login.refused('stream');
    else login.accepted('stream');
    return response;
  } finally {
    leave();
  }
}

/**
 * Reads an endless multipart answer, of the host that was asked and no other. Resolves when the signal aborts.
 * @throws LineError when it ends.
 */
export async function readStream(
  url: string,
  login: Login,
  signal: AbortSignal,
  time: Clock,
  on: {
    readonly opened: () => void;
    readonly message: (message: Message) => Promise<void>;
    readonly noise: (reason: string, bytes: number) => void;
  },
): Promise<void> {
  const silent = new AbortController();
  let timer: Timer | undefined;
  const patience = () => {
    timer?.stop();
    timer = time.after(PULL_SILENT_MS, () => silent.abort());
  };
  try {
    const both = AbortSignal.any([signal, silent.signal]);
    const response = await ask(url, login, { signal: both, waited: patience });
    const boundary = boundaryOf(response.headers.get('content-type') ?? '');
    if (!response.ok || response.body === null || boundary === undefined) {
      await response.body?.cancel();
      const why = response.status === 401 ? ' (the password?)' : '';
      throw new LineError('E_LINE_REFUSED', `${url} answers ${response.status}${why}, and no stream`);
    }
    on.opened();
    patience();
    const decoder = multipartDecoder(boundary);
    const messages = createBucket(time);
    const bytes = createBucket(time);
    for await (const chunk of response.body) {
      for (const one of decoder.push(Buffer.from(chunk))) {
        if ('discarded' in one) on.noise(one.reason, one.discarded);
        else {
          patience();
          await on.message({ ...one.frame, isToldOnce: true });
          await slow(messages.spend(MESSAGES), time, signal);
        }
      }
      await slow(bytes.spend(BYTES, chunk.length), time, signal);
    }
    throw new LineError('E_LINE_LOST', `${url} ended`);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof LineError) throw error;
    const reason = silent.signal.aborted ? `no message for ${PULL_SILENT_MS / 1000} s` : whyNothing(error);
    throw new LineError('E_LINE_LOST', `${url}: ${reason}`, { cause: error });
  } finally {
    timer?.stop();
  }
}
