/** Asks one camera: with its password, at the place that answers, no oftener than it bears. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../contract/clock.ts';
import type { Tap } from '../contract/tap.ts';
import type { Credentials } from '../digest.ts';
import { ask as askPlainly, type HttpAnswer, type Question } from '../http.ts';
import { plainUrl, tell } from '../http-tap.ts';
import { createLogin, type Login, type Method, WRONG_PASSWORD } from '../login.ts';
import { type CameraAddress, placesOf, serviceUrl } from './address.ts';
import { inWords } from './certificate.ts';
import { encodeRequest, readDateAndTime, requests, type Token } from './codec.ts';
import { decodeXml } from './encoding.ts';
import { createManner, type Form, type Manner } from './manner.ts';
import { type ClockReading, clockReadingOf } from './times.ts';
import type { SoapError } from './xml.ts';

const ASK_MS = 6000;
/** A time is some hundred bytes. */
const TIME_MAX = 50_000;
const SOAP = 'application/soap+xml; charset=utf-8';
/** Faults that mean a wrong password, none, or no right (ONVIF Core 5.12; WS-Security 1.1, 12), and what HTML says. */
const REFUSAL =
  /NotAuthorized|not authori[sz]ed|Unauthorized|(Failed(Authentication|Check)|InvalidSecurity(Token)?|UnsupportedSecurityToken|SecurityTokenUnavailable|MessageExpired)\b/i;
/** Of a service that is another one (SOAP 1.2; gSOAP and others in words). */
const NO_SERVICE = /ActionNotSupported|not implemented|not recogni[sz]ed|unknown (action|method)/i;
/** A clock that went so far since it was read makes tokens stale; what drifts less is borne (WSS 1.1, UsernameToken: minutes). */
const STEP_MS = 3000;
/** Of a fault. */
const FAULT_MAX = 20_000;
/** As we write it. */
const MUST_UNDERSTAND = ' s:mustUnderstand="1"';
/** It does not speak of this there. */
const NOT_HERE = [404, 405, 410, 501];
/** What anybody may ask (ONVIF Core 5.9, PRE_AUTH): an answer says nothing of a password. */
const OPEN = [
  ...['GetSystemDateAndTime', 'GetServices', 'GetCapabilities', 'GetServiceCapabilities', 'GetHostname'],
  ...['GetWsdlUrl', 'GetEndpointReference'],
];
/** Origins that a camera tells. */
const ORIGINS_MAX = 20;

export interface Asked {
  /** Its name: `PullMessages`. */
  readonly what: string;
  readonly body: (token: Token | undefined, to: string) => string;
  /** Of SOAP, and whether the media type says it where the camera wants nothing else. */
  readonly action?: string;
  readonly saysAction?: true;
  readonly maxBytes: number;
  readonly timeout: number;
  /** Between the parts of an answer, ms: some begin theirs at once, and go on when something happens. */
  readonly idle?: number;
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
  get(
    url: string,
    asked: Pick<Asked & Question, 'what' | 'maxBytes' | 'timeout' | 'isWhole' | 'signal'>,
  ): Promise<HttpAnswer>;
  /** Its clock beside ours, which tokens then bear. @throws Error where it does not answer, or refuses us. */
  readClock(signal?: AbortSignal): Promise<ClockReading>;
  readonly clock: () => ClockReading;
  /** As they are now. */
  readonly credentials: () => Credentials | undefined;
  /** Waits `ms`, and until the password may be tried again. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** How long nothing may be asked, ms: it refused our password. */
  waitMs(): number;
}

/** An envelope has come to its end, whatever length was told of it. */
const isWhole = (bytes: Buffer) =>
  /<\/([\w.-]{1,50}:)?Envelope\s*>[\s\0]*$/.test(bytes.subarray(-200).toString('latin1'));
const isFault = (text: string) => text.length < FAULT_MAX && /[:<]Fault[\s>]/.test(text);
const isRefused = (status: number, text: string) => status === 401 || (isFault(text) && REFUSAL.test(text));

