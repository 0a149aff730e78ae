/**
 * Video for a platform (GB/T 28181-2016, 9.2, 9.8, 9.9): an INVITE names a camera and where its stream is to go. It is
 * answered with what will come, sent from the ACK on, and over with a BYE, of either side, and with the registration. A
 * stream goes to who has our answer alone: the ACK has its tag, so that nobody has us send to a third by a datagram with a
 * false sender.
 */
import { type Clip, EndOfClip, type Playing, type Watching } from '../../contract/media.ts';
import type { ChannelState } from '../../contract/transport.ts';
import type { Part, Session } from './answering.ts';
import { maySee } from './options.ts';
import { ownAddress } from './place.ts';
import { mediaStatus, play, spanOf, steer } from './playback.ts';
import { acceptDialog, type Dialog, dialogKeyOf } from './sip/dialog.ts';
import { headerOf, type Request, readAddress, readCSeq, readUri } from './sip/message.ts';
import type { Answer, Asked } from './sip/transactions.ts';
import { readMansrtsp, writeMansrtsp } from './stream/mansrtsp.ts';
import { ssrcOf, writeAnswer } from './stream/sdp.ts';
import { createSink, sendAll } from './stream/sending.ts';
import { openWay, type Way } from './stream/way.ts';
import { createWanting, refusals, type Wanted } from './wanted.ts';

const OK: Answer = { status: 200, reason: 'OK' };
/** At the end of a registration a BYE is waited for so long: the platform may be away. */
const GOODBYE_MS = 500;
/** Who knows that all was sent says BYE; where it does not by then, we do. */
const LINGER_MS = 5000;

const kinds = { Play: 'live', Playback: 'playback', Download: 'download' } as const;

interface Call extends Wanted {
  /** Of the INVITE: who asked, how often. */
  readonly asked: string;
  readonly since: number;
  /** Aborted once nothing more is sent or said. */
  readonly over: AbortController;
  way?: Way;
  dialog?: Dialog;
  playing?: Playing;
  /** The platform said that it has enough; its BYE follows. */
  isTornDown?: boolean;
}

/** What an INVITE got: how it is sent, and how it is answered. */
interface Accepted {
  readonly way: Way;
  readonly dialog: Dialog;
  readonly ssrc: string;
  /** Ours, for who takes it. */
  readonly address: string;
  /** Of what was kept. */
  readonly clips: readonly Clip[];
}

/** One who asks again, by another way, asks the same (RFC 3261, 8.2.2.2). */
const askedOf = (request: Request): string =>
  [
    headerOf(request, 'call-id'),
    readAddress(headerOf(request, 'from') ?? '')?.params['tag'],
    readCSeq(headerOf(request, 'cseq') ?? '')?.number,
  ].join(' ');

const placeOf = ({ offer: { transport, address, port } }: Call) => `${transport} ${address}:${port}`;

const shownOf = (call: Call): NonNullable<ChannelState['streams']>[number] => ({
  ...{ camera: call.camera.id, kind: kinds[call.offer.purpose], to: placeOf(call) },
  since: new Date(call.since).toISOString(),
});

/** The calls that are open, and how they end. */
function createCalls({ host, ask, nextSn }: Session) {
  const open = new Set<Call>();
  /** @returns whether it was still open. */
  const end = (call: Call): boolean => {
    if (call.over.signal.aborted) return false;
    call.over.abort();
    open.delete(call);
    call.way?.close();
    return true;
  };
  return {
    ...{ open, end },
    /** We end it, and say so; where it was answered. */
    async hangUp(call: Call, why: string): Promise<void> {
      if (!end(call) || call.dialog === undefined) return;
      host.log.info({ camera: call.camera.id, reason: why }, 'a stream to a platform is over');
      // That it does not answer changes nothing.
      await ask(call.dialog.request('BYE'), call.dialog.place).catch(() => {});
    },
    /** Waits for the BYE of who has all, or enough. */
    async leave(call: Call, dialog: Dialog, why: Error): Promise<void> {
      if (why instanceof EndOfClip) {
        await call.way?.drained();
        const headers = [['content-type', 'Application/MANSCDP+xml']] as const;
        // In the dialog: platforms know by its Call-ID which stream it is of.
        const told = dialog.request('MESSAGE', { headers, body: mediaStatus(call.id, nextSn()) });
        if (!call.over.signal.aborted) await ask(told, dialog.place).catch(() => {});
      }
      await host.clock.wait(LINGER_MS, call.over.signal);
    },
    find(request: Request): Call | undefined {
      const key = dialogKeyOf(request);
      return key === undefined ? undefined : [...open].find(({ dialog }) => dialog?.key === key);
    },
  };
}
type Calls = ReturnType<typeof createCalls>;

/** Sends what a call is about, and ends it. Never rejects. */
async function send(
  call: Call,
  { way, dialog, ssrc, clips }: Accepted,
  { own, host }: Session,
  calls: Calls,
): Promise<void> {
  const { camera, offer } = call;
  const { media, clock: time } = host;
  host.log.info({ camera: camera.id, to: placeOf(call) }, 'a stream to a platform begins');
  const { payloadType } = offer;
  const sink = createSink({ way, ssrc: Number(ssrc), payloadType, random: time.random });
  const begin = (): Watching => {
    if (offer.purpose === 'Play') return media.watch(camera.id, sink, { audio: own.sound });
    call.playing = play({ media, time, offer, clips, way, sink, audio: own.sound });
    return call.playing;
  };
  const why = await sendAll(way, begin);
  if (why instanceof EndOfClip || call.isTornDown === true) await calls.leave(call, dialog, why);
  await calls.hangUp(call, why.message);
}

