/**
 * The HTTP client for what devices answer. A device may be broken or hostile: an answer is bounded in bytes and in
 * time, is taken unpacked only, and sends us nowhere but to another path of the same device. Each question has a
 * connection of its own, on which who we are is proved too: devices close those that rest without a word.
 */
import {
  Agent as HttpAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { Clock, Timer } from './contract/clock.ts';
import { authorizationOf, type Credentials, isStale } from './digest.ts';

/** How the certificate of a device is judged; without it as a browser does. */
export interface TlsJudge {
  /** PEM of who signed it. */
  readonly ca?: string | undefined;
  /** Judges it alone, before anything is sent. @throws Error with a sentence. */
  readonly judge?: ((certificate: PeerCertificate) => void) | undefined;
}

export interface Question {
  /** Default GET. */
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** `none`: one that sends us on is the answer; default: on the same origin they are followed. */
  readonly redirects?: 'none';
  /** For a device that asks who we are: digest, or basic where it knows nothing else. Never sent to another one. */
  readonly credentials?: Credentials | undefined;
  /** Who asks for the password in clear (basic) does not get it. */
  readonly digestOnly?: boolean;
  /** Of one that speaks HTTPS. */
  readonly tls?: TlsJudge | undefined;
  /** Of the body. */
  readonly maxBytes: number;
  /** For all of it, ms: proving who we are and following redirects included. */
  readonly timeout: number;
  /** An answer that has begun and then says nothing for so long has ended, ms; default 4 s. */
  readonly idle?: number | undefined;
  /** Whether a body is all there, where its length was told wrongly and the connection ended or rests. */
  readonly isWhole?: ((body: Buffer) => boolean) | undefined;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** It was told who we are: a 401 is of the password then. */
  readonly isTold?: true;
}

/** Of a body that has begun. */
const IDLE_MS = 4000;
/** Of what comes with a 401: it is waited for no longer, ms, and the next question has another connection then. */
const CHALLENGE_MS = 1000;
/** Redirects that are followed. */
const HOPS_MAX = 3;
/** `100 Continue` and others of its kind before the answer; RFC 9110, 15.2 sets no limit. */
const INTERIM_MAX = 5;
/** Of all header lines together, bytes: Node's own limit, for each part of an answer that has headers. */
const HEADERS_MAX = 16_384;
/** What is around the body on the wire: headers, interim answers, the marks of chunks. */
const AROUND_MAX = 4 * HEADERS_MAX;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/**
 * Asks, proves who we are where that is wanted, and follows redirects on the same origin.
 * @throws Error with a sentence: no answer in time, one that is too large or broken, one that sends us elsewhere.
 */
export async function ask(url: string, question: Question): Promise<HttpAnswer> {
  const { timeout, clock } = question;
  const late = new AbortController();
  const timer = clock.after(timeout, () =>
    late.abort(new Error(`no answer within ${Number((timeout / 1000).toFixed(1))} s`)),
  );
  const signals = [late.signal, ...(question.signal === undefined ? [] : [question.signal])];
  try {
    return await askOn(new URL(url), question, AbortSignal.any(signals));
  } finally {
    timer.stop();
  }
}

async function askOn(first: URL, question: Question, signal: AbortSignal): Promise<HttpAnswer> {
  let url = first;
  for (let hops = 0; ; hops++) {
    const answer = await askAs(url, question, signal);
    const { location } = answer.headers;
    if (question.redirects === 'none' || !REDIRECTS.includes(answer.status) || location === undefined)
      return answer;
    if (!URL.canParse(location, url.href)) throw new Error('it sends us to what is no address');
    const next = new URL(location, url);
    if (next.origin !== url.origin)
      throw new Error(`it sends us to ${next.protocol}//${next.host.slice(0, 100)}, which is not asked`);
    if (hops === HOPS_MAX) throw new Error('it sends us on and on');
    // A name and a password in what a device says are not ours to send.
    next.username = '';
    next.password = '';
    url = next;
  }
}

/**
 * Asks, and again with who we are where that is wanted: on the same connection where it is left open, because some take a
 * nonce on no other one (RFC 7616, 5.4 and 5.5 leave its form to the server).
 */
async function askAs(url: URL, question: Question, signal: AbortSignal): Promise<HttpAnswer> {
  const { method = 'GET', credentials, digestOnly } = question;
  const wanted = { method, uri: `${url.pathname}${url.search}` };
  const agent = agentFor(url, question, signal);
  try {
    let answer = await askOver(agent, url, question, signal);
    for (let tries = 0; answer.status === 401 && credentials !== undefined && tries < 2; tries++) {
      const challenges = answer.headers['www-authenticate'] ?? '';
      if (tries === 1 && !isStale(challenges)) return answer;
      const authorization = authorizationOf(challenges, credentials, wanted);
      if (authorization === undefined || (digestOnly && !authorization.startsWith('Digest'))) return answer;
      // One that closes after each answer has said so by then, as a rule.
      for (let i = 0; i < 3; i++) await new Promise(setImmediate);
      answer = { ...(await askOver(agent, url, question, signal, authorization)), isTold: true };
    }
    return answer;
  } finally {
    agent.destroy();
  }
}

/** For the connections of one question. */
function agentFor(url: URL, { tls }: Question, signal: AbortSignal): HttpAgent {
  if (url.protocol !== 'https:') return new HttpAgent({ keepAlive: true });
  const agent = new HttpsAgent({ keepAlive: true });
  if (tls !== undefined)
    agent.createConnection = (_options, done) => {
      securely(url, tls, signal).then(
        (socket) => done?.(null, socket),
        // A socket is asked for beside an error.
        (error: Error) => done?.(error, undefined as never),
      );
      return undefined;
    };
  return agent;
}

/** A connection whose certificate is good. @throws Error with a sentence. */
async function securely(url: URL, { ca, judge }: TlsJudge, signal: AbortSignal): Promise<TLSSocket> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const socket = connectTls({
    ...{ host, port: Number(url.port || 443), rejectUnauthorized: judge === undefined },
    // One whose certificate is known by itself is known whatever it speaks: cameras of ten years ago know TLS 1.0.
    ...(judge !== undefined && { minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' }),
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca }),
  });
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const stop = () => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  socket.once('secureConnect', () => resolve(socket));
  socket.on('error', reject);
  socket.once('close', () => reject(new Error('the connection ended before the answer did')));
  if (signal.aborted) stop();
  try {
    await promise;
    judge?.(socket.getPeerCertificate());
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** One question, one answer. @throws Error with a sentence. */
function askOver(
  agent: HttpAgent,
  url: URL,
  question: Question,
  signal: AbortSignal,
  authorization?: string,
): Promise<HttpAnswer> {
  const { method = 'GET', headers, body, credentials, maxBytes, isWhole, clock, idle = IDLE_MS } = question;
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const begin = url.protocol === 'https:' ? requestHttps : requestHttp;
  /** It may be asked once more. */
  const mayFollow = credentials !== undefined && authorization === undefined;
  const request = begin(url, {
    method,
    agent,
    signal,
    maxHeaderSize: HEADERS_MAX,
    // Lines that end with LF, a length beside chunks (RFC 9112, 2.2, 6.3): with one question on a
    // connection there is none whose answer could be smuggled in.
    insecureHTTPParser: true,
    headers: {
      ...headers,
      connection: mayFollow ? 'keep-alive' : 'close',
      'accept-encoding': 'identity',
      ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
      ...(authorization !== undefined && { authorization }),
    },
  });
  const fail = (words: string) => {
    reject(new Error(words));
    request.destroy();
  };
  let interim = 0;
  let isBegun = false;
  let tryWhole = () => {};
  request.on('information', () => {
    if (++interim > INTERIM_MAX) fail('it never comes to its answer');
  });
  request.on('response', (response) => {
    isBegun = true;
    if ((response.headers['content-encoding'] ?? 'identity') !== 'identity')
      return fail('its answer is packed, which was not asked for');
    const answered = (bytes: Buffer) =>
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes });
    if (mayFollow && response.statusCode === 401) {
      // What it says beside its challenge is nothing to wait for.
      const late = clock.after(CHALLENGE_MS, () => {
        answered(Buffer.alloc(0));
        request.destroy();
      });
      response.on('close', () => late.stop());
    }
    tryWhole = bodyOf(response, { maxBytes, idle, isWhole, clock, fail }, answered);
  });
  request.on('error', (error) => {
    tryWhole();
    if (signal.aborted) return reject(signal.reason);
    // It closed a connection that it had left open, before it was asked there: so it was not asked.
    if (authorization !== undefined && request.reusedSocket && !isBegun)
      return resolve(askOver(agent, url, question, signal, authorization));
    reject(error);
  });
  request.on('close', () => {
    tryWhole();
    reject(new Error('the connection ended before the answer did'));
  });
  request.end(body);
  return promise;
}

