/**
 * One camera as the `onvif` package knows it: who it is, where its streams and pictures are, presets, relays. Its
 * events are read by events.ts, not by the package: that waits for a minute each time, ends for good when a subscription
 * is refused with any but four errors, and cannot be stopped while it waits (lib/events.js of 0.8.3;
 * agsh/onvif#183, #314).
 */
import { spawn } from 'node:child_process';
import { Cam } from 'onvif';
import { type Clock, deadline, within } from '../contract/clock.ts';
import { bodyOf, type Credentials, fetchAs, withCredentials } from '../digest.ts';

export interface CameraAddress {
  readonly host: string;
  readonly port: number;
  readonly credentials: Credentials | undefined;
}

export interface CameraInfo {
  readonly manufacturer?: string | undefined;
  readonly model?: string | undefined;
  readonly firmware?: string | undefined;
  readonly serial?: string | undefined;
}

export interface Camera {
  readonly info: CameraInfo;
  /** Where events are asked for; undefined: it has none. */
  readonly events: string | undefined;
  /** With credentials: never into a log. @throws Error with the camera's word. */
  streamUrl(profile: string | undefined): Promise<string>;
  /** By token or name. @throws Error. */
  gotoPreset(preset: string): Promise<void>;
  setRelay(token: string, on: boolean): Promise<void>;
  /** JPEG. @throws Error. */
  snapshot(profile: string | undefined, signal: AbortSignal): Promise<Buffer>;
}

const TIMEOUT_MS = 8000;
const PICTURE_MAX = 8_000_000;

type Done<T> = (error: Error | null | false, value?: T) => void;

/** A call of the package as a promise, which it may call back twice or never. */
function call<T>(what: string, run: (done: Done<T>) => void, time: Clock): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const done: Done<T> = (error, value) => {
    if (error) reject(new Error(`${what}: ${error.message}`, { cause: error }));
    else resolve(value as T);
  };
  try {
    run(done);
  } catch (error) {
    done(error as Error);
  }
  const late = () => new Error(`${what}: no answer within ${TIMEOUT_MS / 1000} s`);
  return within(promise, TIMEOUT_MS, time, late);
}

/** What a camera says of itself may name a host that only it knows (NAT, a wrong setting): ours is the one that answers. */
function at(uri: string, { host }: CameraAddress, scheme: RegExp): string {
  const url = new URL(uri);
  // ffmpeg reads files as well, which a camera has no business to name.
  if (!scheme.test(url.protocol)) throw new Error(`it names ${url.protocol}//, which is not asked`);
  url.hostname = host.includes(':') ? `[${host}]` : host;
  return url.href;
}

/** @throws Error with a sentence. */
export async function connectCamera(address: CameraAddress, time: Clock): Promise<Camera> {
  const { host, port, credentials } = address;
  const cam = new Cam({
    hostname: host,
    port,
    timeout: TIMEOUT_MS,
    autoconnect: false,
    // Its services are where it answers, whatever addresses it tells.
    preserveAddress: true,
    ...(credentials !== undefined && credentials),
  });
  cam.on('error', () => {});
  const ask = <T>(what: string, run: (done: Done<T>) => void) => call(what, run, time);
  await ask('connect', (done) => cam.connect(done));
  const info = await ask<Record<string, unknown>>('GetDeviceInformation', (done) =>
    cam.getDeviceInformation(done as never),
  ).catch((): Record<string, unknown> => ({}));
  const text = (value: unknown) => (value === undefined || value === '' ? undefined : String(value));
  const { uri = {} } = cam as { uri?: { events?: { href?: string; path?: string | null } } };
  const path = uri.events?.path ?? undefined;

  const profileOptions = (profile: string | undefined) =>
    profile === undefined ? {} : { profileToken: profile };
  const camera: Camera = {
    info: {
      manufacturer: text(info['manufacturer']),
      model: text(info['model']),
      firmware: text(info['firmwareVersion']),
      serial: text(info['serialNumber']),
    },
    events:
      path === undefined ? undefined : `http://${host.includes(':') ? `[${host}]` : host}:${port}${path}`,
    async streamUrl(profile) {
      const { uri: found } = await ask<{ uri: string }>('GetStreamUri', (done) =>
        cam.getStreamUri({ protocol: 'RTSP', ...profileOptions(profile) }, done as never),
      );
      return withCredentials(at(found, address, /^rtsps?:$/), credentials);
    },
    async gotoPreset(preset) {
      const presets = await ask<Record<string, { $?: { token?: string }; name?: unknown }>>(
        'GetPresets',
        (done) => cam.getPresets({}, done as never),
      );
      const found = Object.values(presets).find(
        (one) => String(one.name) === preset || one.$?.token === preset,
      )?.$?.token;
      if (found === undefined)
        throw new Error(
          `there is no preset ${preset}; there are: ${Object.keys(presets).join(', ') || 'none'}`,
        );
      await ask('GotoPreset', (done) => cam.gotoPreset({ preset: found }, done as never));
    },
    setRelay: async (token, on) => {
      await ask('SetRelayOutputState', (done) =>
        askDevice(
          cam as unknown as Asking,
          `<SetRelayOutputState xmlns="http://www.onvif.org/ver10/device/wsdl"><RelayOutputToken>${token.replace(/[<&]/g, '')}</RelayOutputToken><LogicalState>${on ? 'active' : 'inactive'}</LogicalState></SetRelayOutputState>`,
          done,
        ),
      );
    },
    async snapshot(profile, signal) {
      const where = await ask<{ uri?: string }>('GetSnapshotUri', (done) =>
        cam.getSnapshotUri(profileOptions(profile), done as never),
      ).catch(() => undefined);
      // Profile S does not ask for snapshots: without them one picture is taken from the stream.
      if (typeof where?.uri !== 'string' || where.uri === '')
        return await pictureOf(await camera.streamUrl(profile), signal, time);
      const limit = AbortSignal.any([signal, deadline(TIMEOUT_MS, time)]);
      const response = await fetchAs(at(where.uri, address, /^https?:$/), credentials, { signal: limit });
      if (!response.ok) {
        await response.body?.cancel();
        throw new Error(`its picture: HTTP ${response.status}`);
      }
      const bytes = await bodyOf(response, PICTURE_MAX);
      if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) throw new Error('its picture is no JPEG');
      return bytes;
    },
  };
  return camera;
}

/** The package has no call for relays; what its calls are made of serves. */
interface Asking {
  _request(options: { readonly service: string; readonly body: string }, done: Done<never>): void;
  _envelopeHeader(): string;
  _envelopeFooter(): string;
}
const askDevice = (cam: Asking, body: string, done: Done<never>) =>
  cam._request({ service: 'device', body: cam._envelopeHeader() + body + cam._envelopeFooter() }, done);

/** One picture from a stream, through ffmpeg. @throws Error. */
async function pictureOf(url: string, signal: AbortSignal, time: Clock): Promise<Buffer> {
  const args = ['-rtsp_transport', 'tcp', '-i', url, '-frames:v', '1', '-f', 'mjpeg', '-q:v', '3', 'pipe:1'];
  const child = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-nostdin', ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
    killSignal: 'SIGKILL',
    signal,
  });
  const late = time.after(TIMEOUT_MS, () => child.kill('SIGKILL'));
  child.once('close', () => late.stop());
  const chunks: Buffer[] = [];
  const failed = new Promise<never>((_, reject) => child.on('error', reject));
  const read = (async () => {
    for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  })();
  await Promise.race([read, failed]);
  if (chunks.length === 0) throw new Error('its stream gives no picture');
  return Buffer.concat(chunks);
}
