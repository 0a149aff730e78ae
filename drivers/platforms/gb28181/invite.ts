/**
 * Video for a platform (GB/T 28181-2016, 9.2): an INVITE names a camera and where its stream is to go. It is answered with
 * what will come, sent from the ACK on, and over with a BYE, of either side, and with the registration. A stream goes
 * to who has our answer alone: the ACK has its tag, so that nobody has us send to a third by a datagram with a false sender.
 */
import { senderCheck } from '../../connections.ts';
import type { Thing } from '../../contract/inventory.ts';
import type { ChannelState } from '../../contract/transport.ts';
import type { Part, Session } from './answering.ts';
import { maySee } from './options.ts';
import { acceptDialog, type Dialog, dialogKeyOf } from './sip/dialog.ts';
import { headerOf, type Request, readAddress, readCSeq, readUri } from './sip/message.ts';
import type { Answer, Asked } from './sip/transactions.ts';
import { type Offer, readOffer, ssrcOf, writeAnswer } from './stream/sdp.ts';
import { createSink, sendAll } from './stream/sending.ts';
import { openWay, type Way } from './stream/way.ts';

const OK: Answer = { status: 200, reason: 'OK' };
const NO_DIALOG: Answer = { status: 481, reason: 'Call/Transaction Does Not Exist' };
const BAD: Answer = { status: 400, reason: 'Bad Request' };
const FORBIDDEN: Answer = { status: 403, reason: 'Forbidden' };
const UNKNOWN: Answer = { status: 404, reason: 'Not Found' };
const AWAY: Answer = { status: 480, reason: 'Temporarily Unavailable' };
const AGAIN: Answer = { status: 482, reason: 'Loop Detected' };
const MANY: Answer = { status: 486, reason: 'Busy Here' };
const WITHDRAWN: Answer = { status: 487, reason: 'Request Terminated' };
const NOT_SO: Answer = { status: 488, reason: 'Not Acceptable Here' };
const NO_WAY: Answer = { status: 503, reason: 'Service Unavailable' };

/** At the end of a registration a BYE is waited for so long: the platform may be away. */
const GOODBYE_MS = 500;

const kinds = { Play: 'live', Playback: 'playback', Download: 'download' } as const;

/** What is wanted, and may be had. */
interface Wanted {
  readonly offer: Offer;
  readonly camera: Thing;
  /** The platform's digits of it. */
  readonly id: string;
}

interface Call extends Wanted {
  /** Of the INVITE: who asked, how often. */
  readonly asked: string;
  readonly since: number;
  way?: Way;
  dialog?: Dialog;
  /** Nothing more is sent or said. */
  isOver: boolean;
}

/** One who asks again, by another way, asks the same (RFC 3261, 8.2.2.2). */
const askedOf = (request: Request): string =>
  [
    headerOf(request, 'call-id'),
    readAddress(headerOf(request, 'from') ?? '')?.params['tag'],
    readCSeq(headerOf(request, 'cseq') ?? '')?.number,
  ].join(' ');

/** Of which camera: some ask the gateway, and name the camera in To or Subject (2016, 9.2.2) alone. */
function idsIn(request: Request): readonly string[] {
  const to = readUri(readAddress(headerOf(request, 'to') ?? '')?.uri ?? '')?.user ?? '';
  const [subject = ''] = (headerOf(request, 'subject') ?? '').split(':');
  return [readUri(request.uri)?.user ?? '', to, subject].filter((one) => /^\d{20}$/.test(one));
}

function createWanting({ own, host, ids }: Session) {
  const mayGo = senderCheck(own.mediaHosts);
  return (request: Request): Wanted | Answer => {
    const offer = readOffer(request.body);
    if (typeof offer === 'string') {
      host.discarded(offer);
      return NOT_SO;
    }
    const cameras = new Map(
      host.inventory().flatMap((one) => (one.kind === 'camera' ? [[one.id, one]] : [])),
    );
    for (const id of idsIn(request)) {
      const named = ids.named(id);
      const camera = named?.type === 'camera' ? cameras.get(named.name) : undefined;
      if (camera === undefined || !maySee(own, camera.id)) continue;
      if (!mayGo(offer.address)) {
        host.discarded('a stream to an address that is not in mediaHosts', offer.address);
        return FORBIDDEN;
      }
      return offer.purpose === 'Play' && !camera.online ? AWAY : { offer, camera, id };
    }
    return UNKNOWN;
  };
}

