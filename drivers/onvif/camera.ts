/**
 * One camera as the `onvif` package knows it: who it is, where its streams and pictures are, presets, relays. Its
 * events are read by events.ts, not by the package: that waits for a minute each time, ends for good when a subscription
 * is refused with any but four errors, and cannot be stopped while it waits (lib/events.js of 0.8.3;
 * agsh/onvif#183, #314). Nor does it ask by itself: it takes answers of any size, for as long as they come. It says what
 * to ask and reads what it is given; our client asks, and gives it what it can bear.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { Cam } from 'onvif';
import { type Clock, within } from '../contract/clock.ts';
import { streamInput, streamList } from '../contract/stream.ts';
import { type Credentials, withCredentials } from '../digest.ts';
import { ask as askHttp } from '../http.ts';
import { plainXml } from './xml.ts';

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
/** The profiles of a recorder are the longest: 256 of them are about 1.3 MB. */
const ANSWER_MAX = 1_500_000;
/** Of what it names, in what people read. */
const NAMES_MAX = 300;

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
  // Not its words are who we are, but what the config says.
  url.username = '';
  url.password = '';
  return url.href;
}

/** A path of a camera's own. Whatever it tells, it stays a path: `@10.0.0.9/x` or `//10.0.0.9/x` is no other host. */
function pathAt({ host, port }: CameraAddress, path: string): string {
  const url = new URL(`http://${host.includes(':') ? `[${host}]` : host}:${port}`);
  const query = path.indexOf('?');
  url.pathname = query === -1 ? path : path.slice(0, query);
  url.search = query === -1 ? '' : path.slice(query);
  return url.href;
}

/** What the package's calls are made of. */
interface Inner {
  readonly path: string;
  readonly uri?: Readonly<Record<string, { readonly path?: string | null } | undefined>>;
  _request(options: { readonly service: string; readonly body: string }, done: Done<never>): void;
  _envelopeHeader(): string;
  _envelopeFooter(): string;
  _requestPart2(options: Asked, done: Answered): void;
}
interface Asked {
  readonly service?: string;
  readonly action: string;
  readonly body: string;
}
type Answered = (error: Error | null, body?: unknown, xml?: string, status?: number) => void;

/** Lets the package ask through our client, which bounds what comes back, and sends the password nowhere else. */
function askThroughOurs(inner: Inner, address: CameraAddress, time: Clock): void {
  // Its own reader of answers; not a named export that Node can see.
  const { parseSOAPString } = createRequire(import.meta.url)('onvif/lib/utils') as {
    parseSOAPString(xml: string, done: Answered, status: number): void;
  };
  const request = async ({ service, action, body }: Asked, done: Answered) => {
    const path = service === undefined ? inner.path : (inner.uri?.[service]?.path ?? inner.path);
    const answer = await askHttp(pathAt(address, path), {
      method: 'POST',
      headers: { 'content-type': `application/soap+xml; charset=utf-8; action="${action}"` },
      ...{ body, maxBytes: ANSWER_MAX, timeout: TIMEOUT_MS, clock: time, credentials: address.credentials },
    });
    const xml = answer.body.toString();
    let plain: string;
    try {
      plain = plainXml(xml);
    } catch (error) {
      const refused = answer.status === 401 && address.credentials !== undefined;
      return done(
        refused ? new Error('it refuses our password') : (error as Error),
        null,
        xml,
        answer.status,
      );
    }
    parseSOAPString(plain, done, answer.status);
  };
  inner._requestPart2 = (asked, done) => {
    request(asked, done).catch((error: Error) => done(error));
  };
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
  const inner = cam as unknown as Inner;
  askThroughOurs(inner, address, time);
  const ask = <T>(what: string, run: (done: Done<T>) => void) => call(what, run, time);
  await ask('connect', (done) => cam.connect(done));
  const info = await ask<Record<string, unknown> | undefined>('GetDeviceInformation', (done) =>
    cam.getDeviceInformation(done as never),
  ).catch(() => undefined);
  const text = (value: unknown) =>
    value === undefined || value === '' ? undefined : String(value).slice(0, NAMES_MAX);
  const path = inner.uri?.['events']?.path ?? undefined;

  const profileOptions = (profile: string | undefined) =>
    profile === undefined ? {} : { profileToken: profile };
  const camera: Camera = {
    info: {
      manufacturer: text(info?.['manufacturer']),
      model: text(info?.['model']),
      firmware: text(info?.['firmwareVersion']),
      serial: text(info?.['serialNumber']),
    },
    events: path === undefined ? undefined : pathAt(address, path),
    async streamUrl(profile) {
      const found = await ask<{ uri?: unknown } | undefined>('GetStreamUri', (done) =>
        cam.getStreamUri({ protocol: 'RTSP', ...profileOptions(profile) }, done as never),
      );
      if (typeof found?.uri !== 'string') throw new Error('it does not say where its stream is');
      return withCredentials(at(found.uri, address, /^rtsps?:$/), credentials);
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
          `there is no preset ${preset}; there are: ${Object.keys(presets).join(', ').slice(0, NAMES_MAX) || 'none'}`,
        );
      await ask('GotoPreset', (done) => cam.gotoPreset({ preset: found }, done as never));
    },
    setRelay: async (token, on) => {
      await ask('SetRelayOutputState', (done) =>
        askDevice(
          inner,
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
      const { status, body: bytes } = await askHttp(at(where.uri, address, /^https?:$/), {
        ...{ credentials, maxBytes: PICTURE_MAX, timeout: TIMEOUT_MS, clock: time, signal },
      });
      if (status !== 200) throw new Error(`its picture: HTTP ${status}`);
      if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) throw new Error('its picture is no JPEG');
      return bytes;
    },
  };
  return camera;
}

/** The package has no call for relays; what its calls are made of serves. */
const askDevice = (inner: Inner, body: string, done: Done<never>) =>
  inner._request({ service: 'device', body: inner._envelopeHeader() + body + inner._envelopeFooter() }, done);

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
