/** One picture of a camera: where it says, or from its stream. */
import { spawn } from 'node:child_process';
import type { Clock } from '../contract/clock.ts';
import { streamInput, streamList } from '../contract/stream.ts';
import { WRONG_PASSWORD } from '../login.ts';
import { placesOf, serviceUrl } from './address.ts';
import type { Client } from './client.ts';
import { wholeJpeg } from './jpeg.ts';

const TIMEOUT_MS = 8000;
const PICTURE_MAX = 8_000_000;

const isWhole = (bytes: Buffer) => wholeJpeg(bytes) !== undefined;

/**
 * From where it tells. Some tell `(null)`, an address of RTSP, one that is dead or one that refuses; then, and where it
 * tells none (profile S does not ask for snapshots), one picture is taken from the stream.
 * @throws Error.
 */
export async function takePicture(
  { uri, streamUrl }: { readonly uri: string | undefined; readonly streamUrl: () => Promise<string> },
  client: Client,
  signal: AbortSignal,
  time: Clock,
): Promise<Buffer> {
  const base = serviceUrl(client.address);
  const places =
    uri !== undefined && /^(https?:\/\/|\/)/i.test(uri) ? placesOf(uri, base, client.address) : [];
  let why = 'it tells no address of one';
  for (const url of places) {
    const asked = { what: 'snapshot', maxBytes: PICTURE_MAX, timeout: TIMEOUT_MS, isWhole, signal };
    try {
      const { status, body } = await client.get(url, asked);
      const picture = status === 200 ? wholeJpeg(body) : undefined;
      if (picture !== undefined) return picture;
      why = status === 200 ? 'it is no whole JPEG' : `HTTP ${status}`;
    } catch (error) {
      why = (error as Error).message;
      if (signal.aborted || client.waitMs() > 0) throw error;
    }
  }
  try {
    return await pictureOf(await streamUrl(), signal, time);
  } catch (error) {
    const { message } = error as Error;
    if (message.endsWith(WRONG_PASSWORD)) throw error;
    throw new Error(`its picture: ${why}; its stream: ${message}`, { cause: error });
  }
}

/** One picture from a stream, through ffmpeg. @throws Error. */
async function pictureOf(url: string, signal: AbortSignal, time: Clock): Promise<Buffer> {
  const args = [...streamInput, '-frames:v', '1', '-f', 'mjpeg', '-q:v', '3', 'pipe:1'];
  const child = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-nostdin', ...args], {
    stdio: ['pipe', 'pipe', 'ignore'],
    killSignal: 'SIGKILL',
    signal,
  });
  const failed = new Promise<never>((_, reject) => child.on('error', reject));
  // One that ended before it read is told by what it did not write.
  child.stdin.on('error', () => {});
  child.stdin.end(streamList(url));
  const late = time.after(TIMEOUT_MS, () => child.kill('SIGKILL'));
  child.once('close', () => late.stop());
  const chunks: Buffer[] = [];
  let size = 0;
  const read = (async () => {
    for await (const chunk of child.stdout) {
      size += (chunk as Buffer).length;
      if (size > PICTURE_MAX) child.kill('SIGKILL');
      else chunks.push(chunk as Buffer);
    }
  })();
  await Promise.race([read, failed]);
  if (size > PICTURE_MAX) throw new Error(`the picture of its stream is larger than ${PICTURE_MAX} bytes`);
  if (chunks.length === 0) throw new Error('its stream gives no picture');
  return Buffer.concat(chunks);
}