const isElsewhere = ({ status, text }: Answer) =>
  NOT_HERE.includes(status) || !text.includes('Envelope') || (isFault(text) && NO_SERVICE.test(text));

/** @throws Error in words that say what mends it. */
const askHttp = (url: string, question: Question): Promise<HttpAnswer> =>
  askPlainly(url, question).catch((error: unknown) => {
    throw inWords(error);
  });

/** What was answered, and whether the question bore the password. */
interface Tried<T> {
  readonly answer: T;
  readonly status: number;
  readonly text: string;
  readonly isTold: boolean;
}

/**
 * Asks in the ways that a camera may want, the one first that was right the last time: as HTTP wants it, which tells nobody a
 * password who does not ask, or with a token. @throws Error where all were refused.
 */
async function askAs<T>(
  login: Login,
  what: string,
  run: (method: Method) => Promise<Tried<T> | undefined>,
): Promise<T> {
  const leave = await login.enter(what);
  try {
    const { order, most } = login.ways(what, OPEN.includes(what));
    let told = 0;
    for (const method of order) {
      if (told >= most) break;
      const tried = await run(method);
      if (tried === undefined) continue;
      const { answer, status, text, isTold } = tried;
      const isSoap = status < 400 || isFault(text);
      if (isRefused(status, text)) {
        if (isTold) login.refused(what, method);
        if (isTold) told++;
      } else if (isTold && isSoap && (method === 'http' || !(isFault(text) || OPEN.includes(what)))) {
        login.accepted(what, method);
        return answer;
      } else if (isTold || isSoap || login.knows() || OPEN.includes(what) || NOT_HERE.includes(status))
        return answer;
      // Some say nothing but an error to whom they do not know: the other way tells.
    }
    throw new Error(told > 0 ? WRONG_PASSWORD : 'it wants a login of a kind that we do not know');
  } finally {
    leave();
  }
}

/** Asks, and once more in another form where it complains of this one. */
async function askInForm(
  manner: Manner,
  what: string,
  saysAction: (form: Form) => boolean,
  send: (form: Form) => Promise<Tried<Answer>>,
): Promise<Tried<Answer>> {
  const complaintOf = ({ status, text }: Tried<Answer>) => manner.complaint(status, text, isFault(text));
  const tried = await send(manner.form());
  const why = complaintOf(tried);
  const other = manner.other(why, what, saysAction(manner.form()));
  if (why === undefined || other === undefined) return tried;
  const again = await send(other);
  const isBetter = complaintOf(again) === undefined;
  if (isBetter) manner.learn(other);
  else manner.forget(why, what);
  return isBetter ? again : tried;
}

/** A picture as it is tapped: without the picture. */
const pictureTold = (what: string, { status, headers, body }: HttpAnswer) => ({
  head: `${what} ${status}`,
  contentType: headers['content-type'],
  body: status < 400 ? '' : body,
});

