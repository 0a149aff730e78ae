/**
 * SIP transactions (RFC 3261, 17; RFC 6026): each question is sent until it is answered, and each answer again when the
 * question comes again. What is received goes in by `receive`; where bytes go is the peer's business. Whoever sends
 * questions without end costs no more than `TRANSACTIONS_MAX` answers, and nobody else's.
 */
import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../../../contract/clock.ts';
import {
  headerOf,
  isRequest,
  listOf,
  type Message,
  type Request,
  type Response,
  readAddress,
  readCSeq,
  readVia,
  type Via,
  writeMessage,
} from './message.ts';

/** Estimate of the round trip, the longest pause, how long a message may be on its way, ms (RFC 3261, 17.1.1.1, table 4). */
const T1 = 500;
const T2 = 4000;
/** Who has not answered by then does not (timers B, F, H, J). */
const OVER_MS = 64 * T1;
/** An INVITE that is not answered by then is told that it is heard (17.2.1). */
const TRYING_MS = 200;
/** Of one address; each holds an answer of some hundred bytes. */
const TRANSACTIONS_MAX = 2000;

/** A socket address. */
export interface Place {
  readonly transport: 'UDP' | 'TCP';
  /** IP, no name. */
  readonly address: string;
  readonly port: number;
}

/** Where a message came from, and where its answer goes: one socket address, or one connection. */
export interface Peer extends Place {
  /** Never throws: what cannot be sent is lost, as on the way. */
  send(bytes: Buffer): void;
  /** Of a connection: calls once it has ended. @returns what takes that back. */
  onClosed?(run: () => void): () => void;
}

export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly headers?: Response['headers'];
  readonly body?: Buffer;
}

/** A question of somebody else. */
export interface Asked {
  readonly request: Request;
  readonly from: Peer;
  /** Ours, that our answers bear where the question has none: of the dialog that it begins. */
  readonly tag: string;
  /** Answers: 1xx as often as wanted, then once with 200 or more; what is said after that is not sent. */
  answer(answer: Answer): void;
  /** Of an INVITE: it was withdrawn, and is to be answered 487. */
  onCancel(run: () => void): void;
  /** Of an INVITE that was answered 2xx: the caller has the answer; undefined: it never said so, the dialog is over. */
  onAcknowledged(run: (ack: Request | undefined) => void): void;
}

export interface Transactions {
  /** @returns false: it is an answer to nothing that we asked. */
  receive(message: Message, from: Peer): boolean;
  /** Whether bytes may be an answer to us, at a glance: nobody who did not hear us can make such. */
  isForUs(bytes: Buffer): boolean;
  /**
   * Asks, until a final answer comes: any status from 200. `sentBy`: how we are reached, `host:port`.
   * `signal`: it is not sent again once that is aborted.
   * @throws SipError E_SIP_SILENT: nobody answered within 32 s; E_SIP_CLOSED: the connection ended, or we do.
   */
  ask(request: Request, to: Peer, sentBy: string, signal?: AbortSignal): Promise<Response>;
  close(): void;
}

interface TransactionOptions {
  readonly time: Clock;
  /** Whether a question that is no repeat is served; it may have been refused. ACK and CANCEL never come here. */
  readonly admits: (request: Request, from: Peer) => boolean;
  /** A question that is no repeat, and may come. */
  readonly asked: (asked: Asked) => void;
  readonly discarded: (reason: string) => void;
}

export class SipError extends Error {
  readonly code: 'E_SIP_SILENT' | 'E_SIP_CLOSED';
  constructor(code: SipError['code'], message: string) {
    super(message);
    this.name = 'SipError';
    this.code = code;
  }
}

const COOKIE = 'z9hG4bK';
const isSame = (a: string | undefined, b: string | undefined) => a?.toLowerCase() === b?.toLowerCase();

/**
 * Which transaction a question is of (RFC 3261, 17.2.3). An ACK and a CANCEL are of their INVITE. What another address sends
 * is another one: nobody withdraws what somebody else asked.
 */
function keyOf(request: Request, via: Via, { address }: Peer): string {
  const method = request.method === 'ACK' || request.method === 'CANCEL' ? 'INVITE' : request.method;
  const branch = via.params['branch'] ?? '';
  if (branch.startsWith(COOKIE)) return ['3', address, branch, via.host, via.port, method].join(' ');
  // Of RFC 2543, whose branch says nothing.
  const [call, cseq, from] = ['call-id', 'cseq', 'from'].map((name) => headerOf(request, name) ?? '');
  const tag = readAddress(from ?? '')?.params['tag'];
  const number = readCSeq(cseq ?? '')?.number;
  return ['2', address, call, tag, number, via.host, via.port, branch, method].join(' ');
}

/** Which dialog an ACK of a 2xx is of: its branch is a new one (RFC 3261, 13.2.2.4). */
function dialogOf(request: Request, { address }: Peer): string {
  const tag = readAddress(headerOf(request, 'from') ?? '')?.params['tag'];
  return [address, headerOf(request, 'call-id'), tag, readCSeq(headerOf(request, 'cseq') ?? '')?.number].join(
    ' ',
  );
}

