/** How long events stay, and what they may take. */
import { z } from 'zod';
import { duration } from '../../drivers/contract/options.ts';
import { byClass, size } from './values.ts';

export const retention = z
  .strictObject({
    keep: duration().prefault('180d').describe('How long events stay on disk (GB/T 29315 asks 180 days)'),
    budget: size()
      .prefault('8GB')
      .describe(
        'What the journal may take; over it, the oldest of the lowest lane go, never an undelivered alarm',
      ),
    lowDisk: size().prefault('1GB').describe('Free disk under which `gateway.storage-low` is sent'),
    classes: byClass(
      z.strictObject({
        keep: duration().optional().describe('How long events of this class stay; default `keep`'),
        bytes: size().optional().describe('What events of this class may take'),
      }),
    )
      .default({})
      .describe('By class of event'),
  })
  .prefault({})
  .describe('What is removed before a platform had it is told in `gateway.dropped`');
