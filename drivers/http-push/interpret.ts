/** From what is left of a message without its pictures to what was observed. Pure: it may run in a thread apart. */
import { type Part, readTable, readTexts } from './codec.ts';
import { type Mapping, mapMessage } from './mapping.ts';
import type { Profile } from './profile.ts';

/** A message without its pictures, as it goes to another thread: buffers arrive there as plain bytes. */
export interface Sent {
  readonly profile: Profile;
  readonly texts: readonly { readonly contentType: string; readonly bytes: Uint8Array }[];
  /** Of ZKTeco's push: the name of the table that the text is. */
  readonly table?: string | undefined;
}

const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  Buffer.from(buffer, byteOffset, byteLength);

/** @returns a string: why the message is not understood. Never throws. */
export function interpret({ profile, texts, table }: Sent): Mapping | string {
  const parts = texts.map(({ contentType, bytes }): Part => ({ contentType, bytes: bufferOf(bytes) }));
  if (table === undefined) {
    const read = readTexts(parts);
    return typeof read === 'string' ? read : mapMessage(profile, read.body);
  }
  const rows = readTable(table, parts.map(({ bytes }) => bytes.toString('utf8')).join('\n'));
  return typeof rows === 'string' ? rows : mapMessage({ ...profile, events: [[]] }, rows);
}
