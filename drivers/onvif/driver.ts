/**
 * ONVIF cameras and recorders: events by pull-point, pictures, presets, relays, where their streams are. Channels of one
 * recorder share a session; `source` tells whose event it is.
 */

import { z } from 'zod';
import type { Timer } from '../contract/clock.ts';
import { type Command, defineDriver, type Host, type Outcome, wrongArgument } from '../contract/driver.ts';
import { type Credentials, withCredentials } from '../digest.ts';
import { readSecretOf } from '../files.ts';
import type { Camera, CameraAddress } from './camera.ts';
import { readClock, readEvents } from './events.ts';
import { type Own, options } from './options.ts';
import { createStates } from './states.ts';
import type { ClockReading } from './times.ts';

const RETRY_MS = 2000;
const RETRY_MAX_MS = 5000;
/** A camera locks out who tries a wrong password too often. The first time it may be its clock that has jumped. */
const REFUSED = /password|authenticat|authori[sz]/i;
const REFUSED_MS = 60_000;
/** Silent for so long, it is offline. */
const OFFLINE_MS = 15_000;
const CLOCK_EVERY_MS = 600_000;
/** A camera that turns needs a moment until its picture stands still. */
const SETTLE_MS = 600;

export const onvif = defineDriver({
  name: 'onvif',
  title: { en: 'ONVIF cameras and recorders', zh: 'ONVIF 摄像机与录像机' },
  options,
  line: ({ options: { host, port } }) => `onvif ${host}:${port}`,
  commands: ({ options: { relays } }) => [
    ...['preset', 'snapshot', 'clip', 'push-stream', 'stop-stream'].map((action) => ({ action })),
    ...relays.flatMap(({ id }) => ['activate', 'deactivate'].map((action) => ({ action, output: id }))),
  ],
  problems({ options: { username, passwordFile } }) {
    if ((username === undefined) === (passwordFile === undefined)) return [];
    return [{ path: ['passwordFile'], message: 'username and passwordFile go together' }];
  },

  async open(devices, host) {
    const cameras = devices as readonly Own[];
    const [{ options: first }] = cameras as [Own, ...Own[]];
    const address: CameraAddress = {
      host: first.host,
      port: first.port,
      credentials:
        first.username === undefined
          ? undefined
          : { username: first.username, password: readSecretOf(first.passwordFile ?? '') },
    };
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, host.signal]);
    const states = createStates(
      cameras,
      host,
      ({ source }) =>
        cameras.find(
          ({ options: { source: own } }) => own !== undefined && Object.values(source).includes(own),
        ) ??
        cameras.find(({ options: { source: own } }) => own === undefined) ??
        cameras[0],
    );
    const held: { camera?: Camera | undefined } = {};
    const connected = async () => {
      if (held.camera === undefined) {
        // Loaded by who has cameras: a daemon of years keeps what it has loaded.
        const { connectCamera } = await import('./camera.ts');
        held.camera = await connectCamera(address, host.clock);
      }
      return held.camera;
    };
    const running = follow({ cameras, address, host, signal, states, connected, held });
    const execute = executor(cameras, host, signal, connected, address.credentials);
    return {
      ended: running,
      execute,
      async close() {
        stop.abort();
        states.close();
        await running.catch(() => {});
      },
    };
  },
});

