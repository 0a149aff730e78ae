/**
 * The channels of a recorder: profiles tie sources (VideoSource, the input) to their configurations
 * (VideoSourceConfiguration, VideoAnalyticsConfiguration), and events name any of them (ONVIF Media 4.2, Analytics 5). Pure.
 */

import { hasNo } from './absent.ts';
import type { Notification } from './notifications.ts';
import type { Own } from './options.ts';
import { node, readBody, textOf } from './xml.ts';

export interface Profile {
  readonly token: string;
  /** Of the source it shows; `''`: it does not say. */
  readonly source: string;
  readonly sourceConfiguration: string;
  readonly analytics: string;
  readonly audio: string;
  readonly audioConfiguration: string;
  /** Of the configurations for video and for turning; `''`: it has none. */
  readonly encoder?: string;
  readonly ptz?: string;
}

const PROFILES_MAX = 2000;
const list = (value: unknown): readonly unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];
const tokenOf = (value: unknown) => String(node(value)['@token'] ?? '');

/** GetProfilesResponse of Media or of Media 2. @throws SoapError. */
export function readProfiles(xml: string): readonly Profile[] {
  return list(node(readBody(xml)['GetProfilesResponse'])['Profiles'])
    .slice(0, PROFILES_MAX)
    .map((one) => {
      const configurations = node(node(one)['Configurations']);
      const video = node(node(one)['VideoSourceConfiguration'] ?? configurations['VideoSource']);
      const audio = node(node(one)['AudioSourceConfiguration'] ?? configurations['AudioSource']);
      return {
        token: tokenOf(one),
        source: textOf(video['SourceToken']),
        sourceConfiguration: tokenOf(video),
        analytics: tokenOf(node(one)['VideoAnalyticsConfiguration'] ?? configurations['Analytics']),
        audio: textOf(audio['SourceToken']),
        audioConfiguration: tokenOf(audio),
        encoder: tokenOf(node(one)['VideoEncoderConfiguration'] ?? configurations['VideoEncoder']),
        ptz: tokenOf(node(one)['PTZConfiguration'] ?? configurations['PTZ']),
      };
    })
    .filter(({ token }) => token !== '');
}

/** Items of an event that name a channel, and what of it. */
const KINDS: Readonly<Record<string, keyof Profile>> = {
  source: 'source',
  videosource: 'source',
  videosourcetoken: 'source',
  videosourceconfigurationtoken: 'sourceConfiguration',
  videosourceconfiguration: 'sourceConfiguration',
  videoanalyticsconfigurationtoken: 'analytics',
  audiosourcetoken: 'audio',
  audiosourceconfigurationtoken: 'audioConfiguration',
  profiletoken: 'token',
  profile: 'token',
};
const ORDER: readonly (keyof Profile)[] = ['source', 'sourceConfiguration', 'analytics', 'token'];

/** The source that a token stands for: the same word may be a source of one channel and a configuration of another. */
const sourceOf = (token: string, profiles: readonly Profile[], kind?: keyof Profile): string | undefined =>
  [...(kind === undefined ? [] : [kind]), ...ORDER]
    .map((of) => profiles.find((profile) => profile[of] === token)?.source)
    .find((source) => source !== undefined && source !== '');

/** Whether these profiles know a token as a source, or as something of one. */
export const isSource = (token: string, profiles: readonly Profile[]): boolean =>
  sourceOf(token, profiles) !== undefined;

/** The source that a device of the config is. */
const ownSourceOf = ({ options: { source, profile } }: Own, profiles: readonly Profile[]) =>
  source !== undefined
    ? (sourceOf(source, profiles) ?? source)
    : profile === undefined
      ? undefined
      : sourceOf(profile, profiles, 'token');

/** Every source that a token may stand for, by the kind that its item has: some call all configurations the same. */
function sourcesOf(token: string, profiles: readonly Profile[], kind: keyof Profile): readonly string[] {
  const of = [kind, ...ORDER].find((one) => profiles.some((profile) => profile[one] === token));
  const found = profiles.filter((profile) => of !== undefined && profile[of] === token);
  return [...new Set(found.map(({ source }) => source).filter((source) => source !== ''))];
}

/** Items that number a channel (Hikvision, Dahua, Avigilon: `Channel`, `ChannelID`). */
const NUMBER_ITEM = /^(channel|camera)[_-]?(id|no|num|number|index)?$/i;
/** Axis names no source and numbers from 1: `VMD/Camera3ProfileANY`, `ObjectAnalytics/Device1Scenario2`. */
const NUMBER_IN_TOPIC = /^(?:Camera(?=\d+Profile)|Device(?=\d+Scenario))(\d+)/;

const numberAt = (token: string) => {
  const found = /(\d{1,4})$/.exec(token);
  return found === null ? undefined : Number(found[1]);
};

