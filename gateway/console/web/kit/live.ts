/** A camera, live: in its own codec where the browser knows that, as MPEG-1 where not. It comes back by itself. */
import { live as words } from '../words/live.ts';
import { html, useEffect, useRef, useSignal } from './html.ts';
import { nameOf } from './me.ts';
import { label, t, type Word } from './words.ts';

export type LiveForm = 'mse' | 'jsmpeg';
/** What is said below the picture: a word of ours, or the server's reason. */
type Say = (what: Word | string | undefined) => void;
interface Watching {
  close(): void;
}

/** From one try to the next. */
const AGAIN_MS = 2000;
/** How far behind the newest picture is let go; and what is kept of the past, s. */
const BEHIND_S = 1.2;
const KEPT_S = 20;
/** A tab in the background does not play: of what it missed so many pieces are kept. */
const WAITING_MAX = 300;

const addressOf = (camera: string, form: LiveForm) =>
  `${location.origin.replace(/^http/, 'ws')}/api/live/${encodeURIComponent(camera)}?form=${form}`;

/** Puts what comes into a video, and keeps that near to now. `fail`: the browser takes no more of it. */
function play(video: HTMLVideoElement, type: string, fail: () => void) {
  const source = new MediaSource();
  const url = URL.createObjectURL(source);
  let buffer: SourceBuffer | undefined;
  let waiting: ArrayBuffer[] = [];
  const keepUp = (own: SourceBuffer) => {
    const { buffered } = video;
    if (buffered.length === 0) return;
    const [begin, end] = [buffered.start(0), buffered.end(buffered.length - 1)];
    if (end - video.currentTime > BEHIND_S || video.currentTime < buffered.start(buffered.length - 1))
      video.currentTime = end - 0.05;
    if (!own.updating && end - begin > KEPT_S * 2) own.remove(0, end - KEPT_S);
  };
  const append = () => {
    if (buffer === undefined || buffer.updating || source.readyState !== 'open') return;
    const next = waiting.shift();
    if (next === undefined) return;
    try {
      buffer.appendBuffer(next);
    } catch {
      // Its memory is full, or a picture could not be decoded.
      fail();
    }
  };
  source.addEventListener('sourceopen', () => {
    const own = source.addSourceBuffer(type);
    own.mode = 'segments';
    own.addEventListener('updateend', () => {
      keepUp(own);
      append();
    });
    buffer = own;
    append();
  });
  video.src = url;
  void video.play().catch(() => {});
  return {
    take(piece: ArrayBuffer) {
      waiting.push(piece);
      if (waiting.length > WAITING_MAX) waiting = waiting.slice(-1);
      append();
    },
    close() {
      video.removeAttribute('src');
      URL.revokeObjectURL(url);
    },
  };
}

/** By Media Source Extensions. `cannot`: the browser does not know the codec. */
function watchOwnCodec(camera: string, video: HTMLVideoElement, say: Say, cannot: () => void): Watching {
  let socket: WebSocket | undefined;
  let playing: ReturnType<typeof play> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;
  /** Begins anew. */
  const fail = () => socket?.close();
  const begin = (codec: string | null) => {
    const type = `video/mp4; codecs="${codec}"`;
    if (codec === null || !('MediaSource' in window) || !MediaSource.isTypeSupported(type)) {
      close();
      cannot();
      return;
    }
    playing?.close();
    playing = play(video, type, fail);
  };
  const open = () => {
    const own = new WebSocket(addressOf(camera, 'mse'));
    own.binaryType = 'arraybuffer';
    own.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (typeof data === 'string') begin((JSON.parse(data) as { codec: string | null }).codec);
      else playing?.take(data);
    });
    own.addEventListener('close', ({ reason }) => {
      if (over) return;
      say(reason === '' ? words.away : reason);
      timer = setTimeout(open, AGAIN_MS);
    });
    socket = own;
  };
  const played = () => say(undefined);
  const close = () => {
    over = true;
    clearTimeout(timer);
    video.removeEventListener('playing', played);
    video.removeEventListener('error', fail);
    socket?.close();
    playing?.close();
  };
  video.addEventListener('playing', played);
  video.addEventListener('error', fail);
  open();
  return { close };
}

/** As much of @cycjimmy/jsmpeg-player 6.1 as is used here; it has no types of its own. */
interface Jsmpeg {
  readonly default: { readonly Player: new (url: string, options: object) => { destroy(): void } };
}
/** On a canvas, by a decoder in this page, which connects again by itself. */
function watchMpeg1(camera: string, canvas: HTMLCanvasElement, say: Say): Watching {
  let player: Watching | undefined;
  let over = false;
  void (import('jsmpeg' as string) as Promise<Jsmpeg>).then(({ default: { Player } }) => {
    if (over) return;
    const own = new Player(addressOf(camera, 'jsmpeg'), {
      canvas,
      audio: false,
      disableWebAssembly: true,
      videoBufferSize: 1024 * 1024,
      preserveDrawingBuffer: true,
      onSourceEstablished: () => say(undefined),
    });
    player = { close: () => own.destroy() };
  });
  return {
    close() {
      over = true;
      player?.close();
    },
  };
}

interface LiveProps {
  readonly camera: string;
  /** Without it the camera's own codec is tried first. */
  readonly form?: LiveForm | undefined;
}

/** It looks as long as it is on the page. */
export function LivePicture({ camera, form = 'mse' }: LiveProps) {
  const screen = useRef<HTMLDivElement>(null);
  const said = useSignal<Word | string | undefined>(words.connecting);
  useEffect(() => {
    const { current } = screen;
    if (current === null) return undefined;
    const say: Say = (what) => {
      said.value = what;
    };
    /** An element of its own for each: what a decoder did to one is no matter of the next. */
    const show = <E extends HTMLElement>(element: E): E => {
      element.setAttribute('role', 'img');
      element.setAttribute('aria-label', t(words.picture, { name: nameOf(camera) }));
      current.replaceChildren(element);
      return element;
    };
    let watching: Watching;
    const decode = () => {
      watching = watchMpeg1(camera, show(document.createElement('canvas')), say);
    };
    if (form === 'jsmpeg') decode();
    else {
      const video = show(document.createElement('video'));
      video.muted = true;
      video.autoplay = true;
      video.playsInline = true;
      watching = watchOwnCodec(camera, video, say, decode);
    }
    return () => {
      watching.close();
      current.replaceChildren();
    };
  }, [camera, form]);
  const what = said.value;
  return html`<div class="live">
    <div ref=${screen}></div>
    <p class="quiet" role="status">${what !== undefined && (typeof what === 'string' ? label('reason', what) : t(what))}</p>
  </div>`;
}
