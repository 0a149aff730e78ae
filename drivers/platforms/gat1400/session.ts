/**
 * How a gateway is known at a view library (GA/T 1400.4, 7.2.1): it registers with its password, and says now and then that
 * it is there. What is asked bears who asks (`User-Identify`) and no password; who is not known any more gets a 401, and
 * registers anew.
 */
import {
  type ChannelState,
  CLOCK_OFF_MS,
  LoginRefused,
  type PlatformHost,
} from '../../contract/transport.ts';
import type { HttpAnswer } from '../../http.ts';
import { askOffset, offsetIn } from './clock.ts';
import { keepaliveBody, paths } from './codec.ts';
import type { Options } from './options.ts';
import { askingOf, badStatus, isOk, RefusedError, register, SMALL_MS, unregister } from './registering.ts';

/** Keepalives without an answer after which we are not known. */
const MISSED_MAX = 3;
/** For an object and its answer, registering anew included; with `THERE_MS`, less than the engine waits for any. */
const OBJECT_MS = 24_000;
/** Whether the platform is there at all, asked after an object had no answer. */
const THERE_MS = 4000;
/** A clock is looked at again so often. */
const TIME_EVERY_MS = 3_600_000;

/** ResponseStatus (1400.3, B.3): 2 busy, 3 an error of the platform's own, 7 it starts anew. */
const PASSING: readonly number[] = [2, 3, 7];

/** The session is over. */
export class LostError extends Error {
  readonly code = 'E_VIEWS_LOST';
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

/** Who is not let in comes again, and seldom: tries of who is not have been taken for an attack. */
const seldom = (error: Error): Error =>
  error instanceof RefusedError && ['password', 'proof', 'id'].includes(error.why)
    ? new LoginRefused(error.message, { cause: error })
    : error;

/** Registers at the platform. @throws LoginRefused; Error where nobody answers, or what does is no view library. */
export async function openSession(own: Options, host: PlatformHost): Promise<ViewSession> {
  const { clock, log, uplink } = host;
  const { deviceId } = own;
  const stop = new AbortController();
  const asking = askingOf(own, clock, AbortSignal.any([host.signal, stop.signal]));
  const { promise: ended, resolve: end } = Promise.withResolvers<Error>();
  ended.then(() => stop.abort());
  let since = '';
  /** Registrations so far: who was refused under an older one is let in by the newer one. */
  let registrations = 0;
  let registering: Promise<void> | undefined;
  let missed = 0;
  let clockOffsetMs: number | undefined;

  const noteOffset = (ms: number | undefined) => {
    if (ms === undefined) return;
    clockOffsetMs = ms;
    if (Math.abs(ms) > CLOCK_OFF_MS)
      log.warn(
        { uplink, seconds: Math.round(ms / 1000) },
        "the platform's clock and ours differ by more than 5 s: see which one is right; neither is set from here",
      );
  };
  const registerNow = async () => {
    const from = clock.wall();
    const { body } = await register(asking, own);
    registrations++;
    missed = 0;
    since = new Date(clock.wall()).toISOString();
    noteOffset(offsetIn(body, from, host));
  };
  /** Unless somebody has since `known`. */
  const registerAnew = (known = registrations): Promise<void> => {
    if (known !== registrations) return Promise.resolve();
    registering ??= registerNow().finally(() => {
      registering = undefined;
    });
    return registering;
  };
  const keepalive = (timeout: number) => asking(paths.keepalive, { body: keepaliveBody(deviceId), timeout });
  const lookAtTime = () => askOffset(asking, host).then(noteOffset);
  const postNow = async (path: string, body: string): Promise<HttpAnswer> => {
    const until = clock.elapsed() + OBJECT_MS;
    const known = registrations;
    const once = () => asking(path, { body, timeout: Math.max(1, until - clock.elapsed()) });
    const first = await once();
    if (first.status !== 401) return first;
    await registerAnew(known);
    return await once();
  };

  await registerNow().catch((error: Error) => {
    throw seldom(error);
  });
  void lookAtTime();
  const looks = clock.every(TIME_EVERY_MS, () => void lookAtTime());
  ended.then(() => looks.stop());
  void keepAlive({
    wait: () => clock.wait(own.keepalive, stop.signal),
    keepalive: () => keepalive(SMALL_MS),
    registerAnew: () => registerAnew(),
    heard: () => {
      missed = 0;
    },
    missed: () => ++missed,
  }).then((why) => why !== undefined && end(seldom(why)));

  return {
    ended,
    state: () => ({ registered: { since }, clockOffsetMs }),
    async post(path, body) {
      try {
        const answer = await postNow(path, body);
        missed = 0;
        return answer;
      } catch (error) {
        if (stop.signal.aborted || host.signal.aborted) throw new LostError('we left the platform');
        const isThere = () =>
          keepalive(THERE_MS).then(
            () => true,
            () => false,
          );
        if (!(error instanceof RefusedError) && (await isThere())) throw error;
        end(seldom(error as Error));
        throw new LostError((error as Error).message, { cause: error });
      }
    },
    async close(timeoutMs, goodbye) {
      if (goodbye && !stop.signal.aborted) await unregister(asking, own, timeoutMs);
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
  readonly heard: () => void;
  /** One more had no answer; @returns how many in a row. */
  readonly missed: () => number;
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
    } else if (answer !== undefined && isOk(answer) && bad === undefined) on.heard();
    else if (on.missed() >= MISSED_MAX)
      return new Error(`the platform answered none of ${MISSED_MAX} keepalives`);
  }
  return undefined;
}
