/**
 * What a simulated platform says and hears over SIP (RFC 3261), as much as a platform needs: it asks again over UDP until it
 * is answered, gives the same answer to a question that comes again, and acknowledges an INVITE as often as it is answered.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../drivers/contract/clock.ts';
import {
  type Header,
  headerOf,
  isRequest,
  listOf,
  type Message,
  type Request,
  type Response,
  readCSeq,
  readVia,
  writeMessage,
} from '../../drivers/platforms/gb28181/sip/message.ts';
import type { Way } from './wire.ts';

/** RFC 3261, 17.1.1.1: estimate of the round trip, and the longest pause. */
const T1 = 500;
const T2 = 4000;
/** Timer F's 32 s is long for a person who waits at a prompt. */
const SILENT_MS = 10_000;
/** Answers that are kept for questions that come again. */
const ANSWERED_MAX = 500;
const COOKIE = 'z9hG4bK';

export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly headers?: readonly Header[];
}

/** Nobody answered. */
export class SilentError extends Error {
  readonly code = 'E_SIP_SILENT';
  constructor(method: string) {
    super(`${method}: no answer within ${SILENT_MS / 1000} s`);
    this.name = 'SilentError';
  }
}

export const randomToken = (): string => randomBytes(8).toString('hex');

/** A Via as the answer has it: with where the question really came from (RFC 3261, 18.2.1; RFC 3581, 4). */
function viaBack(via: string, { address, port }: Way): string {
  const stamped = via.replace(/;\s*rport(?=\s*(;|$))/i, `;rport=${port}`);
  return `${stamped};received=${address}`;
}

function responseTo(request: Request, from: Way, { status, reason, headers = [] }: Answer): Response {
  const [top = '', ...rest] = listOf(request, 'via');
  const to = headerOf(request, 'to') ?? '';
  return {
    ...{ status, reason, body: Buffer.alloc(0) },
    headers: [
      ...[viaBack(top, from), ...rest].map((value) => ['via', value] as const),
      ['from', headerOf(request, 'from') ?? ''],
      ['to', /;\s*tag=/i.test(to) ? to : `${to};tag=${randomToken()}`],
      ['call-id', headerOf(request, 'call-id') ?? ''],
      ['cseq', headerOf(request, 'cseq') ?? ''],
      ...headers,
    ],
  };
}

const keyOf = (message: Message): string => {
  const via = readVia(listOf(message, 'via')[0] ?? '');
  const method = isRequest(message) ? message.method : readCSeq(headerOf(message, 'cseq') ?? '')?.method;
  return [via?.params['branch'], via?.host, via?.port, method].join(' ');
};

export interface Invited {
  readonly response: Response;
  /** Says that we have the answer; again by itself where the answer comes again. */
  acknowledge(ack: Request): void;
}

export interface Conversation {
  receive(message: Message, from: Way): void;
  /** Any status from 200. @throws SilentError */
  ask(request: Request, to: Way): Promise<Response>;
  /** An INVITE; who refuses is acknowledged here. `signal`: it is withdrawn (CANCEL). @throws SilentError */
  invite(request: Request, to: Way, signal?: AbortSignal): Promise<Invited>;
  close(): void;
}

export interface ConversationOptions {
  readonly time: Clock;
  /** `host:port`, for a Via. */
  readonly sentBy: (to: Way) => string;
  /** A question that is no repeat. undefined: it gets no answer, and may come again. */
  readonly asked: (request: Request, from: Way) => Answer | undefined;
}

export function createConversation({ time, sentBy, asked }: ConversationOptions): Conversation {
  interface Open {
    heard(response: Response): void;
    fail(error: Error): void;
  }
  const open = new Map<string, Open>();
  const answered = new Map<string, Buffer>();
  /** By Call-ID and number: the ACK of an INVITE that was answered 2xx. */
  const acks = new Map<string, () => void>();
  const dialogOf = (message: Message) =>
    `${headerOf(message, 'call-id')} ${readCSeq(headerOf(message, 'cseq') ?? '')?.number}`;
  const withVia = (request: Request, to: Way, branch = `${COOKIE}${randomToken()}`): Request => ({
    ...request,
    headers: [['via', `SIP/2.0/${to.by} ${sentBy(to)};rport;branch=${branch}`], ...request.headers],
  });

  const send = (request: Request, to: Way): Promise<Response> => {
    const bytes = writeMessage(request);
    const key = keyOf(request);
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    let pause = T1;
    const again = () => {
      to.send(bytes);
      repeat = time.after(pause, again);
      pause = Math.min(2 * pause, T2);
    };
    to.send(bytes);
    let repeat = to.by === 'UDP' ? time.after(pause, again) : undefined;
    const late = time.after(SILENT_MS, () => fail(new SilentError(request.method)));
    const end = () => {
      repeat?.stop();
      late.stop();
      open.delete(key);
    };
    const fail = (error: Error) => {
      end();
      reject(error);
    };
    open.set(key, {
      fail,
      heard(response) {
        // A first word: it is heard.
        if (response.status < 200) return repeat?.stop();
        end();
        resolve(response);
      },
    });
    return promise;
  };

  const invite: Conversation['invite'] = async (request, to, signal) => {
    const branch = `${COOKIE}${randomToken()}`;
    const whole = withVia(request, to, branch);
    const [via] = whole.headers;
    const of = (method: 'ACK' | 'CANCEL', toHeader?: string): Request => ({
      ...{ method, uri: request.uri, body: Buffer.alloc(0) },
      headers: [
        ...(via === undefined ? [] : [via]),
        ...request.headers
          .filter(([name]) => ['from', 'to', 'call-id', 'max-forwards'].includes(name))
          .map(([name, value]): Header => [name, name === 'to' ? (toHeader ?? value) : value]),
        ['cseq', `${readCSeq(headerOf(request, 'cseq') ?? '')?.number} ${method}`],
      ],
    });
    const cancel = () => void send(of('CANCEL'), to).catch(() => {});
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      const response = await send(whole, to);
      if (response.status >= 300) to.send(writeMessage(of('ACK', headerOf(response, 'to'))));
      return {
        response,
        acknowledge(ack) {
          const bytes = writeMessage(withVia(ack, to));
          acks.set(dialogOf(response), () => to.send(bytes));
          if (acks.size > ANSWERED_MAX) acks.delete(acks.keys().next().value ?? '');
          to.send(bytes);
        },
      };
    } catch (error) {
      cancel();
      throw error;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  };

  return {
    invite,
    ask: (request, to) => send(withVia(request, to), to),
    receive(message, from) {
      if (!isRequest(message)) {
        const waiting = open.get(keyOf(message));
        if (waiting !== undefined) return waiting.heard(message);
        if (message.status >= 200 && message.status < 300) acks.get(dialogOf(message))?.();
        return;
      }
      if (message.method === 'ACK') return;
      const key = keyOf(message);
      const before = answered.get(key);
      if (before !== undefined) return from.send(before);
      const answer = asked(message, from);
      if (answer === undefined) return;
      const bytes = writeMessage(responseTo(message, from, answer));
      answered.set(key, bytes);
      if (answered.size > ANSWERED_MAX) answered.delete(answered.keys().next().value ?? '');
      from.send(bytes);
    },
    close() {
      for (const one of [...open.values()]) one.fail(new Error('the simulated platform ends'));
    },
  };
}