/** Of who is asked. */
const tagOf = (request: Request) => readAddress(headerOf(request, 'to') ?? '')?.params['tag'];

/** Vias of a question as its answer has them: with where it really came from (RFC 3261, 18.2.1; RFC 3581, 4). */
function viasOf(request: Request, via: Via, { address, port }: Peer): readonly string[] {
  const [top = '', ...rest] = listOf(request, 'via');
  const stamped = top.replace(/;\s*rport(?=\s*(;|$))/i, `;rport=${port}`);
  const isElsewhere = !isSame(via.host.replace(/^\[|\]$/g, ''), address) || stamped !== top;
  return [isElsewhere ? `${stamped};received=${address}` : stamped, ...rest];
}

/** @param tag of ours, where the question has none yet (RFC 3261, 8.2.6.2). */
function responseTo(request: Request, from: Peer, via: Via, tag: string, answer: Answer): Response {
  const to = headerOf(request, 'to') ?? '';
  const isTagged = readAddress(to)?.params['tag'] !== undefined;
  const { status, reason, headers = [], body = Buffer.alloc(0) } = answer;
  return {
    ...{ status, reason, body },
    headers: [
      ...viasOf(request, via, from).map((value) => ['via', value] as const),
      ['from', headerOf(request, 'from') ?? ''],
      ['to', isTagged || status === 100 ? to : `${to};tag=${tag}`],
      ['call-id', headerOf(request, 'call-id') ?? ''],
      ['cseq', headerOf(request, 'cseq') ?? ''],
      ...headers,
    ],
  };
}

/** Sends at once, and again after T1, twice T1, ... at most T2 (timers A/E/G). */
function startSending(time: Clock, send: () => void, most = T2) {
  let pause = T1;
  let timer: Timer;
  const again = () => {
    send();
    timer = time.after(pause, again);
    pause = Math.min(pause * 2, most);
  };
  send();
  timer = time.after(pause, again);
  pause = Math.min(pause * 2, most);
  return {
    /** A first word came: it is heard, and may take its time (17.1.2.2). */
    slow() {
      pause = most;
    },
    stop: () => timer.stop(),
  };
}

interface Question {
  heard(response: Response): void;
  fail(error: Error): void;
}

function createQuestions(time: Clock) {
  const open = new Map<string, Question>();
  const own = `${COOKIE}${randomBytes(6).toString('hex')}`;
  return {
    ...{ open, own },
    ask(request: Request, to: Peer, sentBy: string, signal?: AbortSignal): Promise<Response> {
      const branch = `${own}${randomBytes(8).toString('hex')}`;
      const via = `SIP/2.0/${to.transport} ${sentBy};rport;branch=${branch}`;
      const bytes = writeMessage({ ...request, headers: [['via', via], ...request.headers] });
      const key = `${branch} ${request.method}`;
      return new Promise((resolve, reject) => {
        const sending =
          to.transport === 'UDP' ? startSending(time, () => to.send(bytes)) : void to.send(bytes);
        const end = () => {
          sending?.stop();
          over.stop();
          stay?.();
          signal?.removeEventListener('abort', giveUp);
          open.delete(key);
        };
        const giveUp = () => fail(new SipError('E_SIP_CLOSED', `${request.method}: it was given up`));
        const fail = (error: Error) => {
          end();
          reject(error);
        };
        const over = time.after(OVER_MS, () =>
          fail(new SipError('E_SIP_SILENT', `${request.method}: no answer within ${OVER_MS / 1000} s`)),
        );
        const stay = to.onClosed?.(() =>
          fail(new SipError('E_SIP_CLOSED', `${request.method}: the connection ended before the answer`)),
        );
        open.set(key, {
          heard(response) {
            if (response.status < 200) return sending?.slow();
            end();
            resolve(response);
          },
          fail,
        });
        signal?.addEventListener('abort', giveUp, { once: true });
        if (signal?.aborted === true) giveUp();
      });
    },
  };
}

interface Serving {
  /** The question came again, or an ACK or a CANCEL of it. */
  again(): void;
  /** @returns false: it does not have our tag. Who sent it did not get our answer, and only says that he is who asked. */
  acknowledge(ack: Request): boolean;
  cancel(): void;
  end(): void;
}

