/** A terminal whose endless answer is read: alertStream, eventManager. */
import type { Clock, Timer } from '../contract/clock.ts';
import { LineError } from '../contract/driver.ts';
import { type Credentials, fetchAs } from '../digest.ts';
import { boundaryOf, type Message, multipartDecoder, readMessage } from './codec.ts';

/** An endless answer in which nothing comes for so long is no answer. */
const PULL_SILENT_MS = 90_000;

/** Reads an endless multipart answer. Resolves when the signal aborts. @throws LineError when it ends. */
export async function readStream(
  url: string,
  credentials: Credentials,
  signal: AbortSignal,
  time: Clock,
  on: {
    readonly opened: () => void;
    readonly message: (message: Message | string) => Promise<void>;
    readonly noise: (reason: string, bytes: number) => void;
  },
): Promise<void> {
  const silent = new AbortController();
  let timer: Timer | undefined;
  const patience = () => {
    timer?.stop();
    timer = time.after(PULL_SILENT_MS, () => silent.abort());
  };
  patience();
  try {
    const response = await fetchAs(url, credentials, { signal: AbortSignal.any([signal, silent.signal]) });
    const boundary = boundaryOf(response.headers.get('content-type') ?? '');
    if (!response.ok || response.body === null || boundary === undefined) {
      await response.body?.cancel();
      const why = response.status === 401 ? ' (the password?)' : '';
      throw new LineError('E_LINE_REFUSED', `${url} answers ${response.status}${why}, and no stream`);
    }
    on.opened();
    const decoder = multipartDecoder(boundary);
    for await (const chunk of response.body) {
      patience();
      for (const one of decoder.push(Buffer.from(chunk))) {
        if ('discarded' in one) on.noise(one.reason, one.discarded);
        else await on.message(readMessage(one.frame.contentType, one.frame.bytes));
      }
    }
    throw new LineError('E_LINE_LOST', `${url} ended`);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof LineError) throw error;
    const reason = silent.signal.aborted
      ? `nothing for ${PULL_SILENT_MS / 1000} s`
      : (((error as Error).cause as Error | undefined)?.message ?? (error as Error).message);
    throw new LineError('E_LINE_LOST', `${url}: ${reason}`, { cause: error });
  } finally {
    timer?.stop();
  }
}
