/**
 * Keeps a subscription, and makes the next one when it is lost: after a second, and ever more slowly, whatever was heard in
 * between. Tells whether the camera answers, and whether it is blind: it answers, and no event could come.
 */
import type { Timer } from '../contract/clock.ts';
import type { Host } from '../contract/driver.ts';
import { WRONG_PASSWORD } from '../login.ts';
import { serviceUrl } from './address.ts';
import type { Camera } from './camera.ts';
import type { CertificateError } from './certificate.ts';
import { ownProfiles } from './channels.ts';
import type { Client } from './client.ts';
import { readEvents } from './events.ts';
import { createBears } from './limits.ts';
import { missingOf, whatItHas } from './missing.ts';
import type { Own } from './options.ts';
import type { States } from './states.ts';

/** What is asked and not answered for so long is offline. */
const OFFLINE_MS = 15_000;
/** What answers and gives no events for so long is blind; with what comes to it, within 30 s. */
const BLIND_MS = 15_000;
const CLOCK_EVERY_MS = 600_000;
const AGAIN_MS = 1000;
const AGAIN_MAX_MS = 60_000;
/** So long as a subscription gives events, each of these makes good for one failure. */
const GOOD_MS = 2000;
/** Refusals after which a camera is asked anew what it has. */
const FORGET_EVERY = 4;
/** Of what the config names and is not there, characters. */
const REASON_MAX = 1000;

export interface Following {
  readonly cameras: readonly Own[];
  readonly client: Client;
  readonly host: Host;
  readonly signal: AbortSignal;
  readonly states: States;
  readonly connected: () => Promise<Camera>;
  /** What it was may not be what it is when it comes back. */
  readonly forget: () => void;
}

/** Whether a camera answers, and whether events come. */
function createWatch({ cameras, host, states }: Following) {
  const { clock } = host;
  let unansweredSince: number | undefined = clock.elapsed();
  let pulledAt = clock.elapsed();
  let isOnline = false;
  /** undefined: it is not known what was told before we began. */
  let isBlind: boolean | undefined;
  const why = { word: '' };
  const look = () => {
    const now = clock.elapsed();
    if (unansweredSince !== undefined && now - unansweredSince > OFFLINE_MS) {
      isOnline = false;
      for (const { id } of cameras) host.link(id, 'offline', why.word || `silent for ${OFFLINE_MS / 1000} s`);
    }
    if (!isOnline || isBlind === true || now - pulledAt < BLIND_MS) return;
    isBlind = true;
    states.fault('blind', true, { reason: why.word || 'it gives no events' });
  };
  const timers: readonly Timer[] = [
    clock.every(1000, look),
    clock.onPause(() => {
      pulledAt = clock.elapsed();
      if (unansweredSince !== undefined) unansweredSince = clock.elapsed();
    }),
  ];
  return {
    why,
    asked() {
      unansweredSince ??= clock.elapsed();
    },
    heard() {
      unansweredSince = undefined;
      if (!isOnline) pulledAt = clock.elapsed();
      isOnline = true;
      for (const { id } of cameras) host.link(id, 'online');
    },
    pulled() {
      pulledAt = clock.elapsed();
      why.word = '';
      if (isBlind !== false) states.fault('blind', false);
      isBlind = false;
    },
    stop() {
      for (const timer of timers) timer.stop();
    },
  };
}

function sayWhatItIs({ info, profiles }: Camera, { cameras, host }: Following): void {
  const { manufacturer: maker, model, firmware, serial } = info;
  for (const own of cameras) {
    const ptz = ownProfiles(own, profiles).some((profile) => (profile.ptz ?? '') !== '');
    host.about?.(own.id, { maker, model, firmware, serial, ptz });
  }
}

/**
 * Whether a camera has what the config names: what it has not is a fault that says all of it, in the log too, whenever
 * that is something else. It sent nothing that is wrong. `told`: what was said last, by device.
 */
async function compare(
  camera: Camera,
  { cameras, host, states, signal }: Following,
  told: Map<string, string>,
): Promise<void> {
  const has = await whatItHas(camera, cameras);
  if (signal.aborted) return;
  for (const own of cameras) {
    const wrong = missingOf(own, has);
    const reason = wrong.join('; ').slice(0, REASON_MAX);
    states.fault('config', wrong.length > 0, { reason }, own.id);
    if (reason !== '' && reason !== told.get(own.id))
      host.log.warn(
        { device: own.id, missing: wrong.length },
        `${own.id}: the config names what the camera does not have: ${reason}`,
      );
    told.set(own.id, reason);
  }
}

