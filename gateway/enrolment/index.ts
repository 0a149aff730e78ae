/**
 * Keeps the certificates good that platforms gave this gateway: asks for another one when a third of its life is left, at a
 * moment of its own, so that a city does not ask at once; again and again where that fails; and once a day for the keys
 * that commands are signed with. The uplink takes up new files by itself.
 */
import type { Config } from '../../config/schema.ts';
import type { UplinkConfig } from '../../config/sections/uplinks.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { type BackOff, createBackOff } from '../lifecycle/back-off.ts';
import type { Part } from '../lifecycle/part.ts';
import type { Metrics } from '../observe/metrics.ts';
import { renew } from './ask.ts';
import { type EnrolmentPaths, keepEnrolment, type OwnCertificate, readEnrolment, readOwn } from './kept.ts';
import { EnrolmentRefused } from './wire.ts';

const DAY_MS = 86_400_000;
/** Of its life, when it is renewed: a third is left, and up to a twelfth more where others come first. */
const RENEW_AT = 2 / 3;
const SPREAD = 1 / 12;
/** Keys of commands are asked for so often; where certificates last hours, more often. */
const REFRESH_MS = DAY_MS;
const LOOK_MOST_MS = 3_600_000;
const LOOK_LEAST_MS = 500;
/** The first try again, and the longest wait for one. */
const RETRY_MS = [60_000, 21_600_000] as const;
/** Fewer days are told of each day. */
const SOON_DAYS = 14;

/** How one is, for /health. */
export interface EnrolmentState {
  readonly state: 'good' | 'failing' | 'ended' | 'withdrawn' | 'unreadable';
  /** Why it is not good. */
  readonly reason?: string | undefined;
  /** RFC 3339, all. */
  readonly certificateEnds?: string | undefined;
  readonly renewsAt?: string | undefined;
  readonly refreshedAt?: string | undefined;
}

export interface Enrolments extends Part {
  start(): void;
  /** By uplink. */
  states(): Readonly<Record<string, EnrolmentState>>;
  configure(config: Pick<Config, 'uplinks'>): void;
}

interface Context {
  readonly time: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'renewals'>;
}

type WithTls = {
  readonly tls?: { readonly certFile?: string; readonly keyFile?: string; readonly caFile?: string };
};
/** undefined: it was not enrolled. */
export function enrolmentOf({ enrolmentFile: file, options }: UplinkConfig): EnrolmentPaths | undefined {
  const { certFile, caFile } = (options as WithTls).tls ?? {};
  return file === undefined || certFile === undefined || caFile === undefined
    ? undefined
    : { file, certFile, caFile };
}

/** When one is to be renewed, epoch ms. Its serial says where within the spread: the same after a restart. */
export function renewsAt({ from, ends, serial }: Pick<OwnCertificate, 'from' | 'ends' | 'serial'>): number {
  const share = Number.parseInt(serial.slice(-8), 16) / 2 ** 32;
  return from + (ends - from) * (RENEW_AT + SPREAD * share);
}

export function createEnrolments(config: Pick<Config, 'uplinks'>, context: Context): Enrolments {
  let running: { readonly of: UplinkConfig; readonly keeper: Keeper }[] = [];
  let isStarted = false;
  const configure = ({ uplinks }: Pick<Config, 'uplinks'>) => {
    for (const { keeper } of running) keeper.stop();
    running = uplinks.flatMap((of) => {
      const paths = enrolmentOf(of);
      return paths === undefined ? [] : [{ of, keeper: createKeeper(of.id, paths, context) }];
    });
    if (isStarted) for (const { keeper } of running) keeper.look();
  };
  configure(config);
  return {
    start() {
      isStarted = true;
      for (const { keeper } of running) keeper.look();
    },
    states: () => Object.fromEntries(running.map(({ of, keeper }) => [of.id, keeper.state()])),
    configure,
    async [Symbol.asyncDispose]() {
      for (const { keeper } of running) keeper.stop();
      await Promise.all(running.map(({ keeper }) => keeper.settled()));
    },
  };
}

type Keeper = ReturnType<typeof createKeeper>;

