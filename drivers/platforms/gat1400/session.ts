/**
 * How a gateway is known at a view library (GA/T 1400.4, 7.2.1): it registers with its password, and says now and then that
 * it is there. What is asked bears who asks (`User-Identify`) and no password; who is not known any more gets a 401, and
 * registers anew.
 */
import type { Clock } from '../../contract/clock.ts';
import type { ChannelState, PlatformHost } from '../../contract/transport.ts';
import { CERTIFICATE_FILE_MAX, readTextOf } from '../../files.ts';
import { ask, type HttpAnswer, type Question } from '../../http.ts';
import { readLocalTime } from '../../local-time.ts';
import { createLogin, type Login } from '../../login.ts';
import {
  headersOf,
  keepaliveBody,
  paths,
  readStatuses,
  readSystemTime,
  readTime,
  registerBody,
  unregisterBody,
} from './codec.ts';
import type { Options } from './options.ts';

/** Keepalives without an answer after which we are not known. */
const MISSED_MAX = 3;
/** For an object and its answer, registering anew included; with `THERE_MS`, less than the engine waits for any. */
const OBJECT_MS = 24_000;
/** Whether the platform is there at all, asked after an object had no answer. */
const THERE_MS = 4000;
const SMALL_MS = 10_000;
/** Statuses of one object have some hundred bytes. */
const ANSWER_MAX = 262_144;
/** A clock is looked at again so often. */
const TIME_EVERY_MS = 3_600_000;
/** GB/T 29315: clocks on a campus are within 5 s; the platform says whole seconds, and half a one on average is gone. */
const CLOCK_MS = 5000;
const HALF_SECOND_MS = 500;

/** ResponseStatus (1400.3, B.3): 2 busy, 3 an error of the platform's own, 7 it starts anew. */
const PASSING: readonly number[] = [2, 3, 7];

/** The platform does not let us in. */
export class RefusedError extends Error {
  readonly code = 'E_UPLINK_REFUSED';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RefusedError';
  }
}

/** The session is over. */
export class LostError extends Error {
  readonly code = 'E_UPLINK_LOST';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LostError';
  }
}

export interface ViewSession {
  /**
   * POSTs an object. @throws LostError where the session is over; Error, where this had no answer and the platform is
   * there all the same.
   */
  post(path: string, body: string): Promise<HttpAnswer>;
  state(): Pick<ChannelState, 'registered' | 'clockOffsetMs'>;
  /** Resolves with the reason once the platform does not know us any more. Never rejects. */
  readonly ended: Promise<Error>;
  /** `goodbye`: says that we leave. */
  close(timeoutMs: number, goodbye: boolean): Promise<void>;
}

type Asking = (path: string, question: Pick<Question, 'timeout'> & Partial<Question>) => Promise<HttpAnswer>;

/** How often a password was refused, by the options that it belongs to: over all sessions of this process. */
const logins = new WeakMap<Options, Login>();

function loginOf(own: Options, clock: Clock): Login {
  const { deviceId, username = deviceId, password = '' } = own;
  const login = logins.get(own) ?? createLogin(clock, () => ({ username, password }));
  logins.set(own, login);
  return login;
}

function askingOf({ url, caFile, deviceId }: Options, clock: Clock, signal: AbortSignal): Asking {
  const tls = caFile === undefined ? undefined : { ca: readTextOf(caFile, CERTIFICATE_FILE_MAX) };
  return (path, question) =>
    ask(`${url}${path}`, {
      method: 'POST',
      headers: headersOf(deviceId),
      maxBytes: ANSWER_MAX,
      ...(tls !== undefined && { tls }),
      clock,
      signal,
      ...question,
    });
}

const isOk = ({ status }: HttpAnswer) => status >= 200 && status < 300;
/** What it says beside its HTTP status: the first that is no 0. */
const badStatus = ({ body }: HttpAnswer) => readStatuses(body).find(({ code }) => code !== 0);

/** Why an answer to Register lets nobody in, with what to look at; undefined: it does. */
function refusalOf(answer: HttpAnswer): string | undefined {
  const { status, body, isTold } = answer;
  if (status === 401)
    return isTold
      ? 'the platform refuses the password, or the id that it is of (401)'
      : 'the platform wants a proof that we do not know (401)';
  if (status === 403) return 'the platform does not let this device id in (403)';
  if (!isOk(answer)) return `the platform refuses to register us (HTTP ${status})`;
  const bad = badStatus(answer);
  if (bad !== undefined) return `the platform refuses to register us (StatusCode ${bad.code} ${bad.words})`;
  // A page of a hotspot says 200 too.
  if (body.length > 0 && readStatuses(body).length === 0)
    return 'what answers there is no view library: look at `url`';
  return undefined;
}

/** Registers, each password as often as is good. @returns the answer. @throws RefusedError; Error: no answer. */
async function register(asking: Asking, login: Login, deviceId: string): Promise<HttpAnswer> {
  const leave = await login.enter('register').catch((cause: Error) => {
    throw new RefusedError('the platform refuses the password: it is not tried again for a while', { cause });
  });
  try {
    const answer = await asking(paths.register, {
      body: registerBody(deviceId),
      credentials: login.credentials(),
      digestOnly: true,
      timeout: SMALL_MS,
    });
    const refusal = refusalOf(answer);
    if (refusal === undefined) {
      login.accepted('register');
      return answer;
    }
    // Whatever it refuses after the password came may be the password.
    if (answer.isTold) login.refused('register');
    throw new RefusedError(refusal);
  } finally {
    leave();
  }
}

