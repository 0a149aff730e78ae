/**
 * Who looks at a camera in one form. A viewer who is slow gets nothing until the next key frame; no buffer grows for
 * anybody.
 */
import type { WebSocket } from 'ws';
import type { Fragment, Head } from './mp4.ts';

export interface Audience {
  readonly size: number;
  /** Shows it to a viewer until the socket ends, from the last key frame on; `onLeave`: it ended, once. */
  join(socket: WebSocket, onLeave: () => void): void;
  /** What is shown begins anew. */
  onHead(head: Head): void;
  onFragment(fragment: Fragment): void;
  /** MPEG-1: jsmpeg finds its way by itself. */
  onBytes(bytes: Buffer): void;
  /** Nothing is shown any more. */
  forget(): void;
  /** By a code of RFC 6455, 7.4. */
  closeAll(code: number): void;
}

/** A viewer who has so much on the way is behind, bytes. */
const BEHIND = 1_000_000;
/** From a key frame to now: what a new viewer gets at once, bytes. */
const GROUP_MAX = 12_000_000;

interface Viewer {
  readonly socket: WebSocket;
  /** It has had the head and a key frame. */
  started: boolean;
}

export function createAudience(): Audience {
  const viewers = new Set<Viewer>();
  let head: Head | undefined;
  /** Since the last key frame. */
  let group: Fragment[] = [];
  let groupBytes = 0;

  const begin = (viewer: Viewer) => {
    if (head === undefined || group[0]?.isKey !== true) return;
    viewer.socket.send(JSON.stringify({ codec: head.codec ?? null }));
    viewer.socket.send(head.bytes);
    for (const { bytes } of group) viewer.socket.send(bytes);
    viewer.started = true;
  };
  const keep = (fragment: Fragment) => {
    if (fragment.isKey) {
      group = [];
      groupBytes = 0;
    }
    group.push(fragment);
    groupBytes += fragment.bytes.length;
    // A camera without key frames: nobody new can begin, and nothing is kept for them.
    if (groupBytes > GROUP_MAX) group = [];
  };
  return {
    get size() {
      return viewers.size;
    },
    join(socket, onLeave) {
      const viewer: Viewer = { socket, started: false };
      viewers.add(viewer);
      const leave = () => {
        if (viewers.delete(viewer)) onLeave();
      };
      socket.on('close', leave);
      socket.on('error', leave);
      begin(viewer);
    },
    onHead(found) {
      head = found;
      group = [];
      // After a restart of ffmpeg everybody begins anew.
      for (const viewer of viewers) viewer.started = false;
    },
    onFragment(fragment) {
      keep(fragment);
      for (const viewer of viewers) {
        // It goes on with the next key frame, once it has caught up.
        if (viewer.socket.bufferedAmount > BEHIND) viewer.started = false;
        else if (viewer.started) viewer.socket.send(fragment.bytes);
        else if (fragment.isKey) begin(viewer);
      }
    },
    onBytes(bytes) {
      for (const { socket } of viewers) if (socket.bufferedAmount <= BEHIND) socket.send(bytes);
    },
    forget() {
      head = undefined;
      group = [];
    },
    closeAll(code) {
      for (const { socket } of viewers) socket.close(code);
    },
  };
}
