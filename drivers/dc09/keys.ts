/**
 * The key of an account. What a key file says is not always one key: 32 hex digits are a text for Ajax and Home Assistant
 * (AES-256), and 16 bytes in hex for Hikvision and Lupus (AES-128). All readings are tried; the first frame that opens
 * decides. A frame that opens under none lets the file be read anew where it changed.
 */
import { statSync } from 'node:fs';
import type { Log } from '../contract/driver.ts';
import { FileTooLargeError, readBytesOf, SECRET_FILE_MAX } from '../files.ts';
import { type Dc09Frame, type Dc09Message, decryptDc09, type KeyReading, keyReadings } from './codec.ts';

/** The readings of a file, or why there are none. */
export function readKeys(file: string): KeyReading[] | string {
  let content: Buffer;
  try {
    content = readBytesOf(file, SECRET_FILE_MAX);
  } catch (error) {
    if (error instanceof FileTooLargeError) return error.message;
    return `the key file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`;
  }
  const readings = keyReadings(content);
  return readings.length > 0
    ? readings
    : `the key file ${file} holds ${content.length} bytes; a key is 16, 24 or 32 bytes, or the same as hex`;
}

/** What tells that a file is another one. */
function stampOf(file: string): string {
  try {
    const { mtimeMs, ctimeMs, size, ino } = statSync(file);
    return [mtimeMs, ctimeMs, size, ino].join('/');
  } catch {
    return 'gone';
  }
}

export interface PanelKey {
  /** What a frame says; undefined: no reading of the file opens it. */
  open(frame: Dc09Frame): Dc09Message | undefined;
  /** What answers are sealed with: the key that opened the last frame. */
  readonly key: Buffer;
}

/** @returns why there is no key, as a sentence. */
export function openKey(
  file: string,
  about: { readonly device: string; readonly account: string },
  log: Pick<Log, 'info' | 'warn'>,
): PanelKey | string {
  let stamp = stampOf(file);
  const first = readKeys(file);
  if (typeof first === 'string') return first;
  let readings = first;
  let decided = false;

  const tryAll = (frame: Dc09Frame): Dc09Message | undefined => {
    let undated: Dc09Message | undefined;
    for (const [at, reading] of readings.entries()) {
      const message = decryptDc09(frame, reading.key);
      undated ??= message;
      // Only a time proves the key: each encrypted frame has one (DC-09, 5.5.1.9).
      if (message?.timestamp === undefined) continue;
      if (at > 0 || !decided) {
        readings = [reading, ...readings.filter((one) => one !== reading)];
        if (readings.length > 1)
          log.info(
            { ...about, keyFile: file },
            `the key file is read as ${reading.as}: AES-${reading.key.length * 8} opens what the panel sends`,
          );
        decided = true;
      }
      return message;
    }
    return undated;
  };
  /** Whether there are other keys now. */
  const readAgain = (): boolean => {
    const now = stampOf(file);
    if (now === stamp) return false;
    stamp = now;
    const read = readKeys(file);
    if (typeof read === 'string') {
      log.warn(about, `${read}; the key that was there before stays in use`);
      return false;
    }
    log.info({ ...about, keyFile: file }, 'the key file changed and was read anew');
    readings = read;
    decided = false;
    return true;
  };
  return {
    open: (frame) => tryAll(frame) ?? (readAgain() ? tryAll(frame) : undefined),
    get key() {
      return (readings[0] as KeyReading).key;
    },
  };
}
