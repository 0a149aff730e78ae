/**
 * Pull-point events of one camera, over every trap: cameras that forget the subscription, close the socket, die without a
 * word, name an address that nobody reaches, or bear less than we ask for. Each question has its own connection and its own
 * limit. A question that gets no answer, or nonsense, is asked again, ever more slowly: what happened meanwhile waits in the
 * subscription. One that the camera has forgotten ends here, and the caller makes the next one, which begins with all states
 * (SetSynchronizationPoint). Whatever ends it, the camera is told, so that it has room for the next one.
 */
import { randomUUID } from 'node:crypto';
import { type Clock, within } from '../contract/clock.ts';
import { WRONG_PASSWORD } from '../login.ts';
import type { Client } from './client.ts';
import { encodeRequest, type Request, readRenewed, readSubscription } from './codec.ts';
import { type Bears, learnFrom } from './limits.ts';
import { type Notification, readNotifications } from './notifications.ts';
import { readBody, type SoapError } from './xml.ts';

/** Silence beyond what a camera was asked to wait is loss. */
const MARGIN_MS = 4000;
const ASK_MS = 6000;
/** It is not waited for at the end. */
const GOODBYE_MS = 1000;
/** From a question that failed to the next, doubled each time. */
const AGAIN_MS = 1000;
const AGAIN_MAX_MS = 16_000;
/** Nonsense in a row after which the subscription is given up. */
const NONSENSE_MAX = 3;
/** A camera that does not wait, although it was asked to, is not asked more often than this. */
const EAGER_MS = 300;
const EAGER_MAX_MS = 1000;
/** A subscription is renewed in time, whatever it says of itself. */
const RENEW_MAX_MS = 300_000;

/** A hundred notifications, of which each answer has no more, are a fifth of it. */
const ANSWER_MAX = 500_000;

export interface EventsOptions {
  readonly client: Client;
  /** Where its event service is, as it told, and where it told that. */
  readonly told: string;
  readonly base: string;
  /** What it bears, learnt as it goes. */
  readonly bears: Bears;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** It was asked, and answered. */
  readonly asked: () => void;
  readonly heard: () => void;
  /** It answered a question for events. */
  readonly pulled: () => void;
  /** It did not, and why; it will be asked again. */
  readonly failed: (why: string) => void;
  /** Resolves when it is on disk; only then is the camera asked on. */
  readonly take: (notification: Notification) => Promise<void>;
  readonly discarded: (reason: string, count: number) => void;
  /** Called between two questions. */
  readonly between: () => Promise<void>;
}

/** As our client and the reader of XML say it. */
const TOO_MUCH = /is larger than|has more in it/;

const names: Readonly<Record<Request, string>> = {
  time: 'GetSystemDateAndTime',
  subscribe: 'CreatePullPointSubscription',
  pull: 'PullMessages',
  renew: 'Renew',
  synchronise: 'SetSynchronizationPoint',
  unsubscribe: 'Unsubscribe',
};

const isFault = (error: unknown) => (error as SoapError).code === 'E_SOAP_FAULT';

/** Reads events until something goes wrong. @throws Error with the reason; resolves when the signal aborts. */
export async function readEvents(options: EventsOptions): Promise<void> {
  const { client, clock, signal } = options;
  const subscription = await subscribe(options);
  const { renew, ask } = subscription;
  let isGone = false;
  try {
    await ask('synchronise', 0, ASK_MS)
      .then(readBody)
      // All states as they are now. Some do not know it, and tell them anyway.
      .catch((error: Error) => {
        if (signal.aborted) throw error;
      });
    await pullOn(options, subscription);
  } catch (error) {
    // What a camera has forgotten it need not be told to forget.
    isGone = isFault(error) && !renew.failed;
    if (!signal.aborted) throw error;
  } finally {
    if (!isGone && client.waitMs() === 0) {
      const goodbye = ask('unsubscribe', 0, GOODBYE_MS, true);
      await within(goodbye, GOODBYE_MS, clock, () => new Error('not heard')).catch(() => {});
    }
  }
}

interface Subscription {
  ask(request: Request, ms: number, limit: number, isGoodbye?: true): Promise<string>;
  readonly renew: { endsAt: number; lasts: number; failed: boolean };
}

