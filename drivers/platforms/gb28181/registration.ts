/**
 * How a gateway is known at a platform of GB/T 28181 (2016 and 2022, 9.1 and 9.6): it registers with its password, again
 * before that is over, and says each minute that it is there. Three of those without an answer, and it is not registered.
 */
import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../../contract/clock.ts';
import { authorizationOf, type Credentials, isStale } from '../../digest.ts';
import { readLocalTime } from '../../local-time.ts';
import { type Endpoint, roomBeside } from './sip/endpoint.ts';
import {
  type Header,
  headerOf,
  listOf,
  type Request,
  type Response,
  readAddress,
  readUri,
  readVia,
  writeMessage,
} from './sip/message.ts';
import type { Place } from './sip/transactions.ts';

/** Keepalives without an answer after which we are not registered (2016, 9.6: three). */
const MISSED_MAX = 3;
/** A registration is refreshed when this share of it is over. */
const REFRESH_AT = 0.8;
const SIP_PORT = 5060;
/** A platform that finds each time too short, and says a longer one, is asked no oftener. */
const TOO_SHORT_MAX = 3;
/** No platform is asked to know us for less, s. */
const EXPIRES_MIN = 30;
/** One that knows us for less is told again so often, s. */
const LASTS_MIN = 5;

/** What stays the same over all registrations of a process: some platforms know a refresh by its Call-ID alone. */
export interface Identity {
  readonly callId: string;
  readonly tag: string;
  sequence: number;
}

export const newIdentity = (): Identity => ({
  callId: randomBytes(12).toString('hex'),
  tag: randomBytes(6).toString('hex'),
  sequence: 0,
});

export interface RegistrationOptions {
  readonly endpoint: Endpoint;
  readonly place: Place;
  /** The platform's 20 digits, and its domain. */
  readonly platform: { readonly id: string; readonly domain: string };
  /** Ours. */
  readonly device: string;
  readonly credentials: Credentials;
  /** How the platform reaches us, `host:port`. */
  readonly sentBy: string;
  /** The config says so: whatever the platform sees us as, that stands. */
  readonly isAdvertised?: boolean;
  readonly expiresSeconds: number;
  readonly keepaliveMs: number;
  /** `3.0`: we speak the standard of 2022 (its annex I). */
  readonly version?: string | undefined;
  readonly identity: Identity;
  readonly time: Clock;
  /** The body of a keepalive. */
  readonly keepalive: () => Buffer;
  /** Once aborted, the first answer is not waited for any more. */
  readonly signal: AbortSignal;
  /** A 200 said when it is by the platform's clock. */
  readonly dated?: (date: NonNullable<Registration['date']>) => void;
}

export interface Registration {
  /** Sends a MESSAGE (RFC 3428) with a body of MANSCDP. @throws Error where there is no answer. */
  message(body: Buffer): Promise<Response>;
  /**
   * Says at once that we are there: whether the platform knows us, as far as it answers. false: this registration is over.
   */
  isKnown(): Promise<boolean>;
  /** Registers at once, unless it does so already: it is silent, and may be one that was started anew. */
  renew(): void;
  /** Bytes of a body that a MESSAGE bears without being too large for its way. */
  readonly room: number;
  /** Resolves with the reason once the platform does not know us any more. Never rejects. */
  readonly ended: Promise<Error>;
  /** `Date` of the last 200, as it came: when it was by the platform's clock; and by ours, epoch ms. */
  readonly date: { readonly said: string; readonly heardAt: number } | undefined;
  /** Since when the platform knows us, and until when unless we register again; epoch ms. */
  readonly known: { readonly since: number; readonly until: number };
  /** `goodbye`: says that we leave. */
  close(timeoutMs: number, goodbye: boolean): Promise<void>;
}

/** What a platform refuses: our password; any proof that we have; this id; or something else. */
type Refused = 'password' | 'proof' | 'id' | 'other';

