/** Who calls a gateway for video, by RFC 3261 and annex F, without our codec: lines by hand, over UDP or TCP. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import { stream } from '../helpers.ts';

export const PLATFORM = '34020000002000000001';

export interface Said {
  readonly start: string;
  readonly text: string;
  readonly body: string;
  header(name: string): string;
}

const parse = (text: string): Said => {
  const [head = '', body = ''] = text.split('\r\n\r\n', 2);
  return {
    ...{ text, body, start: head.split('\r\n')[0] ?? '' },
    header: (name) => new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1]?.trim() ?? '',
  };
};

/** What is to be sent where: `to` is a port of this machine; TCP with its setup. */
export const offer = (
  to: number,
  more: {
    readonly name?: string;
    readonly setup?: 'active' | 'passive';
    readonly lines?: readonly string[];
  } = {},
) =>
  [
    ...['v=0', `o=${PLATFORM} 0 0 IN IP4 127.0.0.1`, `s=${more.name ?? 'Play'}`, 'c=IN IP4 127.0.0.1'],
    ...(more.lines ?? ['t=0 0']),
    `m=video ${to} ${more.setup === undefined ? '' : 'TCP/'}RTP/AVP 96 97 98`,
    ...(more.setup === undefined ? [] : [`a=setup:${more.setup}`, 'a=connection:new']),
    ...['a=recvonly', 'a=rtpmap:96 PS/90000', 'a=rtpmap:97 MPEG4/90000', 'a=rtpmap:98 H264/90000'],
    'y=0100000077',
    '',
  ].join('\r\n');

let calls = 0;

/** Lines to a gateway, and from it. */
async function openWire(port: number, by: 'UDP' | 'TCP') {
  const heard = stream<Said>();
  if (by === 'UDP') {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    onTestFinished(() => void socket.close());
    socket.on('message', (bytes) => heard.push(parse(bytes.toString('latin1'))));
    const send = (text: string) => socket.send(text, port, '127.0.0.1');
    return { heard, send, own: socket.address().port };
  }
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  onTestFinished(() => void socket.destroy());
  socket.on('data', (bytes) => heard.push(parse(bytes.toString('latin1'))));
  return { heard, send: (text: string) => void socket.write(text), own: socket.localPort ?? 0 };
}

/** @param port of the gateway's SIP. @param platform its 20 digits. */
export async function createCaller(port: number, by: 'UDP' | 'TCP' = 'UDP', platform = PLATFORM) {
  const { heard, send, own } = await openWire(port, by);
  const answered = (request: Said) => {
    const of = (name: string) => `${name}: ${request.header(name)}`;
    send(
      [
        'SIP/2.0 200 OK',
        of('Via'),
        of('From'),
        of('To'),
        of('Call-ID'),
        of('CSeq'),
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    );
  };

  /** A call for a camera: it begins when `invite` is called. */
  const call = (camera: string) => {
    const id = `call${++calls}`;
    let cseq = 1;
    let branches = 0;
    let remote = '';
    const say = (
      method: string,
      more: readonly string[] = [],
      body = '',
      way: { number?: number; branch?: string; to?: string } = {},
    ) => {
      const branch = way.branch ?? `z9hG4bK${id}${method}${++branches}`;
      send(
        [
          `${method} sip:${camera}@127.0.0.1:${port} SIP/2.0`,
          `Via: SIP/2.0/${by} 127.0.0.1:${own};rport;branch=${branch}`,
          `From: <sip:${platform}@3402000000>;tag=their${id}`,
          `To: <sip:${camera}@4503000000>${(way.to ?? remote) === '' ? '' : `;tag=${way.to ?? remote}`}`,
          ...[
            `Call-ID: ${id}`,
            `CSeq: ${way.number ?? cseq} ${method}`,
            `Contact: <sip:${platform}@127.0.0.1:${own}>`,
          ],
          ...['Max-Forwards: 70', ...more, `Content-Length: ${Buffer.byteLength(body)}`, '', body],
        ].join('\r\n'),
      );
    };
    /** `to`: its CSeq; an answer to an INVITE may come again. */
    const answer = async (to?: string) => {
      const found = await heard.find(
        (one) =>
          one.start.startsWith('SIP/2.0') &&
          !one.start.startsWith('SIP/2.0 1') &&
          one.header('Call-ID') === id &&
          (to === undefined || one.header('CSeq') === to),
      );
      if (found.header('CSeq').endsWith('INVITE')) remote = /;tag=(\S+)/.exec(found.header('To'))?.[1] ?? '';
      return found;
    };
    return {
      ...{ id, say, answer },
      /** @returns the final answer. */
      async invite(
        sdp: string,
        { subject = camera, ...way }: { readonly subject?: string; readonly branch?: string } = {},
      ) {
        const subjects = `Subject: ${subject}:0100000077,${platform}:0`;
        say('INVITE', [subjects, 'Content-Type: APPLICATION/SDP'], sdp, way);
        return await answer();
      },
      ack: (tag?: string) => say('ACK', [], '', { number: 1, ...(tag !== undefined && { to: tag }) }),
      /** @returns the answer. */
      async bye() {
        cseq++;
        say('BYE');
        return await answer(`${cseq} BYE`);
      },
      async info(body: string) {
        cseq++;
        say('INFO', ['Content-Type: Application/MANSRTSP'], body);
        return await answer(`${cseq} INFO`);
      },
      /** What the gateway asks in this call, answered 200. */
      async asked(method: string) {
        const request = await heard.find(
          (one) => one.start.startsWith(`${method} `) && one.header('Call-ID') === id,
        );
        answered(request);
        return request;
      },
    };
  };
  return { heard, call, port: own };
}
