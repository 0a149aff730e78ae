/**
 * ONVIF cameras and recorders: events by pull-point, pictures, presets, relays, where their streams are. Channels of one
 * recorder share a session; their tokens tell whose event it is.
 */
import { defineDriver } from '../contract/driver.ts';
import { repeatedOutputs } from '../contract/options.ts';
import { readSecretOf } from '../files.ts';
import type { CameraAddress } from './address.ts';
import type { Camera } from './camera.ts';
import { tlsOf } from './certificate.ts';
import { channelClashes } from './channel-check.ts';
import { channelOf, profileOf, sourceNamed } from './channels.ts';
import { createClient } from './client.ts';
import { createExecutor } from './execute.ts';
import { follow } from './follow.ts';
import { loginClashes, type Own, options, portOf } from './options.ts';
import { createMoves } from './ptz.ts';
import { createRelays } from './relays.ts';
import { createStates } from './states.ts';

/** Of what a camera says to a relay, characters. */
const REASON_MAX = 300;

export const onvif = defineDriver({
  name: 'onvif',
  title: { en: 'ONVIF cameras and recorders', zh: 'ONVIF 摄像机与录像机' },
  options,
  line: ({ options: own }) => `onvif ${own.host}:${portOf(own)}`,
  commands: ({ options: { relays } }) => [
    ...['preset', 'snapshot', 'move', 'halt', 'save-preset', 'delete-preset', 'reboot'].map((action) => ({
      action,
    })),
    ...['clip', 'push-stream', 'stop-stream'].map((action) => ({ action })),
    ...relays.flatMap(({ id }) => ['activate', 'deactivate'].map((action) => ({ action, output: id }))),
  ],
  problems({ options: { username, passwordFile, relays } }) {
    const repeated = repeatedOutputs('relays', 'token', relays);
    if ((username === undefined) === (passwordFile === undefined)) return repeated;
    return [...repeated, { path: ['passwordFile'], message: 'username and passwordFile go together' }];
  },
  clashes: (devices) => [...loginClashes(devices), ...channelClashes(devices)],

  explain: () => ({ module: new URL('./explain.ts', import.meta.url).href, name: 'explain' }),

  async open(devices, host) {
    const cameras = devices as readonly Own[];
    const [first] = cameras as [Own, ...Own[]];
    const { username, passwordFile = '' } = first.options;
    const { clock } = host;
    const address: CameraAddress = {
      host: first.options.host,
      port: portOf(first.options),
      tls: tlsOf(first, (about) =>
        host.log.info(
          { device: first.id, ...about },
          'the certificate of a camera was seen for the first time: another one will be refused; `tls.fingerprint` keeps it for good',
        ),
      ),
    };
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, host.signal]);
    const credentials = () =>
      username === undefined ? undefined : { username, password: readSecretOf(passwordFile) };
    const client = createClient(
      address,
      credentials,
      clock,
      (reason, detail) => host.discarded(first.id, reason, 0, detail),
      host.tap,
    );
    let camera: Promise<Camera> | undefined;
    let profiles: Camera['profiles'] = [];
    const connect = async () => {
      // Loaded by who has cameras: a daemon of years keeps what it has loaded.
      const { connectCamera } = await import('./camera.ts');
      const one = await connectCamera(client, clock);
      profiles = one.profiles;
      return one;
    };
    /** Whoever asks meanwhile waits for the same answer. */
    const connected = () => {
      const now = camera ?? connect();
      camera = now;
      now.catch(() => {
        if (camera === now) camera = undefined;
      });
      return now;
    };
    const forget = () => {
      camera = undefined;
    };
    const states = createStates(
      cameras,
      host,
      (notification) => channelOf(notification, cameras, profiles),
      (notification) => sourceNamed(notification, profiles),
    );
    const relays = createRelays(
      async ({ token }, on) => await (await connected()).setRelay(token, on),
      ({ device, id }, why) =>
        void host
          .report({
            ...{ device, kind: 'fault', cause: 'output', state: why === undefined ? 'restored' : 'raised' },
            details: { part: id, ...(why !== undefined && { reason: why.slice(0, REASON_MAX) }) },
          })
          .catch(() => {}),
      clock,
    );
    const moves = createMoves(
      async (device, wish) => {
        const own = cameras.find(({ id }) => id === device) ?? first;
        const one = await connected();
        const profile = profileOf(own, one.profiles);
        if (wish === undefined) await one.halt(profile);
        else await one.move(wish.velocity, Math.ceil(wish.ms / 1000), profile);
      },
      (device, why) =>
        host.log.warn(
          { device, reason: why?.slice(0, REASON_MAX) },
          why === undefined
            ? 'a camera stands still again'
            : 'a camera does not stop turning; it is told again',
        ),
      clock,
    );
    const running = follow({ cameras, client, host, signal, states, connected, forget });
    return {
      ended: running,
      execute: createExecutor(cameras, host, signal, connected, client, relays, moves),
      async close() {
        stop.abort();
        states.close();
        await Promise.all([relays.rest(), moves.rest()]);
        await running.catch(() => {});
      },
    };
  },
});
