/** What the config says of a camera. */
import { z } from 'zod';
import type { Device } from '../contract/driver.ts';
import { duration, identifier } from '../contract/options.ts';
import { eventRule } from './mapping.ts';

export const options = z.strictObject({
  host: z.string().min(1).describe('Its address or name'),
  port: z.int().min(1).max(65_535).default(80).describe('Of its ONVIF service'),
  username: z.string().optional(),
  passwordFile: z.string().optional().describe('A file whose first line is the password'),
  source: z
    .string()
    .optional()
    .describe('Of a recorder: the token of the channel whose events and pictures these are'),
  profile: z
    .string()
    .optional()
    .describe('The token of the media profile for pictures and streams; default the first'),
  stream: z
    .string()
    .regex(/^rtsps?:\/\/[^\s@/]+(\/\S*)?$/, 'rtsp://HOST:PORT/PATH, without user')
    .optional()
    .describe('Where its stream is, where it does not tell that rightly itself'),
  events: z
    .array(eventRule)
    .default([])
    .describe('What its topics mean, before what they mean by themselves'),
  clearAfter: duration()
    .prefault('10m')
    .describe('A state whose end is never told ends after so long without another word'),
  clockTolerance: duration()
    .prefault('5s')
    .describe('A clock that is off by more is a fault (GB/T 29315: 5 s)'),
  relays: z
    .array(
      z.strictObject({
        id: identifier().describe('Its name in commands and rules'),
        token: z.string().describe('Of the relay, as the camera has it'),
        limit: duration().prefault('3m').describe('Off after so long, whatever was asked'),
      }),
    )
    .default([]),
});
/** A camera, or a channel of a recorder. */
export type Own = Device<z.output<typeof options>>;
