/** What a platform wants to see, and whether it may: an INVITE, read. */
import { senderCheck } from '../../connections.ts';
import type { Thing } from '../../contract/inventory.ts';
import type { Session } from './answering.ts';
import { createDirectory } from './directory.ts';
import { headerOf, type Request, readAddress, readUri } from './sip/message.ts';
import type { Answer } from './sip/transactions.ts';
import { type Offer, readOffer } from './stream/sdp.ts';

export const refusals = {
  badRequest: { status: 400, reason: 'Bad Request' },
  forbidden: { status: 403, reason: 'Forbidden' },
  unknown: { status: 404, reason: 'Not Found' },
  noSuchType: { status: 415, reason: 'Unsupported Media Type' },
  away: { status: 480, reason: 'Temporarily Unavailable' },
  noDialog: { status: 481, reason: 'Call/Transaction Does Not Exist' },
  asked: { status: 482, reason: 'Loop Detected' },
  tooMany: { status: 486, reason: 'Busy Here' },
  withdrawn: { status: 487, reason: 'Request Terminated' },
  notSo: { status: 488, reason: 'Not Acceptable Here' },
  noWay: { status: 503, reason: 'Service Unavailable' },
} as const satisfies Readonly<Record<string, Answer>>;

/** What is wanted, and may be had. */
export interface Wanted {
  readonly offer: Offer;
  readonly camera: Thing;
  /** The platform's digits of it. */
  readonly id: string;
}

/** Of which camera: some ask the gateway, and name the camera in To or Subject (2016, 9.2.2) alone. */
function idsIn(request: Request): readonly string[] {
  const to = readUri(readAddress(headerOf(request, 'to') ?? '')?.uri ?? '')?.user ?? '';
  const [subject = ''] = (headerOf(request, 'subject') ?? '').split(':');
  return [readUri(request.uri)?.user ?? '', to, subject].filter((one) => /^\d{20}$/.test(one));
}

/** @returns what finds out what is wanted, or refuses it. */
export function createWanting(session: Session) {
  const { own, host } = session;
  const mayGo = senderCheck(own.mediaHosts);
  const { find } = createDirectory(session);
  return (request: Request): Wanted | Answer => {
    const offer = readOffer(request.body);
    if (typeof offer === 'string') {
      host.discarded(offer);
      return refusals.notSo;
    }
    for (const id of idsIn(request)) {
      const camera = find(id);
      if (camera?.kind !== 'camera') continue;
      if (!mayGo(offer.address)) {
        host.discarded('a stream to an address that is not in mediaHosts', offer.address);
        return refusals.forbidden;
      }
      return offer.purpose === 'Play' && !camera.online ? refusals.away : { offer, camera, id };
    }
    host.discarded(
      'a question for video of what is not here, or not for this platform',
      idsIn(request).join(' '),
    );
    return refusals.unknown;
  };
}
