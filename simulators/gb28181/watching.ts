/** What a simulated platform looks at: INVITE, ACK, BYE, MANSRTSP (GB/T 28181-2016, 9.2, 9.8, 9.9 and annex B). */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Header,
  headerOf,
  type Request,
  type Response,
  readAddress,
} from '../../drivers/platforms/gb28181/sip/message.ts';
import type { Say } from '../simulator.ts';
import type { Answer } from './conversation.ts';
import type { Dialog, Link } from './link.ts';
import { playerOrder } from './orders.ts';
import { type Carrier, openReceiver, type Receiver } from './receiver.ts';
import { readAnswer, type Sender, type Wanted, writeOffer } from './sdp.ts';
import { followStream, type Stream } from './stream.ts';
import { bracketed, type Way } from './wire.ts';

export interface Look {
  /** 20 digits. */
  readonly camera: string;
  readonly is: Wanted['is'];
  readonly carrier: Carrier;
  /** Epoch s; of a live stream 0. */
  readonly from: number;
  readonly to: number;
  readonly speed?: number | undefined;
  readonly file?: string | undefined;
  /** It ends by itself. */
  readonly seconds?: number | undefined;
}

export interface Watching {
  /** Resolves with the first picture, or when it is told that there is none. @throws Error with a sentence. */
  look(look: Look): Promise<void>;
  /** undefined: all. @throws Error where there is none. */
  stop(camera?: string): Promise<void>;
  /** Of the newest playback or download. @throws Error where there is none. */
  player(order: 'pause' | 'resume' | 'scale' | 'seek', value: number): Promise<void>;
  /** BYE. */
  ended(request: Request): Answer;
  /** A Notify MediaStatus: 121 says that all was sent (2016, A.2.5). */
  fileEnd(device: string): void;
  /** Resolves when no stream is left. */
  idle(): Promise<void>;
}

const OK: Answer = { status: 200, reason: 'OK' };

/** Its other half (RFC 3261, 12.1.2). */
function complete(dialog: Dialog, response: Response): void {
  dialog.to = headerOf(response, 'to') ?? dialog.to;
  dialog.uri = readAddress(headerOf(response, 'contact') ?? '')?.uri ?? dialog.uri;
}

/** @throws Error where the answer does not say where the stream comes from. */
function senderOf(response: Response, carrier: Carrier, say: Say): Sender {
  const sender = readAnswer(response.body);
  if (sender === undefined)
    throw new Error(say('the answer has no m=video line with a port', '应答中没有带端口的 m=video 行'));
  if (sender.isTcp !== (carrier !== 'udp'))
    throw new Error(say('the answer is of another transport than the offer', '应答与请求的传输方式不一致'));
  return sender;
}

/** 0 live, 1 of the past; five digits of the domain; four that differ (2016, annex F: y). */
function ssrcs({ domain, id }: Pick<Link, 'domain' | 'id'>) {
  const realm = /^\d{8}/.test(domain) ? domain : id;
  let serial = 0;
  return (is: Wanted['is']): string => {
    serial = (serial + 1) % 10_000;
    return `${is === 'Play' ? 0 : 1}${realm.slice(3, 8)}${String(serial).padStart(4, '0')}`;
  };
}

export function createWatching(link: Link, folder: string): Watching {
  const { tell, say, time } = link;
  const streams = new Set<Stream>();
  const nextSsrc = ssrcs(link);
  let files = 0;
  let orders = 0;

  const fileOf = ({ camera, file }: Look) => {
    const stamp = new Date(time.wall()).toISOString().slice(0, 19).replace(/\D/g, '');
    return join(folder, file ?? `${camera}-${stamp}-${++files}.mpg`);
  };
  const invite = async (look: Look, receiver: Receiver, way: Way, dialog: Dialog, ssrc: string) => {
    const address = await link.ownAddress(way);
    const offer = writeOffer({ ...look, platform: link.id, port: receiver.port, address, ssrc });
    const headers: readonly Header[] = [
      ['contact', `<sip:${link.id}@${bracketed(address)}:${link.port}>`],
      ['subject', `${look.camera}:${ssrc},${link.id}:0`],
      ['content-type', 'Application/SDP'],
    ];
    return await link.invite(dialog, way, { headers, body: offer });
  };
  const look = async (wanted: Look) => {
    const gateway = await link.gateway();
    const way = await link.wayTo(gateway);
    const file = fileOf(wanted);
    const { carrier, camera } = wanted;
    const receiver = await openReceiver({ carrier, address: await link.ownAddress(way), file, time });
    const giveUp = async (sentence: string): Promise<never> => {
      await receiver.close().catch(() => {});
      await rm(file, { force: true });
      throw new Error(`${camera}: ${sentence}`);
    };
    const dialog = link.newDialog(gateway, camera);
    const offered = nextSsrc(wanted.is);
    const invited = await invite(wanted, receiver, way, dialog, offered).catch((error: Error) =>
      giveUp(error.message),
    );
    const { response, acknowledge } = invited;
    if (response.status >= 300)
      return await giveUp(
        say(
          `refused: ${response.status} ${response.reason}`,
          `被拒绝：${response.status} ${response.reason}`,
        ),
      );
    complete(dialog, response);
    acknowledge(link.requestIn(dialog, 'ACK'));
    let sender: Sender;
    try {
      sender = senderOf(response, carrier, say);
      // Of a sender behind NAT the address in its answer is of no use.
      if (carrier === 'tcp-active') await receiver.connect(way.address, sender.port);
    } catch (error) {
      await link.ask(dialog, way, { method: 'BYE' }).catch(() => {});
      return await giveUp((error as Error).message);
    }
    const ssrc = Number(sender.ssrc ?? offered);
    const stream = followStream(link, { ...wanted, seconds: wanted.seconds, ssrc, receiver, dialog, way });
    streams.add(stream);
    stream.gone.then(() => streams.delete(stream));
    await stream.firstPicture();
  };

  return {
    look,
    async stop(camera) {
      const wanted = [...streams].filter((one) => camera === undefined || one.camera === camera);
      if (wanted.length === 0) throw new Error(say('nothing is being looked at', '没有正在观看的视频'));
      await Promise.all(wanted.map((stream) => stream.end('us')));
    },
    async player(order, value) {
      const stream = [...streams].findLast(({ is }) => is !== 'Play');
      if (stream === undefined) throw new Error(say('nothing is being played back', '没有正在回放的录像'));
      const { dialog, way } = stream;
      const body = playerOrder(order, value, ++orders);
      const headers: readonly Header[] = [['content-type', 'Application/MANSRTSP']];
      const { status, reason } = await link.ask(dialog, way, { method: 'INFO', headers, body });
      tell(`${order}: ${status} ${reason}`);
    },
    ended(request) {
      const callId = headerOf(request, 'call-id');
      const stream = [...streams].find(({ dialog }) => dialog.callId === callId);
      if (stream === undefined) return { status: 481, reason: 'Call Does Not Exist' };
      void stream.end('them');
      return OK;
    },
    fileEnd(device) {
      const played = [...streams].filter(({ is }) => is !== 'Play');
      const own = played.filter(({ camera }) => camera === device);
      tell(say(`${device}: all was sent (MediaStatus 121)`, `${device}：已发送完毕（MediaStatus 121）`));
      for (const stream of own.length === 0 ? played : own) void stream.end('us');
    },
    async idle() {
      while (streams.size > 0) await Promise.all([...streams].map(({ gone }) => gone));
    },
  };
}
