/** What the config says of a reader. */
import { z } from 'zod';
import { cardOptions, wiegandFormats } from '../bits.ts';
import type { Device } from '../contract/driver.ts';
import { duration, zoneOptions } from '../contract/options.ts';
import { readTextOf, SECRET_FILE_MAX } from '../files.ts';
import { lineConnection } from '../line.ts';
import { colourOption, outputOptions } from './data.ts';
import { DEFAULT_KEY, isDefaultKey } from './secure.ts';

export const readerOptions = z.strictObject({
  connection: lineConnection.describe('`serial` with its settings, usually 9600 8N1, or `serialServer`'),
  address: z
    .int()
    .min(0)
    .max(127)
    .default(0)
    .describe('Of the reader on its line; 127: the only one of its line, whatever its address'),
  answerTime: duration({ least: '20ms', most: '5s' })
    .prefault('200ms')
    .describe('How long it may take to begin its answer; the time of the bytes on the line comes on top'),
  keyFile: z
    .string()
    .optional()
    .describe(
      '32 hex digits, its own key (SCBK): the secure channel is then a must. Without it the line is in clear',
    ),
  bounce: duration().prefault('2s').describe('The same card again within this time is the same showing'),
  defaultKey: z
    .boolean()
    .default(false)
    .describe(
      'Secure channel with the key that everybody knows (SCBK-D): a fault is reported as long as it is so',
    ),
  formats: wiegandFormats(),
  ...cardOptions,
  inputs: z
    .array(
      zoneOptions.extend({
        input: z.int().min(0).max(255).describe('Its number in the reader, from 0'),
        normal: z.enum(['open', 'closed']).default('open').describe('How its contact is when all is quiet'),
      }),
    )
    .default([])
    .describe('Contacts at the reader; `kind` is by default `contact`, that of a door'),
  light: colourOption
    .optional()
    .describe('The colour of its light when nothing happens, set again when it restarts; by default its own'),
  outputs: z.array(outputOptions).default([]).describe('Relays of the reader'),
});
export type Reader = Device<z.output<typeof readerOptions>>;

/** The key of a file. @throws Error with a sentence. */
export function readKey(file: string): Buffer {
  const text = readTextOf(file, SECRET_FILE_MAX).trim();
  if (!/^[0-9A-Fa-f]{32}$/.test(text)) throw new Error(`${file}: a key is 32 hex digits`);
  const key = Buffer.from(text, 'hex');
  if (isDefaultKey(key))
    throw new Error(
      `${file}: this is the key that every reader has from the factory; write defaultKey: true instead`,
    );
  return key;
}

/** The key of its secure channel; undefined: its line is in clear. @throws Error with a sentence. */
export function keyOf({ options: { keyFile, defaultKey } }: Reader): Buffer | undefined {
  if (keyFile !== undefined) return readKey(keyFile);
  return defaultKey ? DEFAULT_KEY : undefined;
}
