/** Turning a camera: presets by what people call them, and moves that end though nobody says so. */
import type { Clock } from '../contract/clock.ts';
import { hasNo, MissingError } from './absent.ts';
import type { Preset } from './codec.ts';
import { createRelays } from './relays.ts';
import { escapeXml } from './xml.ts';

/** Each -1 to 1, in the generic spaces that each camera has (ONVIF PTZ 5.1.2, 5.3). */
export interface Velocity {
  readonly pan: number;
  readonly tilt: number;
  readonly zoom: number;
}

const SCHEMA = 'http://www.onvif.org/ver10/schema';

/** Of a part that stands still nothing is said: some cameras can do only the other. */
export function velocityXml({ pan, tilt, zoom }: Velocity): string {
  const turns = pan !== 0 || tilt !== 0 ? `<PanTilt x="${pan}" y="${tilt}" xmlns="${SCHEMA}"/>` : '';
  const zooms = zoom !== 0 ? `<Zoom x="${zoom}" xmlns="${SCHEMA}"/>` : '';
  return `<Velocity>${turns}${zooms}</Velocity>`;
}

/**
 * By token, else by name, else by the number that its token ends with: platforms of GB/T 28181 know presets by numbers.
 * Names may be missing, and be the same twice; tokens are not.
 */
export const findPreset = (wanted: string, presets: readonly Preset[]): Preset | undefined =>
  presets.find(({ token }) => token === wanted) ??
  presets.find(({ name }) => name === wanted) ??
  (/^\d{1,3}$/.test(wanted)
    ? presets.find(({ token }) => Number(/(\d{1,9})$/.exec(token)?.[1] ?? Number.NaN) === Number(wanted))
    : undefined);

/** @throws MissingError, which names those that there are. */
export function presetNamed(wanted: string, presets: readonly Preset[]): Preset {
  const found = findPreset(wanted, presets);
  if (found !== undefined) return found;
  const there = presets.map(({ name, token }) => name || token);
  throw new MissingError(hasNo('preset', wanted, there));
}

/** The largest number of a preset that protocols with numbers can name. */
const NUMBER_MAX = 255;

/** Presets that a number calls: by `findPreset` it is the preset again. Others have only names. */
export function numbered(
  presets: readonly Preset[],
): readonly { readonly number: number; readonly name: string }[] {
  return presets.flatMap((preset) => {
    const words = [preset.name, preset.token, /(\d{1,3})$/.exec(preset.token)?.[1] ?? ''];
    const numbers = words.filter((word) => /^\d{1,3}$/.test(word)).map(Number);
    const number = numbers.find(
      (one) => one >= 1 && one <= NUMBER_MAX && findPreset(String(one), presets) === preset,
    );
    return number === undefined ? [] : [{ number, name: preset.name || preset.token }];
  });
}

export const presetXml = ({ token }: Preset): string => `<PresetToken>${escapeXml(token)}</PresetToken>`;

/** Moves of the cameras of one connection. */
export interface Moves {
  /** Until `halt`, or for so long, ms. @throws Error: it did not say that it does. */
  move(device: string, velocity: Velocity, ms: number): Promise<void>;
  /** @throws Error: it did not say that it stands; it is told until it does. */
  halt(device: string): Promise<void>;
  /** At the end: what moves stops. */
  rest(): Promise<void>;
}

interface Wish {
  readonly velocity: Velocity;
  readonly ms: number;
}

/**
 * A camera that moves is as a relay that is on: it is told to stop after its time, and until it says that it does. What was
 * wished before the last one was sent is not sent any more: a slow camera does not go after a joystick for minutes.
 */
export function createMoves(
  send: (device: string, wish: Wish | undefined) => Promise<void>,
  stuck: (device: string, why: string | undefined) => void,
  clock: Clock,
): Moves {
  const wishes = new Map<string, Wish>();
  const sent = new Map<string, Wish>();
  const switchOf = (device: string) => ({ device, id: 'ptz', token: 'ptz' });
  const switches = createRelays(
    async ({ device }, on) => {
      const wish = wishes.get(device);
      if (!on) {
        sent.delete(device);
        return await send(device, undefined);
      }
      // A later move was sent in its place, or it is to stand still.
      if (wish === undefined || sent.get(device) === wish) return;
      sent.set(device, wish);
      await send(device, wish);
    },
    ({ device }, why) => stuck(device, why),
    clock,
  );
  return {
    move(device, velocity, ms) {
      wishes.set(device, { velocity, ms });
      return switches.on(switchOf(device), ms);
    },
    halt(device) {
      wishes.delete(device);
      return switches.off(switchOf(device));
    },
    rest: () => switches.rest(),
  };
}