/** Finds what is kept, and a way. @returns what it is refused with, where there is none. */
async function accept(call: Call, asked: Asked, session: Session): Promise<Accepted | Answer> {
  const { own, host, contact } = session;
  const { offer, camera } = call;
  const { clock: time, discarded, media } = host;
  const dialog = acceptDialog(asked, contact);
  if (dialog === undefined) return refusals.badRequest;
  try {
    const span = spanOf(offer);
    if (offer.purpose !== 'Play' && span === undefined) return refusals.notSo;
    const isLive = offer.purpose === 'Play' || span === undefined;
    const clips = isLive ? [] : await media.clips(camera.id, span.from, span.to);
    if (!isLive && clips.length === 0) return refusals.unknown;
    const reached = readUri(contact)?.host ?? '';
    // SIP may go over IPv6; streams go over IPv4.
    const address = reached.startsWith('[') ? await ownAddress(offer) : reached;
    const way = await openWay({ offer, ports: own.mediaPorts, time, discarded });
    const ssrc = offer.ssrc ?? ssrcOf(offer.purpose, own.serverId, session.nextSn());
    return { way, dialog, clips, ssrc, address };
  } catch (error) {
    host.log.warn(
      { camera: camera.id, reason: (error as Error).message },
      'no way for a stream to a platform',
    );
    return refusals.noWay;
  }
}

function createInviting(session: Session, calls: Calls) {
  const { own, host } = session;
  const wanted = createWanting(session);
  const answer = async (call: Call, asked: Asked) => {
    const accepted = await accept(call, asked, session);
    if ('status' in accepted) {
      if (calls.end(call)) asked.answer(accepted);
      return;
    }
    const { way, dialog, ssrc, address } = accepted;
    if (call.over.signal.aborted) return way.close();
    Object.assign(call, { way, dialog });
    asked.onAcknowledged((ack) => {
      if (ack === undefined) void calls.hangUp(call, 'the platform did not acknowledge our answer');
      else if (!call.over.signal.aborted) void send(call, accepted, session, calls);
    });
    asked.answer({
      ...OK,
      headers: [...dialog.headers, ['content-type', 'application/sdp']],
      body: writeAnswer(call.offer, { camera: call.id, address, port: way.port, ssrc }),
    });
  };
  return (asked: Asked) => {
    const { request } = asked;
    // What is sent does not change on its way.
    if (dialogKeyOf(request) !== undefined)
      return asked.answer(calls.find(request) === undefined ? refusals.noDialog : refusals.notSo);
    const key = askedOf(request);
    if ([...calls.open].some((call) => call.asked === key)) return asked.answer(refusals.asked);
    const found = wanted(request);
    if ('status' in found) return asked.answer(found);
    if (calls.open.size >= own.streams) {
      host.discarded('a stream beyond those that a platform may have at once');
      return asked.answer(refusals.tooMany);
    }
    const call: Call = { ...found, asked: key, since: host.clock.wall(), over: new AbortController() };
    calls.open.add(call);
    asked.onCancel(() => {
      if (calls.end(call)) asked.answer(refusals.withdrawn);
    });
    void answer(call, asked);
  };
}

/** What answers INVITE, BYE and INFO. */
export function invites(session: Session): Part {
  const { own, host, ids } = session;
  const calls = createCalls(session);
  // A platform may ask by the digits that it remembers, before it asks for a list.
  const cameras = host.inventory().filter(({ kind, id }) => kind === 'camera' && maySee(own, id));
  ids
    .all(
      'camera',
      cameras.map(({ id }) => id),
    )
    .catch(() => {});

  /** What is said in a call, in its order. */
  const within = (asked: Asked): Call | undefined => {
    const call = calls.find(asked.request);
    const refused = call === undefined ? refusals.noDialog : call.dialog?.take(asked.request);
    if (refused === undefined) return call;
    asked.answer(refused);
    return undefined;
  };
  const bye = (asked: Asked) => {
    const call = within(asked);
    if (call === undefined) return;
    asked.answer(OK);
    calls.end(call);
  };
  const info = (asked: Asked) => {
    const call = within(asked);
    if (call === undefined) return;
    const order = readMansrtsp(asked.request.body);
    if (typeof order === 'string' || call.playing === undefined) {
      host.discarded(typeof order === 'string' ? order : 'a MANSRTSP for what is live');
      return asked.answer(refusals.noSuchType);
    }
    asked.answer({ ...OK, headers: [['content-type', 'Application/MANSRTSP']], body: writeMansrtsp(order) });
    if (order.method !== 'TEARDOWN') return steer(call.playing, order);
    call.isTornDown = true;
    call.playing.close();
  };

  return {
    methods: { INVITE: createInviting(session, calls), BYE: bye, INFO: info },
    state: () => ({ streams: [...calls.open].filter(({ dialog }) => dialog !== undefined).map(shownOf) }),
    async close() {
      const over = [...calls.open].map((call) => calls.hangUp(call, 'the registration is over'));
      if (over.length === 0) return;
      const answered = new AbortController();
      Promise.all(over).then(() => answered.abort());
      await host.clock.wait(GOODBYE_MS, answered.signal);
    },
  };
}