/** The source with this number, where it is clear which: those that count from 0 say so by a 0. */
function sourceNumbered(number: number, profiles: readonly Profile[], fromOne: boolean): string | undefined {
  const all = [...new Set(profiles.map(({ source }) => source).filter((source) => source !== ''))];
  const numbers = all.map(numberAt);
  const isFromZero = numbers.includes(0);
  if (isFromZero && !fromOne) return undefined;
  const fitting = all.filter((_, i) => numbers[i] === (isFromZero ? number - 1 : number));
  return fitting.length === 1 ? fitting[0] : undefined;
}

/** What a notification says of its channel. */
type Channel = { readonly source: string | undefined; readonly tokens: readonly string[] };

/** undefined: it names none. `source` undefined: it names one, and not clearly which, or one that no profile has. */
function channelIn({ topic, source }: Notification, profiles: readonly Profile[]): Channel | undefined {
  const entries = Object.entries(source).filter(([, token]) => token !== '');
  const named = entries.flatMap(([name, token]) => {
    const kind = KINDS[name.toLowerCase()];
    return kind === undefined ? [] : [{ kind, token, of: sourcesOf(token, profiles, kind) }];
  });
  // Of several the one that says it: the configuration may be that of all, and the source its own.
  const clear = named.find(({ of }) => of.length === 1);
  if (clear !== undefined) return { source: clear.of[0], tokens: [clear.token] };
  const numbered = entries.find(([name]) => NUMBER_ITEM.test(name))?.[1];
  const last = topic.slice(topic.lastIndexOf('/') + 1);
  const inTopic = entries.length === 0 ? NUMBER_IN_TOPIC.exec(last)?.[1] : undefined;
  const number = numbered ?? inTopic ?? named.find(({ token }) => /^\d{1,4}$/.test(token))?.token;
  const tokens = named.filter(({ of }) => of.length === 0).map(({ token }) => token);
  if (number === undefined) return named.length === 0 ? undefined : { source: undefined, tokens };
  const isNumber = /^\d{1,4}$/.test(number);
  // A word is a token, whatever its item is called.
  if (!isNumber)
    return { source: sourceOf(number, profiles), tokens: profiles.length === 0 ? [number] : tokens };
  return { source: sourceNumbered(Number(number), profiles, numbered === undefined), tokens };
}

/** The source that a notification names; undefined: none, or not clearly which. */
export const sourceNamed = (notification: Notification, profiles: readonly Profile[]): string | undefined =>
  channelIn(notification, profiles)?.source;

/** Whose a notification is; undefined: of a channel that nobody of the config is, or that is not clear. */
export function channelOf(
  notification: Notification,
  cameras: readonly Own[],
  profiles: readonly Profile[],
): Own | undefined {
  // What is written as the source of a device and is of no kind that profiles know.
  const others = Object.entries(notification.source).filter(
    ([name]) => !NUMBER_ITEM.test(name) && (profiles.length === 0 || KINDS[name.toLowerCase()] === undefined),
  );
  const direct = cameras.find(({ options: { source } }) => others.some(([, token]) => token === source));
  if (direct !== undefined) return direct;
  const whole = cameras.find(({ options }) => options.source === undefined && options.profile === undefined);
  const channel = channelIn(notification, profiles);
  // Of the device as a whole: its storage, its inputs.
  if (channel === undefined) return whole ?? cameras[0];
  const { source: of, tokens } = channel;
  const found = cameras.find((camera) => {
    const own = ownSourceOf(camera, profiles);
    return own !== undefined && (own === of || tokens.includes(own));
  });
  if (found !== undefined || whole !== undefined) return found ?? whole;
  // A camera alone whose tokens are not tied by any profile has one channel.
  const [only] = cameras;
  if (only === undefined || cameras.length > 1) return undefined;
  const all = new Set(profiles.map(({ source }) => source));
  if (all.size === 1 && of === undefined && tokens.length === 0) return only;
  if (only.options.source !== undefined) return undefined;
  return of === undefined || ownSourceOf(only, profiles) === undefined ? only : undefined;
}

/** The profiles of a device: of its source; all, where it is the whole camera. */
export function ownProfiles(own: Own, profiles: readonly Profile[]): readonly Profile[] {
  const source = ownSourceOf(own, profiles);
  return source === undefined ? profiles : profiles.filter((profile) => profile.source === source);
}

/** The profile of a device: the one named, or the first that shows its source. @throws Error where it has none. */
export function profileOf(
  { options: { source, profile } }: Own,
  profiles: readonly Profile[],
): string | undefined {
  if (profile !== undefined) {
    // Some show their first one to whoever names one that they do not have.
    const tokens = profiles.map(({ token }) => token);
    if (tokens.length > 0 && !tokens.includes(profile)) throw new Error(hasNo('profile', profile, tokens));
    return profile;
  }
  if (source === undefined) return undefined;
  const own = sourceOf(source, profiles) ?? source;
  const found = profiles.find((one) => one.source === own)?.token;
  // Another channel's picture would pass for this one's.
  if (found === undefined)
    throw new Error(
      hasNo(
        'profile of the source',
        source,
        profiles.map((one) => one.source),
      ),
    );
  return found;
}
