/** Commands to cameras: presets, pictures, relays, where their streams are. */
import { z } from 'zod';
import { type Command, type Host, type Outcome, wrongArgument } from '../contract/driver.ts';
import { withCredentials } from '../digest.ts';
import { WRONG_PASSWORD } from '../login.ts';
import { hasNo, MissingError } from './absent.ts';
import type { Camera } from './camera.ts';
import { profileOf } from './channels.ts';
import type { Client } from './client.ts';
import type { Own } from './options.ts';
import { type Moves, numbered } from './ptz.ts';
import type { Relays } from './relays.ts';

/** A camera that turns needs a moment until its picture stands still. */
const SETTLE_MS = 600;
/** A siren does not wait for a list. */
const RELAYS_MS = 500;

const presetSchema = z.strictObject({ preset: z.string().min(1).max(100), event: z.string().optional() });
const snapshotSchema = z.strictObject({
  preset: z.string().min(1).max(100).optional(),
  event: z.string().max(64).optional(),
});
const savedSchema = z.strictObject({ preset: z.string().min(1).max(100) });
const speed = z.number().min(-1).max(1).default(0);
const moveSchema = z.strictObject({
  pan: speed,
  tilt: speed,
  zoom: speed,
  for: z.number().min(0.1).max(30).default(10),
});
const relaySchema = z.strictObject({ output: z.string(), for: z.number().positive().max(86_400).optional() });

/** @throws Error with a sentence. */
function read<T>(schema: z.ZodType<T>, given: unknown): T {
  const parsed = schema.safeParse(given);
  if (!parsed.success) throw new Error(wrongArgument(parsed.error));
  return parsed.data;
}

/** What a camera, or a channel of a recorder, can be told. */
export function createExecutor(
  cameras: readonly Own[],
  host: Host,
  signal: AbortSignal,
  connected: () => Promise<Camera>,
  client: Client,
  relays: Relays,
  moves: Moves,
): (command: Command) => Promise<Outcome> {
  const relay = async (
    { action, arguments: given }: Command,
    { id, options: own }: Own,
  ): Promise<Outcome> => {
    const wanted = read(relaySchema, given);
    const found = own.relays.find((one) => one.id === wanted.output);
    if (found === undefined) return { done: false, reason: `there is no output ${wanted.output}` };
    const one = { device: id, id: found.id, token: found.token };
    const isOn = action === 'activate';
    // Off is told before anything else is asked, and until it is.
    if (!isOn) await relays.off(one);
    const camera = await connected();
    // Some say yes to whatever they are told. Known since it was connected, as a rule.
    const there = await Promise.race([
      camera.relays(),
      host.clock.wait(RELAYS_MS, signal).then(() => undefined),
    ]);
    if (there !== undefined && !there.includes(found.token))
      return { done: false, reason: hasNo('relay', found.token, there) };
    const ms = Math.min(wanted.for === undefined ? found.limit : wanted.for * 1000, found.limit);
    if (isOn) await relays.on(one, ms);
    return { done: true };
  };
  return async (command) => {
    const device = cameras.find(({ id }) => id === command.device);
    if (device === undefined) return { done: false, reason: `there is no camera ${command.device}` };
    const { stream } = device.options;
    /** The camera, and which of its profiles is this channel's. */
    const channel = async () => {
      const camera = await connected();
      return { camera, profile: profileOf(device, camera.profiles) };
    };
    switch (command.action) {
      case 'preset': {
        const { preset } = read(presetSchema, command.arguments);
        const { camera, profile } = await channel();
        await camera.gotoPreset(preset, profile);
        return { done: true };
      }
      case 'save-preset':
      case 'delete-preset': {
        const { preset } = read(savedSchema, command.arguments);
        const { camera, profile } = await channel();
        await (command.action === 'save-preset'
          ? camera.savePreset(preset, profile)
          : camera.deletePreset(preset, profile));
        return { done: true };
      }
      case 'move': {
        const { for: seconds, ...velocity } = read(moveSchema, command.arguments);
        await moves.move(device.id, velocity, seconds * 1000);
        return { done: true };
      }
      case 'halt':
        await moves.halt(device.id);
        return { done: true };
      case 'reboot':
        await (await connected()).reboot();
        return { done: true };
      case 'snapshot': {
        const { preset, event } = read(snapshotSchema, command.arguments);
        const { camera, profile } = await channel();
        let astray: string | undefined;
        if (preset !== undefined) {
          astray = await camera.gotoPreset(preset, profile).then(
            () => undefined,
            (error: Error) => {
              // Nobody asked for what there is instead.
              if (error instanceof MissingError) throw error;
              return error.message;
            },
          );
          if (astray === undefined) await host.clock.wait(SETTLE_MS, signal);
          signal.throwIfAborted();
        }
        const bytes = await camera.snapshot(profile, signal, stream);
        signal.throwIfAborted();
        const picture = await host.keep(device.id, { contentType: 'image/jpeg', bytes }, { event });
        if (astray === undefined) return { done: true, result: { picture } };
        // A picture of another view is better than none, as long as it is not told as the one that was asked for.
        return {
          done: false,
          reason: `it did not turn to ${preset}: ${astray}; picture ${picture} is of where it looked`,
        };
      }
      case 'stream': {
        // Who plays it tries the password, as often as it likes.
        if (client.waitMs() > 0) throw new Error(WRONG_PASSWORD);
        if (stream !== undefined)
          return { done: true, result: { url: withCredentials(stream, client.credentials()) } };
        const { camera, profile } = await channel();
        return { done: true, result: { url: await camera.streamUrl(profile) } };
      }
      case 'presets': {
        const { camera, profile } = await channel();
        const all = await camera.presets(profile);
        return {
          done: true,
          result: { presets: numbered(all), all: all.map(({ token, name }) => ({ token, name })) },
        };
      }
      case 'key-picture': {
        const { camera, profile } = await channel();
        await camera.keyPicture(profile);
        return { done: true };
      }
      case 'activate':
      case 'deactivate':
        return await relay(command, device);
      default:
        return { done: false, reason: `a camera does not know ${command.action}` };
    }
  };
}