/** What is answered: a question of somebody else, once. */
function serve(
  { request, from, via, time }: { request: Request; from: Peer; via: Via; time: Clock },
  over: () => void,
): Serving & Pick<Asked, 'tag' | 'answer' | 'onCancel' | 'onAcknowledged'> {
  const isInvite = request.method === 'INVITE';
  const tag = randomBytes(6).toString('hex');
  let last: Buffer | undefined;
  let final: number | undefined;
  let sending: { stop(): void } | undefined;
  const timers: Timer[] = [];
  const later = (ms: number, run: () => void) => timers.push(time.after(ms, run));
  const cancels: (() => void)[] = [];
  const acknowledged: ((ack: Request | undefined) => void)[] = [];
  const end = () => {
    sending?.stop();
    for (const timer of timers.splice(0)) timer.stop();
    over();
  };
  const say = (answer: Answer) => {
    last = writeMessage(responseTo(request, from, via, tag, answer));
    from.send(last);
  };
  if (isInvite)
    later(TRYING_MS, () => {
      if (last === undefined) say({ status: 100, reason: 'Trying' });
    });
  // Who asked has given up (timer F).
  else later(OVER_MS, () => final === undefined && end());
  return {
    ...{ tag, end },
    again() {
      if (last !== undefined) from.send(last);
    },
    answer(answer) {
      if (final !== undefined) return;
      if (answer.status < 200) return say(answer);
      final = answer.status;
      const bytes = writeMessage(responseTo(request, from, via, tag, answer));
      last = bytes;
      const isAgain = isInvite && (from.transport === 'UDP' || final < 300);
      if (isAgain) sending = startSending(time, () => from.send(bytes));
      else from.send(bytes);
      // A question cannot come again over what loses nothing (timer J).
      if (!isInvite && from.transport === 'TCP') return end();
      later(OVER_MS, () => {
        end();
        if (isInvite && final !== undefined && final < 300) for (const run of acknowledged) run(undefined);
      });
    },
    acknowledge(ack) {
      if (final === undefined || sending === undefined) return true;
      if (final < 300 && tagOf(ack) !== (tagOf(request) ?? tag)) return false;
      sending.stop();
      sending = undefined;
      if (final < 300) for (const run of acknowledged.splice(0)) run(ack);
      return true;
    },
    cancel() {
      if (final === undefined) for (const run of cancels.splice(0)) run();
    },
    onCancel: (run) => void cancels.push(run),
    onAcknowledged: (run) => void acknowledged.push(run),
  };
}

/** Refuses a question of which nothing is kept. */
export function refuse(request: Request, from: Peer, answer: Answer): void {
  const via = readVia(listOf(request, 'via')[0] ?? '');
  if (via === undefined) return;
  const tag = randomBytes(6).toString('hex');
  from.send(writeMessage(responseTo(request, from, via, tag, answer)));
}

export function createTransactions({ time, admits, asked, discarded }: TransactionOptions): Transactions {
  const questions = createQuestions(time);
  const served = new Map<string, Serving>();
  /** INVITEs that were answered 2xx, by dialog. */
  const dialogs = new Map<string, Serving>();
  /** By address. */
  const counts = new Map<string, number>();
  const count = (address: string, change: 1 | -1) => {
    const now = (counts.get(address) ?? 0) + change;
    if (now === 0) counts.delete(address);
    else counts.set(address, now);
  };
  const takeRequest = (request: Request, from: Peer) => {
    const via = readVia(listOf(request, 'via')[0] ?? '');
    if (via === undefined) return discarded('a Via that makes no sense');
    const key = keyOf(request, via, from);
    const known = served.get(key);
    if (request.method === 'ACK') {
      const serving = known ?? dialogs.get(dialogOf(request, from));
      if (serving === undefined) return discarded('an ACK of no INVITE');
      if (!serving.acknowledge(request)) discarded('an ACK of somebody who did not get our answer');
      return;
    }
    if (request.method === 'CANCEL') {
      refuse(
        request,
        from,
        known === undefined ? { status: 481, reason: 'No Such Transaction' } : { status: 200, reason: 'OK' },
      );
      return known?.cancel();
    }
    if (known !== undefined) return known.again();
    if (!admits(request, from)) return;
    if ((counts.get(from.address) ?? 0) >= TRANSACTIONS_MAX) {
      discarded('more questions than are answered at once');
      return refuse(request, from, { status: 503, reason: 'Service Unavailable' });
    }
    const dialog = request.method === 'INVITE' ? dialogOf(request, from) : undefined;
    count(from.address, 1);
    const serving = serve({ request, from, via, time }, () => {
      if (served.delete(key)) count(from.address, -1);
      if (dialog !== undefined && dialogs.get(dialog) === serving) dialogs.delete(dialog);
    });
    served.set(key, serving);
    if (dialog !== undefined) dialogs.set(dialog, serving);
    const { tag, answer, onCancel, onAcknowledged } = serving;
    asked({ request, from, tag, answer, onCancel, onAcknowledged });
  };

  return {
    ask: questions.ask,
    receive(message, from) {
      if (isRequest(message)) {
        takeRequest(message, from);
        return true;
      }
      const vias = listOf(message, 'via');
      const branch = readVia(vias[0] ?? '')?.params['branch'];
      const method = readCSeq(headerOf(message, 'cseq') ?? '')?.method;
      // An answer with the Via of another is not for us (RFC 3261, 8.1.3.3).
      const question = vias.length === 1 ? questions.open.get(`${branch} ${method}`) : undefined;
      if (vias.length !== 1) discarded('an answer that is for somebody else');
      question?.heard(message);
      return question !== undefined;
    },
    isForUs: (bytes) => bytes.includes(questions.own),
    close() {
      for (const one of [...questions.open.values()]) one.fail(new SipError('E_SIP_CLOSED', 'we end'));
      for (const one of [...served.values()]) one.end();
    },
  };
}
