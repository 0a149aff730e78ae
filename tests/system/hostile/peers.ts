/**
 * Hostile peers for every door of one gateway, in a process of their own: they attack until they are ended. Bytes are
 * written by hand or by foreign packages, never by the gateway's own encoders. One line on standard error says that all
 * are at it; another, at SIGTERM, what each of them has done, so that the test sees that they did something.
 */
import { createSocket } from 'node:dgram';
import { createServer as createHttpServer, type RequestListener, request } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { generate } from 'mqtt-packet';
import { frame } from './panel.ts';

export interface Doors {
  readonly panel: number;
  readonly terminals: number;
  readonly token: string;
  readonly console: number;
  readonly status: number;
  readonly broker: number;
  readonly platform: number;
  readonly campus: string;
  readonly camera: number;
  readonly fence: number;
  readonly reader: number;
}

/** What each peer has done so far. */
const done = new Map<string, number>();
const did = (what: string, count = 1) => done.set(what, (done.get(what) ?? 0) + count);

/** A connection whose end, whatever it is, is no error here. */
function dial(port: number, begin: (socket: Socket) => void = () => {}): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => {
      begin(socket);
      resolve(socket);
    });
    socket.on('error', () => resolve(socket));
    socket.resume();
  });
}

/** Holds `count` connections that say `first` and then nothing, and dials again those that were ended. */
async function hold(what: string, port: number, count: number, first: string) {
  const sockets: Socket[] = [];
  for (;;) {
    for (let i = 0; i < count; i++) {
      if (sockets[i] !== undefined && !sockets[i]?.destroyed) continue;
      sockets[i] = await dial(port, (socket) => socket.write(first));
      did(what);
    }
    await delay(500);
  }
}

/** Panels that nobody knows, frames that are none, and the right account with what is none of its zones. */
async function panels(port: number) {
  const udp = createSocket('udp4');
  const block = Buffer.alloc(64 * 1024, 0x41);
  for (let n = 0; ; n++) {
    const account = String(n % 9000).padStart(4, '0');
    const socket = await dial(port, (own) => {
      own.write(`\n00000030"SIA-DCS"0001L0#9${account}[#9${account}|Nri1/PA9]\r`);
      own.write(`\nFFFF0FFF"ADM-CID"${'x'.repeat(300)}`);
      own.write(block);
      own.write('\n\n\r\r\n"NULL"\r');
    });
    udp.send(Buffer.from(`\n0000001F"NULL"0000L0#${account}[]\r`), port, '127.0.0.1', () => {});
    did('panel frames');
    await delay(5);
    if (n % 3 !== 0) socket.destroy();
    else setTimeout(() => socket.destroy(), 2000);
  }
}

/** A panel of the school's own that has gone bad: frames of thirteen hundred alarms, and of sixty. */
async function badPanel(port: number) {
  for (let n = 1; ; n++) {
    const socket = await dial(port, (own) => {
      for (let i = 0; i < 20; i++) own.write(frame('5678', (n * 20 + i) % 9999, `N${'PA/'.repeat(1300)}`));
      own.write(frame('5678', n % 9999, `N${'BA1/'.repeat(60)}`));
    });
    did('frames of a bad panel', 21);
    await delay(200);
    socket.destroy();
  }
}

function post(port: number, path: string, headers: Record<string, string>, body: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path, method: 'POST', headers }, (answer) => {
      answer.resume();
      answer.on('close', resolve);
    });
    asked.on('error', () => resolve());
    asked.end(body);
  });
}

