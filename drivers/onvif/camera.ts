/**
 * One camera as the `onvif` package knows it: who it is, where its streams and pictures are, presets, relays. Its
 * events are read by events.ts, not by the package: that waits for a minute each time, ends for good when a subscription
 * is refused with any but four errors, and cannot be stopped while it waits (lib/events.js of 0.8.3;
 * agsh/onvif#183, #314). Nor does it ask by itself: it takes answers of any size, for as long as they come, and knows one
 * address for all services. It says what to ask and reads what it is given; our client asks, and gives it what it can bear.
 */
import { createRequire } from 'node:module';
import { Cam } from 'onvif';
import { type Clock, within } from '../contract/clock.ts';
import { withCredentials } from '../digest.ts';
import { atCamera, serviceUrl } from './address.ts';
import { type Profile, readProfiles } from './channels.ts';
import type { Client } from './client.ts';
import {
  type Preset,
  readPresets,
  readRelayOutputs,
  readServices,
  readVideoSources,
  tokenXml,
} from './codec.ts';
import { takePicture } from './picture.ts';
import { forPtz, forVideo } from './profiles.ts';
import { findPreset, presetNamed, presetXml, type Velocity, velocityXml } from './ptz.ts';
import { readTopics, type Topic } from './topics.ts';
import { escapeXml, plainXml, readBody } from './xml.ts';

export interface CameraInfo {
  readonly manufacturer?: string | undefined;
  readonly model?: string | undefined;
  readonly firmware?: string | undefined;
  readonly serial?: string | undefined;
}

export interface Camera {
  readonly info: CameraInfo;
  /** Where events are asked for, as it told; undefined: it has none. */
  readonly events: string | undefined;
  /** Empty: it does not tell them. */
  readonly profiles: readonly Profile[];
  /** With credentials: never into a log. @throws Error with the camera's word. */
  streamUrl(profile: string | undefined): Promise<string>;
  /** Asks for a key picture soon in the streams of a profile; undefined: of the first. @throws Error. */
  keyPicture(profile: string | undefined): Promise<void>;
  /** Its sources, and its relays; undefined: it does not tell. Asked once. */
  sources(): Promise<readonly string[] | undefined>;
  relays(): Promise<readonly string[] | undefined>;
  /** What it says that it can tell. */
  topics(): Promise<readonly Topic[] | undefined>;
  /** Of a profile; undefined: of the first. @throws Error. */
  presets(profile: string | undefined): Promise<readonly Preset[]>;
  /** By token, name or number, of a profile; undefined: of the first. @throws MissingError where it has none of that name; Error. */
  gotoPreset(preset: string, profile: string | undefined): Promise<void>;
  /** Keeps where it looks as a preset of this name, or in the place of the one that has it. @throws Error. */
  savePreset(preset: string, profile: string | undefined): Promise<void>;
  /** @throws MissingError where it has none of that name; Error. */
  deletePreset(preset: string, profile: string | undefined): Promise<void>;
  /** Turns and zooms; it stops by itself after so many seconds, where it minds that. @throws Error. */
  move(velocity: Velocity, seconds: number, profile: string | undefined): Promise<void>;
  halt(profile: string | undefined): Promise<void>;
  setRelay(token: string, on: boolean): Promise<void>;
  /** All of it, with every channel. @throws Error, also where it goes before it answered. */
  reboot(): Promise<void>;
  /** JPEG. `stream`: where it is, where that is known better. @throws Error. */
  snapshot(profile: string | undefined, signal: AbortSignal, stream?: string): Promise<Buffer>;
}

const TIMEOUT_MS = 8000;
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

