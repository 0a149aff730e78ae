/** Looks at a camera for who installs it: whether it has what the config names, and what becomes of what it tells. */
import type { Clock } from '../contract/clock.ts';
import { readSecretOf } from '../files.ts';
import { hasNo } from './absent.ts';
import { connectCamera } from './camera.ts';
import { tlsOf } from './certificate.ts';
import { profileOf } from './channels.ts';
import { createClient } from './client.ts';
import { missingOf, whatItHas } from './missing.ts';
import { type Own, portOf } from './options.ts';
import { becomes, untold } from './topics.ts';

export interface Looked {
  readonly device: string;
  /** What the config names and it does not have: each a sentence. */
  readonly wrong: readonly string[];
  /** What may be meant otherwise. */
  readonly doubtful: readonly string[];
  /** What becomes of each topic that it tells. */
  readonly topics: readonly { readonly topic: string; readonly becomes: string }[];
}

/**
 * `cameras`: of one address. `presets`: those that rules name, by device.
 * @throws Error where it is not reached, with a sentence.
 */
export async function lookAt(
  cameras: readonly Own[],
  presets: Readonly<Record<string, readonly string[]>>,
  clock: Clock,
): Promise<{ readonly is: string; readonly channels: readonly Looked[] }> {
  const [first] = cameras as [Own, ...Own[]];
  const { host, username, passwordFile = '' } = first.options;
  const credentials = () =>
    username === undefined ? undefined : { username, password: readSecretOf(passwordFile) };
  const address = { host, port: portOf(first.options), tls: tlsOf(first, () => {}) };
  const client = createClient(address, credentials, clock);
  await client.readClock();
  const camera = await connectCamera(client, clock);
  const { profiles, info } = camera;
  const has = await whatItHas(camera, cameras);
  const topics = (await camera.topics()) ?? [];
  const channels: Looked[] = [];
  for (const own of cameras) {
    const { events } = own.options;
    channels.push({
      device: own.id,
      wrong: [...missingOf(own, has), ...(await missingPresets(own, presets[own.id] ?? []))],
      doubtful: [
        ...(camera.events === undefined ? ['it has no event service: nothing will be told'] : []),
        ...untold(events, topics),
      ],
      topics: topics.map((topic) => ({ topic: topic.topic, becomes: becomes(topic, events) })),
    });
  }
  const is = [info.manufacturer, info.model, info.firmware].filter((word) => word !== undefined).join(' ');
  return { is, channels };

  async function missingPresets(own: Own, wanted: readonly string[]): Promise<readonly string[]> {
    if (wanted.length === 0) return [];
    try {
      const there = await camera.presets(profileOf(own, profiles));
      return wanted
        .filter((one) => !there.some(({ token, name }) => one === token || one === name))
        .map((one) =>
          hasNo(
            'preset',
            one,
            there.map(({ name, token }) => name || token),
          ),
        );
    } catch (error) {
      return [`a rule names a preset, and it does not tell which it has: ${(error as Error).message}`];
    }
  }
}