export function invites(session: Session): Part {
  const { own, host } = session;
  const calls = new Set<Call>();
  const wanted = createWanting(session);
  let serial = 0;
  // A platform may ask by the digits that it remembers, before it asks for a list.
  const seen = host.inventory().filter(({ kind, id }) => kind === 'camera' && maySee(own, id));
  session.ids
    .all(
      'camera',
      seen.map(({ id }) => id),
    )
    .catch(() => {});

  const end = (call: Call): boolean => {
    if (call.isOver) return false;
    call.isOver = true;
    calls.delete(call);
    call.way?.close();
    return true;
  };
  /** We end it, and say so. */
  const hangUp = async (call: Call, why: string): Promise<void> => {
    if (!end(call) || call.dialog === undefined) return;
    host.log.info({ camera: call.camera.id, reason: why }, 'a stream to a platform is over');
    // That it does not answer changes nothing.
    await session.ask(call.dialog.request('BYE'), call.dialog.place).catch(() => {});
  };

  const send = async (call: Call, way: Way, ssrc: number) => {
    const { camera, offer } = call;
    host.log.info({ camera: camera.id, to: placeOf(call) }, 'a stream to a platform begins');
    const sink = createSink({ way, ssrc, payloadType: offer.payloadType, random: host.clock.random });
    const why = await sendAll(way, () => host.media.watch(camera.id, sink, { audio: own.sound }));
    await hangUp(call, why.message);
  };

  /** Finds a way, and answers. */
  const answer = async (call: Call, asked: Asked) => {
    const { offer, id } = call;
    const { clock: time, discarded } = host;
    let way: Way;
    try {
      way = await openWay({ offer, ports: own.mediaPorts, time, discarded });
    } catch (error) {
      host.log.warn({ reason: (error as Error).message }, 'no way for a stream to a platform');
      if (end(call)) asked.answer(NO_WAY);
      return;
    }
    if (call.isOver) return way.close();
    call.way = way;
    const dialog = acceptDialog(asked, session.contact);
    if (dialog === undefined) {
      end(call);
      return asked.answer(BAD);
    }
    call.dialog = dialog;
    const ssrc = offer.ssrc ?? ssrcOf(offer.purpose, own.serverId, ++serial);
    asked.onAcknowledged((ack) => {
      if (ack === undefined) void hangUp(call, 'the platform did not acknowledge our answer');
      else if (!call.isOver) void send(call, way, Number(ssrc));
    });
    const address = readUri(session.contact)?.host ?? '';
    asked.answer({
      ...OK,
      headers: [...dialog.headers, ['content-type', 'application/sdp']],
      body: writeAnswer(offer, { camera: id, address, port: way.port, ssrc }),
    });
  };

  const find = (request: Request) => {
    const key = dialogKeyOf(request);
    return key === undefined ? undefined : [...calls].find(({ dialog }) => dialog?.key === key);
  };
  const invite = (asked: Asked) => {
    const { request } = asked;
    // One that goes on as it is: what it is sent does not change on its way.
    if (dialogKeyOf(request) !== undefined)
      return asked.answer(find(request) === undefined ? NO_DIALOG : NOT_SO);
    const key = askedOf(request);
    if ([...calls].some((call) => call.asked === key)) return asked.answer(AGAIN);
    const found = wanted(request);
    if ('status' in found) return asked.answer(found);
    if (calls.size >= own.streams) {
      host.discarded('a stream beyond those that a platform may have at once');
      return asked.answer(MANY);
    }
    const call: Call = { ...found, asked: key, since: host.clock.wall(), isOver: false };
    calls.add(call);
    asked.onCancel(() => {
      if (end(call)) asked.answer(WITHDRAWN);
    });
    void answer(call, asked);
  };
  const bye = (asked: Asked) => {
    const call = find(asked.request);
    const refused = call === undefined ? NO_DIALOG : call.dialog?.take(asked.request);
    asked.answer(refused ?? OK);
    if (call !== undefined && refused === undefined) end(call);
  };

  return {
    methods: { INVITE: invite, BYE: bye },
    state: () => ({ streams: [...calls].filter(({ dialog }) => dialog !== undefined).map(shownOf) }),
    async close() {
      const over = [...calls].map((call) => hangUp(call, 'the registration is over'));
      if (over.length === 0) return;
      const answered = new AbortController();
      Promise.all(over).then(() => answered.abort());
      await host.clock.wait(GOODBYE_MS, answered.signal);
    },
  };
}

const placeOf = ({ offer: { transport, address, port } }: Call) => `${transport} ${address}:${port}`;

const shownOf = (call: Call): NonNullable<ChannelState['streams']>[number] => ({
  ...{ camera: call.camera.id, kind: kinds[call.offer.purpose], to: placeOf(call) },
  since: new Date(call.since).toISOString(),
});
