/** Asks one camera: with its password, at the place that answers, no oftener than it bears. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../contract/clock.ts';
import { ask as askHttp, type HttpAnswer } from '../http.ts';
import { createLogin } from '../login.ts';
import { type CameraAddress, placesOf, serviceUrl } from './address.ts';
import { encodeRequest, readDateAndTime, type Token } from './codec.ts';
import { type ClockReading, clockReadingOf } from './times.ts';
import type { SoapError } from './xml.ts';

const ASK_MS = 6000;
/** A time is some hundred bytes. */
const TIME_MAX = 50_000;
const SOAP = { 'content-type': 'application/soap+xml; charset=utf-8' };
/** Faults that mean a wrong password or no right (ONVIF Core 5.12; WS-Security 1.1, 12), and what HTML says. */
const REFUSAL = /NotAuthorized|not authori[sz]ed|FailedAuthentication|Unauthorized/i;
/** A clock that went so far since it was read makes tokens stale; what drifts less is borne (WSS 1.1, UsernameToken: minutes). */
const STEP_MS = 3000;
/** Of a fault. */
const FAULT_MAX = 20_000;
/** It does not speak of this there. */
const NOT_HERE = [404, 405, 410, 501];
/** Origins that a camera tells. */
const ORIGINS_MAX = 20;

export interface Asked {
  /** Its name: `PullMessages`. */
  readonly what: string;
  readonly body: (token: Token | undefined, to: string) => string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly maxBytes: number;
  readonly timeout: number;
  readonly signal?: AbortSignal;
  /** Without who we are. */
  readonly anonymous?: true;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Where it came from. */
  readonly url: string;
}

export interface Client {
  readonly address: CameraAddress;
  /** Asks at one address. @throws Error. */
  ask(url: string, asked: Asked): Promise<Answer>;
  /** Asks for what was told, where it answers. `base`: whose answer it was. @throws Error. */
  askAt(told: string, base: string, asked: Asked): Promise<Answer>;
  /** A picture. @throws Error. */
  get(url: string, asked: Pick<Asked, 'what' | 'maxBytes' | 'timeout' | 'signal'>): Promise<HttpAnswer>;
  /** Its clock beside ours, which tokens then bear. @throws Error where it does not answer, or refuses us. */
  readClock(signal?: AbortSignal): Promise<ClockReading>;
  readonly clock: () => ClockReading;
  /** How long nothing may be asked, ms: it refused our password. */
  waitMs(): number;
}

const isRefused = (status: number, text: string) =>
  status === 401 || (text.length < FAULT_MAX && /[:<]Fault[\s>]/.test(text) && REFUSAL.test(text));

const isElsewhere = ({ status, text }: Answer) =>
  NOT_HERE.includes(status) || !text.includes('Envelope') || text.includes('ActionNotSupported');

