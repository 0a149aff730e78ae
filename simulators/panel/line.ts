/** The wire of a simulated panel: TCP, dialled again when it is lost, or UDP. It can be cut, and it can be dumb. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { type Dc09Frame, dc09Decoder } from '../../drivers/dc09/codec.ts';
import { later } from '../simulator.ts';

const RECONNECT_MS = 100;

export interface PanelLine {
  open(): void;
  /** What cannot go out is lost. @returns whether it went out. */
  write(bytes: Uint8Array): boolean;
  /** Writes nothing for a time. */
  silence(ms: number): void;
  cut(): void;
  mend(): void;
  close(): void;
}

export function createPanelLine(
  {
    host,
    port,
    transport,
  }: { readonly host: string; readonly port: number; readonly transport: 'tcp' | 'udp' },
  on: {
    /** It can be written to. */
    readonly opened: () => void;
    readonly frame: (frame: Dc09Frame) => void;
    /** It has no connection, by what the system says; undefined: the other end closed it. */
    readonly lost: (reason: string | undefined) => void;
  },
): PanelLine {
  let socket: Socket | undefined;
  let udp: UdpSocket | undefined;
  let mute = false;
  let isCut = false;
  let closed = false;

  const listenTo =
    (decoder = dc09Decoder()) =>
    (chunk: Uint8Array) => {
      for (const one of decoder.push(chunk)) if ('frame' in one) on.frame(one.frame);
    };
  const open = () => {
    if (closed || isCut) return;
    if (transport === 'udp') {
      udp = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      udp.on('message', (datagram) => listenTo()(datagram));
      udp.on('error', () => {});
      return on.opened();
    }
    const own = connect({ host, port, noDelay: true });
    socket = own;
    own.on('connect', () => {
      wasOpen = true;
      on.opened();
    });
    own.on('data', listenTo());
    let reason: string | undefined;
    let wasOpen = false;
    own.on('error', (error: NodeJS.ErrnoException) => {
      reason = error.code ?? error.message;
    });
    own.on('close', () => {
      if (socket !== own) return;
      socket = undefined;
      // A reset of what was a connection is the other end's doing, too.
      if (!isCut) on.lost(wasOpen ? undefined : reason);
      setTimeout(open, RECONNECT_MS);
    });
  };
  const closeUdp = () => {
    udp?.close();
    udp = undefined;
  };
  return {
    open,
    write(bytes) {
      if (mute || isCut) return false;
      if (transport === 'udp') {
        udp?.send(bytes, port, host, (error) => {
          if (error !== null) on.lost((error as NodeJS.ErrnoException).code ?? error.message);
        });
        return udp !== undefined;
      }
      if (socket?.readyState !== 'open') return false;
      socket.write(bytes);
      return true;
    },
    silence(ms) {
      mute = true;
      later(ms, () => {
        mute = false;
      });
    },
    cut() {
      isCut = true;
      socket?.destroy();
      closeUdp();
    },
    mend() {
      if (!isCut) return;
      isCut = false;
      open();
    },
    close() {
      closed = true;
      const own = socket;
      socket = undefined;
      own?.destroy();
      closeUdp();
    },
  };
}
