/**
 * A platform of GB/T 28181 for the benches, over UDP: lets whoever registers in, answers each message at once, says when an
 * alarm came, and takes streams. By the standard, without our codec.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { freePort } from '../free-port.ts';
import { clock } from './load.ts';

const headerOf = (text: string, name: string) =>
  new RegExp(`^${name}: *(.*)$`, 'im').exec(text)?.[1]?.trim() ?? '';

export interface Stream {
  /** From our ACK to the last packet of the first picture, ms. @throws Error after 20 s. */
  readonly firstPicture: Promise<number>;
  readonly packets: () => number;
  stop(): void;
}

export interface SipPlatform {
  readonly port: number;
  readonly registered: Promise<void>;
  /** When an alarm came and was answered, by the id of its event (`eventId: true`). */
  readonly alarms: ReadonlyMap<string, number>;
  /** Asks for a camera live. @throws Error where that is refused. */
  watch(camera: string): Promise<Stream>;
  close(): void;
}

/** Counts RTP, and says when the first packet and the first marker came (RFC 3550, 5.1). */
export async function openReceiver() {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4_000_000 });
  socket.bind(await freePort(), '127.0.0.1');
  await once(socket, 'listening');
  const first = Promise.withResolvers<number>();
  const began = Promise.withResolvers<number>();
  let packets = 0;
  socket.on('message', (bytes) => {
    if (packets++ === 0) began.resolve(clock());
    if (((bytes[1] ?? 0) & 0x80) !== 0) first.resolve(clock());
  });
  return {
    socket,
    port: socket.address().port,
    began: began.promise,
    first: first.promise,
    packets: () => packets,
  };
}

const offerFor = (id: string, port: number) =>
  [
    ...['v=0', `o=${id} 0 0 IN IP4 127.0.0.1`, 's=Play', 'c=IN IP4 127.0.0.1', 't=0 0'],
    ...[`m=video ${port} RTP/AVP 96`, 'a=recvonly', 'a=rtpmap:96 PS/90000', 'y=0100000001', ''],
  ].join('\r\n');

/** One call for a camera, over the socket of the platform. */
async function watchOver(
  socket: Socket,
  { id, port }: { id: string; port: number },
  gateway: RemoteInfo,
  camera: string,
): Promise<Stream> {
  const receiver = await openReceiver();
  const callId = `bench-${port}-${receiver.port}`;
  let to = `<sip:${camera}@4503000001>`;
  let cseq = 1;
  const say = (method: string, body = '') => {
    const lines = [
      `${method} sip:${camera}@${gateway.address}:${gateway.port} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${port};rport;branch=z9hG4bK${callId}${method}${cseq}`,
      ...[
        `From: <sip:${id}@3402000000>;tag=bench`,
        `To: ${to}`,
        `Call-ID: ${callId}`,
        `CSeq: ${cseq} ${method}`,
      ],
      ...[`Contact: <sip:${id}@127.0.0.1:${port}>`, 'Max-Forwards: 70', `Subject: ${camera}:0,${id}:0`],
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      ...[`Content-Length: ${body.length}`, '', body],
    ];
    socket.send(lines.join('\r\n'), gateway.port, gateway.address);
  };
  const answer = new Promise<string>((resolve) => {
    const hear = (bytes: Buffer) => {
      const text = bytes.toString('latin1');
      if (!/^SIP\/2\.0 [2-6]/.test(text) || headerOf(text, 'Call-ID') !== callId) return;
      socket.off('message', hear);
      resolve(text);
    };
    socket.on('message', hear);
  });
  say('INVITE', offerFor(id, receiver.port));
  const text = await answer;
  to = headerOf(text, 'To');
  const acknowledged = clock();
  say('ACK');
  if (!text.startsWith('SIP/2.0 200')) {
    receiver.socket.close();
    throw new Error(`${camera}: ${text.split('\r\n')[0]}`);
  }
  const late = new Promise<number>((_resolve, reject) => {
    setTimeout(() => reject(new Error(`${camera}: no picture within 20 s`)), 20_000).unref();
  });
  return {
    firstPicture: Promise.race([receiver.first, late]).then((at) => at - acknowledged),
    packets: receiver.packets,
    stop() {
      cseq++;
      say('BYE');
      receiver.socket.close();
    },
  };
}

/** @param id its 20 digits. */
export async function sipPlatform(id: string): Promise<SipPlatform> {
  const socket = createSocket('udp4');
  const port = await freePort();
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  const registered = Promise.withResolvers<RemoteInfo>();
  const alarms = new Map<string, number>();
  socket.on('message', (bytes, from) => {
    const text = bytes.toString('latin1');
    if (text.startsWith('SIP/2.0')) return;
    const copied = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${headerOf(text, name)}`);
    const extra = text.startsWith('REGISTER')
      ? [`Contact: ${headerOf(text, 'Contact')}`, 'Expires: 3600']
      : [];
    const answer = ['SIP/2.0 200 OK', ...copied, ...extra, 'Content-Length: 0', '', ''].join('\r\n');
    socket.send(answer, from.port, from.address);
    if (text.startsWith('REGISTER')) registered.resolve(from);
    const event = /<CmdType>Alarm<.* ([0-9a-f-]{36})<\/AlarmDescription>/s.exec(text)?.[1];
    if (event !== undefined && !alarms.has(event)) alarms.set(event, clock());
  });
  return {
    ...{ port, alarms, close: () => socket.close() },
    registered: registered.promise.then(() => {}),
    watch: async (camera) => watchOver(socket, { id, port }, await registered.promise, camera),
  };
}