/** Strangers with big bodies and wrong passwords, and a terminal of the school's own that has gone bad. */
async function terminals({ terminals: port, token }: Doors) {
  const big = Buffer.alloc(3_900_000, 0x20);
  const stranger = async () => {
    for (;;) {
      await post(port, '/push/face', { 'content-type': 'application/json' }, big);
      await post(port, '/push/face?token=wrong', { authorization: 'Basic YTpi' }, Buffer.from('{}'));
      did('posts of strangers', 2);
      await delay(50);
    }
  };
  for (let i = 0; i < 10; i++) void stranger();
  const one = '{"Code":"AccessControl","Data":{"UserID":"","Status":1}}';
  const many = Buffer.from(`{"Events":[${Array(69_000).fill(one).join()}]}`);
  const deep = Buffer.from(`${'[{"a":'.repeat(150_000)}1`);
  const xml = Buffer.from(
    `<!DOCTYPE a [<!ENTITY b "${'c'.repeat(1000)}">]><a>${'&b;'.repeat(100_000)}${'<d>'.repeat(100_000)}`,
  );
  for (;;) {
    for (const [body, type] of [
      [many, 'application/json'],
      [deep, 'application/json'],
      [xml, 'application/xml'],
      [xml, 'multipart/form-data; boundary=c'],
    ] as const)
      await post(port, `/push/face?token=${token}`, { 'content-type': type }, body);
    did('posts of a bad terminal', 4);
    await delay(1000);
  }
}

/** Guesses, foreign names, paths that nobody has. */
async function pages({ console: port, status }: Doors) {
  for (let n = 0; ; n++) {
    await post(
      port,
      '/login',
      { 'content-type': 'application/json' },
      Buffer.from(JSON.stringify({ token: `guess-${n}` })),
    );
    await post(status, `/metrics/${n}`, { host: `evil-${n}.example` }, Buffer.alloc(100));
    did('guesses');
    await delay(20);
  }
}

/** A camera whose answers have no end, cost much to read, or lead elsewhere. */
function camera(port: number, elsewhere: number) {
  const costly = `<s:Envelope><s:Body><CreatePullPointSubscriptionResponse><SubscriptionReference><Address>http://x/</Address></SubscriptionReference></CreatePullPointSubscriptionResponse></s:Body><!--${'<ReferenceParameters>'.repeat(45_000)}--></s:Envelope>`;
  const block = Buffer.from('<tds:Service><tds:Namespace>x</tds:Namespace></tds:Service>'.repeat(1000));
  let turn = 0;
  const answers: RequestListener[] = [
    (_, answer) => {
      answer.writeHead(200, { 'content-type': 'application/soap+xml' });
      const more = () => {
        while (!answer.destroyed && answer.write(block));
        if (!answer.destroyed) answer.once('drain', more);
      };
      more();
    },
    (_, answer) => void answer.writeHead(200, { 'content-type': 'application/soap+xml' }).end(costly),
    (asked, answer) =>
      void answer.writeHead(307, { location: `http://127.0.0.1:${elsewhere}${asked.url}` }).end(),
    (_, answer) => void answer.writeHead(200, { 'content-length': '99999999' }).write('<'),
    (_, answer) => void answer.writeHead(200).end(`<a>${'<b>'.repeat(200_000)}`),
  ];
  const server = createHttpServer((asked, answer) => {
    asked.resume();
    did('answers of a camera');
    answers[turn++ % answers.length]?.(asked, answer);
  });
  server.listen(port, '127.0.0.1');
  // Where nothing should ever arrive.
  createHttpServer((_, answer) => {
    did('FOLLOWED ELSEWHERE');
    answer.end();
  }).listen(elsewhere, '127.0.0.1');
}

