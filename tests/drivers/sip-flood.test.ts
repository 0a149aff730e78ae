/** What comes too fast at a SIP port, and what does not suffer from it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { openEndpoint } from '../../drivers/platforms/gb28181/sip/endpoint.ts';
import { manualClock } from '../clocks.ts';
import { freePort, stream } from '../helpers.ts';

/** 400 at once, and 40 a second. */
async function port() {
  const clock = manualClock();
  const discarded: string[] = [];
  const endpoint = await openEndpoint({
    address: '127.0.0.1',
    port: await freePort(),
    time: clock,
    stranger() {},
  });
  onTestFinished(() => endpoint.close());
  let asked = 0;
  for (const own of ['127.0.0.1', '127.0.0.2'])
    endpoint.add({
      isFrom: (address) => address === own,
      asked({ answer }) {
        asked++;
        answer({ status: 200, reason: 'OK' });
      },
      discarded: (reason) => void discarded.push(reason),
    });
  return { clock, endpoint, discarded, asked: () => asked };
}

/** Lets what is on its way through the kernel arrive. */
async function breathe() {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

let serial = 0;
const question = (by: string) =>
  `OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/${by} 127.0.0.1;rport;branch=z9hG4bK${++serial}\r\nFrom: <sip:c@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: ${serial}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`;

async function peer(address: string) {
  const socket = createSocket('udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  const said = stream<string>();
  socket.on('message', (bytes) => said.push(bytes.toString()));
  return { socket, said, port: socket.address().port };
}

it('of one address 400 datagrams at once are read, and 40 a second after that; of another as many', async () => {
  const { clock, endpoint, discarded, asked } = await port();
  const [one, other] = [await peer('127.0.0.1'), await peer('127.0.0.2')];
  const send = async (count: number, from = one) => {
    // In portions that the kernel's buffer holds.
    for (let i = 0; i < count; i++) {
      from.socket.send(question('UDP'), endpoint.port, '127.0.0.1');
      if (i % 50 === 49) await breathe();
    }
  };
  await send(600);
  await expect.poll(() => discarded.length).toBe(200);
  expect(asked()).toBe(400);
  expect(new Set(discarded)).toEqual(new Set(['more datagrams than are read']));
  await send(1, other);
  await other.said.next();
  await clock.advance(1000);
  await send(100);
  await expect.poll(() => discarded.length).toBe(260);
  expect(asked()).toBe(441);
});

it('an answer to our own question is read, whatever else there comes', async () => {
  const { endpoint, discarded } = await port();
  const one = await peer('127.0.0.1');
  for (let i = 0; i < 500; i++) {
    one.socket.send(question('UDP'), endpoint.port, '127.0.0.1');
    if (i % 50 === 49) await breathe();
  }
  await expect.poll(() => discarded.length).toBe(100);
  const headers = [
    ['from', '<sip:a@b>;tag=1'],
    ['to', '<sip:c@b>'],
    ['call-id', 'x'],
    ['cseq', '1 MESSAGE'],
  ] as const;
  const place = { transport: 'UDP', address: '127.0.0.1', port: one.port } as const;
  const request = { method: 'MESSAGE', uri: 'sip:c@b', headers, body: Buffer.alloc(0) };
  const answer = endpoint.ask(request, place, '127.0.0.1:1');
  const heard = await one.said.find((text) => text.startsWith('MESSAGE'));
  const via = /Via: .*/.exec(heard)?.[0];
  const of = ['From: <sip:a@b>;tag=1', 'To: <sip:c@b>;tag=2', 'Call-ID: x', 'CSeq: 1 MESSAGE'];
  // Who did not hear our question cannot make one that is read.
  for (const line of ['Via: SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bKguess', via])
    one.socket.send(
      ['SIP/2.0 200 OK', line, ...of, 'Content-Length: 0', '', ''].join('\r\n'),
      endpoint.port,
      '127.0.0.1',
    );
  expect(await answer).toMatchObject({ status: 200 });
  expect(discarded).toHaveLength(101);
});

it('a connection waits for what it sends too fast, and loses nothing', async () => {
  const { clock, endpoint, asked } = await port();
  const socket = connect(endpoint.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.resume();
  await once(socket, 'connect');
  for (let i = 0; i < 3000; i++) socket.write(question('TCP'));
  await expect.poll(asked).toBeGreaterThan(400);
  await breathe();
  expect(asked()).toBeLessThan(1500);
  for (let s = 0; s < 120 && asked() < 3000; s++) {
    await clock.advance(1000);
    await breathe();
  }
  expect(asked()).toBe(3000);
});
