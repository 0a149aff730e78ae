/**
 * Dialogs that somebody else began with us (RFC 3261, 12): a SUBSCRIBE, an INVITE. What we say in one of them has its tags,
 * its way and numbers that rise; what is said to us is found by them. Pure.
 */
import {
  type Header,
  headerOf,
  listOf,
  type Request,
  readAddress,
  readCSeq,
  readUri,
  type Uri,
  writeMessage,
} from './message.ts';
import type { Answer, Asked, Place } from './transactions.ts';

export interface Dialog {
  /** By which a request of it is found: `dialogKeyOf`. */
  readonly key: string;
  /** Of an answer that begins it or says how it goes on: Contact, and Record-Route as they came (12.1.1). */
  readonly headers: readonly Header[];
  /** Where our requests go. */
  readonly place: Place;
  /** A request of ours, without its Via: the next number. */
  request(method: string, more?: { readonly headers?: readonly Header[]; readonly body?: Buffer }): Request;
  /** Bytes of a request without its Via and its body. */
  sizeOf(method: string, headers: readonly Header[]): number;
  /** A request of theirs. @returns what it is refused with: it is older than one that was here before (12.2.2). */
  take(request: Request): Answer | undefined;
}

const SIP_PORT = 5060;
/** The first number of ours: any below 2**31 (8.1.1.5). */
const FIRST = 1;

/** Call-ID, our tag, theirs (12). undefined: it is of no dialog, it has no tag of ours. */
export function dialogKeyOf(request: Request): string | undefined {
  const ours = readAddress(headerOf(request, 'to') ?? '')?.params['tag'];
  return ours === undefined ? undefined : keyOf(request, ours);
}

function keyOf(request: Request, ours: string): string {
  const theirs = readAddress(headerOf(request, 'from') ?? '')?.params['tag'] ?? '';
  return [headerOf(request, 'call-id'), ours, theirs].join(' ');
}

const numberOf = (request: Request) => readCSeq(headerOf(request, 'cseq') ?? '')?.number ?? 0;
const targetOf = (request: Request) => readAddress(listOf(request, 'contact')[0] ?? '')?.uri;

/**
 * Where a request is sent: to the host that asked us, at the port that it names where it names itself; else, behind NAT,
 * back where it came from. A Contact of some third host is not followed: what we say is for the platform alone.
 */
function placeOf(next: Uri | undefined, { transport: by, address, port: from }: Place): Place {
  const said = next?.params['transport']?.toUpperCase();
  const transport = said === 'TCP' || said === 'UDP' ? said : by;
  if (next !== undefined && next.host.replace(/^\[|\]$/g, '') === address)
    return { transport, address, port: next.port ?? SIP_PORT };
  // The port of a connection that they made is nobody's to be called at.
  return { transport, address, port: by === 'UDP' ? from : (next?.port ?? SIP_PORT) };
}

/**
 * The dialog that an answer 2xx begins, as who is asked (12.1.1).
 * @param contact how we are reached: a URI.
 * @returns undefined: it says nowhere where it can be answered (a Contact).
 */
export function acceptDialog(
  { request, from, tag }: Pick<Asked, 'request' | 'from' | 'tag'>,
  contact: string,
): Dialog | undefined {
  const target = targetOf(request);
  if (target === undefined || readUri(target) === undefined) return undefined;
  let remoteTarget = target;
  let remote = numberOf(request);
  let local = FIRST - 1;
  const routes = listOf(request, 'record-route');
  const [firstRoute] = routes;
  const route = firstRoute === undefined ? undefined : readUri(readAddress(firstRoute)?.uri ?? '');
  const isStrict = route !== undefined && route.params['lr'] === undefined;
  const to = headerOf(request, 'to') ?? '';
  const us = readAddress(to)?.params['tag'] === undefined ? `${to};tag=${tag}` : to;
  const them = headerOf(request, 'from') ?? '';
  const callId = headerOf(request, 'call-id') ?? '';
  const build = (number: number, method: string, headers: readonly Header[], body: Buffer): Request => {
    // A strict router wants to be asked itself, and the target at the end of the way (12.2.1.1).
    const way = isStrict ? [...routes.slice(1), `<${remoteTarget}>`] : routes;
    return {
      method,
      uri: isStrict ? (readAddress(firstRoute ?? '')?.uri ?? remoteTarget) : remoteTarget,
      headers: [
        ...way.map((one): Header => ['route', one]),
        ['from', us],
        ['to', them],
        ['call-id', callId],
        ['cseq', `${number} ${method}`],
        ['contact', `<${contact}>`],
        ['max-forwards', '70'],
        ...headers,
      ],
      body,
    };
  };
  return {
    key: keyOf(request, readAddress(us)?.params['tag'] ?? tag),
    headers: [...routes.map((one): Header => ['record-route', one]), ['contact', `<${contact}>`]],
    get place() {
      return placeOf(route ?? readUri(remoteTarget), from);
    },
    request: (method, { headers = [], body = Buffer.alloc(0) } = {}) => build(++local, method, headers, body),
    sizeOf: (method, headers) => writeMessage(build(local + 1, method, headers, Buffer.alloc(0))).length,
    take(next) {
      const number = numberOf(next);
      if (number < remote) return { status: 500, reason: 'Server Internal Error' };
      remote = number;
      remoteTarget = targetOf(next) ?? remoteTarget;
      return undefined;
    },
  };
}
