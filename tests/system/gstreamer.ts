/** A camera's stream that is not ours: GStreamer's RTSP server. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished, type TestContext } from 'vitest';
import { freePort } from '../helpers.ts';
import { stopProcess } from '../processes.ts';
import { need } from './tools.ts';

const PYTHON = '/usr/bin/python3';
const encoders = {
  h264: 'x264enc tune=zerolatency key-int-max=10 ! rtph264pay',
  /** Pictures that are shown in another order than they come in. */
  'h264 with B':
    'x264enc bframes=3 b-adapt=false rc-lookahead=4 key-int-max=10 speed-preset=veryfast ! video/x-h264,profile=main ! rtph264pay',
  h265: 'x265enc tune=zerolatency key-int-max=10 speed-preset=ultrafast ! h265parse ! rtph265pay',
};
const tone = 'audiotestsrc is-live=true ! audio/x-raw,rate=16000,channels=1';
const sounds = {
  none: '',
  aac: `${tone} ! voaacenc ! rtpmp4gpay name=pay1 pt=97`,
  g711a: `${tone.replace('16000', '8000')} ! alawenc ! rtppcmapay name=pay1 pt=8`,
  /** Announced, and gone after the second that the server itself waits for. */
  silent: `${tone} ! voaacenc ! rtpmp4gpay name=pay1 pt=97`,
  /** Announced as something that cannot be decoded. */
  broken: `${tone} ! voaacenc ! rtpmp4gpay pt=97 ! capssetter caps="application/x-rtp,config=(string)ffff" name=pay1`,
};

/** Its address; skips the test where GStreamer is missing. */
export async function gstreamer(
  context: TestContext,
  codec: keyof typeof encoders,
  sound: keyof typeof sounds = 'none',
): Promise<string> {
  const imports = `
import gi
gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0')
from gi.repository import Gst, GstRtspServer, GLib
Gst.init(None)
assert Gst.ElementFactory.find('${encoders[codec].split(' ', 1)[0]}')
`;
  if (spawnSync(PYTHON, ['-c', imports]).status !== 0) need(context, `gstreamer with ${codec}`);
  const port = await freePort();
  const server = `${imports}
server = GstRtspServer.RTSPServer(); server.set_address('127.0.0.1'); server.set_service('${port}')
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch('( videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=10/1 ! ${encoders[codec]} name=pay0 pt=96 ${sounds[sound]} )')
factory.set_shared(True)
heard = [0]
def hush(pad, info):
    heard[0] += 1
    return Gst.PadProbeReturn.DROP if heard[0] > 20 else Gst.PadProbeReturn.OK
def silence(factory, media):
    pad = media.get_element().get_by_name('pay1').get_static_pad('src')
    pad.add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST, hush)
if ${sound === 'silent' ? 'True' : 'False'}: factory.connect('media-configure', silence)
server.get_mount_points().add_factory('/gst', factory); server.attach(None)
print('ready', flush=True)
GLib.MainLoop().run()
`;
  const child = spawn(PYTHON, ['-c', server], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => stopProcess(child, 'SIGKILL'));
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    words += chunk.toString();
  });
  const [first] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown];
  if (!String(first).startsWith('ready')) throw new Error(`GStreamer: ${words.slice(-300)}`);
  return `rtsp://127.0.0.1:${port}/gst`;
}
