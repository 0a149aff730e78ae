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
  h265: 'x265enc tune=zerolatency key-int-max=10 speed-preset=ultrafast ! h265parse ! rtph265pay',
};

/** Its address; skips the test where GStreamer is missing. */
export async function gstreamer(context: TestContext, codec: keyof typeof encoders): Promise<string> {
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
factory.set_launch('( videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=10/1 ! ${encoders[codec]} name=pay0 pt=96 )')
factory.set_shared(True)
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
