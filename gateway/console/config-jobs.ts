/** What changing the config asks that takes long, for a config of 4 MB: called in a thread apart, as system-jobs.ts. */
import { createHash } from 'node:crypto';
import { CONFIG_FILE_MAX, readBytesOf } from '../../drivers/files.ts';
import type { ConfigDraft } from './contract/config-edit.ts';
import { hideSecrets } from './hidden.ts';
import { revealSecrets } from './hidden-lines.ts';

const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** The file as it may be shown, and its hash. @throws what the disk says. */
export function readDraft({ file }: { readonly file: string }): ConfigDraft {
  const bytes = readBytesOf(file, CONFIG_FILE_MAX);
  return { text: hideSecrets(bytes.toString()).text, sha256: hashOf(bytes) };
}

/** A text of a version as it may be shown. */
export const hideText = ({ text }: { readonly text: string }): string => hideSecrets(text).text;

/**
 * What somebody wrote, with the secrets of the file where they were hidden; `line`: one of them cannot be told. `changed`: the
 * file is not the one that was shown. @throws what the disk says.
 */
export function completeText({
  file,
  text,
  sha256,
}: {
  readonly file: string;
  readonly text: string;
  readonly sha256: string;
}): { readonly text: string } | { readonly line: number } | { readonly changed: true } {
  const bytes = readBytesOf(file, CONFIG_FILE_MAX);
  return hashOf(bytes) === sha256 ? revealSecrets(bytes.toString(), text) : { changed: true };
}
