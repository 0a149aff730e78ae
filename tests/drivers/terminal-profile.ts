import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parse } from 'yaml';
import { cutPictures, readTexts } from '../../drivers/http-push/codec.ts';
import { mapMessage } from '../../drivers/http-push/mapping.ts';
import { type Profile, profileSchema } from '../../drivers/http-push/profile.ts';

/** A profile of config/profiles. */
export const terminalProfile = (name: string) =>
  profileSchema.parse(
    parse(readFileSync(join(import.meta.dirname, `../../config/profiles/${name}.yaml`), 'utf8')),
  ) as Profile;

/** What a message says, all of it as the profile has it. */
export const mapWith = (profile: Profile, body: unknown) => {
  const found = mapMessage(profile, body);
  if (typeof found === 'string') throw new Error(found);
  expect(found.problems).toEqual([]);
  return found.mapped;
};

/** A whole message, as its body and its pictures; a string: why it is none. */
export function readMessage(contentType: string, bytes: Buffer) {
  const cut = cutPictures(contentType, bytes);
  if (typeof cut === 'string') return cut;
  const read = readTexts(cut.texts);
  return typeof read === 'string' ? read : { ...read, pictures: cut.pictures };
}
