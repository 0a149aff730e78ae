/** One camera, live. The camera's own codec where the browser knows it, MPEG-1 where not. */
import { t } from './common.js';

const camera = decodeURIComponent(location.pathname.split('/').pop());
const byId = (id) => document.getElementById(id);
const AGAIN_MS = 1000;
/** How far behind the newest picture is let go; and what is kept of the past, seconds. */
const BEHIND_S = 1.2;
const KEPT_S = 20;

byId('name').textContent = camera;
document.title = camera;
const say = (words) => {
  byId('state').textContent = words;
};
const address = (form) =>
  `${location.origin.replace(/^http/, 'ws')}/api/live/${encodeURIComponent(camera)}?form=${form}`;

/** Media Source Extensions. */
function watch() {
  const video = byId('video');
  const socket = new WebSocket(address('mse'));
  socket.binaryType = 'arraybuffer';
  let source;
  let buffer;
  let waiting = [];
  let switched = false;

  const append = () => {
    if (buffer === undefined || buffer.updating || waiting.length === 0) return;
    buffer.appendBuffer(waiting.shift());
  };
  const keepUp = () => {
    const { buffered } = video;
    if (buffered.length === 0) return;
    const end = buffered.end(buffered.length - 1);
    if (end - video.currentTime > BEHIND_S || video.currentTime < buffered.start(buffered.length - 1))
      video.currentTime = end - 0.05;
    if (!buffer.updating && end - buffered.start(0) > KEPT_S * 2) buffer.remove(0, end - KEPT_S);
  };
  const begin = (codec) => {
    const type = `video/mp4; codecs="${codec}"`;
    if (codec === null || !('MediaSource' in window) || !MediaSource.isTypeSupported(type)) {
      switched = true;
      socket.close();
      watchMpeg1();
      return;
    }
    source = new MediaSource();
    buffer = undefined;
    waiting = [];
    video.src = URL.createObjectURL(source);
    source.addEventListener('sourceopen', () => {
      buffer = source.addSourceBuffer(type);
      buffer.mode = 'segments';
      buffer.addEventListener('updateend', () => {
        keepUp();
        append();
      });
      append();
    });
    void video.play().catch(() => {});
  };
  socket.addEventListener('message', ({ data }) => {
    if (typeof data === 'string') return begin(JSON.parse(data).codec);
    waiting.push(data);
    // A tab in the background does not play: what it missed is of no use.
    if (waiting.length > 300) waiting = waiting.slice(-1);
    append();
  });
  video.addEventListener('playing', () => say(''));
  socket.addEventListener('close', ({ reason }) => {
    if (switched) return;
    say(reason || t('no picture; trying again', '暂无画面，正在重试'));
    setTimeout(watch, AGAIN_MS);
  });
}

/** A canvas, and a decoder in this page. */
async function watchMpeg1() {
  const canvas = document.createElement('canvas');
  canvas.id = 'canvas';
  byId('video').replaceWith(canvas);
  const { default: JSMpeg } = await import('/pages/jsmpeg.js');
  new JSMpeg.Player(address('jsmpeg'), {
    canvas,
    audio: false,
    disableWebAssembly: true,
    videoBufferSize: 1024 * 1024,
    preserveDrawingBuffer: true,
  });
}

say(t('connecting', '正在连接'));
if (new URLSearchParams(location.search).get('form') === 'jsmpeg') void watchMpeg1();
else watch();