async function subscribe(options: EventsOptions): Promise<Subscription> {
  const { client, told, base, bears, clock, signal, asked, heard } = options;
  const made = async () => {
    for (let tries = 0; ; tries++) {
      asked();
      const { text, url } = await client.askAt(told, base, {
        what: names.subscribe,
        body: (token, to) =>
          encodeRequest('subscribe', to, bears.lastsMs, { token, messageId: randomUUID() }),
        ...{ maxBytes: ANSWER_MAX, timeout: ASK_MS, signal },
      });
      heard();
      try {
        return { ...readSubscription(text), url };
      } catch (error) {
        const now = clock.wall() + (client.clock().offset ?? 0);
        if (tries === 2 || !isFault(error) || !learnFrom(error as SoapError, bears, now)) throw error;
      }
    }
  };
  const { address, parameters, lasts, url } = await made();
  // What has no scheme is a path; what has one is said as it stands (WS-Addressing 1.0, 3.2: To is the Address).
  const to = /^[a-z][a-z\d+.-]*:/i.test(address) ? address : undefined;
  return {
    renew: { endsAt: clock.elapsed() + lasts, lasts, failed: false },
    async ask(request, ms, limit, isGoodbye) {
      asked();
      const { text } = await client.askAt(address, url, {
        what: names[request],
        body: (token, place) =>
          encodeRequest(request, to ?? place, ms, {
            ...{ token, parameters, messages: bears.messages, messageId: randomUUID() },
          }),
        ...{ maxBytes: ANSWER_MAX, timeout: limit },
        // Who leaves says so.
        ...(isGoodbye === undefined && { signal }),
      });
      heard();
      return text;
    },
  };
}

/** Asks for events, one question after the other. @throws where the subscription is gone. */
async function pullOn(options: EventsOptions, { ask, renew }: Subscription): Promise<void> {
  const { client, bears, clock, signal, heard, pulled, failed, take, discarded, between } = options;
  let nonsense = 0;
  let failures = 0;
  let eager = EAGER_MS;
  /** What an answer said was lost: the states as they are now say most of it. */
  let isMissing = false;
  /** undefined: ask again. */
  const pull = async () => {
    try {
      // One that lasts for moments is to be renewed in them.
      const ms = Math.max(1000, Math.min(bears.pullMs, renew.lasts / 3));
      const read = readNotifications(await ask('pull', ms, ms + MARGIN_MS));
      nonsense = 0;
      failures = 0;
      pulled();
      return read;
    } catch (error) {
      const { code, message } = error as SoapError;
      failed(message);
      if (signal.aborted || message === WRONG_PASSWORD || (code as string) === 'E_CERTIFICATE') throw error;
      if (isFault(error)) {
        if (!learnFrom(error as SoapError, bears, clock.wall())) throw error;
        return undefined;
      }
      if (clock.elapsed() > renew.endsAt) throw error;
      if (TOO_MUCH.test(message)) {
        discarded('an answer that is larger than can be read', 1);
        bears.messages = Math.max(1, Math.floor(bears.messages / 4));
        isMissing = true;
      } else if (code === 'E_SOAP') {
        isMissing = true;
        discarded('an answer that makes no sense', 1);
        if (++nonsense >= NONSENSE_MAX) throw error;
      }
      // Whether it is there at all: a camera may answer everything but this.
      else await client.readClock(signal).then(heard, () => {});
      await clock.wait(Math.min(AGAIN_MS * 2 ** failures++, AGAIN_MAX_MS), signal);
      return undefined;
    }
  };
  while (!signal.aborted) {
    const started = clock.elapsed();
    if (isMissing) {
      isMissing = false;
      await ask('synchronise', 0, ASK_MS).catch(() => {});
    }
    const read = await pull();
    if (read === undefined) continue;
    if (read.discarded > 0) discarded('a notification that makes no sense', read.discarded);
    for (const notification of read.notifications) await take(notification);
    const isEager = read.notifications.length === 0 && clock.elapsed() - started < EAGER_MS;
    if (isEager) await clock.wait(eager, signal);
    eager = isEager ? Math.min(eager * 1.5, EAGER_MAX_MS) : EAGER_MS;
    const due = Math.min(renew.lasts / 2, RENEW_MAX_MS);
    if (clock.elapsed() > renew.endsAt - renew.lasts + due && !signal.aborted)
      await renewNow(ask, renew, bears, clock);
    await between();
  }
}

async function renewNow(
  ask: Subscription['ask'],
  renew: Subscription['renew'],
  bears: Bears,
  clock: Clock,
): Promise<void> {
  try {
    renew.lasts = readRenewed(await ask('renew', bears.lastsMs, ASK_MS));
    renew.endsAt = clock.elapsed() + renew.lasts;
    renew.failed = false;
  } catch {
    // One that cannot be renewed ends, which the next question tells.
    renew.failed = true;
    renew.endsAt += renew.lasts / 4;
  }
}
