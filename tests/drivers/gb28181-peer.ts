/**
 * A platform of GB/T 28181, as small as one can be, written by the standard and without our codec: it parts lines by hand
 * and proves passwords by RFC 2617, 3.2.2.
 */
import { createHash } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { freePort, stream } from '../helpers.ts';

export interface Heard {
  readonly method: string;
  readonly start: string;
  readonly by: 'UDP' | 'TCP';
  readonly text: string;
  readonly body: string;
  header(name: string): string;
}

export interface PeerOptions {
  readonly password?: string;
  /** How it asks who we are: with `qop`, without, by SM3, or not at all. */
  readonly asks?: 'qop' | 'plain' | 'SM3' | 'nothing';
  readonly expires?: number;
}

const REALM = '3402000000';

/**
 * Asks from its own port, by UDP. `more`: headers beside those that all have, each its line; `body`: in latin1.
 * Resolves with the final answer.
 */
const askBy = (udp: UdpSocket, port: number, answers: ReturnType<typeof stream<Heard>>) => {
  let asked = 0;
  return async (to: number, request: string, more: readonly string[], body = ''): Promise<Heard> => {
    const branch = `z9hG4bKpeer${++asked}.`;
    const said = more.some((line) => line.startsWith('CSeq'));
    const lines = [
      ...[`${request} SIP/2.0`, `Via: SIP/2.0/UDP 127.0.0.1:${port};rport;branch=${branch}`],
      ...(said ? [] : [`CSeq: ${asked} ${request.split(' ')[0]}`]),
      ...['Max-Forwards: 70', ...more, `Content-Length: ${body.length}`, '', body],
    ];
    udp.send(Buffer.from(lines.join('\r\n'), 'latin1'), to, '127.0.0.1');
    return await answers.find(
      ({ header, start }) => header('Via').includes(branch) && !start.startsWith('SIP/2.0 1'),
    );
  };
};

/** By RFC 2617, 3.2.2. */
function isProvedBy(
  one: Heard,
  {
    asks,
    password,
    nonces,
  }: Required<Pick<PeerOptions, 'asks' | 'password'>> & { readonly nonces: readonly string[] },
): boolean {
  const digest = (text: string) =>
    createHash(asks === 'SM3' ? 'sm3' : 'md5')
      .update(text)
      .digest('hex');
  const said = one.header('Authorization');
  const of = (name: string) => new RegExp(`[ ,]${name}="?([^",]*)`).exec(said)?.[1] ?? '';
  if (said === '' || !nonces.includes(of('nonce'))) return false;
  const user = /sip:(\d+)@/.exec(one.header('From'))?.[1];
  const ha1 = digest(`${user}:${REALM}:${password}`);
  const ha2 = digest(`REGISTER:${of('uri')}`);
  const middle = asks === 'qop' ? [of('nonce'), of('nc'), of('cnonce'), of('qop')] : [of('nonce')];
  return of('response') === digest([ha1, ...middle, ha2].join(':')) && of('username') === user;
}

/** One status for each request: what is sent again for want of an answer has the same one (RFC 3261, 17.2.2). */
function statusesInTurn(statuses: number[]) {
  const answered = new Map<string, number>();
  return (one: Heard): number | undefined => {
    const request = `${one.header('Call-ID')} ${one.header('CSeq')}`;
    const status = answered.get(request) ?? statuses.shift();
    if (status !== undefined) answered.set(request, status);
    return status;
  };
}