/** Keeps a subscription, and makes the next one when it is lost. Resolves when the signal aborts. */
async function follow(context: {
  readonly cameras: readonly Own[];
  readonly address: CameraAddress;
  readonly host: Host;
  readonly signal: AbortSignal;
  readonly states: ReturnType<typeof createStates>;
  readonly connected: () => Promise<Camera>;
  readonly held: { camera?: Camera | undefined };
}): Promise<void> {
  const { cameras, address, host, signal, states, connected, held } = context;
  const { clock } = host;
  let heardAt = clock.elapsed();
  let told = false;
  let why = '';
  const heard = () => {
    heardAt = clock.elapsed();
    for (const { id } of cameras) host.link(id, 'online');
  };
  const silence = () => {
    if (clock.elapsed() - heardAt < OFFLINE_MS) return;
    for (const { id } of cameras) host.link(id, 'offline', why || `silent for ${OFFLINE_MS / 1000} s`);
  };
  const watching = clock.every(1000, silence);
  const pauses = clock.onPause(() => {
    heardAt = clock.elapsed();
  });
  try {
    for (let tries = 0; !signal.aborted; tries++) {
      try {
        let reading: ClockReading = { offset: undefined, zone: undefined };
        let lookedAt = 0;
        const look = async () => {
          lookedAt = clock.elapsed();
          reading = await readClock(address, clock, signal);
          states.clock(reading);
        };
        await look();
        const camera = await connected();
        if (!told)
          for (const { id } of cameras)
            host.log.info({ device: id, ...camera.info }, 'a camera told who it is');
        told = true;
        if (camera.events === undefined) {
          // Nothing to listen to: whether it is there is all there is to know.
          heard();
          await clock.wait(OFFLINE_MS / 3, signal);
          continue;
        }
        await readEvents({
          address,
          url: camera.events,
          offset: () => reading.offset ?? 0,
          clock,
          signal,
          heard() {
            tries = 0;
            heard();
          },
          take: (notification) => states.take(notification, reading),
          discarded: (reason, count) => host.discarded(cameras[0]?.id ?? '', reason, count),
          async between() {
            if (clock.elapsed() - lookedAt > CLOCK_EVERY_MS) await look().catch(() => {});
          },
        });
      } catch (error) {
        if (signal.aborted) return;
        // What it was before it went may not be what it is when it comes back.
        held.camera = undefined;
        const { message, cause } = error as Error;
        why = (cause as Error | undefined)?.message || message;
        host.log.debug({ device: cameras[0]?.id, error: why }, 'a subscription was lost');
        if ((error as { code?: string }).code === 'E_SOAP')
          host.discarded(cameras[0]?.id ?? '', 'an answer that makes no sense', 0, why);
        // The first loss may be of the moment: the next subscription is tried at once.
        const wait =
          tries === 0
            ? 100
            : REFUSED.test(why)
              ? REFUSED_MS
              : Math.min(RETRY_MS * tries, RETRY_MAX_MS) * (0.5 + clock.random() / 2);
        await clock.wait(wait, signal);
      }
    }
  } finally {
    watching.stop();
    pauses.stop();
  }
}

const presetSchema = z.strictObject({ preset: z.string().min(1).max(100), event: z.string().optional() });
const snapshotSchema = z.strictObject({
  preset: z.string().min(1).max(100).optional(),
  event: z.string().max(64).optional(),
});
const relaySchema = z.strictObject({ output: z.string(), for: z.number().positive().max(86_400).optional() });

function executor(
  cameras: readonly Own[],
  host: Host,
  signal: AbortSignal,
  connected: () => Promise<Camera>,
  credentials: Credentials | undefined,
): (command: Command) => Promise<Outcome> {
  const timers = new Map<string, Timer>();
  const read = <T>(schema: z.ZodType<T>, given: unknown): T => {
    const parsed = schema.safeParse(given);
    if (!parsed.success) throw new Error(wrongArgument(parsed.error));
    return parsed.data;
  };
  const relay = async (
    { action, arguments: given }: Command,
    { id, options: own }: Own,
  ): Promise<Outcome> => {
    const wanted = read(relaySchema, given);
    const found = own.relays.find((one) => one.id === wanted.output);
    if (found === undefined) return { done: false, reason: `there is no output ${wanted.output}` };
    const key = `${id}/${found.id}`;
    timers.get(key)?.stop();
    const camera = await connected();
    await camera.setRelay(found.token, action === 'activate');
    if (action === 'activate') {
      const ms = Math.min(wanted.for === undefined ? found.limit : wanted.for * 1000, found.limit);
      const off = () => void camera.setRelay(found.token, false).catch(() => {});
      timers.set(key, host.clock.after(ms, off));
    }
    return { done: true };
  };
  return async (command) => {
    const device = cameras.find(({ id }) => id === command.device);
    if (device === undefined) return { done: false, reason: `there is no camera ${command.device}` };
    const { profile, stream } = device.options;
    switch (command.action) {
      case 'preset':
        await (await connected()).gotoPreset(read(presetSchema, command.arguments).preset);
        return { done: true };
      case 'snapshot': {
        const { preset, event } = read(snapshotSchema, command.arguments);
        const camera = await connected();
        if (preset !== undefined) {
          // A picture of the wrong place is better than none.
          await camera
            .gotoPreset(preset)
            .catch((error: Error) =>
              host.log.warn({ device: device.id, preset, error: error.message }, 'a camera did not turn'),
            );
          await host.clock.wait(SETTLE_MS, signal);
          signal.throwIfAborted();
        }
        const bytes = await camera.snapshot(profile, signal);
        signal.throwIfAborted();
        const picture = await host.keep(device.id, { contentType: 'image/jpeg', bytes }, { event });
        return { done: true, result: { picture } };
      }
      case 'stream':
        return {
          done: true,
          result: {
            url:
              stream === undefined
                ? await (await connected()).streamUrl(profile)
                : withCredentials(stream, credentials),
          },
        };
      case 'activate':
      case 'deactivate':
        return await relay(command, device);
      default:
        return { done: false, reason: `a camera does not know ${command.action}` };
    }
  };
}
