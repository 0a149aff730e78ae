/**
 * A gateway of GB/T 28181 written by the standard and without our codec: it writes lines by hand, proves its password by
 * RFC 2617, 3.2.2, and packs a stream by ISO/IEC 13818-1.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import iconv from 'iconv-lite';
import { onTestFinished } from 'vitest';
import { stream } from '../helpers.ts';

export const PLATFORM = '34020000002000000001';
export const GATEWAY = '34020000001180000001';
export const CAMERA = '34020000001320000001';

export interface Heard {
  readonly start: string;
  readonly method: string;
  readonly text: string;
  readonly body: string;
  header(name: string): string;
  /** What stands in an element of its body. */
  word(name: string): string;
}

function readText(text: string): Heard {
  const [head = '', body = ''] = text.split(/\r\n\r\n/, 2);
  const start = head.split('\r\n')[0] ?? '';
  return {
    ...{ text, start, body, method: start.split(' ')[0] ?? '' },
    header: (name) => new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1]?.trim() ?? '',
    word: (name) => new RegExp(`<${name}>(.*)</${name}>`).exec(body)?.[1] ?? '',
  };
}

/** How it answers questions: lines after the status line and what is copied; undefined: nothing. */
type Answers = (asked: Heard) => { status: string; more?: readonly string[]; body?: string } | undefined;

/** What carries its texts, latin1 for bytes. */
interface Wire {
  readonly port: number;
  send(text: string): void;
}

async function openUdp(to: number, take: (text: string) => void): Promise<Wire> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.on('message', (bytes) => take(bytes.toString('latin1')));
  onTestFinished(() => void socket.close());
  return {
    port: socket.address().port,
    send: (text) => socket.send(Buffer.from(text, 'latin1'), to, '127.0.0.1'),
  };
}

async function openTcp(to: number, take: (text: string) => void): Promise<Wire> {
  const socket = connect(to, '127.0.0.1');
  await once(socket, 'connect');
  let held = '';
  socket.on('data', (chunk) => {
    held += chunk.toString('latin1');
    for (;;) {
      const end = held.indexOf('\r\n\r\n');
      const length = Number(/^Content-Length: *(\d+)/im.exec(held.slice(0, end))?.[1] ?? 0);
      if (end < 0 || held.length < end + 4 + length) return;
      take(held.slice(0, end + 4 + length));
      held = held.slice(end + 4 + length);
    }
  });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return {
    port: socket.localPort ?? 0,
    send: (text) => void socket.write(Buffer.from(text, 'latin1')),
  };
}

