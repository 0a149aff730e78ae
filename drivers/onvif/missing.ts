/** What the config names and the camera does not have. */
import { hasNo } from './absent.ts';
import type { Camera } from './camera.ts';
import { isSource, type Profile } from './channels.ts';
import type { Own } from './options.ts';

/** undefined: it does not tell. */
export interface Has {
  readonly profiles: readonly Profile[];
  readonly sources: readonly string[] | undefined;
  readonly relays: readonly string[] | undefined;
}

/** Asks a camera what it has, as far as one of its entries names such a thing. @throws Error where it does not answer. */
export async function whatItHas(camera: Camera, cameras: readonly Own[]): Promise<Has> {
  const { profiles } = camera;
  const needsSources = cameras.some(
    ({ options: { source } }) => source !== undefined && !isSource(source, profiles),
  );
  return {
    profiles,
    sources: needsSources ? await camera.sources() : undefined,
    relays: cameras.some(({ options: { relays } }) => relays.length > 0) ? await camera.relays() : undefined,
  };
}

/** One sentence for each. */
export function missingOf({ options }: Own, { profiles, sources, relays }: Has): readonly string[] {
  const { source, profile } = options;
  const known = [...profiles.map((one) => one.source), ...(sources ?? [])];
  const found = profiles.find(({ token }) => token === profile);
  const wrong: string[] = [];
  if (source !== undefined && known.length > 0 && !isSource(source, profiles) && !known.includes(source))
    wrong.push(hasNo('source', source, known));
  if (profile !== undefined && profiles.length > 0 && found === undefined)
    wrong.push(
      hasNo(
        'profile',
        profile,
        profiles.map(({ token }) => token),
      ),
    );
  if (source !== undefined && found !== undefined && found.source !== '' && !isSource(source, [found]))
    wrong.push(`its profile ${found.token} is of ${found.source}, and not of the source ${source}`);
  for (const { token } of options.relays)
    if (relays !== undefined && !relays.includes(token)) wrong.push(hasNo('relay', token, relays));
  return wrong;
}
