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
import { encodeRequest, type Request, readRenewed, readSubscription, requests } from './codec.ts';
import { type Bears, learnFrom } from './limits.ts';
import { type Notification, readNotifications } from './notifications.ts';
import { createPace } from './pace.ts';
import type { Answered } from './times.ts';
import { readBody, SoapError } from './xml.ts';

/** Silence beyond what a camera waits is loss. */
const MARGIN_MS = 4000;
/** What it waits at most, whatever it was asked: those that do not know Timeout have a limit of their own. */
const WAIT_MAX_MS = 60_000;
/** Where it is not known how long it waits; twice as long each time in vain. */
const FIRST_WAIT_MS = 16_000;
/** Faults for nothing: after so long without any other answer a subscription is made anew, where that is not known of it. */
const FAULTS_MAX_MS = 300_000;
/** A subscription of which it was heard so short a while ago lives. */
const LIVES_MS = 10_000;
const ASK_MS = 6000;
/** It is not waited for at the end. */
const GOODBYE_MS = 1000;
/** From a question that failed to the next, doubled each time. */
const AGAIN_MS = 1000;
const AGAIN_MAX_MS = 16_000;
/** Nonsense in a row after which the subscription is given up. */
const NONSENSE_MAX = 3;
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
  /** Resolves when it is on disk; only then is the camera asked on. @returns whether it was new. */
  readonly take: (notification: Notification, answer: Answered) => Promise<boolean>;
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

/** The subscription is gone (WS-ResourceFramework, ResourceUnknownFault; words of cameras). */
const GONE = /ResourceUnknown|unknown|no such|not? (found|exist)|does not exist|invalid|expired|terminated/i;
/** As cameras say by a fault that nothing happened; others take as long for it as they were asked to wait. */
const NOTHING_WORDS = /\bno\s?(new\s?)?(message|event|notification)s?|time[ds]?[- ]?out|empty/i;
const WAITED_MS = 1000;
/** Faults in a row of another kind after which a subscription is given up that lives. */
const FAULTS_MAX = 4;
const LATE = /no answer within/;
/** An answer that took so long was waited for. */
const HELD_MS = 1000;
const NOTHING = { notifications: [], discarded: 0, now: undefined } as const;

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
      // Who leaves says so.
      const goodbye = ask('unsubscribe', 0, GOODBYE_MS, new AbortController().signal);
      await within(goodbye, GOODBYE_MS, clock, () => new Error('not heard')).catch(() => {});
    }
  }
}

interface Renewal {
  /** When it ends, and when it was heard that it lives. */
  endsAt: number;
  heardAt: number;
  lasts: number;
  failed: boolean;
}
interface Subscription {
  /** `by`: ends it; default the signal of all. */
  ask(request: Request, ms: number, limit: number, by?: AbortSignal): Promise<string>;
  readonly renew: Renewal;
}

