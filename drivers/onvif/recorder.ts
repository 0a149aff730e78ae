/** Looks into a device of which only its address is known: what it is, and which channels it has. */
import type { Clock } from '../contract/clock.ts';
import { readSecretOf } from '../files.ts';
import { connectCamera } from './camera.ts';
import { tlsOf } from './certificate.ts';
import { createClient } from './client.ts';
import { options as cameraOptions, portOf } from './options.ts';

/** A recorder has as many at most; more are no answer that makes sense. */
const CHANNELS_MAX = 256;
/** Anybody on the network may say that it is a recorder: the password goes to none in clear. */
const DIGEST_ONLY = true;

/**
 * Asked once, with the login where there is one; a password that is refused twice (as HTTP wants it, and as a token) is not
 * tried again. `channels`: the tokens of its sources, in its order. @throws Error where it is not reached or refuses.
 */
export async function lookIntoRecorder(
  place: { readonly host: string; readonly port?: number | undefined; readonly tls?: object | undefined },
  login: { readonly username: string; readonly passwordFile: string } | undefined,
  clock: Clock,
): Promise<{ readonly is: string; readonly channels: readonly string[] }> {
  const options = cameraOptions.parse({
    host: place.host,
    ...(place.port !== undefined && { port: place.port }),
    ...(place.tls !== undefined && { tls: place.tls }),
  });
  const own = { id: 'camera', driver: 'onvif', options };
  const credentials =
    login === undefined
      ? undefined
      : { username: login.username, password: readSecretOf(login.passwordFile) };
  const address = { host: place.host, port: portOf(options), tls: tlsOf(own, () => {}) };
  const client = createClient(address, () => credentials, clock, undefined, undefined, DIGEST_ONLY);
  await client.readClock();
  const { profiles, info } = await connectCamera(client, clock);
  if (client.waitMs() > 0) throw new Error('it refuses this password');
  const sources = new Set(profiles.map(({ source }) => source).filter((source) => source !== ''));
  const is = [info.manufacturer, info.model, info.firmware].filter((word) => word !== undefined).join(' ');
  return { is, channels: [...sources].slice(0, CHANNELS_MAX) };
}
