/**
 * The receiver's port: TCP connections and UDP datagrams, as frames with a way to answer each. It bounds what
 * strangers can hold: connections, unfinished frames, frames that wait for the disk.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { boundConnections, listenAt, panelConnections, portError, type Turned } from '../connections.ts';
import type { Clock, Timer } from '../contract/clock.ts';
import type { Decoded } from '../contract/codec.ts';
import type { Host } from '../contract/driver.ts';
import type { Tap } from '../contract/tap.ts';
import { type Dc09Frame, dc09Decoder } from './codec.ts';

export type Answer = (bytes: Buffer) => void;
/** Who sent a frame. */
export interface Sender {
  readonly address: string;
  /** To be called where the frame is of a panel of the config. */
  readonly known: () => void;
}
/** Takes one decoded frame; resolves when it is dealt with. `answer` is called at most once. */
export type Receive = (decoded: Decoded<Dc09Frame>, answer: Answer, sender: Sender) => Promise<void>;

/** A connection's first frame, and each frame begun, is whole within this, or the connection ends. */
const FRAME_DEADLINE_MS = 10_000;
/** A cut cable to a panel is noticed after this much silence and ten unanswered probes. */
const TCP_KEEPALIVE_MS = 30_000;
/** The same for all datagrams; beyond it they are dropped unanswered, and their panels send again. */
const MAX_WAITING_UDP = 2048;
/** Frames of one connection waiting for the disk, and their bytes; beyond either the socket is not read. */
const MAX_WAITING = 256;
const MAX_WAITING_BYTES = 32_768;

/** Many connections at once, each a stream of frames. @throws LineError E_PORT_TAKEN, E_LINE_REFUSED */
export async function listenTcp(
  address: string,
  port: number,
  receive: Receive,
  { clock: time, tap }: Pick<Host, 'clock' | 'tap'>,
  turned: (why: Turned) => void,
): Promise<Server & { sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const keepAlive = { keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS };
  // A panel may end its side as soon as it has sent: it is answered all the same.
  const server = createServer({ noDelay: true, allowHalfOpen: true, ...keepAlive }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    serve(socket, receive, time, tap);
  });
  boundConnections(server, panelConnections, turned);
  await listenAt(server, address, port);
  return Object.assign(server, { sockets });
}

/**
 * Answers leave in the order of their frames, whichever the disk was done with first: a panel that sends on without
 * waiting takes each for that of its oldest frame. Those of one commit leave in one write: of one buffer, which costs
 * half of one of many.
 */
function answersInOrder(write: (bytes: Buffer) => void) {
  interface Place {
    bytes?: Buffer;
    isDone: boolean;
  }
  const places: Place[] = [];
  let ready: Buffer[] = [];
  let whenWritten: (() => void) | undefined;
  let planned = false;
  const flush = () => {
    planned = false;
    const bytes = ready;
    ready = [];
    if (bytes.length > 0) write(Buffer.concat(bytes));
    whenWritten?.();
  };
  const plan = () => {
    if (!planned) setImmediate(flush);
    planned = true;
  };
  return {
    /** The place of the next frame: its answer, if any, and that there will be none any more. */
    next() {
      const place: Place = { isDone: false };
      places.push(place);
      return {
        answer(bytes: Buffer) {
          place.bytes = bytes;
        },
        done() {
          place.isDone = true;
          while (places[0]?.isDone) {
            const { bytes } = places.shift() as Place;
            if (bytes !== undefined) ready.push(bytes);
          }
          if (ready.length > 0) plan();
        },
      };
    },
    whenWritten(then: () => void) {
      whenWritten = then;
      plan();
    },
  };
}

/** Reads one panel's connection until it ends. */
function serve(socket: Socket, receive: Receive, time: Clock, tap: Tap | undefined) {
  const decoder = dc09Decoder();
  const sender: Sender = {
    address: socket.remoteAddress ?? '',
    known: () => panelConnections.know(socket),
  };
  const peer = `${sender.address} ${socket.remotePort ?? ''}`;
  let waiting = 0;
  let waitingBytes = 0;
  const isFull = () => waiting >= MAX_WAITING || waitingBytes >= MAX_WAITING_BYTES;
  let deadline: Timer | undefined;
  let ended = false;
  const answers = answersInOrder((bytes) => {
    if (!socket.writable) return;
    tap?.said(bytes, peer);
    socket.write(bytes);
  });
  const endWhenAnswered = () => {
    if (ended && waiting === 0) answers.whenWritten(() => socket.end());
  };
  const take = (decoded: Decoded<Dc09Frame>) => {
    const bytes = 'frame' in decoded ? decoded.frame.body.length : 0;
    waiting++;
    waitingBytes += bytes;
    if (isFull()) socket.pause();
    const { answer, done } = answers.next();
    receive(decoded, answer, sender).finally(() => {
      done();
      waiting--;
      waitingBytes -= bytes;
      if (!isFull() && socket.isPaused()) socket.resume();
      endWhenAnswered();
    });
  };
  let heard = false;
  const late = () => {
    deadline = undefined;
    const rest = decoder.silence();
    for (const one of rest) take(one);
    if (rest.length > 0 || !heard) socket.destroy();
  };
  deadline = time.after(FRAME_DEADLINE_MS, late);
  socket.on('data', (chunk) => {
    tap?.heard(chunk, peer);
    const decoded = decoder.push(chunk);
    if (decoded.some((one) => 'frame' in one)) {
      heard = true;
      deadline?.stop();
      deadline = undefined;
    }
    for (const one of decoded) take(one);
    // Only for what is begun: a timer left from an ended frame would tear the next one in the middle.
    if (decoder.pending()) deadline ??= time.after(FRAME_DEADLINE_MS, late);
  });
  socket.once('end', () => {
    for (const one of decoder.silence()) take(one);
    ended = true;
    endWhenAnswered();
  });
  socket.once('close', () => deadline?.stop());
}

/** Answers the sender of each datagram. @throws LineError E_PORT_TAKEN, E_LINE_REFUSED */
export function listenUdp(
  address: string,
  port: number,
  receive: Receive,
  host: Host,
  device: string,
): Promise<UdpSocket> {
  const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  let waiting = 0;
  udp.on('message', (datagram, from) => {
    if (waiting >= MAX_WAITING_UDP)
      return host.discarded(device, 'more datagrams than the disk takes', datagram.length);
    const peer = `${from.address} ${from.port}`;
    host.tap?.heard(datagram, peer);
    // A datagram holds whole frames: what it does not finish is torn.
    const decoder = dc09Decoder();
    for (const decoded of [...decoder.push(datagram), ...decoder.silence()]) {
      waiting++;
      const answer = (bytes: Buffer) => {
        if (host.signal.aborted) return;
        host.tap?.said(bytes, peer);
        udp.send(bytes, from.port, from.address, () => {});
      };
      void receive(decoded, answer, { address: from.address, known: () => {} }).finally(() => {
        waiting--;
      });
    }
  });
  return new Promise((resolve, reject) => {
    udp.once('error', (error) => reject(portError(error, address, port)));
    udp.bind({ address, port }, () => {
      udp.removeAllListeners('error');
      resolve(udp);
    });
  });
}
