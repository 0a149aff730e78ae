/** The port that receivers connect to. It bounds what strangers can hold: connections, and lines that they do not end. */
import { createServer, type Server, type Socket } from 'node:net';
import { boundConnections, listenAt, panelConnections, senderCheck, type Turned } from '../connections.ts';
import type { Timer } from '../contract/clock.ts';
import type { Host } from '../contract/driver.ts';
import { receiverDecoder } from './codec.ts';
import type { Conversation, Peer } from './conversation.ts';

/** A line begun is whole within this: what then is none is torn. Some receivers send no end. */
export const TORN_AFTER_MS = 1000;
/** Who connects and says nothing that is understood goes after this; heartbeats come every 10 to 99 s, or are switched off. */
const STRANGER_MS = 600_000;
/** A cut cable to a receiver is noticed after this much silence and ten unanswered probes. */
const TCP_KEEPALIVE_MS = 30_000;
/** Answers that the other end does not read: a receiver waits for each. */
const MAX_UNREAD = 8192;

export interface Receivers {
  readonly server: Server;
  readonly conversations: ReadonlySet<Conversation>;
  close(): Promise<void>;
}

/** @throws LineError E_PORT_TAKEN, E_LINE_REFUSED */
export async function listenForReceivers(
  { host: address, port, from }: { host: string; port: number; from?: readonly string[] | undefined },
  host: Host,
  talk: (peer: Peer, address: string) => Conversation,
  turned: (why: Turned | 'not listed', address?: string) => void,
): Promise<Receivers> {
  const sockets = new Set<Socket>();
  const conversations = new Set<Conversation>();
  const mayCome = senderCheck(from);
  const keepAlive = { keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS };
  const server = createServer({ noDelay: true, allowHalfOpen: true, ...keepAlive }, (socket) => {
    socket.on('error', () => {});
    const peer = socket.remoteAddress ?? '';
    if (!mayCome(peer)) {
      socket.destroy();
      return turned('not listed', peer);
    }
    sockets.add(socket);
    const conversation = serve(socket, peer, host, talk);
    conversations.add(conversation);
    socket.once('close', () => {
      sockets.delete(socket);
      conversations.delete(conversation);
    });
  });
  boundConnections(server, panelConnections, turned);
  await listenAt(server, address, port);
  return {
    server,
    conversations,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Talks to who connected until it goes. */
function serve(
  socket: Socket,
  address: string,
  { clock: time, tap }: Host,
  talk: (peer: Peer, address: string) => Conversation,
): Conversation {
  const decoder = receiverDecoder();
  const from = `${address} ${socket.remotePort ?? ''}`;
  let ended = false;
  const stranger = time.after(STRANGER_MS, () => socket.destroy());
  const conversation = talk(
    {
      answer(bytes) {
        if (socket.writableLength > MAX_UNREAD) socket.destroy();
        else if (socket.writable) {
          tap?.said(bytes, from);
          socket.write(bytes);
        }
      },
      known() {
        stranger.stop();
        panelConnections.know(socket);
      },
      full: (isFull) => (isFull ? socket.pause() : socket.resume()),
      idle: () => ended && socket.end(),
    },
    address,
  );
  let torn: Timer | undefined;
  socket.on('data', (chunk) => {
    tap?.heard(chunk, from);
    conversation.take(decoder.push(chunk));
    torn?.stop();
    torn = decoder.pending()
      ? time.after(TORN_AFTER_MS, () => conversation.take(decoder.silence()))
      : undefined;
  });
  // Half-closed: what it said last is answered all the same.
  socket.once('end', () => {
    ended = true;
    conversation.take(decoder.silence());
  });
  socket.once('close', () => {
    stranger.stop();
    torn?.stop();
  });
  return conversation;
}