export function createClient(
  address: CameraAddress,
  time: Clock,
  discarded: (reason: string, detail: string) => void = () => {},
): Client {
  const { credentials, tls } = address;
  const login = createLogin(time);
  /** Told origin -> the one that answered. */
  const found = new Map<string, string>();
  let reading: ClockReading = { offset: undefined, zone: undefined };

  /** With a password, counted. */
  const guarded = async <T extends { readonly status: number }>(
    what: string,
    anonymous: boolean,
    run: () => Promise<T>,
    textOf: (answer: T) => string,
  ): Promise<T> => {
    if (anonymous || credentials === undefined) return await run();
    const leave = await login.enter(what);
    try {
      const answer = await run();
      if (isRefused(answer.status, textOf(answer))) throw login.refused(what);
      login.accepted(what);
      return answer;
    } finally {
      leave();
    }
  };
  const ask = async (url: string, asked: Asked): Promise<Answer> => {
    const { what, body, headers, maxBytes, timeout, signal, anonymous = false } = asked;
    const once = async () => {
      const token =
        credentials === undefined || anonymous
          ? undefined
          : {
              ...credentials,
              nonce: randomBytes(16),
              created: new Date(time.wall() + (reading.offset ?? 0)).toISOString(),
            };
      const { status, body: bytes } = await askHttp(url, {
        method: 'POST',
        headers: { ...SOAP, ...headers },
        body: body(token, url),
        ...{ maxBytes, timeout, clock: time, tls },
        ...(!anonymous && { credentials }),
        ...(signal !== undefined && { signal }),
      });
      return { status, text: bytes.toString(), url };
    };
    const run = async () => {
      const answer = await once();
      if (anonymous || credentials === undefined || !isRefused(answer.status, answer.text)) return answer;
      // Its clock went since it was read, so our token is of another time: that is no wrong password, and what waits in a
      // subscription is not given up for it.
      return (await hasStepped(signal)) ? await once() : answer;
    };
    const answer = await guarded(what, anonymous, run, ({ text }) => text);
    if (credentials === undefined && isRefused(answer.status, answer.text))
      throw new Error('it wants a password, and the config has none');
    return answer;
  };
  const hasStepped = async (signal: AbortSignal | undefined): Promise<boolean> => {
    const was = reading.offset;
    if (was === undefined) return false;
    const now = await readClockOf({ address, ask, time, discarded, isOpen: true }, signal).catch(
      () => undefined,
    );
    if (now?.offset === undefined || Math.abs(now.offset - was) < STEP_MS) return false;
    reading = now;
    return true;
  };
  const askAt = async (told: string, base: string, asked: Asked): Promise<Answer> => {
    const places = placesOf(told, base, address);
    const key = URL.canParse(told, base) ? new URL(told, base).origin : '';
    const known = places.filter((place) => new URL(place).origin === found.get(key));
    const tried = known.length > 0 ? known : places;
    for (const [i, url] of tried.entries()) {
      const isLast = i === tried.length - 1;
      try {
        const answer = await ask(url, asked);
        if (!isLast && isElsewhere(answer)) continue;
        if (answer.status < 400 && found.size < ORIGINS_MAX) found.set(key, new URL(url).origin);
        return answer;
      } catch (error) {
        found.delete(key);
        if (isLast || asked.signal?.aborted === true || login.waitMs() > 0) throw error;
      }
    }
    throw new Error('it tells no address');
  };
  return {
    address,
    ask,
    askAt,
    clock: () => reading,
    waitMs: login.waitMs,
    get: (url, { what, maxBytes, timeout, signal }) =>
      guarded(
        what,
        false,
        () =>
          askHttp(url, {
            ...{ credentials, maxBytes, timeout, clock: time, tls },
            ...(signal !== undefined && { signal }),
          }),
        () => '',
      ),
    async readClock(signal) {
      reading = await readClockOf({ address, ask, time, discarded }, signal);
      return reading;
    },
  };
}

/** @throws Error where it does not answer, or refuses us. */
async function readClockOf(
  {
    address,
    ask,
    time,
    discarded,
    isOpen = false,
  }: {
    readonly address: CameraAddress;
    readonly ask: Client['ask'];
    readonly time: Clock;
    readonly discarded: (reason: string, detail: string) => void;
    /** Without our password. */
    readonly isOpen?: boolean;
  },
  signal: AbortSignal | undefined,
): Promise<ClockReading> {
  const before = time.wall();
  const asked = {
    what: 'GetSystemDateAndTime',
    body: (token: Token | undefined, to: string) =>
      encodeRequest('time', to, 0, { token, messageId: randomUUID() }),
    ...{ maxBytes: TIME_MAX, timeout: ASK_MS },
    ...(signal !== undefined && { signal }),
  };
  const url = serviceUrl(address);
  let answer = await ask(url, { ...asked, anonymous: true });
  // Whoever asks may know the time (ONVIF Core 5.12.1); some tell it only to whom they know.
  if (!isOpen && address.credentials !== undefined && isRefused(answer.status, answer.text))
    answer = await ask(url, asked);
  try {
    const read = readDateAndTime(answer.text);
    // It tells whole seconds: the middle of one, and the middle of the way.
    return clockReadingOf(read, (before + time.wall()) / 2 - 500);
  } catch (error) {
    // One that does not know this question may know the others.
    if ((error as SoapError).code === 'E_SOAP')
      discarded('an answer that makes no sense', (error as Error).message);
    return { offset: undefined, zone: undefined };
  }
}