/** `credentials`: what the config and its file say now. `digestOnly`: who asks for the password in clear does not get it. */
export function createClient(
  address: CameraAddress,
  credentials: () => Credentials | undefined,
  time: Clock,
  discarded: (reason: string, detail: string) => void = () => {},
  tap?: Tap,
  digestOnly = false,
): Client {
  const { tls } = address;
  const login = createLogin(time, credentials);
  const manner = createManner();
  /** Told origin -> the one that answered. */
  const found = new Map<string, string>();
  let reading: ClockReading = { offset: undefined, zone: undefined };

  const ask = async (url: string, asked: Asked): Promise<Answer> => {
    const { what, body, action, maxBytes, timeout, idle, signal, anonymous = false } = asked;
    const tokenOf = (own: Credentials): Token => ({
      ...own,
      nonce: randomBytes(16),
      created: new Date(time.wall() + (reading.offset ?? 0)).toISOString(),
    });
    const saysAction = ({ action: wanted }: Form) => wanted ?? asked.saysAction ?? false;
    const send = async (method: Method, form: Form): Promise<Tried<Answer>> => {
      const own = anonymous ? undefined : login.credentials();
      const token = own !== undefined && method === 'token' ? tokenOf(own) : undefined;
      const said = saysAction(form) && action !== undefined ? `; action="${action}"` : '';
      const xml = body(token, url);
      tell.said(tap, '', () => ({ head: `${what} ${plainUrl(url)}`, body: xml }));
      const {
        status,
        body: bytes,
        isTold = token !== undefined,
      } = await askHttp(url, {
        method: 'POST',
        headers: { 'content-type': SOAP + said },
        body: form.mustUnderstand ? xml : xml.replaceAll(MUST_UNDERSTAND, ''),
        ...{ maxBytes, timeout, idle, isWhole, clock: time, tls },
        ...(method === 'http' && { credentials: own, digestOnly }),
        ...(signal !== undefined && { signal }),
      });
      const text = decodeXml(bytes);
      tell.heard(tap, '', () => ({ head: `${what} ${status}`, body: text }));
      return { answer: { status, text, url }, status, text, isTold };
    };
    const once = (method: Method) => askInForm(manner, what, saysAction, (form) => send(method, form));
    const run = async (method: Method): Promise<Tried<Answer>> => {
      const tried = await once(method);
      if (method !== 'token' || !tried.isTold || !isRefused(tried.status, tried.text)) return tried;
      // Its clock went since it was read, so our token is of another time: that is no wrong password, and what waits in a
      // subscription is not given up for it.
      return (await hasStepped(signal)) ? await once(method) : tried;
    };
    if (!anonymous && login.credentials() !== undefined) return await askAs(login, what, run);
    const { answer } = await once('http');
    if (!anonymous && isRefused(answer.status, answer.text))
      throw new Error('it wants a password, and the config has none');
    return answer;
  };
  const hasStepped = async (signal: AbortSignal | undefined): Promise<boolean> => {
    const was = reading.offset;
    if (was === undefined) return false;
    const now = await readClockOf({ address, ask, time, discarded, hasLogin: false }, signal).catch(
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
    credentials: login.credentials,
    wait: login.wait,
    async get(url, { what, maxBytes, timeout, isWhole, signal }) {
      const run = async (): Promise<Tried<HttpAnswer>> => {
        tell.said(tap, '', () => ({ head: `GET ${plainUrl(url)}` }));
        const answer = await askHttp(url, {
          ...{ credentials: login.credentials(), digestOnly, maxBytes, timeout, isWhole, clock: time, tls },
          ...(signal !== undefined && { signal }),
        });
        tell.heard(tap, '', () => pictureTold(what, answer));
        return { answer, status: answer.status, text: '', isTold: answer.isTold === true };
      };
      if (login.credentials() === undefined) return (await run()).answer;
      // A picture knows no token.
      return await askAs(login, what, async (method) => (method === 'http' ? await run() : undefined));
    },
    async readClock(signal) {
      reading = await readClockOf(
        { address, ask, time, discarded, hasLogin: login.credentials() !== undefined },
        signal,
      );
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
    hasLogin,
  }: {
    readonly address: CameraAddress;
    readonly ask: Client['ask'];
    readonly time: Clock;
    readonly discarded: (reason: string, detail: string) => void;
    readonly hasLogin: boolean;
  },
  signal: AbortSignal | undefined,
): Promise<ClockReading> {
  const before = time.wall();
  const asked = {
    what: 'GetSystemDateAndTime',
    action: requests.time.action,
    body: (token: Token | undefined, to: string) =>
      encodeRequest('time', to, 0, { token, messageId: randomUUID() }),
    ...{ maxBytes: TIME_MAX, timeout: ASK_MS },
    ...(signal !== undefined && { signal }),
  };
  const url = serviceUrl(address);
  let answer = await ask(url, { ...asked, anonymous: true });
  // Whoever asks may know the time (ONVIF Core 5.12.1); some tell it only to whom they know.
  if (hasLogin && isRefused(answer.status, answer.text)) answer = await ask(url, asked);
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