/** What the platform's clock was ahead of ours at its `Date`, ms; undefined: it said no time. */
export function clockOffsetOf(date: Registration['date'], timeZone: string): number | undefined {
  const at = date && readLocalTime(date.said, timeZone);
  return date === undefined || at === undefined ? undefined : at - date.heardAt;
}

export class RefusedError extends Error {
  readonly why: Refused;
  /** What it said: `403 Forbidden`. */
  readonly said: string;
  constructor(why: Refused, said: string, message: string) {
    super(`${message} (${said})`);
    this.name = 'RefusedError';
    this.why = why;
    this.said = said;
  }
}

/** The platform sends us to another one of its servers (2022, 9.1.2; RFC 3261, 21.3). */
export class RedirectedError extends Error {
  readonly to: { readonly host: string; readonly port: number };
  constructor(platform: string, to: RedirectedError['to']) {
    super(`the platform ${platform} sends us on to ${bracket(to.host)}:${to.port}`);
    this.name = 'RedirectedError';
    this.to = to;
  }
}

/** Where a 301, 302 or 305 sends us. */
function redirectOf({ platform }: RegistrationOptions, response: Response): RedirectedError | undefined {
  if (![301, 302, 305].includes(response.status)) return undefined;
  const uri = readUri(readAddress(listOf(response, 'contact')[0] ?? '')?.uri ?? '');
  const host = uri?.host.replace(/^\[|\]$/g, '');
  return host === undefined
    ? undefined
    : new RedirectedError(platform.id, { host, port: uri?.port ?? SIP_PORT });
}

/** In plain words, with what to look at. */
function refusalOf(platform: string, { status, reason }: Response, wasAuthorised: boolean): RefusedError {
  const said = `${status} ${reason}`.trim();
  const refused = (why: Refused, what: string) =>
    new RefusedError(why, said, `the platform ${platform} ${what}`);
  if (status === 401 || status === 407)
    return wasAuthorised
      ? refused('password', 'refuses the password, or the id that it is of')
      : refused('proof', 'wants a proof that we do not know');
  if (status === 403 || status === 404) return refused('id', 'does not let this device id in');
  return refused('other', 'refuses to register us');
}

const bracket = (address: string) => (address.includes(':') ? `[${address}]` : address);

const uriOf = ({ platform: { id, domain } }: RegistrationOptions) => `sip:${id}@${domain}`;
const ownOf = ({ device, platform: { domain } }: RegistrationOptions) => `<sip:${device}@${domain}>`;
const versionOf = ({ version }: RegistrationOptions): readonly Header[] =>
  version === undefined ? [] : [['x-gb-ver', version]];

