/**
 * The HTTP client for what devices answer. A device may be broken or hostile: an answer is bounded in bytes and in
 * time, is taken unpacked only, and sends us nowhere but to another path of the same device. Each question has a
 * connection of its own: devices close those that rest without a word.
 */
import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
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
  readonly body?: string;
  /** For a device that asks who we are: digest, or basic where it knows nothing else. Never sent to another one. */
  readonly credentials?: Credentials | undefined;
  /** Of one that speaks HTTPS. */
  readonly tls?: TlsJudge | undefined;
  /** Of the body. */
  readonly maxBytes: number;
  /** For all of it, ms: proving who we are and following redirects included. */
  readonly timeout: number;
  /** An answer that has begun and then says nothing for so long has ended, ms; default 4 s. */
  readonly idle?: number | undefined;
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
  const timer = clock.after(timeout, () => late.abort(new Error(`no answer within ${timeout / 1000} s`)));
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
    if (!REDIRECTS.includes(answer.status) || location === undefined) return answer;
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

/** Asks, and again with who we are where that is wanted. */
async function askAs(url: URL, question: Question, signal: AbortSignal): Promise<HttpAnswer> {
  const { method = 'GET', credentials } = question;
  const wanted = { method, uri: `${url.pathname}${url.search}` };
  let answer = await askOnce(url, question, signal);
  for (let tries = 0; answer.status === 401 && credentials !== undefined && tries < 2; tries++) {
    const challenges = answer.headers['www-authenticate'] ?? '';
    if (tries === 1 && !isStale(challenges)) return answer;
    const authorization = authorizationOf(challenges, credentials, wanted);
    if (authorization === undefined) return answer;
    answer = { ...(await askOnce(url, question, signal, authorization)), isTold: true };
  }
  return answer;
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

/** One question, one answer, over a connection of its own. @throws Error with a sentence. */
async function askOnce(
  url: URL,
  question: Question,
  signal: AbortSignal,
  authorization?: string,
): Promise<HttpAnswer> {
  const { tls } = question;
  const socket =
    tls === undefined || url.protocol !== 'https:' ? undefined : await securely(url, tls, signal);
  return await askOver(socket, url, question, signal, authorization);
}

function askOver(
  socket: TLSSocket | undefined,
  url: URL,
  question: Question,
  signal: AbortSignal,
  authorization?: string,
): Promise<HttpAnswer> {
  const { method = 'GET', headers, body, maxBytes, clock, idle = IDLE_MS } = question;
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const begin = url.protocol === 'https:' ? requestHttps : requestHttp;
  const request = begin(url, {
    method,
    ...(socket === undefined ? { agent: false } : { createConnection: () => socket }),
    signal,
    maxHeaderSize: HEADERS_MAX,
    headers: {
      ...headers,
      connection: 'close',
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
  request.on('information', () => {
    if (++interim > INTERIM_MAX) fail('it never comes to its answer');
  });
  request.on('response', (response) => {
    if ((response.headers['content-encoding'] ?? 'identity') !== 'identity')
      return fail('its answer is packed, which was not asked for');
    bodyOf(response, { maxBytes, idle, clock, fail }, (bytes) => {
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes });
    });
  });
  request.on('error', (error) => reject(signal.aborted ? signal.reason : error));
  request.on('close', () => reject(new Error('the connection ended before the answer did')));
  request.end(body);
  return promise;
}

/** Collects a body that is not too large and does not pause for too long. */
function bodyOf(
  response: IncomingMessage,
  on: {
    readonly maxBytes: number;
    readonly idle: number;
    readonly clock: Clock;
    readonly fail: (words: string) => void;
  },
  done: (bytes: Buffer) => void,
): void {
  const { maxBytes, clock, fail } = on;
  const chunks: Buffer[] = [];
  let size = 0;
  let timer: Timer | undefined;
  const wait = () => {
    timer?.stop();
    timer = clock.after(on.idle, () => fail(`its answer stopped for ${on.idle / 1000} s`));
  };
  wait();
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    // What came over the wire may be far more than what was in it: marks of chunks that carry a byte each.
    if (size > maxBytes || response.socket.bytesRead > 2 * maxBytes + AROUND_MAX)
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
}
