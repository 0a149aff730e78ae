/**
 * Pull-point events of one camera, over every trap: cameras that forget the subscription, close the socket, die without a
 * word, or name an address that nobody reaches. Each question has its own connection and its own limit. A question that gets
 * no answer, or nonsense, is asked again: what happened meanwhile waits in the subscription. One that the camera has forgotten
 * ends here, and the caller makes the next one, which begins with all states (SetSynchronizationPoint).
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../contract/clock.ts';
import { ask as askHttp } from '../http.ts';
import type { CameraAddress } from './camera.ts';
import { encodeRequest, type Request, readDateAndTime, readRenewed, readSubscription } from './codec.ts';
import { type Notification, readNotifications } from './notifications.ts';
import { type ClockReading, clockReadingOf } from './times.ts';
import { readBody, type SoapError } from './xml.ts';

/** A camera is asked to wait so long for something to tell; half of what agsh/onvif#314 closes sockets after. */
const PULL_MS = 5000;
/** Silence beyond that is loss. */
const MARGIN_MS = 4000;
const ASK_MS = 6000;
/** How long a subscription is to last without renewal: one that we lose goes by itself. */
const LASTS_MS = 60_000;
/** From a question that failed to the next. */
const AGAIN_MS = 1000;
/** Nonsense in a row after which the subscription is given up. */
const NONSENSE_MAX = 3;
/** A camera that does not wait, although it was asked to, is not asked more often than this. */
const EAGER_MS = 300;

/** A hundred notifications, of which each answer has no more, are a fifth of it. */
const ANSWER_MAX = 500_000;
const WRONG_PASSWORD = 'it refuses our password';
const SOAP = { 'content-type': 'application/soap+xml; charset=utf-8' };

const serviceUrl = ({ host, port }: CameraAddress) =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}/onvif/device_service`;

/** The camera's clock beside ours. @throws Error. */
export async function readClock(
  address: CameraAddress,
  clock: Clock,
  signal: AbortSignal,
): Promise<ClockReading> {
  const url = serviceUrl(address);
  const before = clock.wall();
  const { body } = await askHttp(url, {
    method: 'POST',
    headers: SOAP,
    body: encodeRequest('time', url, 0, { messageId: randomUUID() }),
    maxBytes: ANSWER_MAX,
    timeout: ASK_MS,
    ...{ clock, signal },
  });
  const read = readDateAndTime(body.toString());
  // It tells whole seconds: the middle of one, and the middle of the way.
  return clockReadingOf(read, (before + clock.wall()) / 2 - 500);
}

export interface EventsOptions {
  readonly address: CameraAddress;
  /** Where its event service is. */
  readonly url: string;
  /** ms, as `clockOffset` gives it: tokens bear the camera's time. */
  readonly offset: () => number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** It answered. */
  readonly heard: () => void;
  /** Resolves when it is on disk; only then is the camera asked on. */
  readonly take: (notification: Notification) => Promise<void>;
  readonly discarded: (reason: string, count: number) => void;
  /** Called between two questions. */
  readonly between: () => Promise<void>;
}

/** Reads events until something goes wrong. @throws Error with the reason; resolves when the signal aborts. */
export async function readEvents(options: EventsOptions): Promise<void> {
  const { address, url, offset, clock, signal, heard, take, discarded, between } = options;
  const { credentials } = address;

  const ask = async (
    request: Request,
    to: string,
    ms: number,
    limit: number,
    parameters = '',
  ): Promise<string> => {
    const token =
      credentials === undefined
        ? undefined
        : {
            ...credentials,
            nonce: randomBytes(16),
            created: new Date(clock.wall() + offset()).toISOString(),
          };
    const { status, body } = await askHttp(to, {
      method: 'POST',
      headers: SOAP,
      body: encodeRequest(request, to, ms, { token, parameters, messageId: randomUUID() }),
      maxBytes: ANSWER_MAX,
      timeout: limit,
      ...{ credentials, clock, signal },
    });
    if (status === 401) throw new Error(WRONG_PASSWORD);
    heard();
    return body.toString();
  };

  const {
    address: told,
    parameters,
    lasts,
  } = readSubscription(await ask('subscribe', url, LASTS_MS, ASK_MS));
  // Relative, or with a host that only the camera knows: the path is right, the host is the one that answers.
  const { pathname, search } = new URL(told, url);
  const pullUrl = new URL(url);
  pullUrl.pathname = pathname;
  pullUrl.search = search;
  const to = pullUrl.href;
  let endsAt = clock.elapsed() + lasts;
  const unsubscribe = () =>
    askHttp(to, {
      method: 'POST',
      headers: SOAP,
      body: encodeRequest('unsubscribe', to, 0, { parameters, messageId: randomUUID() }),
      maxBytes: ANSWER_MAX,
      timeout: 1000,
      ...{ credentials, clock },
    }).catch(() => {});

  // All states as they are now. Some do not know it, and tell them anyway.
  await ask('synchronise', to, 0, ASK_MS, parameters)
    .then(readBody)
    .catch((error: Error) => {
      if (signal.aborted) throw error;
    });
  let nonsense = 0;
  /** One question; undefined: ask again. @throws where the subscription is gone. */
  const pull = async () => {
    try {
      const read = readNotifications(await ask('pull', to, PULL_MS, PULL_MS + MARGIN_MS, parameters));
      nonsense = 0;
      return read;
    } catch (error) {
      const { code, message } = error as SoapError;
      if (signal.aborted || code === 'E_SOAP_FAULT' || clock.elapsed() > endsAt) throw error;
      if (code === 'E_SOAP') {
        discarded('an answer that makes no sense', 1);
        if (++nonsense >= NONSENSE_MAX) throw error;
      } else if (message === WRONG_PASSWORD) throw error;
      await clock.wait(AGAIN_MS, signal);
      return undefined;
    }
  };
  while (!signal.aborted) {
    const started = clock.elapsed();
    const read = await pull();
    if (read === undefined) continue;
    if (read.discarded > 0) discarded('a notification that makes no sense', read.discarded);
    for (const notification of read.notifications) await take(notification);
    if (read.notifications.length === 0 && clock.elapsed() - started < EAGER_MS)
      await clock.wait(EAGER_MS, signal);
    if (clock.elapsed() > endsAt - lasts / 2 && !signal.aborted) {
      // One that cannot be renewed ends, which the next question tells.
      endsAt = await ask('renew', to, LASTS_MS, ASK_MS, parameters)
        .then((answer) => clock.elapsed() + readRenewed(answer))
        .catch(() => endsAt + lasts / 4);
    }
    await between();
  }
  await unsubscribe();
}