async function subscribe(options: EventsOptions): Promise<Subscription> {
  const { client, told, base, bears, clock, signal, asked, heard } = options;
  const made = async () => {
    for (let tries = 0; ; tries++) {
      asked();
      const { text, url } = await client.askAt(told, base, {
        what: names.subscribe,
        action: requests.subscribe.action,
        body: (token, to) =>
          encodeRequest('subscribe', to, bears.lastsMs, { token, messageId: randomUUID() }),
        ...{ maxBytes: ANSWER_MAX, timeout: ASK_MS, signal },
      });
      heard();
      try {
        return { ...readSubscription(text, bears.lastsMs || undefined), url };
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
    renew: { endsAt: clock.elapsed() + lasts, heardAt: clock.elapsed(), lasts, failed: false },
    async ask(request, ms, limit, by = signal) {
      asked();
      const { text, status } = await client.askAt(address, url, {
        what: names[request],
        action: requests[request].action,
        body: (token, place) =>
          encodeRequest(request, to ?? place, ms, {
            ...{ token, parameters, messages: bears.messages, messageId: randomUUID() },
          }),
        ...{ maxBytes: ANSWER_MAX, timeout: limit, idle: limit, signal: by },
      });
      heard();
      if (status >= 400 && text.trim() === '') throw new SoapError(`HTTP ${status}`);
      return text;
    },
  };
}

/**
 * One question for events. Where it waits for longer than it was asked to, it is waited for as long as it answers to another
 * question: what it tells to a connection that was given up is lost.
 */
async function pullOnce(
  { bears, clock, client, signal, asked, heard, pulled }: EventsOptions,
  ask: Subscription['ask'],
  ms: number,
): Promise<string> {
  const isKnown = bears.lateMs !== undefined;
  // One that hung for a moment answers no more, and what happens waits for the next question: at first not for long.
  const limit = isKnown ? ms + (bears.lateMs ?? 0) + MARGIN_MS : FIRST_WAIT_MS * 2 ** bears.lates;
  const over = new AbortController();
  const done = new AbortController();
  const watch = async () => {
    for (let wait = ms + MARGIN_MS; ; wait = MARGIN_MS) {
      await clock.wait(wait, done.signal);
      if (done.signal.aborted) return;
      asked();
      try {
        await client.readClock(signal);
      } catch (error) {
        return over.abort(error);
      }
      heard();
      // It is as it always is with this one.
      if (isKnown && !done.signal.aborted) pulled();
    }
  };
  void watch();
  try {
    return await ask('pull', ms, Math.min(limit, WAIT_MAX_MS), AbortSignal.any([signal, over.signal]));
  } finally {
    done.abort();
  }
}

/** Asks for events, one question after the other. @throws where the subscription is gone. */
async function pullOn(options: EventsOptions, { ask, renew }: Subscription): Promise<void> {
  const { client, bears, clock, signal, heard, pulled, failed, take, discarded, between } = options;
  let nonsense = 0;
  let failures = 0;
  const paceOf = createPace(clock);
  /** When an answer left nothing to be told. */
  let toldAllAt = Number.NEGATIVE_INFINITY;
  /** What an answer said was lost: the states as they are now say most of it. */
  let isMissing = false;
  /** Since when it answers with faults. */
  let faultsSince: number | undefined;
  /** Whether the subscription is there, and what is no answer may say that nothing happened. */
  const lives = async (message: string): Promise<boolean> => {
    const now = clock.elapsed();
    faultsSince ??= now;
    const isLong = now - faultsSince > FAULTS_MAX_MS && !bears.faultsForNothing;
    if (isLong || GONE.test(message)) return false;
    return now - renew.heardAt < LIVES_MS || (await renewNow(ask, renew, bears, clock));
  };
  /** undefined: ask again. */
  const pull = async () => {
    const began = clock.elapsed();
    try {
      // One that lasts for moments is to be renewed in them.
      const ms = Math.max(1000, Math.min(bears.pullMs, renew.lasts / 3));
      const text = await pullOnce(options, ask, ms);
      const took = clock.elapsed() - began;
      bears.lates = 0;
      // Some say so by saying nothing.
      const isEmpty = text.trim() === '';
      if (isEmpty && !(await lives('')) && clock.elapsed() > renew.endsAt)
        throw new SoapError('its answers are empty');
      const read = isEmpty ? NOTHING : readNotifications(text);
      if (read.notifications.length === 0) bears.lateMs = Math.max(0, took - ms);
      else if (faultsSince !== undefined) bears.faultsForNothing = true;
      if (!isEmpty) {
        faultsSince = undefined;
        renew.heardAt = clock.elapsed();
      }
      nonsense = 0;
      failures = 0;
      pulled();
      return read;
    } catch (error) {
      const { code, message } = error as SoapError;
      failed(message);
      if (signal.aborted || message === WRONG_PASSWORD || (code as string) === 'E_CERTIFICATE') throw error;
      if (isFault(error)) {
        if (learnFrom(error as SoapError, bears, clock.wall())) return undefined;
        const hasWaited = clock.elapsed() - began >= WAITED_MS;
        if (!(await lives(message))) throw error;
        if (hasWaited || bears.faultsForNothing || NOTHING_WORDS.test(message)) {
          failures = 0;
          pulled();
          return NOTHING;
        }
        if (failures >= FAULTS_MAX) throw error;
        await clock.wait(Math.min(AGAIN_MS * 2 ** failures++, AGAIN_MAX_MS), signal);
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
      // What was known of how long it waits is so no more.
      if (LATE.test(message)) {
        if (bears.lateMs === undefined) bears.lates++;
        else if (failures > 0) bears.lateMs = undefined;
      }
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
    const took = clock.elapsed() - started;
    const answer = { now: read.now, at: clock.wall(), sinceMs: clock.elapsed() - toldAllAt };
    // Who waited, or has nothing, had nothing left when it was asked.
    if (read.notifications.length === 0 || took >= HELD_MS) toldAllAt = started;
    let news = 0;
    for (const notification of read.notifications) if (await take(notification, answer)) news++;
    const wait = paceOf(took, { told: read.notifications.length, news });
    if (wait > 0) await clock.wait(wait, signal);
    const due = Math.min(renew.lasts / 2, RENEW_MAX_MS);
    if (clock.elapsed() > renew.endsAt - renew.lasts + due && !signal.aborted)
      await renewNow(ask, renew, bears, clock);
    await between();
  }
}

/** Whether it did. */
async function renewNow(
  ask: Subscription['ask'],
  renew: Renewal,
  bears: Bears,
  clock: Clock,
): Promise<boolean> {
  try {
    renew.lasts = readRenewed(await ask('renew', bears.lastsMs, ASK_MS), renew.lasts);
    renew.endsAt = clock.elapsed() + renew.lasts;
    renew.heardAt = clock.elapsed();
    renew.failed = false;
  } catch {
    // One that cannot be renewed ends, which the next question tells.
    renew.failed = true;
    renew.endsAt += renew.lasts / 4;
  }
  return !renew.failed;
}