/** Resolves when the signal aborts. */
export async function follow(following: Following): Promise<void> {
  const { cameras, client, host, signal, states, connected, forget } = following;
  const { clock } = host;
  const first = cameras[0]?.id ?? '';
  const watch = createWatch(following);
  const bears = createBears();
  let isTold = false;
  let compared: Camera | undefined;
  const toldMissing = new Map<string, string>();
  let lookedAt = 0;
  let isTimeless = false;
  let read = client.clock();
  const look = async () => {
    lookedAt = clock.elapsed();
    read = await client.readClock(signal);
    states.clock(read);
  };
  /** @throws what ends it, with or without a time. */
  const mayGoOn = (error: Error & { readonly code?: string }) => {
    if (signal.aborted || client.waitMs() > 0) throw error;
    if (error.message === WRONG_PASSWORD || error.code === 'E_CERTIFICATE') throw error;
    return error;
  };
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  stopped.catch(() => {});
  const stop = () => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  /** How long events came, ms. @throws what ended it. */
  const once = async (good: (ms: number) => void): Promise<void> => {
    watch.asked();
    // One may know all but its time, and leave that question without an answer.
    const isAsked = !isTimeless || clock.elapsed() - lookedAt >= CLOCK_EVERY_MS;
    const noTime = isAsked ? await look().then(() => undefined, mayGoOn) : undefined;
    // Who asks a camera what it is may wait for others; who stops does not.
    const camera = await Promise.race([connected(), stopped]).catch((error: unknown) => {
      isTimeless = false;
      throw noTime ?? error;
    });
    if (isAsked) isTimeless = noTime !== undefined;
    if (!isTold)
      for (const { id } of cameras) host.log.info({ device: id, ...camera.info }, 'a camera told who it is');
    isTold = true;
    if (compared !== camera) {
      sayWhatItIs(camera, following);
      void compare(camera, following, toldMissing);
    }
    compared = camera;
    if (camera.events === undefined) {
      // Nothing to listen to: whether it is there is all there is to know.
      watch.heard();
      watch.why.word = 'it has no event service';
      good(Number.MAX_SAFE_INTEGER);
      await clock.wait(OFFLINE_MS / 3, signal);
      return;
    }
    let begun: number | undefined;
    const base = serviceUrl(client.address);
    states.begin();
    await readEvents({
      ...{ client, told: camera.events, base, bears, clock, signal },
      ...{ asked: watch.asked, heard: watch.heard },
      pulled() {
        if (begun === undefined) states.fault('certificate', false);
        begun ??= clock.elapsed();
        good(clock.elapsed() - begun);
        watch.pulled();
      },
      failed(why) {
        watch.why.word = why;
      },
      take: (notification, answer) => states.take(notification, client.clock(), answer),
      discarded: (reason, count) => host.discarded(first, reason, count),
      async between() {
        if (clock.elapsed() - lookedAt > CLOCK_EVERY_MS) await look().catch(() => {});
        // It was read for a token that had become stale.
        if (client.clock() === read) return;
        read = client.clock();
        states.clock(read);
      },
    });
  };
  try {
    for (let tries = 0; !signal.aborted; ) {
      let goodMs = 0;
      try {
        await once((ms) => {
          goodMs = ms;
        });
      } catch (error) {
        if (signal.aborted) return;
        const { message, cause } = error as Error;
        const why = (cause as Error | undefined)?.message || message;
        watch.why.word = why;
        const { code, fingerprint = '' } = (cause ?? error) as Partial<Omit<CertificateError, 'code'>> & {
          code?: string;
        };
        if (code === 'E_CERTIFICATE') states.fault('certificate', true, { fingerprint });
        host.log.debug({ device: first, error: why }, 'a subscription was lost');
        if (code === 'E_SOAP') host.discarded(first, 'an answer that makes no sense', 0, why);
        tries = Math.max(0, tries - Math.floor(goodMs / GOOD_MS));
        // One that refuses a subscription is what it was; one that does not answer may be another when it is back.
        if (code !== 'E_SOAP_FAULT' || tries % FORGET_EVERY === FORGET_EVERY - 1) forget();
        const wait = Math.min(AGAIN_MS * 2 ** tries++, AGAIN_MAX_MS) * (1 + clock.random() / 4);
        await client.wait(wait, signal);
      }
    }
  } finally {
    signal.removeEventListener('abort', stop);
    watch.stop();
  }
}