export async function startPlatform({ password = 'secret', asks = 'qop', expires }: PeerOptions = {}) {
  const heard = stream<Heard>();
  /** Answers to what it asked. */
  const answers = stream<Heard>();
  const behaviour = {
    /** What it answers to a message; undefined: nothing. */
    message: 200 as number | undefined,
    /** What it answers to the next ones instead, one each: a test that changes `message` in between races with them. */
    messages: [] as number[],
    /** To an alarm, where that is another. */
    alarm: undefined as number | undefined,
    /** To a NOTIFY. */
    notify: 200,
    register: undefined as number | undefined,
    /** Lines of what it answers to a REGISTER that it refuses. */
    more: (_heard: Heard): readonly string[] => [],
    /** As whom it sees us, behind NAT. */
    seenAs: undefined as { readonly address: string; readonly port: number } | undefined,
    /** What it says over TCP right behind the 200 to a REGISTER, in one piece with it. */
    behind: '',
    isSilent: false,
    password,
    /** What time it is by its clock, in its words. */
    date: () => '2026-11-28T15:30:00.123',
  };
  const nonces: string[] = [];
  const inTurn = statusesInTurn(behaviour.messages);
  const isProved = (one: Heard) => isProvedBy(one, { asks, password: behaviour.password, nonces });
  const answer = (one: Heard, from: { address: string; port: number }): string | undefined => {
    if (behaviour.isSilent) return undefined;
    const { address, port: at } = behaviour.seenAs ?? from;
    const via = one.header('Via').replace(/;rport/, `;rport=${at};received=${address}`);
    const lines = (status: string, ...more: string[]) =>
      [
        ...[`SIP/2.0 ${status}`, `Via: ${via}`, `From: ${one.header('From')}`],
        ...[
          `To: ${one.header('To')};tag=peer`,
          `Call-ID: ${one.header('Call-ID')}`,
          `CSeq: ${one.header('CSeq')}`,
        ],
        ...[...more, 'Content-Length: 0', '', ''],
      ].join('\r\n');
    if (one.method === 'NOTIFY') return lines(`${behaviour.notify} Word`);
    if (one.method === 'MESSAGE') {
      const isAlarm = one.body.includes('<CmdType>Alarm');
      const status = (isAlarm ? behaviour.alarm : undefined) ?? inTurn(one) ?? behaviour.message;
      return status === undefined ? undefined : lines(`${status} Word`);
    }
    if (behaviour.register !== undefined) return lines(`${behaviour.register} Word`, ...behaviour.more(one));
    if (asks === 'nothing' || isProved(one)) {
      const lasts = one.header('Expires') === '0' ? 0 : (expires ?? Number(one.header('Expires')));
      return lines(
        '200 OK',
        `Date: ${behaviour.date()}`,
        `Contact: ${one.header('Contact')};expires=${lasts}`,
      );
    }
    const nonce = `n${nonces.length}`;
    nonces.push(nonce);
    const more = asks === 'qop' ? ', qop="auth"' : asks === 'SM3' ? ', algorithm=SM3' : '';
    return lines('401 Unauthorized', `WWW-Authenticate: Digest realm="${REALM}", nonce="${nonce}"${more}`);
  };
  const take = (text: string, by: Heard['by'], from: { address: string; port: number }) => {
    const [head = '', body = ''] = text.split(/\r\n\r\n/, 2);
    const one: Heard = {
      ...{ text, by, body, start: head.split('\r\n')[0] ?? '', method: head.split(' ')[0] ?? '' },
      header: (name) => new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1]?.trim() ?? '',
    };
    if (one.method === 'SIP/2.0') {
      answers.push(one);
      return undefined;
    }
    heard.push(one);
    return answer(one, from);
  };

  const udp = createSocket('udp4');
  const port = await freePort();
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const said = take(chunk.toString('latin1'), 'TCP', {
        address: '127.0.0.1',
        port: socket.remotePort ?? 0,
      });
      if (said === undefined) return;
      const isIn = said.startsWith('SIP/2.0 200') && said.includes(' REGISTER\r\n');
      socket.write(isIn ? said + behaviour.behind : said);
    });
  });
  tcp.listen(port, '127.0.0.1');
  await once(tcp, 'listening');
  udp.on('message', (bytes, from) => {
    const said = take(bytes.toString('latin1'), 'UDP', from);
    if (said !== undefined) udp.send(said, from.port, from.address);
  });
  const ask = askBy(udp, port, answers);
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    udp.close();
    tcp.close();
    drop();
  });
  /** From now on nobody connects. */
  const refuseTcp = () => {
    drop();
    return new Promise((resolve) => tcp.close(resolve));
  };
  return { port, heard, behaviour, ask, drop, refuseTcp };
}