/** Collects a body that is not too large and does not pause for too long. @returns what takes it as far as it came, where that is all. */
function bodyOf(
  response: IncomingMessage,
  on: {
    readonly maxBytes: number;
    readonly idle: number;
    readonly isWhole: Question['isWhole'];
    readonly clock: Clock;
    readonly fail: (words: string) => void;
  },
  done: (bytes: Buffer) => void,
): () => void {
  const { maxBytes, clock, fail } = on;
  const chunks: Buffer[] = [];
  /** With what came on it before. */
  const before = response.socket.bytesRead;
  let size = 0;
  let timer: Timer | undefined;
  const tryWhole = () => {
    const bytes = Buffer.concat(chunks);
    if (on.isWhole?.(bytes) === true) done(bytes);
  };
  const wait = () => {
    timer?.stop();
    timer = clock.after(on.idle, () => {
      tryWhole();
      fail(`its answer stopped for ${on.idle / 1000} s`);
    });
  };
  wait();
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    // What came over the wire may be far more than what was in it: marks of chunks that carry a byte each.
    if (size > maxBytes || response.socket.bytesRead - before > 2 * maxBytes + AROUND_MAX)
      return fail(`the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
    wait();
  });
  response.on('end', () => {
    if (response.complete) done(Buffer.concat(chunks));
  });
  // One that breaks off ends the request too, which says so.
  response.on('error', () => {});
  response.on('close', () => timer?.stop());
  return tryWhole;
}
