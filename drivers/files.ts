/**
 * Files that people and other programs write, read no further than they may be long: a wrong path in a config, a dump in
 * the place of a list, /dev/zero. The size is not asked for, it may be a lie or change meanwhile: reading just stops.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';

/** Passwords, tokens, keys of devices. */
export const SECRET_FILE_MAX = 65_536;
/** Certificates: the bundle of all authorities of a system has 250 KB. */
export const CERTIFICATE_FILE_MAX = 4_194_304;
/** A campus of 10,000 devices. */
export const CONFIG_FILE_MAX = 4_194_304;
/** 200,000 cards; a large school has 20,000. */
export const CARD_FILE_MAX = 16_777_216;
/** Names for the gate screen, of as many children. */
export const PERSONS_FILE_MAX = 8_388_608;

/** How long the file of a key of the config may be: `passwordFile`. */
export function fileMaxOf(key: string): number {
  if (key === 'credentialsFile') return CARD_FILE_MAX;
  if (key === 'personsFile') return PERSONS_FILE_MAX;
  return key === 'caFile' || key === 'certFile' ? CERTIFICATE_FILE_MAX : SECRET_FILE_MAX;
}

/** Its message says which file, how long it may be, and what to do. */
export class FileTooLargeError extends Error {
  readonly code = 'E_FILE_TOO_LARGE';
  readonly file: string;
  /** Bytes. */
  readonly most: number;
  constructor(file: string, most: number) {
    super(`${file} is larger than ${sizeText(most)}, the most that is read of it; is it the right file?`);
    this.name = 'FileTooLargeError';
    this.file = file;
    this.most = most;
  }
}

/** A folder, where a file is named. node:fs says it without the name. */
export class FolderError extends Error {
  readonly code = 'EISDIR';
  constructor(file: string) {
    super(`${file} is a folder, not a file`);
    this.name = 'FolderError';
  }
}

/** A file without a secret in it: to be let in with nothing is to be let in without one. */
export class EmptySecretError extends Error {
  readonly code = 'E_SECRET_EMPTY';
  readonly isWhole: boolean;
  /** `isWhole`: there is no other line either. */
  constructor(file: string, isWhole: boolean) {
    super(`${file}: ${isWhole ? 'the file is empty' : 'its first line is empty'}`);
    this.name = 'EmptySecretError';
    this.isWhole = isWhole;
  }
}

export const sizeText = (bytes: number): string =>
  bytes >= 1_048_576 ? `${Math.floor(bytes / 1_048_576)} MB` : `${Math.floor(bytes / 1024)} KB`;

const FIRST_CHUNK = 65_536;

/** What has been read of a file; grows to `most` and one byte, which says that there is more. */
function collector(file: string, most: number) {
  let bytes = Buffer.allocUnsafe(Math.min(FIRST_CHUNK, most + 1));
  let length = 0;
  return {
    /** Where the next bytes go. */
    room() {
      if (length === bytes.length) {
        const larger = Buffer.allocUnsafe(Math.min(bytes.length * 2, most + 1));
        bytes.copy(larger);
        bytes = larger;
      }
      return { bytes, at: length, length: bytes.length - length };
    },
    /** @throws FileTooLargeError */
    took(count: number) {
      length += count;
      if (length > most) throw new FileTooLargeError(file, most);
    },
    result: () => bytes.subarray(0, length),
  };
}

/** @param most bytes. @throws FileTooLargeError, FolderError; what the system says. */
export function readBytesOf(file: string, most: number): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    if (fstatSync(descriptor).isDirectory()) throw new FolderError(file);
    const collected = collector(file, most);
    for (;;) {
      const { bytes, at, length } = collected.room();
      const count = readSync(descriptor, bytes, at, length, null);
      if (count === 0) return collected.result();
      collected.took(count);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** A named pipe: to wait for who writes into it may be to wait for ever. */
export class PipeError extends Error {
  readonly code = 'E_FILE_PIPE';
  constructor(file: string) {
    super(`${file} is a pipe, not a file: put a file there`);
    this.name = 'PipeError';
  }
}

/** The same, without the event loop waiting for the disk. @throws PipeError, too. */
export async function loadBytesOf(file: string, most: number): Promise<Buffer> {
  // Without it the opening of a pipe does not end before somebody writes.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (found.isDirectory()) throw new FolderError(file);
    if (found.isFIFO()) throw new PipeError(file);
    const collected = collector(file, most);
    for (;;) {
      const { bytes, at, length } = collected.room();
      const { bytesRead } = await handle.read(bytes, at, length, null);
      if (bytesRead === 0) return collected.result();
      collected.took(bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** As UTF-8. @throws as `readBytesOf`. */
export const readTextOf = (file: string, most: number): string => readBytesOf(file, most).toString('utf8');

/** A BOM, as Notepad writes it. Of a secret it is no part. */
const BOM = /^\ufeff/;

/**
 * What the config names a file for, a password or a token: its first line, which is never empty.
 * @throws EmptySecretError; as `readBytesOf`.
 */
export function readSecretOf(file: string): string {
  const text = readTextOf(file, SECRET_FILE_MAX).replace(BOM, '');
  const [secret = ''] = text.split(/\r\n?|\n/, 1);
  if (secret.trim() === '') throw new EmptySecretError(file, text.trim() === '');
  return secret;
}