/** Says REGISTER, again and again as one who is known by its Call-ID. */
function createRegistrar(options: RegistrationOptions) {
  const { endpoint, place, platform, device, credentials, identity, time } = options;
  const uri = uriOf(options);
  const own = ownOf(options);
  const ownContact = `${device}@${options.sentBy}`;
  let contact = ownContact;
  /** How it sees us behind NAT, so that it is told. @returns whether that is new. */
  const learn = (response: Response): boolean => {
    const { received = '', rport = '' } = readVia(listOf(response, 'via')[0] ?? '')?.params ?? {};
    if (received === '' || !/^\d+$/.test(rport) || options.isAdvertised === true) return false;
    const before = contact;
    // The port of a connection of ours is nobody's to be called at, where there is no NAT.
    const isOwn = options.sentBy.startsWith(`${bracket(received)}:`);
    contact = isOwn ? ownContact : `${device}@${bracket(received)}:${rport}`;
    return contact !== before;
  };
  let asked = Math.max(EXPIRES_MIN, options.expiresSeconds);
  let date: Registration['date'];
  const say = (expires: number, authorization: readonly Header[]): Promise<Response> => {
    const request: Request = {
      ...{ method: 'REGISTER', uri, body: Buffer.alloc(0) },
      headers: [
        ['from', `${own};tag=${identity.tag}`],
        ['to', own],
        ['call-id', identity.callId],
        ['cseq', `${++identity.sequence} REGISTER`],
        ['contact', `<sip:${contact}>`],
        ['max-forwards', '70'],
        ['expires', String(expires)],
        ...versionOf(options),
        ...authorization,
      ],
    };
    return endpoint.ask(request, place, options.sentBy);
  };
  /** With our password where that is wanted: once, and again for a nonce that is over. */
  const registerFor = async (expires = asked, tooShort = 0): Promise<Response> => {
    let response = await say(expires, []);
    let isAuthorised = false;
    for (let tries = 0; (response.status === 401 || response.status === 407) && tries < 2; tries++) {
      const isProxy = response.status === 407;
      const challenges = listChallenges(response, isProxy);
      if (tries === 1 && !isStale(challenges)) break;
      const proof = authorizationOf(challenges, credentials, { method: 'REGISTER', uri });
      // A password is never shown as it is.
      if (proof === undefined || !proof.startsWith('Digest')) break;
      isAuthorised = true;
      response = await say(expires, [[isProxy ? 'proxy-authorization' : 'authorization', proof]]);
    }
    const shortest = Number(headerOf(response, 'min-expires'));
    if (response.status === 423 && shortest > expires && shortest < 2 ** 31 && tooShort < TOO_SHORT_MAX) {
      asked = shortest;
      return await registerFor(shortest, tooShort + 1);
    }
    if (response.status < 200 || response.status > 299)
      throw redirectOf(options, response) ?? refusalOf(platform.id, response, isAuthorised);
    const said = headerOf(response, 'date');
    date = said === undefined ? undefined : { said, heardAt: time.wall() };
    if (date !== undefined) options.dated?.(date);
    return response;
  };
  return {
    learn,
    /** Tells it where we are, once more where it sees us elsewhere than we told. */
    async register(): Promise<Response> {
      const response = await registerFor();
      return learn(response) ? await registerFor() : response;
    },
    leave: () => registerFor(0),
    get asked() {
      return asked;
    },
    get date() {
      return date;
    },
  };
}

/** @throws the signal's reason, once it is aborted. */
async function unless<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const give = () => aborted.reject(signal.reason);
  if (signal.aborted) give();
  signal.addEventListener('abort', give, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', give);
  }
}