function createKeeper(uplink: string, paths: EnrolmentPaths, { time, log, metrics }: Context) {
  const stop = new AbortController();
  let timer: Timer | undefined;
  let state: EnrolmentState = { state: 'good' };
  let work: Promise<void> = Promise.resolve();
  /** Not before, after a failure; not of the wall clock, which may be set. */
  let againAt = Number.NEGATIVE_INFINITY;
  let toldAt = Number.NEGATIVE_INFINITY;
  let backOff: { readonly lifeMs: number; readonly of: BackOff } | undefined;

  /** Longer certificates are waited for longer. */
  const nextTryMs = (lifeMs: number) => {
    const [firstMs, mostMs] = RETRY_MS;
    if (backOff?.lifeMs !== lifeMs) {
      const limits = { firstMs: Math.min(firstMs, lifeMs / 60), mostMs: Math.min(mostMs, lifeMs / 12) };
      backOff = { lifeMs, of: createBackOff(limits, time) };
    }
    return LOOK_LEAST_MS + backOff.of.nextMs();
  };

  const onFailed = async (error: Error, own: OwnCertificate, isRenewal: boolean) => {
    const isWithdrawn = error instanceof EnrolmentRefused && error.refusal === 'withdrawn';
    againAt = time.elapsed() + nextTryMs(own.ends - own.from);
    if (isRenewal) metrics.renewals.inc({ uplink, outcome: isWithdrawn ? 'withdrawn' : 'failed' });
    const { message: reason } = error;
    if (isWithdrawn && state.state !== 'withdrawn') {
      log.error({ uplink, reason }, 'the platform has withdrawn this campus');
      const kept = readEnrolment(paths.file);
      await keepEnrolment(paths.file, { ...kept, withdrawnAt: new Date(time.wall()).toISOString() });
    } else if (state.reason !== reason)
      log.warn({ uplink, reason }, 'the platform did not renew the enrolment; it is asked again');
    state = { ...state, state: isWithdrawn ? 'withdrawn' : 'failing', reason };
  };

  /** One look. @returns how long until the next one is due, ms. */
  const lookNow = async (): Promise<number> => {
    const kept = readEnrolment(paths.file);
    const own = readOwn(paths.certFile);
    const now = time.wall();
    const lifeMs = own.ends - own.from;
    const due = renewsAt(own);
    const refreshed = kept.refreshedAt === undefined ? 0 : Date.parse(kept.refreshedAt);
    // A clock that was set back must not keep it from asking.
    const refreshDue = refreshed > now ? now : refreshed + Math.min(REFRESH_MS, lifeMs / 10);
    const { reason } = state;
    const is = own.ends <= now ? 'ended' : kept.withdrawnAt !== undefined ? 'withdrawn' : undefined;
    state = {
      state: is ?? (reason === undefined ? 'good' : 'failing'),
      reason,
      certificateEnds: new Date(own.ends).toISOString(),
      renewsAt: new Date(due).toISOString(),
      refreshedAt: kept.refreshedAt,
    };
    const days = Math.floor((own.ends - now) / DAY_MS);
    if (days < SOON_DAYS && lifeMs > 2 * SOON_DAYS * DAY_MS && time.elapsed() - toldAt > DAY_MS) {
      toldAt = time.elapsed();
      log.error({ uplink, days, reason }, 'the certificate ends soon and could not be renewed');
    }
    if (time.elapsed() < againAt) return againAt - time.elapsed();
    const isRenewal = due <= now;
    if (!isRenewal && now < refreshDue) return Math.min(due, refreshDue) - now;
    try {
      await renew(own, kept, paths, { another: isRenewal, clock: time, signal: stop.signal });
    } catch (error) {
      if (!stop.signal.aborted) await onFailed(error as Error, own, isRenewal);
      return againAt - time.elapsed();
    }
    backOff?.of.reset();
    state = { ...state, state: 'good', reason: undefined };
    if (isRenewal) {
      metrics.renewals.inc({ uplink, outcome: 'done' });
      log.info({ uplink, file: paths.certFile }, 'the platform renewed the certificate');
    }
    return 0;
  };

  const look = () => {
    work = lookNow()
      .catch(({ message: reason }: Error) => {
        if (state.reason !== reason) log.error({ uplink, reason }, 'the enrolment cannot be read');
        state = { ...state, state: 'unreadable', reason };
        return Number.POSITIVE_INFINITY;
      })
      .then((waitMs) => {
        if (stop.signal.aborted) return;
        timer = time.after(Math.min(Math.max(waitMs, LOOK_LEAST_MS), LOOK_MOST_MS), look);
      });
  };
  return {
    look,
    state: () => state,
    stop() {
      stop.abort();
      timer?.stop();
    },
    settled: () => work,
  };
}
