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

/** The source that a notification names; undefined: none, or none that the profiles know. */
export const sourceNamed = ({ source }: Notification, profiles: readonly Profile[]): string | undefined =>
  Object.entries(source)
    .map(([name, token]) => ({ kind: KINDS[name.toLowerCase()], token }))
    .filter(({ kind, token }) => kind !== undefined && token !== '')
    .map(({ kind, token }) => sourceOf(token, profiles, kind))
    .find((found) => found !== undefined);

/** Whose a notification is; undefined: of a channel that nobody of the config is. */
export function channelOf(
  { source }: Notification,
  cameras: readonly Own[],
  profiles: readonly Profile[],
): Own | undefined {
  const named = Object.entries(source).map(([name, token]) => ({ kind: KINDS[name.toLowerCase()], token }));
  const direct = cameras.find(({ options }) => {
    const own = options.source;
    // Without profiles there is only what is written; with them, what the token is.
    return (
      own !== undefined &&
      named.some(({ kind, token }) => token === own && (profiles.length === 0 || kind === undefined))
    );
  });
  if (direct !== undefined) return direct;
  const channel = named.find(({ kind, token }) => kind !== undefined && token !== '');
  const whole = cameras.find(({ options }) => options.source === undefined && options.profile === undefined);
  // Of the device as a whole: its storage, its inputs.
  if (channel === undefined) return whole ?? cameras[0];
  const of = sourceOf(channel.token, profiles, channel.kind);
  const found = cameras.find((camera) => {
    const own = ownSourceOf(camera, profiles);
    return own !== undefined && (own === of || own === channel.token);
  });
  if (found !== undefined || whole !== undefined) return found ?? whole;
  // A camera alone whose tokens are not tied by any profile has one channel.
  const [only] = cameras;
  if (only === undefined || cameras.length > 1 || only.options.source !== undefined) return undefined;
  return of === undefined || ownSourceOf(only, profiles) === undefined ? only : undefined;
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