/** An answer with what RFC 3261, 8.2.6.2 wants copied. */
function answerText(one: Heard, { status, more = [], body = '' }: NonNullable<ReturnType<Answers>>): string {
  const to = one.header('To');
  const lines = [
    `SIP/2.0 ${status}`,
    ...['Via', 'From', 'Call-ID', 'CSeq'].map((name) => `${name}: ${one.header(name)}`),
    `To: ${to}${to.includes('tag=') ? '' : ';tag=hand'}`,
    ...more,
    `Content-Length: ${body.length}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

const URI = `sip:${PLATFORM}@3402000000`;

/** The `Authorization` of a REGISTER (RFC 2617, 3.2.2.1; RFC 7616; GB/T 28181-2022). */
function proofOf(challenge: string, password: string): string {
  const of = (name: string) => new RegExp(`${name}="?([^",]*)`).exec(challenge)?.[1] ?? '';
  const hash = { MD5: 'md5', 'SHA-256': 'sha256', SM3: 'sm3' }[of('algorithm')] ?? 'md5';
  const digest = (text: string) => createHash(hash).update(text).digest('hex');
  const middle = of('qop') === '' ? [of('nonce')] : [of('nonce'), '00000001', 'c', 'auth'];
  const [first, last] = [digest(`${GATEWAY}:${of('realm')}:${password}`), digest(`REGISTER:${URI}`)];
  const members = [
    ...[`username="${GATEWAY}"`, `realm="${of('realm')}"`, `nonce="${of('nonce')}"`, `uri="${URI}"`],
    ...[`response="${digest([first, ...middle, last].join(':'))}"`, `algorithm=${of('algorithm')}`],
    ...(of('qop') === '' ? [] : ['qop=auth', 'nc=00000001', 'cnonce="c"']),
  ];
  return `Authorization: Digest ${members.join(', ')}`;
}

export async function startGateway(platformPort: number, by: 'UDP' | 'TCP' = 'UDP') {
  /** What the platform asks. */
  const asked = stream<Heard>();
  /** What it answers. */
  const answered = stream<Heard>();
  const behaviour: { answers: Answers } = { answers: () => ({ status: '200 OK' }) };
  const wire = await (by === 'UDP' ? openUdp : openTcp)(platformPort, (text) => {
    const one = readText(text);
    if (one.start.startsWith('SIP/2.0')) return answered.push(one);
    asked.push(one);
    const answer = one.method === 'ACK' ? undefined : behaviour.answers(one);
    if (answer !== undefined) wire.send(answerText(one, answer));
  });
  const { send, port } = wire;
  let cseq = 0;
  /** Asks in its own name; what was sent, to send it again. */
  const ask = (
    method: string,
    more: readonly string[],
    body = '',
    callId = randomBytes(4).toString('hex'),
    from = GATEWAY,
  ) => {
    const lines = [
      `${method} ${URI} SIP/2.0`,
      `Via: SIP/2.0/${by} 127.0.0.1:${port};rport;branch=z9hG4bK${randomBytes(6).toString('hex')}`,
      `From: <sip:${from}@3402000000>;tag=g`,
      `To: <sip:${method === 'REGISTER' ? GATEWAY : PLATFORM}@3402000000>`,
      `Call-ID: ${callId}`,
      `CSeq: ${++cseq} ${method}`,
      `Contact: <sip:${GATEWAY}@127.0.0.1:${port}>`,
      'Max-Forwards: 70',
      ...more,
      `Content-Length: ${body.length}`,
    ];
    const text = `${lines.join('\r\n')}\r\n\r\n${body}`;
    send(text);
    return text;
  };
  return {
    ...{ asked, answered, behaviour, ask, send, port },
    /** The last answer. `expires` '': it does not say how long. */
    async register(password: string, expires = '3600', callId = 'one') {
      const want = expires === '' ? [] : [`Expires: ${expires}`];
      ask('REGISTER', want, '', callId);
      const challenge = (await answered.next()).header('WWW-Authenticate');
      ask('REGISTER', [...want, proofOf(challenge, password)], '', callId);
      return await answered.next();
    },
    /** A body of MANSCDP in GB 18030; what the platform says to it. */
    async message(xml: string) {
      const declared = `<?xml version="1.0" encoding="GB2312"?>\r\n${xml}`;
      ask(
        'MESSAGE',
        ['Content-Type: Application/MANSCDP+xml'],
        iconv.encode(declared, 'gb18030').toString('latin1'),
      );
      return await answered.next();
    },
  };
}

// --- a stream ---

/** `00 00 01 id`, its length in two bytes, and what is in it. */
const part = (id: number, ...content: readonly Buffer[]) => {
  const body = Buffer.concat(content);
  const head = Buffer.from([0, 0, 1, id, 0, 0]);
  head.writeUInt16BE(body.length, 4);
  return Buffer.concat([head, body]);
};
/** ISO/IEC 13818-1, 2.5.3.3, table 2-39: a clock of 0 and a rate of 1, no stuffing. */
const packHeader = Buffer.from('000001ba440004000401000003f8', 'hex');
/** 2.5.3.5: no streams named. */
const systemHeader = part(0xbb, Buffer.from('800001042fff', 'hex'));
/** 2.5.4, table 2-41: the types of `E0` and `C0`; the check sum is not looked at here. */
const streamMap = (video: number) =>
  part(0xbc, Buffer.from([0xe1, 0xff, 0, 0, 0, 8, video, 0xe0, 0, 0, 0x90, 0xc0, 0, 0, 0, 0, 0, 0]));

/** 2.4.3.7: with a presentation time. */
function pes(id: number, pts: number | undefined, data: Buffer): Buffer {
  if (pts === undefined) return part(id, Buffer.from([0x80, 0, 0]), data);
  const stamp = Buffer.from([
    0x21 | (Math.floor(pts / 2 ** 30) << 1),
    (pts >> 22) & 0xff,
    ((pts >> 14) & 0xff) | 1,
    (pts >> 7) & 0xff,
    ((pts << 1) & 0xff) | 1,
  ]);
  return part(id, Buffer.from([0x80, 0x80, 5]), stamp, data);
}

const LARGEST = 60_000;

/** One picture as a program stream; what is longer than a PES packet goes on in the next. */
export function packPicture(picture: { bytes: Buffer; isKey: boolean; pts: number; type?: number }): Buffer {
  const { bytes, isKey, pts, type = 0x1b } = picture;
  const heads = isKey ? [systemHeader, streamMap(type)] : [];
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += LARGEST)
    parts.push(pes(0xe0, at === 0 ? pts : undefined, bytes.subarray(at, at + LARGEST)));
  return Buffer.concat([packHeader, ...heads, ...parts]);
}
export const packSound = (bytes: Buffer, pts: number) => Buffer.concat([packHeader, pes(0xc0, pts, bytes)]);

/** H.264: a parameter set and an IDR, or a slice that needs others; `size` bytes in all. */
export function picture(isKey: boolean, size = 5000): Buffer {
  const head = isKey ? '0000000167640028ac0000000168ee3cb00000000165' : '0000000141';
  // Bytes that begin no unit.
  return Buffer.concat([Buffer.from(head, 'hex'), Buffer.alloc(size, 0x5a)]);
}

/** RTP packets of one picture: all of one time, the last marked (RFC 3550, 5.1). */
export function packets(payload: Buffer, sequence: number, time: number, ssrc = 1): Buffer[] {
  const out: Buffer[] = [];
  for (let at = 0; at < payload.length; at += 1400) {
    const head = Buffer.alloc(12);
    head[0] = 0x80;
    head[1] = 96 | (at + 1400 >= payload.length ? 0x80 : 0);
    head.writeUInt16BE((sequence + out.length) & 0xffff, 2);
    head.writeUInt32BE(time, 4);
    head.writeUInt32BE(ssrc, 8);
    out.push(Buffer.concat([head, payload.subarray(at, at + 1400)]));
  }
  return out;
}