/** What the package's calls are made of. */
interface Inner {
  readonly path: string;
  readonly uri?: Readonly<Record<string, { readonly path?: string | null } | undefined>>;
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

/** As the package begins its envelopes. */
const HEADER = '<s:Header>';

/** GetSystemDateAndTimeResponse of a time, for the package: it cannot do without, and some cameras tell none. */
const timeXml = (ms: number) => {
  const date = new Date(ms);
  return `<Envelope><Body><GetSystemDateAndTimeResponse><SystemDateAndTime><UTCDateTime><Time><Hour>${date.getUTCHours()}</Hour><Minute>${date.getUTCMinutes()}</Minute><Second>${date.getUTCSeconds()}</Second></Time><Date><Year>${date.getUTCFullYear()}</Year><Month>${date.getUTCMonth() + 1}</Month><Day>${date.getUTCDate()}</Day></Date></UTCDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse></Body></Envelope>`;
};

/**
 * Lets the package ask through our client, which bounds what comes back, knows where each service answers, and sends the
 * password nowhere else. @returns how to ask what the package has no call for.
 */
function askThroughOurs(inner: Inner, client: Client, time: Clock) {
  // Its own reader of answers; not a named export that Node can see.
  const { parseSOAPString } = createRequire(import.meta.url)('onvif/lib/utils') as {
    parseSOAPString(xml: string, done: Answered, status: number): void;
  };
  const base = serviceUrl(client.address);
  let services: ReadonlyMap<string, string> = new Map();
  const placeOf = (service: string | undefined) =>
    service === undefined
      ? base
      : (services.get(service.toLowerCase()) ?? inner.uri?.[service]?.path ?? inner.path);
  const request = async ({ service, action, body }: Asked) => {
    const what = action.split('/').at(-1) ?? '';
    const answer = await client.askAt(placeOf(service), base, {
      what,
      // Who we are is said by our client, in the way that the camera wants it.
      body: (token) => (token === undefined ? body : body.replace(HEADER, () => HEADER + tokenXml(token))),
      ...{ action, saysAction: true as const },
      ...{ maxBytes: ANSWER_MAX, timeout: TIMEOUT_MS },
    });
    if (what === 'GetServices' || what === 'GetCapabilities')
      try {
        // Some list in one answer what they leave out in the other: what was told first stands.
        services = new Map([...readServices(answer.text), ...services]);
      } catch {
        // The package says what is wrong with it.
      }
    return answer;
  };
  const offset = () => client.clock().offset ?? 0;
  inner._requestPart2 = (asked, done) => {
    if (asked.action.endsWith('/GetSystemDateAndTime'))
      return parseSOAPString(timeXml(time.wall() + offset()), done, 200);
    request(asked).then(
      ({ text, status }) => {
        let plain: string;
        try {
          plain = plainXml(text);
        } catch (error) {
          return done(error as Error, null, text, status);
        }
        parseSOAPString(plain, done, status);
      },
      (error: Error) => done(error),
    );
  };
  return {
    has: (service: string) => services.has(service),
    eventsAt: () => services.get('events') ?? inner.uri?.['events']?.path ?? undefined,
    /** @throws Error, with the camera's word where it is a fault. */
    async ask(
      service: string | undefined,
      namespace: string,
      name: string,
      content: string,
    ): Promise<string> {
      const body = `${inner._envelopeHeader()}<${name} xmlns="${namespace}">${content}</${name}>${inner._envelopeFooter()}`;
      const { text } = await request({
        ...(service !== undefined && { service }),
        ...{ action: `${namespace}/${name}`, body },
      }).catch((error: Error) => {
        throw new Error(`${name}: ${error.message}`, { cause: error });
      });
      readBody(text);
      return text;
    },
  };
}
type Ours = ReturnType<typeof askThroughOurs>;

const DEVICE = 'http://www.onvif.org/ver10/device/wsdl';
const PTZ = 'http://www.onvif.org/ver20/ptz/wsdl';
const EVENTS = 'http://www.onvif.org/ver10/events/wsdl';
const MEDIA = 'http://www.onvif.org/ver10/media/wsdl';
const MEDIA2 = 'http://www.onvif.org/ver20/media/wsdl';

const ofProfile = (profile: string | undefined) =>
  profile === undefined ? '' : `<ProfileToken>${escapeXml(profile)}</ProfileToken>`;

/** Asks once; undefined: it was not answered. */
function onceOnly<T>(ask: () => Promise<T>): () => Promise<T | undefined> {
  let answer: Promise<T | undefined> | undefined;
  return () => {
    answer ??= ask().catch(() => undefined);
    return answer;
  };
}

/** Without them a recorder's channels cannot be told apart; a camera has one. */
const profilesOf = (ours: Ours): Promise<readonly Profile[]> =>
  (ours.has('media') || !ours.has('media2')
    ? ours.ask('media', MEDIA, 'GetProfiles', '')
    : ours.ask('media2', MEDIA2, 'GetProfiles', '<Type>All</Type>')
  )
    .then(readProfiles)
    .catch(() => []);

/** SetSynchronizationPoint of the media services. */
const askForKeyPicture = (ours: Ours, profile: string): Promise<unknown> =>
  ours.has('media') || !ours.has('media2')
    ? ours.ask('media', MEDIA, 'SetSynchronizationPoint', profile)
    : ours.ask('media2', MEDIA2, 'SetSynchronizationPoint', profile);

/** @throws Error with a sentence. */
export async function connectCamera(client: Client, time: Clock): Promise<Camera> {
  const { host, port } = client.address;
  const cam = new Cam({
    hostname: host,
    port,
    timeout: TIMEOUT_MS,
    autoconnect: false,
    // Its services are where it answers, whatever addresses it tells.
    preserveAddress: true,
  });
  cam.on('error', () => {});
  const ours = askThroughOurs(cam as unknown as Inner, client, time);
  const ask = <T>(what: string, run: (done: Done<T>) => void) => call(what, run, time);
  await ask('connect', (done) => cam.connect(done));
  // GetServices knows what came later (ONVIF Core 8.1.2), and some leave their events out of it.
  if (ours.eventsAt() === undefined)
    await ours.ask(undefined, DEVICE, 'GetCapabilities', '<Category>All</Category>').catch(() => {});
  const info = await ask<Record<string, unknown> | undefined>('GetDeviceInformation', (done) =>
    cam.getDeviceInformation(done as never),
  ).catch(() => undefined);
  const text = (value: unknown) =>
    value === undefined || value === '' ? undefined : String(value).slice(0, NAMES_MAX);
  const profiles = await profilesOf(ours);
  const withProfile = (chosen: string | undefined) => {
    const profile = forVideo(chosen, profiles);
    return profile === undefined ? {} : { profileToken: escapeXml(profile) };
  };
  const askPtz = async (name: string, profile: string | undefined, content: string): Promise<void> =>
    void (await ours.ask('ptz', PTZ, name, ofProfile(forPtz(profile, profiles)) + content));
  const camera: Camera = {
    info: {
      manufacturer: text(info?.['manufacturer']),
      model: text(info?.['model']),
      firmware: text(info?.['firmwareVersion']),
      serial: text(info?.['serialNumber']),
    },
    events: ours.eventsAt(),
    profiles,
    async streamUrl(profile) {
      const found = await ask<{ uri?: unknown } | undefined>('GetStreamUri', (done) =>
        cam.getStreamUri({ protocol: 'RTSP', ...withProfile(profile) }, done as never),
      );
      if (typeof found?.uri !== 'string') throw new Error('it does not say where its stream is');
      return withCredentials(atCamera(found.uri, client.address, /^rtsps?:$/), client.credentials());
    },
    async keyPicture(profile) {
      await askForKeyPicture(ours, ofProfile(forVideo(profile, profiles)));
    },
    async presets(profile) {
      return readPresets(await ours.ask('ptz', PTZ, 'GetPresets', ofProfile(forPtz(profile, profiles))));
    },
    async gotoPreset(wanted, profile) {
      await askPtz('GotoPreset', profile, presetXml(presetNamed(wanted, await camera.presets(profile))));
    },
    async savePreset(wanted, profile) {
      const found = findPreset(wanted, await camera.presets(profile));
      const named = `<PresetName>${escapeXml(wanted)}</PresetName>`;
      await askPtz('SetPreset', profile, found === undefined ? named : presetXml(found));
    },
    async deletePreset(wanted, profile) {
      await askPtz('RemovePreset', profile, presetXml(presetNamed(wanted, await camera.presets(profile))));
    },
    move: (velocity, seconds, profile) =>
      askPtz('ContinuousMove', profile, `${velocityXml(velocity)}<Timeout>PT${seconds}S</Timeout>`),
    halt: (profile) => askPtz('Stop', profile, '<PanTilt>true</PanTilt><Zoom>true</Zoom>'),
    topics: onceOnly(async () => readTopics(await ours.ask('events', EVENTS, 'GetEventProperties', ''))),
    sources: onceOnly(async () => readVideoSources(await ours.ask('media', MEDIA, 'GetVideoSources', ''))),
    relays: onceOnly(async () => readRelayOutputs(await ours.ask(undefined, DEVICE, 'GetRelayOutputs', ''))),
    async setRelay(token, on) {
      const state = `<LogicalState>${on ? 'active' : 'inactive'}</LogicalState>`;
      const of = `<RelayOutputToken>${escapeXml(token)}</RelayOutputToken>`;
      await ours.ask(undefined, DEVICE, 'SetRelayOutputState', of + state);
    },
    async reboot() {
      await ours.ask(undefined, DEVICE, 'SystemReboot', '');
    },
    async snapshot(profile, signal, stream) {
      const where = await ask<{ uri?: unknown } | undefined>('GetSnapshotUri', (done) =>
        cam.getSnapshotUri(withProfile(profile), done as never),
      ).catch((error: Error) => {
        if (client.waitMs() > 0) throw error;
        return undefined;
      });
      const uri = typeof where?.uri === 'string' ? where.uri.trim() : undefined;
      const streamUrl = async () =>
        stream === undefined
          ? await camera.streamUrl(profile)
          : withCredentials(stream, client.credentials());
      return await takePicture({ uri, streamUrl }, client, signal, time);
    },
  };
  return camera;
}
