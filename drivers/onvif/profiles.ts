/** Which profile of a channel gives what: not each has pictures, and not each turns the camera. Pure. */
import type { Profile } from './channels.ts';

/** The one that was chosen where it has what is wanted; else the first of the same channel that has it; else as chosen. */
function withA(
  what: 'encoder' | 'ptz',
  chosen: string | undefined,
  profiles: readonly Profile[],
): string | undefined {
  const own = profiles.find(({ token }) => token === chosen) ?? profiles[0];
  if (own === undefined || (own[what] ?? '') !== '') return chosen ?? own?.token;
  // Nothing chosen is the first channel; of a recorder, another one is another camera.
  const isOwn = (one: Profile) => one.source === own.source || (own.source === '' && chosen === undefined);
  const other = profiles.find((one) => (one[what] ?? '') !== '' && isOwn(one));
  return other?.token ?? chosen ?? own.token;
}

/** For pictures and streams (ONVIF Media 5.2: a profile without a video encoder has none). */
export const forVideo = (chosen: string | undefined, profiles: readonly Profile[]) =>
  withA('encoder', chosen, profiles);
/** For presets (ONVIF PTZ 5: a profile without a PTZ configuration turns nothing). */
export const forPtz = (chosen: string | undefined, profiles: readonly Profile[]) =>
  withA('ptz', chosen, profiles);
