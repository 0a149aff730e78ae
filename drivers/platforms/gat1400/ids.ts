/**
 * By what a view library knows what it is sent. Each is made of what stays the same of an event, so that a second sending
 * is the same object. Tables 3 and 4 of GA/T 1400.1 (GA/T 2000.248 and 249): a basic object has 41 digits, what is seen on
 * it 7 more.
 */
import { createHash } from 'node:crypto';
import type { PlatformHost } from '../../contract/transport.ts';

/** Digits 21 and 22: a picture. 01 is a clip, 03 a file. */
const PICTURE = '02';
/** Digits 42 and 43: what is seen. */
export const seen = { person: '01', vehicle: '02', face: '06' } as const;
/** The type of a device that sees (annex D of GB/T 28181, as views use it): a camera or a terminal. */
const DEVICE = '119';

const SERIAL_MAX = 100_000;

/**
 * Five digits that tell two pictures of one device in one second apart: the event's number in the journal. One that is not on
 * disk has none yet: then of its id.
 */
export function serialOf({ id, sequence }: { readonly id: string; readonly sequence?: unknown }): string {
  const number = Number(sequence);
  const serial =
    Number.isSafeInteger(number) && number > 0
      ? number
      : createHash('sha256').update(id).digest().readUInt32BE(0);
  return String(serial % SERIAL_MAX).padStart(5, '0');
}

/** Of a picture: 20 digits of who took it, 2 of its kind, 14 of the local time, 5 of the serial number. */
export const imageId = (device: string, localTime: string, serial: string): string =>
  `${device}${PICTURE}${localTime}${serial}`;

/** Of what is seen on a picture; we say of one thing on each. */
export const seenId = (image: string, what: keyof typeof seen): string => `${image}${seen[what]}00001`;

export interface DeviceIds {
  /** The 20 digits of a device: made once from the gateway's own, and kept. @throws Error where they are not on disk. */
  of(name: string): Promise<string>;
  /** Those that were asked for: by each, what it names. */
  known(): Readonly<Record<string, string>>;
}

export function createDeviceIds(own: string, host: Pick<PlatformHost, 'numbers'>): DeviceIds {
  const known = new Map<string, string>();
  return {
    async of(name) {
      const before = known.get(name);
      if (before !== undefined) return before;
      const [serial] = await host.numbers(DEVICE, [name]);
      const id = `${own.slice(0, 10)}${DEVICE}${own[13]}${String(serial).padStart(6, '0')}`;
      known.set(name, id);
      return id;
    },
    known: () => Object.fromEntries([...known].map(([name, id]) => [id, name])),
  };
}
