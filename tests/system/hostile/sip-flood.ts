/**
 * A flood of SIP, as fast as this machine sends: datagrams from the platform's address and from others', connections that ask
 * and read no answers, connections that come and go. `node sip-flood.ts PORT OWN-ID PLATFORM-ID SECONDS`; says how much it sent.
 */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';

const [port = 0, deviceId = '', platformId = '', seconds = 10] = process.argv
  .slice(2)
  .map((one, i) => (i === 0 || i === 3 ? Number(one) : one)) as [number, string, string, number];
const sent = { datagrams: 0, connections: 0, bytes: 0 };
const KINDS = ['MESSAGE', 'OPTIONS', 'INVITE', 'SUBSCRIBE', 'BYE', 'CANCEL', 'ACK', 'REGISTER'];

function request(by: 'UDP' | 'TCP', n: number): Buffer {
  const method = KINDS[n % KINDS.length] ?? '';
  const body =
    method === 'MESSAGE'
      ? `<Query><CmdType>Catalog</CmdType><SN>${n}</SN><DeviceID>${deviceId}</DeviceID></Query>`
      : '';
  const lines = [
    ...[`${method} sip:${deviceId}@4503000000 SIP/2.0`],
    `Via: SIP/2.0/${by} 127.0.0.1:9;rport;branch=z9hG4bK${randomBytes(6).toString('hex')}`,
    ...[`From: <sip:${platformId}@3402000000>;tag=${n}`, `To: <sip:${deviceId}@4503000000>`],
    ...[`Call-ID: flood-${n}`, `CSeq: ${n} ${method}`, 'Contact: <sip:127.0.0.1:9>', 'Event: Catalog'],
    ...[`Content-Length: ${body.length}`, '', body],
  ];
  return Buffer.from(lines.join('\r\n'));
}
const answer = (n: number) =>
  Buffer.from(
    `SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK${randomBytes(6).toString('hex')}\r\nFrom: <sip:${deviceId}@x>;tag=1\r\nTo: <sip:${platformId}@x>;tag=2\r\nCall-ID: ${n}\r\nCSeq: ${n} MESSAGE\r\nContent-Length: 0\r\n\r\n`,
  );

const end = performance.now() + seconds * 1000;
const isOver = () => performance.now() > end;

function datagrams(address: string) {
  const socket = createSocket('udp4');
  socket.on('error', () => {});
  let n = 0;
  const burst = () => {
    if (isOver()) return socket.close();
    for (let i = 0; i < 50; i++, n++) {
      const bytes = n % 5 === 0 ? answer(n) : n % 7 === 0 ? randomBytes(1200) : request('UDP', n);
      socket.send(bytes, port, '127.0.0.1', () => {});
      sent.datagrams++;
    }
    setImmediate(burst);
  };
  socket.bind(0, address, burst);
}

/** Asks without end, and never reads. */
function asker() {
  const socket = connect(port, '127.0.0.1');
  let n = 0;
  socket.pause();
  socket.on('error', () => {});
  socket.on('close', () => isOver() || setTimeout(asker, 50));
  const write = () => {
    if (isOver()) return socket.destroy();
    const bytes = Buffer.concat(Array.from({ length: 50 }, () => request('TCP', n++)));
    sent.bytes += bytes.length;
    if (socket.write(bytes)) setImmediate(write);
    else socket.once('drain', write);
  };
  socket.on('connect', write);
  setTimeout(() => socket.destroy(), end - performance.now()).unref();
}

/** Comes, says a little, and goes. */
function passer(localAddress: string) {
  const again = () => isOver() || setImmediate(() => passer(localAddress));
  const socket: Socket = connect({ port, host: '127.0.0.1', localAddress });
  sent.connections++;
  socket.on('error', () => {});
  socket.on('close', again);
  socket.on('connect', () => {
    socket.write('OPTIONS sip:x SIP/2.0\r\n');
    setTimeout(() => socket.destroy(), 5);
  });
}

datagrams('127.0.0.1');
datagrams('127.0.0.9');
for (let i = 0; i < 6; i++) asker();
passer('127.0.0.1');
passer('127.0.0.9');
setTimeout(
  () => {
    process.stdout.write(`flood: ${JSON.stringify(sent)}\n`);
    process.exit(0);
  },
  seconds * 1000 + 200,
);