/** A platform's broker that sends more than anybody asked for, what is no MQTT, and receipts of what it never got. */
function broker(port: number, campus: string) {
  const block = Buffer.alloc(1 << 20, 0x41);
  let turn = 0;
  let journal = 'none';
  const lies = [
    // A PUBLISH of 250 MB, its length by hand.
    (socket: Socket) => {
      const topic = Buffer.from(`campus/v1/${campus}/command/gateway`);
      socket.write(Buffer.concat([Buffer.from([0x30, 0x80, 0xe5, 0x9a, 0x77, 0, topic.length]), topic]));
      const more = () => {
        while (!socket.destroyed && socket.write(block));
        if (!socket.destroyed) socket.once('drain', more);
      };
      more();
    },
    (socket: Socket) => socket.write(Buffer.from([0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
    (socket: Socket) => {
      for (let sequence = 1; sequence < 2000; sequence++)
        socket.write(
          generate(
            {
              cmd: 'publish',
              topic: `campus/v1/${campus}/ack`,
              payload: JSON.stringify({ journal, urgent: String(sequence * 1000), normal: '999999999' }),
              qos: 0,
              dup: false,
              retain: false,
            },
            { protocolVersion: 5 },
          ),
        );
    },
    (socket: Socket) => socket.write(Buffer.from([0x40, 0x02, 0xff, 0xff, 0x40, 0x02, 0x00, 0x00])),
  ];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      did('connections of a broker');
      socket.write(
        generate({ cmd: 'connack', reasonCode: 0, sessionPresent: false }, { protocolVersion: 5 }),
      );
      setTimeout(() => lies[turn++ % lies.length]?.(socket), 200);
      setTimeout(() => socket.destroy(), 4000);
    });
    // Of its presence and its events, which are never acknowledged here.
    socket.on('data', (chunk) => {
      journal = /"journal":"([^"]+)"/.exec(chunk.toString('latin1'))?.[1] ?? journal;
    });
  });
  server.listen(port, '127.0.0.1');
}

/** One client of the real broker that repeats itself: commands allowed, not allowed, unsigned, unreadable. */
async function commands({ platform, campus }: Doors) {
  const socket = await dial(platform);
  const write = (packet: Parameters<typeof generate>[0]) =>
    socket.write(generate(packet, { protocolVersion: 5 }));
  write({
    cmd: 'connect',
    clientId: 'bad',
    protocolVersion: 5,
    clean: true,
    keepalive: 0,
    protocolId: 'MQTT',
  });
  await delay(200);
  const publish = (topic: string, payload: string, properties: object = {}) =>
    write({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false, properties });
  const topic = `campus/v1/${campus}/command/gateway`;
  for (let n = 0; ; n++) {
    for (let i = 0; i < 20; i++) {
      publish(topic, JSON.stringify({ id: `flood-${n}-${i}`, action: 'inventory', arguments: {} }), {
        responseTopic: `campus/v1/${campus}/presence`,
      });
      publish(topic, JSON.stringify({ id: `door-${n}-${i}`, action: 'unlock', arguments: {} }));
      publish(topic, JSON.stringify({ id: 'same', action: 'inventory', arguments: {} }));
      publish(topic, '{"id":');
    }
    did('commands', 80);
    await delay(100);
  }
}

/** A line behind a serial server that never stops talking. */
function line(what: string, port: number, bytes: () => Buffer) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.resume();
    const talk = setInterval(() => {
      if (socket.writableLength < 1 << 20) socket.write(bytes());
      did(what);
    }, 10);
    socket.on('close', () => clearInterval(talk));
  });
  server.listen(port, '127.0.0.1');
}

const doors = JSON.parse(process.argv[2] ?? '{}') as Doors;
const free = createServer().listen(0, '127.0.0.1');
const elsewhere = await new Promise<number>((resolve) =>
  free.once('listening', () => {
    const { port } = free.address() as AddressInfo;
    free.close(() => resolve(port));
  }),
);
void panels(doors.panel);
void badPanel(doors.panel);
void hold('held lines of panels', doors.panel, 300, '\n0000');
void hold('half requests to terminals', doors.terminals, 100, 'POST /push/face HTTP/1.1\r\nHost: x\r\n');
void hold('half requests to the console', doors.console, 200, 'GET / HTTP/1.1\r\nHost: x\r\n');
void hold('half requests to the status', doors.status, 100, 'GET /health HTTP/1.1\r\nHost: x\r\nX-A: ');
void terminals(doors);
void pages(doors);
camera(doors.camera, elsewhere);
broker(doors.broker, doors.campus);
void commands(doors);
const noise = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i % 97 === 0 ? 0x53 : (i * 7919) & 0xff)));
line('noise of a fence', doors.fence, () => noise);
line('noise of a reader', doors.reader, () => noise);
process.on('SIGTERM', () => {
  process.stderr.write(`peers: ${JSON.stringify(Object.fromEntries(done))}\n`, () => process.exit(0));
});
process.stderr.write('the peers are at it\n');