/** Registers. @throws RefusedError, or Error where nobody answers. */
export async function register(options: RegistrationOptions): Promise<Registration> {
  const { endpoint, place, time } = options;
  const registrar = createRegistrar(options);
  const first = await unless(options.signal, registrar.register());
  const { promise: ended, resolve: end } = Promise.withResolvers<Error>();
  const stop = new AbortController();
  ended.then(() => stop.abort());
  const timers: Timer[] = [];
  const since = time.wall();
  let until = since;
  let latest = first;
  const refreshIn = (response: Response, tries = 0): void => {
    latest = response;
    const lastsMs = lastsSeconds(response, registrar.asked) * 1000;
    if (tries === 0) until = time.wall() + lastsMs;
    const wait = tries === 0 ? lastsMs * REFRESH_AT : (lastsMs * (1 - REFRESH_AT)) / 4;
    timers.push(time.after(wait, () => refresh(response, tries)));
  };
  const refresh = (last: Response, tries: number): void => {
    for (const timer of timers.splice(0)) timer.stop();
    if (stop.signal.aborted) return;
    registrar.register().then(
      (next) => stop.signal.aborted || refreshIn(next),
      (error: Error) => {
        // One that does not answer may the next time, while it still knows us.
        const isFinal = error instanceof RefusedError || error instanceof RedirectedError;
        if (isFinal || tries === 2) end(error);
        else if (!stop.signal.aborted) refreshIn(last, tries + 1);
      },
    );
  };
  refreshIn(first);

  let serial = Math.floor(time.random() * 1000);
  const messageOf = (number: number, body: Buffer): Request => ({
    ...{ method: 'MESSAGE', uri: uriOf(options), body },
    headers: [
      ['from', `${ownOf(options)};tag=${randomBytes(6).toString('hex')}`],
      ['to', `<${uriOf(options)}>`],
      ['call-id', randomBytes(12).toString('hex')],
      ['cseq', `${number} MESSAGE`],
      ['max-forwards', '70'],
      ['content-type', 'Application/MANSCDP+xml'],
      ...versionOf(options),
    ],
  });
  // What is given up with the registration is not sent again: the next one sends it anew, and it would come twice.
  const message = (body: Buffer) =>
    endpoint.ask(messageOf(++serial, body), place, options.sentBy, stop.signal);
  const sayAlive = async (body: Buffer) => {
    const response = await message(body);
    // Another way through NAT than before: orders and questions would go the old one.
    if (registrar.learn(response)) refresh(response, 0);
    return response;
  };
  keepAlive(options, sayAlive, stop.signal).then((why) => why !== undefined && end(why));

  return {
    message,
    async isKnown() {
      const answer = await sayAlive(options.keepalive()).catch(() => undefined);
      if (answer === undefined || !isOfStranger(answer)) return true;
      end(notKnown(options, answer));
      return false;
    },
    renew() {
      if (timers.length > 0) refresh(latest, 0);
    },
    room: roomBeside(writeMessage(messageOf(serial, Buffer.alloc(0))).length, place.transport),
    ended,
    get date() {
      return registrar.date;
    },
    get known() {
      return { since, until };
    },
    async close(timeoutMs, goodbye) {
      stop.abort();
      for (const timer of timers.splice(0)) timer.stop();
      if (goodbye) {
        const left = new AbortController();
        const leaving = registrar.leave().then(
          () => left.abort(),
          () => left.abort(),
        );
        await Promise.race([leaving, time.wait(timeoutMs, left.signal)]);
      }
      end(new Error('we left the platform'));
    },
  };
}

const listChallenges = ({ headers }: Response, isProxy: boolean): string =>
  headers
    .filter(([name]) => name === (isProxy ? 'proxy-authenticate' : 'www-authenticate'))
    .map(([, value]) => value)
    .join(', ');

/** For how long a platform knows us: of our Contact, else of all (RFC 3261, 10.3), else as asked. */
function lastsSeconds(response: Response, asked: number): number {
  const contacts = listOf(response, 'contact').map((one) => readAddress(one)?.params['expires']);
  const said = [contacts.length === 1 ? contacts[0] : undefined, headerOf(response, 'expires')];
  const seconds = said.filter((one) => /^\d{1,9}$/.test(one ?? '')).map(Number)[0] ?? asked;
  // None at all is a mistake of it.
  return Math.max(seconds === 0 ? EXPIRES_MIN : LASTS_MIN, Math.min(seconds, asked));
}

/** It answers, and does not know us: it was started anew. */
export const isOfStranger = ({ status }: Pick<Response, 'status'>): boolean =>
  [401, 403, 404].includes(status);
const notKnown = ({ platform }: RegistrationOptions, { status }: Response) =>
  new Error(`the platform ${platform.id} does not know us any more (${status})`);

/** Resolves with what says that the platform does not know us; undefined: it was stopped. */
async function keepAlive(
  options: RegistrationOptions,
  message: Registration['message'],
  signal: AbortSignal,
): Promise<Error | undefined> {
  const { time, keepalive, keepaliveMs, platform } = options;
  for (let missed = 0; ; ) {
    if ((await time.wait(keepaliveMs, signal)) === 'stopped') return undefined;
    const answer = await message(keepalive()).catch((error: Error) => error);
    if (signal.aborted) return undefined;
    if (!(answer instanceof Error) && answer.status < 300) {
      missed = 0;
      continue;
    }
    if (!(answer instanceof Error) && isOfStranger(answer)) return notKnown(options, answer);
    missed++;
    if (missed === MISSED_MAX)
      return new Error(`the platform ${platform.id} answered none of ${MISSED_MAX} keepalives`);
  }
}