/** What the platform's clock says, beside ours: told where it is far off, and never set. */
function createClockLook({ clock, timeZone, log, uplink }: PlatformHost) {
  let offsetMs: number | undefined;
  return {
    offset: () => offsetMs,
    /** `from`: when it was asked, epoch ms; `said`: local time without a zone. */
    heard(said: string | undefined, from: number) {
      const at = said && readLocalTime(said, timeZone);
      if (!at) return;
      const now = (from + clock.wall()) / 2;
      offsetMs = Math.round(at + HALF_SECOND_MS - now);
      if (Math.abs(offsetMs) > CLOCK_MS)
        log.warn(
          {
            uplink,
            platform: said,
            gateway: new Date(now).toISOString(),
            seconds: Math.round(offsetMs / 1000),
          },
          "the platform's clock and ours differ by more than 5 s: look at which one is right; neither is set from here",
        );
    },
  };
}

/** Registers at the platform. @throws RefusedError; Error where nobody answers. */
export async function openSession(own: Options, host: PlatformHost): Promise<ViewSession> {
  const { clock } = host;
  const { deviceId } = own;
  const login = loginOf(own, clock);
  const stop = new AbortController();
  const asking = askingOf(own, clock, AbortSignal.any([host.signal, stop.signal]));
  const look = createClockLook(host);
  const { promise: ended, resolve: end } = Promise.withResolvers<Error>();
  ended.then(() => stop.abort());
  let since = '';
  /** Registrations so far: who was refused under an older one is let in by the newer one. */
  let registrations = 0;
  let registering: Promise<void> | undefined;
  let missed = 0;

  const registerNow = async () => {
    const from = clock.wall();
    const answer = await register(asking, login, deviceId);
    registrations++;
    missed = 0;
    since = new Date(clock.wall()).toISOString();
    look.heard(readTime(readStatuses(answer.body)[0]?.localTime), from);
  };
  /** Unless somebody has since `known`. */
  const registerAnew = (known: number): Promise<void> => {
    if (known !== registrations) return Promise.resolve();
    registering ??= registerNow().finally(() => {
      registering = undefined;
    });
    return registering;
  };
  const keepalive = (timeout: number) => asking(paths.keepalive, { body: keepaliveBody(deviceId), timeout });
  const lookAtTime = async () => {
    const from = clock.wall();
    const answer = await asking(paths.time, { method: 'GET', timeout: SMALL_MS }).catch(() => undefined);
    if (answer !== undefined && isOk(answer)) look.heard(readSystemTime(answer.body), from);
  };
  const postNow = async (path: string, body: string): Promise<HttpAnswer> => {
    const until = clock.elapsed() + OBJECT_MS;
    const known = registrations;
    const once = () => asking(path, { body, timeout: Math.max(1, until - clock.elapsed()) });
    const first = await once();
    if (first.status !== 401) return first;
    await registerAnew(known);
    return await once();
  };

  await registerNow();
  void lookAtTime();
  const looks = clock.every(TIME_EVERY_MS, () => void lookAtTime());
  ended.then(() => looks.stop());
  void keepAlive({
    wait: () => clock.wait(own.keepalive, stop.signal),
    keepalive: () => keepalive(SMALL_MS),
    registerAnew: () => registerAnew(registrations),
    missed: (count) => {
      missed = count ?? missed + 1;
      return missed;
    },
  }).then((why) => why !== undefined && end(why));

  return {
    ended,
    state: () => ({ registered: { since }, clockOffsetMs: look.offset() }),
    async post(path, body) {
      try {
        const answer = await postNow(path, body);
        missed = 0;
        return answer;
      } catch (error) {
        if (stop.signal.aborted || host.signal.aborted) throw new LostError('we left the platform');
        const isThere =
          !(error instanceof RefusedError) &&
          (await keepalive(THERE_MS).then(
            () => true,
            () => false,
          ));
        if (isThere) throw error;
        end(error as Error);
        throw new LostError((error as Error).message, { cause: error });
      }
    },
    async close(timeoutMs, goodbye) {
      if (goodbye && !stop.signal.aborted)
        await asking(paths.unregister, {
          body: unregisterBody(deviceId),
          credentials: login.credentials(),
          digestOnly: true,
          timeout: Math.max(1, timeoutMs),
        }).catch(() => {});
      end(new Error('we left the platform'));
    },
  };
}

/** Resolves with what says that the platform does not know us; undefined: it was stopped. */
async function keepAlive(on: {
  readonly wait: () => Promise<'over' | 'stopped'>;
  readonly keepalive: () => Promise<HttpAnswer>;
  /** @throws Error */
  readonly registerAnew: () => Promise<void>;
  /** Notes how many had no answer, or one more; @returns how many. */
  readonly missed: (count?: number) => number;
}): Promise<Error | undefined> {
  while ((await on.wait()) === 'over') {
    const answer = await on.keepalive().catch(() => undefined);
    const bad = answer && badStatus(answer);
    const isUnknown =
      answer?.status === 401 ||
      (answer !== undefined && isOk(answer) && bad !== undefined && !PASSING.includes(bad.code));
    if (isUnknown) {
      const refusal = await on.registerAnew().then(
        () => undefined,
        (error: Error) => error,
      );
      if (refusal !== undefined) return refusal;
    } else if (answer !== undefined && isOk(answer) && bad === undefined) on.missed(0);
    else if (on.missed() === MISSED_MAX)
      return new Error(`the platform answered none of ${MISSED_MAX} keepalives`);
  }
  return undefined;
}
