/** A receiver's end of a wire, in bytes, before the driver. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { receiver } from '../../drivers/receiver/driver.ts';
import { fakeHost, freePort, stream, tcpServer } from '../helpers.ts';

const zones = [
  { zone: 3, id: 'gatehouse-button', kind: 'panic', name: '门卫室一键报警' },
  { zone: 4, id: 'north-wall', kind: 'perimeter' },
];
export const onDisk: Receipt = { sequence: 1, id: 'x', repeated: false };
type Store = (observation: Observation) => Promise<Receipt>;

/** The bytes that the other end is answered, one after another. */
export function answersOf(socket: Socket) {
  const answers = stream<number>();
  socket.on('data', (chunk) => {
    for (const byte of chunk) answers.push(byte);
  });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return { socket, answers, say: (text: string) => void socket.write(Buffer.from(text, 'latin1')) };
}

/** A receiver whose port the gateway opens, as a serial server does. */
export async function connected(more: object = {}, store?: Store, time?: Clock) {
  const server = await tcpServer();
  const options = receiver.options.parse({
    connection: { serialServer: `127.0.0.1:${server.port}` },
    accounts: [{ account: '7037', zones }, { account: '1234' }],
    ...more,
  });
  const fake = fakeHost(store, time);
  const device = { id: 'center', driver: 'receiver', options };
  const open = async () => {
    const session = await receiver.open([device], fake.host);
    onTestFinished(() => session.close());
    return { session, ...answersOf(await server.sockets.next()) };
  };
  return { ...fake, ...(await open()), open, device };
}

/** A port that receivers connect to. */
export async function listening(more: object = {}, store?: Store, listen: object = {}) {
  const port = await freePort();
  const options = receiver.options.parse({
    listen: { port, ...listen },
    accounts: [{ account: '7037', zones }],
    ...more,
  });
  const fake = fakeHost(store);
  const session = await receiver.open([{ id: 'center', driver: 'receiver', options }], fake.host);
  onTestFinished(() => session.close());
  const dial = async () => {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    return answersOf(socket);
  };
  return { ...fake, port, dial, session };
}

export const ACK = 0x06;
export const NAK = 0x15;
/** Captured from EBS OSM; `\x14` ends it. */
export const trip = '5011 187037E13001004\x14';
export const restore = '5011 187037R13001004\x14';
export const panic = '5011 187037E13001003\x14';
export const heartbeat = '1011           @    \x14';
/** A way there and back through the system, on another connection: what was to be answered meanwhile is. */
export async function turn() {
  const { port, sockets } = await tcpServer();
  const there = connect({ host: '127.0.0.1', port });
  for (const socket of [await sockets.next()]) socket.pipe(socket);
  for (let i = 0; i < 5; i++) {
    there.write('x');
    await once(there, 'data');
  }
  there.destroy();
}
