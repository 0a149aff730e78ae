/** Copies of all that a new mini-PC needs in the place of a dead one, for those who have the key. */
import { z } from 'zod';
import { clockTime } from './values.ts';

/** Bech32's letters, in the order of their values (BIP 173). */
const LETTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
/** Of the checksum (BIP 173, "Bech32"). */
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/** Whether it is a public key of age, X25519, its checksum included: a slip of the pen is found before the night. */
export function isRecipient(text: string): boolean {
  if (!/^age1[02-9ac-hj-np-z]{58}$/.test(text)) return false;
  const prefix = [...'age'].map((letter) => letter.charCodeAt(0));
  const values = [
    ...prefix.map((code) => code >> 5),
    0,
    ...prefix.map((code) => code & 31),
    ...[...text.slice(4)].map((letter) => LETTERS.indexOf(letter)),
  ];
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    for (const [i, of] of GENERATOR.entries()) if (((top >>> i) & 1) === 1) sum ^= of;
  }
  return sum === 1;
}

export const backup = z.strictObject({
  recipients: z
    .array(z.string().refine(isRecipient, 'a public key as `campus-gateway backup keys` prints it: age1…'))
    .min(1)
    .describe('Public keys: who has the private key of one of them can read the backups, and nobody else'),
  at: clockTime()
    .default('02:30')
    .describe('When it is made each day, in `timezone`; one that was missed is made later'),
  keep: z.int().min(1).max(1000).default(14).describe('How many stay in the folder; older ones are removed'),
  folder: z
    .string()
    .optional()
    .describe(
      'Where they go, relative to this file: better another disk. Default `backups` in the data folder',
    ),
  clips: z.boolean().default(false).describe('Pictures and clips too: they take as much as `media.budget`'),
});
export type BackupConfig = z.output<typeof backup> & { readonly folder: string };
